import { forecastEnd, middleOf, type Forecast, type ForecastWave } from './eta-forecast.ts'
import type { DurationSketch } from './eta-sketch.ts'
import type { FleetState } from './fleet-state.ts'
import { soakEnd, waitingIn } from './gates.ts'
import { HoursAhead, HoursModel, shareOut, type KindHours, type WaveHours } from './hours-ahead.ts'
import { forecastWave, guessedDurations } from './planner/assess.ts'
import type { WorkGroup } from './planner/schedule.ts'
import { waveSize } from './wave-size.ts'
import type { StageState } from './stage-state.ts'
import type { EtaSummary } from './types.ts'

/** Times at which targets of a stage open are brought together into so many, so that the cost does not grow with them. */
const MOST_OPENINGS = 16

/** A wave to come, what is left of one under way, or of a soak. */
interface Step {
  /** By shard. */
  readonly groups: readonly WorkGroup[]
  readonly size: number
  /** Of a wave under way: how long its operations are at it on average; those that were not begun for no time. */
  readonly elapsedMs?: number
  /** Some of its members must not be started before. */
  readonly opensAt?: number
  readonly soakMs: number
  /** Where a stage asks for hours. */
  readonly hours?: WaveHours
  readonly isWave: boolean
}

/** Operations as they were seen in this rollout, or as they are expected to be. */
function knownDurations({ durations, strategy }: FleetState): DurationSketch {
  return durations.count > 0 ? durations : guessedDurations(strategy)
}

/** Time for operations under the caps; Infinity when a shard is closed. */
function operationTime(
  { slots }: FleetState,
  { groups, size, elapsedMs = 0 }: Step,
  durations: DurationSketch,
): number {
  if (size === 0) return 0
  let rounds = Math.max(1, Math.ceil(size / slots.maxConcurrent))
  for (const { shard, count } of groups) {
    if (count > 0) rounds = Math.max(rounds, Math.ceil(count / slots.limit(shard)))
  }
  return Math.max(0, (rounds - 1) * durations.mean + durations.slowest(size) - elapsedMs)
}

/**
 * When the rollout will end if all goes well: operations of the wave in progress, then for each wave to come its
 * operations (in as many rounds as the caps force) and its soak. The cost depends on waves, shards and the times at which
 * windows open, not on targets.
 */
export function estimateEnd(fleet: FleetState, now: number, deadline: number): EtaSummary {
  const { steps, earned } = stepsToCome(fleet, now)
  const durations = knownDurations(fleet)
  const model = new HoursModel(earned)
  let eta = now
  let waves = 0
  let soaks = 0
  let closed = 0
  for (const step of steps) {
    const begin = Math.max(eta, step.opensAt ?? eta)
    closed += begin - eta
    const end = begin + operationTime(fleet, step, durations)
    eta = model.soakOver(step, middleOf(begin, end, durations.mean), end)
    soaks += Number.isFinite(end) ? eta - end : step.soakMs
    if (step.isWave) waves++
  }
  const earliest = Math.round(earliestEnd(fleet, now))
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
    earliest,
    deadlineAtRisk: rounded > deadline,
    infeasible: earliest > deadline,
    message: `${waves} waves to come, ${inHours(soaks)} h of soak, ${inHours(eta - now - soaks - closed)} h of operations${closed > 0 ? `, ${inHours(closed)} h of closed windows` : ''}.`,
  }
}

function inHours(milliseconds: number): string {
  return (milliseconds / 3_600_000).toFixed(1)
}

/** What no course can beat: soaks of the fewest waves there can be, and the last window with the soak after it. */
function earliestEnd(fleet: FleetState, now: number): number {
  let time = now
  for (const stage of fleet.stages) {
    const current = stepUnderWay(fleet, stage, now)
    if (current) time += current.soakMs
    const openings = openingsOf(stage)
    const last = openings.at(-1)
    let waiting = waitingIn(stage)
    if (waiting === 0) continue
    if (stage.pool.size === 0) time = Math.max(time, openings[0]?.at ?? time)
    for (let number = stage.waves.length + 1; waiting > 0; number++) {
      waiting -= waveSize(stage.strategy, number)
      time += waiting > 0 ? stage.strategy.soakMs : stage.strategy.finalSoakMs
    }
    if (last) time = Math.max(time, last.at + stage.strategy.finalSoakMs)
  }
  return time
}

/**
 * Everything from now to the end, with waves made up as the engine will when operations take as long as expected: each of
 * those whose windows are open when it begins, whoever opened first to be the first. When nobody is open, the stage waits
 * for the next window.
 */
