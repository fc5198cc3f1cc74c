import { forecastEnd, type Forecast, type ForecastWave } from './eta-forecast.ts'
import type { DurationSketch } from './eta-sketch.ts'
import type { FleetState } from './fleet-state.ts'
import { soakEnd, waitingIn } from './gates.ts'
import { forecastWave, guessedDurations } from './planner/assess.ts'
import { Calendar } from './planner/calendar.ts'
import { waveSize } from './wave-size.ts'
import type { StageState } from './stage-state.ts'
import type { EtaSummary } from './types.ts'

/** Without observations the slowest operation of a wave is taken to last this much longer than the expected one. */
const GUESSED_TAIL = 1.5

interface Pace {
  readonly mean: number
  /** Expected duration of the slowest of `operations`. */
  slowest(operations: number): number
}

function paceOf({ durations, strategy }: FleetState): Pace {
  if (durations.count > 0) {
    return { mean: durations.mean, slowest: (operations) => durations.quantile(1 - 1 / (operations + 1)) }
  }
  const mean = strategy.expectedOperationMs ?? strategy.operationTimeoutMs / 3
  return { mean, slowest: () => mean * GUESSED_TAIL }
}

/** Time for `operations` of which each shard gets its part of the pool, under the caps; Infinity when one is closed. */
function operationTime(fleet: FleetState, stage: StageState, operations: number, pace: Pace): number {
  let rounds = Math.ceil(operations / fleet.slots.maxConcurrent)
  for (const [shard, waiting] of stage.waitingPerShard) {
    if (waiting === 0) continue
    const part = Math.ceil((operations * waiting) / Math.max(1, waitingIn(stage)))
    rounds = Math.max(rounds, Math.ceil(part / fleet.slots.limit(shard)))
  }
  return Math.max(0, rounds - 1) * pace.mean + pace.slowest(operations)
}

/**
 * When the rollout will end if all goes well: operations of the wave in progress, then for each wave to come its
 * operations (in as many rounds as the caps force) and its soak. The cost depends on waves and shards, not on targets.
 */
export function estimateEnd(fleet: FleetState, now: number, deadline: number): EtaSummary {
  const pace = paceOf(fleet)
  let eta = now
  let earliest = now
  let waves = 0
  let soaks = 0
  let closed = 0
  for (const stage of fleet.stages) {
    const { soakMs, finalSoakMs } = stage.strategy
    if (!stage.passed && (stage.idle > 0 || stage.busy > 0)) {
      const soak = waitingIn(stage) > 0 ? soakMs : finalSoakMs
      const capacity = capacityOf(fleet, stage)
      eta +=
        Math.max(0, Math.ceil(stage.idle / capacity) - 1) * pace.mean + pace.slowest(stage.idle + stage.busy) + soak
      earliest += soak
      soaks += soak
    } else if (!stage.passed) {
      const left = Math.max(0, (soakEnd(fleet, stage) ?? now) - now)
      eta += left
      earliest += left
      soaks += left
    }
    let waiting = waitingIn(stage)
    const opens = opensAt(stage) ?? now
    closed += Math.max(0, opens - eta)
    eta = Math.max(eta, opens)
    earliest = Math.max(earliest, opens)
    for (let number = stage.waves.length + 1; waiting > 0; number++) {
      const size = Math.min(waiting, waveSize(stage.strategy, number))
      waiting -= size
      waves++
      const soak = waiting > 0 ? soakMs : finalSoakMs
      eta += operationTime(fleet, stage, size, pace) + soak
      earliest += soak
      soaks += soak
    }
  }
  if (!Number.isFinite(eta)) {
    return {
      earliest,
      deadlineAtRisk: true,
      infeasible: earliest > deadline,
      message: 'No end can be given: a management cluster with targets left allows no operation.',
    }
  }
  const rounded = Math.round(eta)
  return {
    eta: rounded,
    earliest: Math.round(earliest),
    deadlineAtRisk: rounded > deadline,
    infeasible: earliest > deadline,
    message: `${waves} waves to come, ${inHours(soaks)} h of soak, ${inHours(eta - now - soaks - closed)} h of operations${closed > 0 ? `, ${inHours(closed)} h of closed windows` : ''}.`,
  }
}

/**
 * When the next wave of the stage can begin for its windows: undefined when one can now. Who is closed is taken to open
 * with the first of them, so windows that differ make it later.
 */
function opensAt(stage: StageState): number | undefined {
  return stage.pool.size > 0 ? undefined : stage.windows.next()
}

function inHours(milliseconds: number): string {
  return (milliseconds / 3_600_000).toFixed(1)
}

/** Operations at once on the shards that the stage's targets are on. */
function capacityOf(fleet: FleetState, stage: StageState): number {
  let capacity = 0
  for (const shard of stage.waitingPerShard.keys()) capacity += fleet.slots.limit(shard)
  return Math.max(1, Math.min(fleet.slots.maxConcurrent, capacity))
}

/**
 * Quantiles of the end from what was observed so far and in waves of the past: the same waves as `estimateEnd`, with
 * chance. Operations under way count as if they began now, so it is late rather than early.
 */
export function forecastRemaining(
  fleet: FleetState,
  now: number,
  seed: number,
  past: readonly DurationSketch[] = [],
): Forecast {
  const own = fleet.durations.count > 0 ? [fleet.durations] : []
  const history = past.length + own.length > 0 ? [...past, ...own] : [guessedDurations(fleet.strategy)]
  return forecastEnd({ now, waves: remainingWaves(fleet, now), history, seed })
}

function remainingWaves(fleet: FleetState, now: number): ForecastWave[] {
  const waves: ForecastWave[] = []
  for (const stage of fleet.stages) {
    const { soakMs, finalSoakMs } = stage.strategy
    const size = waitingIn(stage)
    const windowClass = 'closed'
    const opens = opensAt(stage)
    const calendars = new Map(
      opens === undefined
        ? []
        : [[windowClass, new Calendar({ open: [{ from: opens, to: Number.POSITIVE_INFINITY }] })]],
    )
    const under = stage.idle + stage.busy
    if (!stage.passed && under > 0) {
      const queues = [{ count: under, atOnce: capacityOf(fleet, stage) }]
      waves.push({ parts: [{ queues }], soakMs: size > 0 ? soakMs : finalSoakMs })
    } else if (!stage.passed) {
      waves.push({ parts: [], soakMs: Math.max(0, (soakEnd(fleet, stage) ?? now) - now) })
    }
    let waiting = size
    for (let number = stage.waves.length + 1; waiting > 0; number++) {
      const members = Math.min(waiting, waveSize(stage.strategy, number))
      waiting -= members
      // Each shard is taken to have its share of the wave.
      const groups = Array.from(stage.waitingPerShard, ([shard, count]) => ({
        shard,
        windowClass,
        count: Math.ceil((members * count) / size),
      }))
      const limits = {
        maxPerShard: (shard: string) => fleet.slots.limit(shard),
        maxConcurrent: fleet.slots.maxConcurrent,
      }
      const soak = waiting > 0 ? soakMs : finalSoakMs
      waves.push(forecastWave({ groups, soakMs: soak }, { ...limits, startAt: now, roundMs: 1, calendars }))
    }
  }
  return waves
}
