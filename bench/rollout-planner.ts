// Cost of planning: a proposal from a few numbers, a what-if, and the quantiles of the end, for 1,000 to 100,000
// targets. Prints one JSON document; times are CPU time of this process.
import {
  assess,
  chooseCanaries,
  DurationSketch,
  forecastEnd,
  planRollout,
  proposeStrategy,
  whatIf,
  type PlannerInput,
  type Scenario,
} from '@locktender/rollout'
import { cpuMilliseconds, fleetOf, median, STAGES } from './rollout/parts.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 0, 5)
const SIZES = [1_000, 5_000, 20_000, 100_000]
const REPEATS = 7

const nights = Array.from({ length: 30 }, (_, day) => ({
  from: START + day * 24 * HOUR,
  to: START + (day * 24 + 10) * HOUR,
}))

function inputOf(size: number): PlannerInput {
  const perShard = Math.max(4, Math.ceil(size / 1_000))
  return {
    targets: fleetOf(size).map((target, index) => ({
      ...target,
      ...(index % 11 === 0 ? { windowClass: 'nights' } : {}),
      ...(index % 50 < 2 ? { pair: `pair-${Math.floor(index / 50)}` } : {}),
    })),
    stages: STAGES,
    stakes: { hazard: 0.001, prior: 0.1 },
    startAt: START,
    deadline: START + 14 * 24 * HOUR,
    windows: { nights: { open: nights } },
    operationMs: 25 * MINUTE,
    rules: {
      maxPerShard: () => perShard,
      budget: { percent: 5, minimum: 5 },
      sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
      operationTimeoutMs: HOUR,
      autoRevert: true,
    },
    seed: 1,
  }
}

/** Median CPU milliseconds, after one run to warm up. */
function cost(run: () => unknown): number {
  run()
  const times = Array.from({ length: REPEATS }, () => {
    const before = cpuMilliseconds()
    run()
    return cpuMilliseconds() - before
  })
  return Number(median(times).toFixed(1))
}

const history = Array.from({ length: 12 }, (_, wave) =>
  DurationSketch.of(Array.from({ length: 60 }, (_, index) => (12 + wave / 4 + (index % 20)) * MINUTE)),
)

const results = SIZES.map((targets) => {
  const input = inputOf(targets)
  const proposal = proposeStrategy(input)
  const scenario: Scenario = { ...input, strategy: proposal.strategy, history }
  const changed: Scenario = {
    ...scenario,
    targets: input.targets.slice(Math.floor(targets / 100)),
    strategy: { ...proposal.strategy, stages: proposal.strategy.stages.map((stage) => ({ ...stage, factor: 3 })) },
  }
  const before = assess(scenario)
  return {
    targets,
    waves: proposal.waves.length,
    proposeMilliseconds: cost(() => proposeStrategy(input)),
    planOnlyMilliseconds: cost(() => planRollout(input.targets, proposal.strategy, 1)),
    assessMilliseconds: cost(() => assess(scenario)),
    whatIfMilliseconds: cost(() => whatIf(before, assess(changed))),
    etaMilliseconds: cost(() => forecastEnd(before.forecastOptions)),
    canariesMilliseconds: cost(() => chooseCanaries(input.targets, 50, { seed: 1 })),
  }
})
console.log(JSON.stringify({ benchmark: 'rollout-planner', etaSamples: 2_000, results }, undefined, 2))