function stepsToCome(
  fleet: FleetState,
  now: number,
): { readonly steps: readonly Step[]; readonly earned: readonly KindHours[] } {
  const steps: Step[] = []
  const durations = knownDurations(fleet)
  const hours = new FleetHours(fleet, now)
  const model = new HoursModel(hours.before)
  let time = now
  const add = (step: Step) => {
    steps.push(step)
    const begin = Math.max(time, step.opensAt ?? time)
    const end = begin + operationTime(fleet, step, durations)
    time = model.soakOver(step, middleOf(begin, end, durations.mean), end)
  }
  for (const stage of fleet.stages) {
    const current = stepUnderWay(fleet, stage, now)
    if (current) add(current.size === 0 ? current : { ...current, ...hours.underWay(stage) })
    const { soakMs, finalSoakMs } = stage.strategy
    // Who is open, by when their windows opened: the first of them now.
    const open: { at: number | undefined; count: number }[] = [{ at: undefined, count: stage.pool.size }]
    const closed = openingsOf(stage)
    let waiting = waitingIn(stage)
    const shares = sharesOf(stage)
    for (let number = stage.waves.length + 1; waiting > 0; number++) {
      if (open.every(({ count }) => count === 0)) time = Math.max(time, closed[0]?.at ?? time)
      while (closed[0] && closed[0].at <= time) open.push(closed.shift()!)
      const wanted = waveSize(stage.strategy, number)
      let size = 0
      let opensAt: number | undefined
      for (const group of open) {
        const taken = Math.min(group.count, wanted - size)
        group.count -= taken
        size += taken
        if (taken > 0) opensAt = group.at
      }
      // Who waits and is neither in the pool nor closed is on its way into one of them.
      if (size === 0) break
      waiting -= size
      add({
        groups: spread(shares, size),
        size,
        ...(opensAt === undefined ? {} : { opensAt }),
        soakMs: waiting > 0 ? soakMs : finalSoakMs,
        ...hours.next(stage, size),
        isWave: true,
      })
    }
  }
  return { steps, earned: hours.before }
}

/** Operations or soak that a stage is in. */
function stepUnderWay(fleet: FleetState, stage: StageState, now: number): Step | undefined {
  if (stage.passed) return undefined
  const { soakMs, finalSoakMs } = stage.strategy
  const size = stage.idle + stage.busy
  if (size === 0) {
    return { groups: [], size, soakMs: Math.max(0, (soakEnd(fleet, stage) ?? now) - now), isWave: false }
  }
  const groups = Array.from(stage.atWork, ([shard, count]) => ({ shard, windowClass: '', count }))
  const elapsed = (now - fleet.startedAt) * stage.running - stage.starts
  const elapsedMs = stage.busy === 0 ? 0 : Math.max(0, elapsed / stage.busy)
  return { groups, size, elapsedMs, soakMs: waitingIn(stage) > 0 ? soakMs : finalSoakMs, isWave: false }
}

/** Who of a stage is closed, by when they open, in that order; of many times, what is near opens with the last of it. */
function openingsOf({ openings }: StageState): { at: number; count: number }[] {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const at of openings.keys()) {
    first = Math.min(first, at)
    last = Math.max(last, at)
  }
  const width = openings.size <= MOST_OPENINGS ? 0 : (last - first) / (MOST_OPENINGS - 1)
  const groups = new Map<number, { at: number; count: number }>()
  for (const [at, count] of openings) {
    // The first time is a group of its own: a stage whose targets are all closed begins with it.
    const key = width === 0 ? at : Math.ceil((at - first) / width)
    const group = groups.get(key)
    if (group) {
      group.at = Math.max(group.at, at)
      group.count += count
    } else groups.set(key, { at, count })
  }
  return Array.from(groups.values()).sort((left, right) => left.at - right.at)
}

/** Shares of the targets that wait in a stage, the largest first. */
interface Shares {
  readonly total: number
  readonly shards: readonly (readonly [shard: string, count: number])[]
}

function sharesOf({ waitingPerShard }: StageState): Shares {
  const shards = Array.from(waitingPerShard).filter(([, count]) => count > 0)
  shards.sort(([one, left], [other, right]) => right - left || (one < other ? -1 : 1))
  return { total: shards.reduce((sum, [, count]) => sum + count, 0), shards }
}

/**
 * A wave of random members by shard: as uneven as chance makes it (the standard deviation of a draw without putting
 * back), as the fullest shard decides how long it takes.
 */
