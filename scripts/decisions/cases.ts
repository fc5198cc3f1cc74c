import { runInLockstep, type Lockstep } from './lockstep.ts'
import { nameTheBadOne, type Naming } from './overlap.ts'
import {
  evidenceStrategy,
  fleetOf,
  MINUTE,
  percentBudget,
  percentWaves,
  simulate,
  type Circumstances,
  type Outcome,
} from './world.ts'

/** The share that a good build breaks. */
export const GOOD = 0.005
const SHARES = [0.01, 0.05, 0.2, 1]

type Strategy = 'evidence' | 'waves of 1/10/100 %' | 'budget of 5 %'

/** A build that breaks a share of the control planes. */
export interface Build {
  readonly strategy: Strategy
  readonly share: number
}
export const BUILDS: readonly Build[] = (['evidence', 'waves of 1/10/100 %', 'budget of 5 %'] as const).flatMap(
  (strategy) => [...(strategy === 'evidence' ? [GOOD] : []), ...SHARES].map((share) => ({ strategy, share })),
)

/** Control planes fall ill by themselves once in 1,000 hours: with and without a comparison with untreated ones. */
export interface Background extends Circumstances {
  readonly compareUntreated: boolean
  readonly share: number
  readonly slowMs: number
}
export const BACKGROUNDS: readonly Background[] = [false, true].flatMap((compareUntreated) =>
  [
    { share: GOOD, slowMs: 0 },
    { share: 0.05, slowMs: 0 },
    { share: 0.2, slowMs: 0 },
    { share: 0.05, slowMs: 480 * MINUTE },
  ].map((each) => ({ ...each, compareUntreated, illnessMs: 60_000 * MINUTE })),
)

/** Shares that the bad one of two overlapping fixes makes ill. */
export const NAMED = [0.05, 0.2]
/** The same when they reach everybody at nearly the same time; 0 = neither is bad. */
export const IN_LOCKSTEP = [0, ...SHARES.slice(1)]

/** What came of each case, seed by seed. */
export interface Results {
  readonly builds: readonly Outcome[][]
  readonly backgrounds: readonly Outcome[][]
  readonly named: readonly Naming[][]
  readonly lockstep: readonly Lockstep[][]
}

export const CASES = BUILDS.length + BACKGROUNDS.length + NAMED.length + IN_LOCKSTEP.length

/** Simulates all cases for these seeds; says when each is done. */
export function simulateCases(targets: number, seeds: readonly number[], done: () => void): Results {
  const fleet = fleetOf(targets)
  const strategies = {
    evidence: evidenceStrategy,
    'waves of 1/10/100 %': percentWaves(targets),
    'budget of 5 %': percentBudget(targets),
  }
  const each = <Case, Result>(cases: readonly Case[], simulated: (one: Case, seed: number) => Result): Result[][] =>
    cases.map((one) => {
      const results = seeds.map((seed) => simulated(one, seed))
      done()
      return results
    })
  return {
    builds: each(BUILDS, ({ strategy, share }, seed) => simulate(fleet, strategies[strategy], share, seed)),
    backgrounds: each(BACKGROUNDS, ({ compareUntreated, share, ...circumstances }, seed) =>
      simulate(fleet, { ...evidenceStrategy, compareUntreated }, share, seed, circumstances),
    ),
    named: each(NAMED, (share, seed) => nameTheBadOne(fleet, share, seed)),
    lockstep: each(IN_LOCKSTEP, (share, seed) => runInLockstep(fleet, share, seed, share === 0 ? 'none' : undefined)),
  }
}
