import type { StrategyInput, TargetMeta } from '../types.ts'
import { HoursAhead, type WaveHours } from '../hours-ahead.ts'
import { waveSize } from '../wave-size.ts'
import type { WaveAssignment } from './assign-waves.ts'
import { Calendar } from './calendar.ts'
import type { Batch } from './exposure.ts'
import type { ScheduleLimits, WaveWork, WorkGroup } from './schedule.ts'

/** What planning needs to know of a target, with the class of its maintenance windows. */
export interface PlannerTarget extends TargetMeta {
  /** Names an entry of `windows`; absent = always open. */
  readonly windowClass?: string
}

/** A stage as sums: enough to try many shapes without looking at targets again. */
export interface StageOutline {
  readonly name: string
  readonly targets: number
  readonly strata: number
  /** Rounds that one more target of this stage costs on its fullest shard. */
  readonly roundsEach: number
  readonly classes: readonly {
    readonly name: string
    /** Of the stage's targets. */
    readonly share: number
    readonly roundsEach: number
  }[]
}

export function outlineStages(
  targets: readonly PlannerTarget[],
  stages: readonly string[],
  maxPerShard: (shard: string) => number,
): StageOutline[] {
  const sums = new Map(
    stages.map((name) => [name, { strata: new Set<string>(), groups: new Map<string, Map<string, number>>() }]),
  )
  for (const { stage, stratum, shard, windowClass = '' } of targets) {
    const sum = sums.get(stage)
    if (!sum) continue
    sum.strata.add(stratum)
    let group = sum.groups.get(windowClass)
    if (!group) sum.groups.set(windowClass, (group = new Map()))
    group.set(shard, (group.get(shard) ?? 0) + 1)
  }
  return stages.map((name) => {
    const { strata, groups } = sums.get(name) as { strata: Set<string>; groups: Map<string, Map<string, number>> }
    const total = new Map<string, number>()
    for (const [shard, count] of Array.from(groups.values(), (group) => [...group]).flat()) {
      total.set(shard, (total.get(shard) ?? 0) + count)
    }
    const size = sumOf(total)
    const roundsEach = (counts: ReadonlyMap<string, number>) => {
      let most = 0
      for (const [shard, count] of counts) most = Math.max(most, count / Math.max(0, maxPerShard(shard)))
      return size === 0 ? 0 : most / size
    }
    // In the order of their names, so that nothing depends on the order of listing.
    const classes = [...groups]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([windowClass, counts]) => ({
        name: windowClass,
        share: sumOf(counts) / size,
        roundsEach: roundsEach(counts),
      }))
    return { name, targets: size, strata: strata.size, roundsEach: roundsEach(total), classes }
  })
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** Parts in which a wave is taken to start. */
const PARTS = 2

/**
 * When targets would start if every wave had its share of every shard and class: fast, and near what `earliestSchedule`
 * says of the real members. The end is after the last soak, Infinity when a class or a shard never opens.
 */
export function sketchSchedule(
  stages: readonly StageOutline[],
  strategies: StrategyInput['stages'],
  limits: ScheduleLimits,
): { readonly batches: readonly Batch[]; readonly end: number } {
  const { roundMs, slowestMs = () => roundMs, maxConcurrent = Number.POSITIVE_INFINITY } = limits
  const batches: Batch[] = []
  let now = limits.startAt
  for (const [index, strategy] of strategies.entries()) {
    const stage = stages[index] as StageOutline
    let left = stage.targets
    for (let number = 1; left > 0 && Number.isFinite(now); number++) {
      const size = Math.min(left, waveSize(strategy, number))
      left -= size
      const whole = Math.max(1, Math.ceil(size / maxConcurrent), Math.ceil(size * stage.roundsEach - 1e-9))
      let end = now + whole * roundMs
      for (const { name, share, roundsEach } of stage.classes) {
        const calendar = limits.calendars.get(name) ?? Calendar.always
        const rounds =
          stage.classes.length === 1
            ? whole
            : Math.max(1, Math.ceil(size * roundsEach - 1e-9), Math.ceil((size * share) / maxConcurrent))
        const parts = Math.min(PARTS, rounds)
        for (let part = 0; part < parts; part++) {
          const work = Math.round((rounds * part) / parts) * roundMs
          batches.push({ size: (size * share) / parts, at: calendar.advance(now, work + roundMs) - roundMs })
        }
        end = Math.max(end, calendar.advance(now, rounds * roundMs))
      }
      now =
        end +
        Math.max(0, slowestMs(Math.ceil(size / whole)) - roundMs) +
        (left > 0 ? strategy.soakMs : strategy.finalSoakMs)
    }
  }
  return { batches: batches.sort((left, right) => left.at - right.at), end: now }
}

/** The waves of an assignment as work, in order; with the stage and number of each. */
export function workOf(
  targets: readonly PlannerTarget[],
  { places, sizes }: WaveAssignment,
  strategies: StrategyInput['stages'],
): (WaveWork & { readonly stage: string; readonly wave: number; readonly size: number })[] {
  const counts = sizes.map((waves) => waves.map(() => new Map<string, Map<string, number>>()))
  const strata = strategies.some(({ earned }) => earned)
    ? sizes.map((waves) => waves.map(() => new Map<string, number>()))
    : []
  for (const [index, place] of places.entries()) {
    if (!place) continue
    const { shard, windowClass = '', stratum } = targets[index] as PlannerTarget
    const kinds = strata[place.stage]?.[place.wave - 1]
    kinds?.set(stratum, (kinds.get(stratum) ?? 0) + 1)
    const wave = counts[place.stage]?.[place.wave - 1] as Map<string, Map<string, number>>
    let group = wave.get(windowClass)
    if (!group) wave.set(windowClass, (group = new Map()))
    group.set(shard, (group.get(shard) ?? 0) + 1)
  }
  const hours = hoursOf(strata, strategies)
  return strategies.flatMap(({ name, soakMs, finalSoakMs }, stage) =>
    (counts[stage] ?? []).map((wave, index, waves) => ({
      stage: name,
      wave: index + 1,
      size: sizes[stage]?.[index] ?? 0,
      groups: groupsOf(wave),
      soakMs: index + 1 < waves.length ? soakMs : finalSoakMs,
      ...hours[stage]?.[index],
    })),
  )
}

/** What each wave adds to the hours that stages ask for, and what its soak waits for. */
function hoursOf(
  strata: readonly (readonly ReadonlyMap<string, number>[])[],
  strategies: StrategyInput['stages'],
): { readonly hours: WaveHours }[][] {
  const ahead = new HoursAhead(
    strata.map((waves, stage) => {
      const waiting = new Map<string, number>()
      for (const [stratum, count] of waves.flatMap((wave) => [...wave])) {
        waiting.set(stratum, (waiting.get(stratum) ?? 0) + count)
      }
      return { waiting, earned: strategies[stage]?.earned }
    }),
  )
  return strata.map((waves, stage) => waves.map((members) => ({ hours: ahead.wave(stage, members) })))
}

function groupsOf(wave: ReadonlyMap<string, ReadonlyMap<string, number>>): WorkGroup[] {
  const groups: WorkGroup[] = []
  for (const [windowClass, shards] of wave) {
    for (const [shard, count] of shards) groups.push({ shard, windowClass, count })
  }
  return groups.sort((left, right) =>
    left.shard === right.shard ? (left.windowClass < right.windowClass ? -1 : 1) : left.shard < right.shard ? -1 : 1,
  )
}
