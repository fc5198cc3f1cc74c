// Operating characteristics of the rollout engine, by simulation with the real engine: what bad builds break before they
// are halted, how often good ones are halted, how much of the fleet is exposed against percentages, whether the bad one of
// two overlapping fixes is named, and whether it takes a good one with it. Prints a table, or one JSON document with --json.
import { parseArgs } from 'node:util'
import { runInLockstep, type Lockstep } from './decisions/lockstep.ts'
import { nameTheBadOne } from './decisions/overlap.ts'
import { evidenceStrategy, fleetOf, percentBudget, percentWaves, simulate } from './decisions/world.ts'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rollouts: { type: 'string', default: '1000' },
    targets: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  },
})
const rollouts = Number(flags.rollouts)
const targets = Number(flags.targets)
const seed = Number(flags.seed)
if (![rollouts, targets, seed].every((value) => Number.isInteger(value) && value > 0)) {
  throw new RangeError('--rollouts, --targets and --seed are whole numbers from 1.')
}

const GOOD = 0.005
const SHARES = [0.01, 0.05, 0.2, 1]
const fleet = fleetOf(targets)
const strategies = {
  evidence: evidenceStrategy,
  'waves of 1/10/100 %': percentWaves(targets),
  'budget of 5 %': percentBudget(targets),
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

const started = process.cpuUsage()
const seeds = Array.from({ length: rollouts }, (_, index) => seed + index)
const builds = Object.entries(strategies).flatMap(([strategy, input]) =>
  [...(strategy === 'evidence' ? [GOOD] : []), ...SHARES].map((share) => {
    const outcomes = seeds.map((each) => simulate(fleet, input, share, each))
    const halts = outcomes.filter(({ halted }) => halted)
    const rules = Object.fromEntries(
      [...Map.groupBy(halts, ({ rule }) => rule)].map(([rule, some]) => [rule, some.length]),
    )
    return {
      strategy,
      breaksPercent: share * 100,
      haltedPercent: rounded((halts.length / rollouts) * 100, 2),
      meanBrokenAtHalt: rounded(mean(outcomes.map(({ broken }) => broken)), 2),
      // With those that are under way at the halt and would break if they were not taken back.
      meanBrokenOrDoomed: rounded(mean(outcomes.map(({ doomed }) => doomed)), 2),
      meanExposedPercent: rounded(mean(outcomes.map(({ exposed }) => (exposed / targets) * 100)), 2),
      meanHours: rounded(mean(outcomes.map(({ hours }) => hours)), 1),
      haltRules: rules,
    }
  }),
)
/** Where control planes fall ill by themselves once in 1,000 hours: with and without a comparison with untreated ones. */
const ILLNESS = { illnessMs: 1000 * 3_600_000 }
const background = [false, true].flatMap((compareUntreated) =>
  [
    { share: GOOD, slowMs: 0 },
    { share: 0.05, slowMs: 0 },
    { share: 0.2, slowMs: 0 },
    { share: 0.05, slowMs: 8 * 3_600_000 },
  ].map(({ share, slowMs }) => {
    const strategy = { ...evidenceStrategy, compareUntreated }
    const outcomes = seeds.map((each) => simulate(fleet, strategy, share, each, { ...ILLNESS, slowMs }))
    return {
      compareUntreated,
      breaksPercent: share * 100,
      illAfterHours: slowMs / 3_600_000,
      haltedPercent: rounded((outcomes.filter(({ halted }) => halted).length / rollouts) * 100, 2),
      meanBrokenAtHalt: rounded(mean(outcomes.map(({ broken }) => broken)), 2),
    }
  }),
)
const naming = [0.05, 0.2].map((share) => {
  const named = seeds.map((each) => nameTheBadOne(fleet, share, each))
  const percent = (what: string) => rounded((named.filter((each) => each.named === what).length / rollouts) * 100, 2)
  return {
    breaksPercent: share * 100,
    rightPercent: percent('right'),
    wrongPercent: percent('wrong'),
    nobodyPercent: percent('nobody'),
    meanOnsets: rounded(mean(named.map(({ onsets }) => onsets)), 2),
  }
})
const lockstep = [0, 0.05, 0.2, 1].map((share) => {
  const runs = seeds.map((each) => runInLockstep(fleet, share, each, share === 0 ? 'none' : undefined))
  const percent = (holds: (run: Lockstep) => boolean) => rounded((runs.filter(holds).length / rollouts) * 100, 2)
  return {
    breaksPercent: share * 100,
    badHaltedPercent: percent(({ badHalted }) => badHalted),
    bothHaltedPercent: percent(({ badHalted, goodHalted }) => badHalted && goodHalted),
    wrongHaltedPercent: percent(({ goodHalted }) => goodHalted),
    wrongHaltedFirstPercent: percent(({ wrongFirst }) => wrongFirst),
    meanBroken: rounded(mean(runs.map(({ broken }) => broken)), 2),
  }
})

const row = (share: number) => builds.find((each) => each.strategy === 'evidence' && each.breaksPercent === share * 100)
const figures = [
  { what: 'mean broken before the halt, 5 % bad', value: row(0.05)?.meanBrokenAtHalt ?? 0, target: 'at most 5' },
  { what: 'mean broken before the halt, 20 % bad', value: row(0.2)?.meanBrokenAtHalt ?? 0, target: 'at most 4' },
  { what: 'mean broken before the halt, 1 % bad', value: row(0.01)?.meanBrokenAtHalt ?? 0, target: 'stated' },
  { what: 'good builds halted, percent', value: row(GOOD)?.haltedPercent ?? 0, target: 'at most 1' },
  ...background
    .filter(({ compareUntreated, illAfterHours }) => compareUntreated && illAfterHours === 0)
    .map(({ breaksPercent, haltedPercent, meanBrokenAtHalt }) =>
      breaksPercent === GOOD * 100
        ? {
            what: 'good builds halted, background illness once per 1,000 h, percent',
            value: haltedPercent,
            target: 'at most 1',
          }
        : {
            what: `mean broken before the halt, the same background, ${breaksPercent} % bad`,
            value: meanBrokenAtHalt,
            target: breaksPercent === 5 ? 'at most 5' : 'at most 4',
          },
    ),
  ...naming.map(({ breaksPercent, rightPercent }) => ({
    what: `bad one of two named within 5 onsets, ${breaksPercent} % bad, percent`,
    value: rightPercent,
    target: 'at least 95',
  })),
  ...lockstep
    .filter(({ breaksPercent }) => breaksPercent > 0)
    .map(({ breaksPercent, bothHaltedPercent }) => ({
      what: `both of two in lockstep halted, ${breaksPercent} % bad, percent`,
      value: bothHaltedPercent,
      target: 'as few as possible',
    })),
]
const { user, system } = process.cpuUsage(started)
const result = {
  simulation: 'decisions',
  rollouts,
  targets,
  seed,
  goodBuildFailsPercent: GOOD * 100,
  figures,
  builds,
  backgroundIllness: background,
  overlappingFixes: naming,
  inLockstep: lockstep,
  cpuSeconds: rounded((user + system) / 1e6, 1),
}

if (flags.json) console.log(JSON.stringify(result, null, 2))
else {
  console.log(`${rollouts} rollouts of ${targets} control planes each`)
  console.table(figures)
  console.table(builds.map(({ haltRules, ...rest }) => ({ ...rest, haltRules: JSON.stringify(haltRules) })))
  console.table(background)
  console.table(naming)
  console.table(lockstep)
}
