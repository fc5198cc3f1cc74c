import { at, makespans, normal, seededUniform, type QueueLoad, type Uniform } from './eta-makespan.ts'
import { DurationSketch } from './eta-sketch.ts'
import { HoursModel, type KindHours, type WaveHours } from './hours-ahead.ts'
import type { Calendar } from './planner/calendar.ts'

/** Operations of one wave with the same windows. */
export interface ForecastPart {
  /** One for each cap they run under (each shard, and the whole rollout): the slowest decides. */
  readonly queues: readonly QueueLoad[]
  /** Absent = always open. */
  readonly calendar?: Calendar
}

/** A wave that is still to come, or what is left of the one in progress. */
export interface ForecastWave {
  readonly parts: readonly ForecastPart[]
  /** How long its operations are under way: so much less is left of them. Default 0. */
  readonly elapsedMs?: number
  /** It does not begin before. */
  readonly opensAt?: number
  /** After its last completion; the shortest where hours are asked. */
  readonly soakMs: number
  /** Present where a stage asks for earned hours. */
  readonly hours?: WaveHours
}

export interface ForecastOptions {
  readonly now: number
  readonly waves: readonly ForecastWave[]
  /** Durations of past waves, one sketch each: what differs between them is uncertainty of the waves to come. */
  readonly history: readonly DurationSketch[]
  readonly seed: number
  /** Hours that kinds have earned before the first wave. */
  readonly earned?: readonly KindHours[]
  /** Default 2,000. */
  readonly samples?: number
}

/** Times, milliseconds since the epoch; Infinity when some operation can never run. */
export interface Forecast {
  readonly p50: number
  readonly p80: number
  readonly p95: number
}

/** Resolution of the table durations are drawn from. */
const TABLE = 512
/** Queues whose sizes differ by less than this share are taken to be alike. */
const ALIKE = 0.08

/**
 * When the rollout will end, by simulating its waves: for each the slowest of its queues, then the soak. Three kinds of
 * chance: the operations themselves, what waves have in common (from the spread between waves of the past), and how
 * well the mean is known (from how many operations were seen). The same options give the same forecast. The cost depends
 * on waves and kinds of queue, not on targets.
 */
export function forecastEnd({ now, waves, history, seed, earned, samples = 2000 }: ForecastOptions): Forecast {
  const { durations, between, unsure } = learn(history)
  const uniform = seededUniform(seed)
  const table = durations.table(TABLE)
  const kinds = new Map<string, Float64Array>()
  const model = new HoursModel(earned)
  const models = waves.map(({ parts, soakMs, hours, elapsedMs = 0, opensAt = Number.NEGATIVE_INFINITY }) => ({
    soakMs,
    elapsedMs,
    hours,
    opensAt,
    parts: parts.map(({ queues, calendar }) => ({ slowest: slowestOf(queues, table, uniform, kinds), calendar })),
  }))
  const ends = new Float64Array(samples)
  for (let sample = 0; sample < samples; sample++) {
    const level = unsure * normal(uniform)
    let time = now
    model.restart()
    for (const wave of models) {
      const factor = Math.exp(level + between * normal(uniform))
      time = Math.max(time, wave.opensAt)
      let end = time
      for (const { slowest, calendar } of wave.parts) {
        const work = Math.max(0, at(slowest, uniform()) * factor - wave.elapsedMs)
        end = Math.max(end, calendar ? calendar.advance(time, work) : time + work)
      }
      time = model.soakOver(wave, middleOf(time, end, durations.mean * factor), end)
    }
    ends[sample] = time
  }
  ends.sort()
  const quantile = (share: number) => Math.round(ends[Math.min(samples - 1, Math.floor(share * samples))] ?? now)
  return { p50: quantile(0.5), p80: quantile(0.8), p95: quantile(0.95) }
}

/** When the operations of a wave have ended on average: one after the other, the first after the time that one takes. */
export function middleOf(start: number, end: number, operationMs: number): number {
  return (Math.min(end, start + operationMs) + end) / 2
}

/** Quantiles of the slowest of several queues: their distributions multiplied. */
function slowestOf(
  queues: readonly QueueLoad[],
  table: Float64Array,
  uniform: Uniform,
  kinds: Map<string, Float64Array>,
): Float64Array {
  const alike = new Map<Float64Array, number>()
  for (const { count, atOnce } of queues) {
    if (count <= 0) continue
    if (atOnce <= 0) return new Float64Array(2).fill(Number.POSITIVE_INFINITY)
    const size = rounded(count)
    const slots = Math.min(size, atOnce)
    const key = `${size} ${slots}`
    let draws = kinds.get(key)
    if (!draws) {
      draws = makespans({ count: size, atOnce: slots }, table, uniform)
      kinds.set(key, draws)
    }
    alike.set(draws, (alike.get(draws) ?? 0) + 1)
  }
  const all = [...alike]
  if (all.length === 0) return new Float64Array(2)
  const values = Float64Array.from(all.flatMap(([draws]) => Array.from(draws))).sort()
  // The distribution of the slowest at every drawn value, turned round into quantiles.
  const places = all.map(() => 0)
  const result = new Float64Array(TABLE)
  let filled = 0
  for (const value of values) {
    let below = 1
    for (const [kind, [draws, times]] of all.entries()) {
      let place = places[kind] as number
      while (place < draws.length && (draws[place] as number) <= value) place++
      places[kind] = place
      below *= (place / draws.length) ** times
    }
    while (filled < TABLE && (filled + 0.5) / TABLE <= below) result[filled++] = value
  }
  result.fill(values.at(-1) as number, filled)
  return result
}

/** Small counts as they are, large ones to the nearest step. */
function rounded(count: number): number {
  if (count <= 1 / ALIKE) return Math.ceil(count)
  const step = Math.log1p(ALIKE)
  return Math.round(Math.exp(Math.round(Math.log(count) / step) * step))
}

interface Learned {
  /** Operations of a usual wave: what waves differ in is taken out. */
  readonly durations: DurationSketch
  /** Standard deviation of the logarithm of the mean between waves, beyond what their operations explain. */
  readonly between: number
  /** The same of the mean as it is known. */
  readonly unsure: number
}

function learn(history: readonly DurationSketch[]): Learned {
  const durations = new DurationSketch()
  const waves = history.filter(({ count }) => count >= 2)
  const logs = waves.map(({ mean }) => Math.log(mean))
  const center = logs.reduce((sum, each) => sum + each, 0) / Math.max(1, logs.length)
  let variance = 0
  if (waves.length >= 2) {
    const seen = logs.reduce((sum, each) => sum + (each - center) ** 2, 0) / (logs.length - 1)
    const explained = waves.reduce((sum, each) => sum + explainedBy(each), 0) / waves.length
    variance = Math.max(0, seen - explained)
  }
  for (const sketch of history) {
    // How much of a wave's difference is its own and not chance: little when it had few operations.
    const own = variance === 0 || sketch.count < 2 ? 0 : variance / (variance + explainedBy(sketch))
    durations.merge(sketch, sketch.count === 0 ? 1 : Math.exp(own * (center - Math.log(sketch.mean))))
  }
  const { count, squaredVariation } = durations
  const known = count === 0 ? 0 : squaredVariation / count + variance / Math.max(1, history.length)
  return { durations, between: Math.sqrt(variance), unsure: Math.sqrt(known) }
}

/** Variance of the logarithm of a wave's mean that its own operations explain. */
function explainedBy({ squaredVariation, count }: DurationSketch): number {
  return squaredVariation / count
}
