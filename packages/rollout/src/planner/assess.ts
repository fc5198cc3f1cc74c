import {
  forecastEnd,
  type Forecast,
  type ForecastOptions,
  type ForecastPart,
  type ForecastWave,
} from '../eta-forecast.ts'
import { DurationSketch } from '../eta-sketch.ts'
import type { StrategyInput } from '../types.ts'
import type { WaveAssignment } from './assign-waves.ts'
import { checkFeasibility, type Feasibility } from './feasibility.ts'
import { expectedHarm, type Harm } from './harm.ts'
import type { PlannerTarget } from './outline.ts'
import { exempt, limitsOf, stakesOf, workThrough, type PlannerInput, type ProposedWave } from './propose.ts'
import type { Schedule, ScheduleLimits, WaveWork } from './schedule.ts'

/** A rollout as somebody would run it: given waves and soaks. */
export interface Scenario extends Pick<
  PlannerInput,
  'targets' | 'stakes' | 'startAt' | 'deadline' | 'windows' | 'freezes' | 'exemptions' | 'seed'
> {
  readonly strategy: StrategyInput
  /** Durations of past waves, one sketch each; without any they are guessed from the strategy. */
  readonly history?: readonly DurationSketch[]
}

export interface Assessment {
  /** Planned targets: all but the exempted, in the order of `assignment`. */
  readonly targets: readonly PlannerTarget[]
  readonly assignment: WaveAssignment
  readonly waves: readonly ProposedWave[]
  readonly harm: Harm
  readonly feasibility: Feasibility
  readonly eta: Forecast
  /** What `eta` was simulated from: its first waves can be dropped, and `now` moved on, as the rollout goes on. */
  readonly forecastOptions: ForecastOptions
}

/**
 * Without observations: durations as multiples of the expected one, which those of hosted control planes are within 30 %
 * of. Few, so that they count as little known.
 */
const GUESSED = [0.75, 0.9, 1, 1.1, 1.3]

/** Durations to plan with when nothing was observed. */
export function guessedDurations(
  strategy: Pick<StrategyInput, 'expectedOperationMs' | 'operationTimeoutMs'>,
): DurationSketch {
  const expected = strategy.expectedOperationMs ?? strategy.operationTimeoutMs / 3
  return DurationSketch.of(GUESSED.map((factor) => Math.min(factor * expected, strategy.operationTimeoutMs)))
}

/** How long a plan takes operations to be. */
export function plannedDurations(
  history: readonly DurationSketch[],
): Required<Pick<PlannerInput, 'operationMs' | 'slowestMs'>> {
  const all = new DurationSketch()
  for (const sketch of history) all.merge(sketch)
  const known = new Map<number, number>()
  const slowestMs = (operations: number) => {
    let longest = known.get(operations)
    if (longest === undefined) known.set(operations, (longest = Math.round(all.slowest(operations))))
    return longest
  }
  return { operationMs: Math.max(1, Math.round(all.mean)), slowestMs }
}

/** What a strategy would do to a fleet: waves, harm, feasibility and the quantiles of its end. */
export function assess(scenario: Scenario): Assessment {
  const { strategy, startAt, seed, deadline } = scenario
  const history = scenario.history?.some(({ count }) => count > 0) ? scenario.history : [guessedDurations(strategy)]
  const input = {
    ...scenario,
    rules: strategy,
    stages: strategy.stages.map(({ name }) => name),
    ...plannedDurations(history),
  }
  const exempted = exempt(input)
  const targets =
    exempted.active.size === 0 ? scenario.targets : scenario.targets.filter(({ id }) => !exempted.active.has(id))
  const limits = limitsOf(input)
  const { work, schedule, assignment } = workThrough(targets, strategy, seed, limits)
  const batches = schedule.waves
    .flatMap((wave) => wave.batches)
    .filter(({ at }) => Number.isFinite(at))
    .sort((left, right) => left.at - right.at)
  const forecastOptions = { now: startAt, waves: work.map((wave) => forecastWave(wave, limits)), history, seed }
  return {
    targets,
    assignment,
    waves: work.map(({ stage, wave, size, soakMs }, index) => {
      const { startsAt, endsAt, soakedAt } = schedule.waves[index] as Schedule['waves'][number]
      const soak = Number.isFinite(endsAt) ? Math.round(soakedAt - endsAt) : soakMs
      return { stage, wave, size, startsAt, endsAt, soakMs: soak }
    }),
    harm: expectedHarm(batches, startAt, stakesOf(input), exempted.unfixedHours),
    feasibility: checkFeasibility(work, limits, deadline, schedule),
    eta: forecastEnd(forecastOptions),
    forecastOptions,
  }
}

/** A cap that would take less than this share of the time of another is left out: the other decides. */
const DECIDES = 0.7

/** The queues of a wave: one for each shard, and the whole rollout where its cap decides. */
export function forecastWave({ groups, soakMs, hours }: WaveWork, limits: ScheduleLimits): ForecastWave {
  const classes = new Map<string, Map<string, number>>()
  for (const { shard, windowClass, count } of groups) {
    const name = limits.calendars.has(windowClass) ? windowClass : ''
    let shards = classes.get(name)
    if (!shards) classes.set(name, (shards = new Map()))
    shards.set(shard, (shards.get(shard) ?? 0) + count)
  }
  const parts = Array.from(classes, ([name, shards]): ForecastPart => {
    const calendar = limits.calendars.get(name)
    const queues = Array.from(shards, ([shard, count]) => ({ count, atOnce: limits.maxPerShard(shard) }))
    const { maxConcurrent = Number.POSITIVE_INFINITY } = limits
    const total = queues.reduce((sum, { count }) => sum + count, 0)
    const rounds = total / maxConcurrent
    const longest = Math.max(0, ...queues.map(({ count, atOnce }) => count / atOnce))
    const whole = total > maxConcurrent && rounds >= DECIDES * longest ? [{ count: total, atOnce: maxConcurrent }] : []
    const shardsDecide = whole.length === 0 || longest >= DECIDES * rounds
    return { queues: [...(shardsDecide ? queues : []), ...whole], ...(calendar ? { calendar } : {}) }
  })
  return { parts, soakMs, ...(hours ? { hours } : {}) }
}