function spread({ total, shards }: Shares, size: number): WorkGroup[] {
  const left = total <= 1 ? 0 : (total - size) / (total - 1)
  const wanted = shards.map(([shard, count], index) => {
    const share = count / total
    const deviation = Math.sqrt(size * share * (1 - share) * left)
    const weight = Math.max(0, size * share + normalQuantile(1 - (index + 0.5) / shards.length) * deviation)
    return { shard, weight }
  })
  const sum = wanted.reduce((all, { weight }) => all + weight, 0)
  let given = 0
  let reached = 0
  return wanted.flatMap(({ shard, weight }) => {
    reached += weight
    const count = Math.round((size * reached) / sum) - given
    given += count
    return count > 0 ? [{ shard, windowClass: '', count }] : []
  })
}

/** Of the standard normal distribution, within 0.01 (Tukey's lambda). */
function normalQuantile(share: number): number {
  return 4.91 * (share ** 0.14 - (1 - share) ** 0.14)
}

/**
 * Quantiles of the end from what was observed so far and in waves of the past: the same waves as `estimateEnd`, with
 * chance.
 */
export function forecastRemaining(
  fleet: FleetState,
  now: number,
  seed: number,
  past: readonly DurationSketch[] = [],
): Forecast {
  const own = fleet.durations.count > 0 ? [fleet.durations] : []
  const history = past.length + own.length > 0 ? [...past, ...own] : [guessedDurations(fleet.strategy)]
  const limits = {
    maxPerShard: (shard: string) => fleet.slots.limit(shard),
    maxConcurrent: fleet.slots.maxConcurrent,
    startAt: now,
    roundMs: 1,
    calendars: new Map(),
  }
  const { steps, earned } = stepsToCome(fleet, now)
  const waves = steps.map(({ groups, soakMs, hours, opensAt, elapsedMs }): ForecastWave => ({
    ...forecastWave({ groups, soakMs, ...(hours ? { hours } : {}) }, limits),
    ...(opensAt === undefined ? {} : { opensAt }),
    ...(elapsedMs === undefined ? {} : { elapsedMs }),
  }))
  return forecastEnd({ now, waves, history, seed, earned })
}

/** Hours that the waves to come will earn and wait for, where hours are asked; in the order of the waves. */
class FleetHours {
  readonly #fleet: FleetState
  readonly #ahead: HoursAhead | undefined
  readonly #waiting: readonly Map<string, number>[]
  /** In waves of their stage, by stage: as `shareOut` goes on. */
  readonly #taken: readonly Map<string, number>[]

  constructor(fleet: FleetState, now: number) {
    const { stages, earned } = fleet
    this.#fleet = fleet
    this.#waiting = stages.map(({ waitingPerStratum }) => new Map(waitingPerStratum))
    this.#taken = stages.map(() => new Map())
    if (!earned) return
    this.#ahead = new HoursAhead(
      stages.map(({ strategy }, index) => ({ earned: strategy.earned, waiting: this.#waiting[index] ?? new Map() })),
    )
    for (const stratum of earned.strata) this.#ahead.has(stratum, earned.by(now, stratum), now)
  }

  get before(): readonly KindHours[] {
    return this.#ahead?.before ?? []
  }

  /** Of the wave in progress: members that are not through yet, taken to be spread as all members of the stage are. */
  underWay(stage: StageState): { readonly hours?: WaveHours } {
    if (!this.#ahead || !this.#fleet.earned) return {}
    const known = new Set([...this.#fleet.earned.strata, ...stage.waitingPerStratum.keys()])
    const inWaves = Array.from(known, (stratum): [string, number] => [stratum, stage.pool.takenOf(stratum)])
    const total = inWaves.reduce((sum, [, count]) => sum + count, 0)
    const share = total === 0 ? 0 : (stage.idle + stage.busy) / total
    return { hours: this.#ahead.wave(stage.index, new Map(inWaves.map(([key, count]) => [key, count * share])), false) }
  }

  next(stage: StageState, size: number): { readonly hours?: WaveHours } {
    const taken = this.#taken[stage.index]
    const waiting = this.#waiting[stage.index]
    if (!this.#ahead || !taken || !waiting) return {}
    const takenOf = (stratum: string) => taken.get(stratum) ?? stage.pool.takenOf(stratum)
    const members = shareOut(size, waiting, takenOf)
    for (const [stratum, count] of members) taken.set(stratum, takenOf(stratum) + count)
    return { hours: this.#ahead.wave(stage.index, members) }
  }
}
