// Operating characteristics of the rollout engine, by simulation with the real engine: what bad builds break before they
// are halted, how often good ones are halted, how much of the fleet is exposed against percentages, whether the bad one of
// two overlapping fixes is named, and whether it takes a good one with it. Prints a table, or one JSON document with --json.
// Two threads share the work; stderr says how far they are.
import { on } from 'node:events'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { BACKGROUNDS, BUILDS, CASES, GOOD, IN_LOCKSTEP, NAMED, type Results } from './decisions/cases.ts'
import type { Lockstep } from './decisions/lockstep.ts'

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

const THREADS = 2

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

type Message = { readonly done: 1 } | { readonly results: Results }

/** Every `THREADS`th rollout, from `first` on. */
async function simulateIn(first: number): Promise<Results> {
  const seeds = Array.from({ length: rollouts }, (_, index) => seed + index).filter((_, i) => i % THREADS === first)
  const worker = new Worker(new URL('decisions/worker.ts', import.meta.url), { workerData: { targets, seeds } })
  for await (const [message] of on(worker, 'message') as AsyncIterable<[Message]>) {
    if ('results' in message) return message.results
    cases++
    const seconds = Math.round(process.cpuUsage(started).user / 1e6)
    process.stderr.write(`${cases} of ${THREADS * CASES} parts after ${seconds} s of CPU time\n`)
  }
  throw new Error('A thread ended without results.')
}

const started = process.cpuUsage()
let cases = 0
const parts = await Promise.all(Array.from({ length: THREADS }, (_, first) => simulateIn(first)))

/** What came of one case in all rollouts, in the order of their seeds. */
function of<Result>(results: (part: Results) => readonly Result[] | undefined): Result[] {
  const some = parts.map((part) => results(part) ?? [])
  return Array.from({ length: rollouts }, (_, index) => some[index % THREADS]?.[Math.floor(index / THREADS)] as Result)
}

const builds = BUILDS.map(({ strategy, share }, index) => {
  const outcomes = of((part) => part.builds[index])
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
})
const background = BACKGROUNDS.map(({ compareUntreated, share, slowMs }, index) => {
  const outcomes = of((part) => part.backgrounds[index])
  return {
    compareUntreated,
    breaksPercent: share * 100,
    illAfterHours: slowMs / 3_600_000,
    haltedPercent: rounded((outcomes.filter(({ halted }) => halted).length / rollouts) * 100, 2),
    meanBrokenAtHalt: rounded(mean(outcomes.map(({ broken }) => broken)), 2),
  }
})
const naming = NAMED.map((share, index) => {
  const named = of((part) => part.named[index])
  const percent = (what: string) => rounded((named.filter((each) => each.named === what).length / rollouts) * 100, 2)
  return {
    breaksPercent: share * 100,
    rightPercent: percent('right'),
    wrongPercent: percent('wrong'),
    nobodyPercent: percent('nobody'),
    meanOnsets: rounded(mean(named.map(({ onsets }) => onsets)), 2),
  }
})
const lockstep = IN_LOCKSTEP.map((share, index) => {
  const runs = of((part) => part.lockstep[index])
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
