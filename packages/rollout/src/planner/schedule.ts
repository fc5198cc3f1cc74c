import { HoursModel, type WaveHours } from '../hours-ahead.ts'
import { Calendar } from './calendar.ts'
import type { Batch } from './exposure.ts'
import { FlowNetwork } from './max-flow.ts'

/** Targets of a wave on one shard with the same windows. */
export interface WorkGroup {
  readonly shard: string
  /** '' = always open. */
  readonly windowClass: string
  readonly count: number
}

export interface WaveWork {
  readonly groups: readonly WorkGroup[]
  /** After the last of them finished, before the next wave or the end; the shortest where hours are asked. */
  readonly soakMs: number
  /** Present where a stage asks for earned hours. */
  readonly hours?: WaveHours
}

/** What operations are held against. */
export interface ScheduleLimits {
  readonly startAt: number
  /** Operations are taken to last so long: what they usually do. */
  readonly roundMs: number
  /** How long the slowest of so many operations lasts; a wave waits for it. Default `roundMs`. */
  readonly slowestMs?: (operations: number) => number
  readonly maxPerShard: (shard: string) => number
  readonly maxConcurrent?: number
  /** Calendars of window classes; a class without one is always open. */
  readonly calendars: ReadonlyMap<string, Calendar>
}

export interface ScheduledWave {
  /** The soak of the one before is over. */
  readonly startsAt: number
  /** All operations have ended, the slowest too. Infinity when some can never start. */
  readonly endsAt: number
  /** When its members start, in at most four parts for each stretch of open time. */
  readonly batches: readonly Batch[]
  /** Its soak is over. */
  readonly soakedAt: number
}

export interface Schedule {
  readonly waves: readonly ScheduledWave[]
  /** After the last soak; Infinity when it never ends. */
  readonly end: number
}

/** Rounds `from` to `to` (excluded) in which the same classes are open. */
interface Stretch {
  readonly from: number
  readonly to: number
  readonly open: ReadonlySet<string>
}

/**
 * The earliest end of waves that follow each other as the engine opens them: the next one at the moment at which the
 * soak of the one before is over. Exact in this model: the operations of a wave go in rounds that follow each other from
 * some moment on, the same for all of them and at the latest a round after the wave may begin; a round counts for a class
 * when all of it is open; after its last round a wave waits for the slowest.
 * Where no window is in the way, no order of work at all ends earlier. Where one is, the moments that matter are the
 * start and those at which a window opens (any other could be earlier), and for each of them the earliest end is found
 * with a maximum flow from groups over (shard, stretch of time) to stretches.
 */
export function earliestSchedule(waves: readonly WaveWork[], limits: ScheduleLimits): Schedule {
  const scheduled: ScheduledWave[] = []
  let now = limits.startAt
  const earned = new HoursModel()
  for (const wave of waves) {
    const { groups } = wave
    const { end, batches } = scheduleWave(groups, now, limits)
    const endsAt = end + waitForSlowest(groups, limits)
    const soakedAt = earned.soakOver(wave, middleOf(batches, limits.roundMs, endsAt), endsAt)
    scheduled.push({ startsAt: now, endsAt, batches, soakedAt })
    now = soakedAt
  }
  return { waves: scheduled, end: now }
}

/** When the members of a wave have ended on average. */
function middleOf(batches: readonly Batch[], roundMs: number, end: number): number {
  let sum = 0
  let size = 0
  for (const batch of batches) {
    sum += batch.size * (batch.at + roundMs)
    size += batch.size
  }
  return size === 0 ? end : Math.min(end, sum / size)
}

/** What a wave asks of the caps. */
interface Demand {
  readonly total: number
  /** Rounds that caps force; Infinity when a shard allows nothing. */
  readonly rounds: number
  /** As many at least are in the last of them. */
  readonly last: number
}

function demandOf(groups: readonly WorkGroup[], limits: ScheduleLimits): Demand {
  const { maxPerShard, maxConcurrent = Number.POSITIVE_INFINITY } = limits
  const shards = new Map<string, number>()
  let total = 0
  for (const { shard, count } of groups) {
    if (count === 0) continue
    total += count
    shards.set(shard, (shards.get(shard) ?? 0) + count)
  }
  let rounds = Math.ceil(total / maxConcurrent)
  for (const [shard, count] of shards) rounds = Math.max(rounds, Math.ceil(count / Math.max(0, maxPerShard(shard))))
  const before = Math.max(0, rounds - 1)
  let last = 0
  for (const [shard, count] of shards) last += Math.max(0, count - (before === 0 ? 0 : before * maxPerShard(shard)))
  return { total, rounds, last: Math.max(last, before === 0 ? 0 : total - before * maxConcurrent) }
}

/** How long after its last round the slowest operation of a wave ends: one of that round, or one that takes several. */
export function waitForSlowest(groups: readonly WorkGroup[], limits: ScheduleLimits): number {
  const { slowestMs, roundMs } = limits
  if (slowestMs === undefined) return 0
  const { total, rounds, last } = demandOf(groups, limits)
  if (total === 0 || rounds === Number.POSITIVE_INFINITY) return 0
  return Math.max(0, slowestMs(last) - roundMs, slowestMs(total) - rounds * roundMs)
}

interface Part {
  readonly from: number
  readonly to: number
  readonly count: number
}

/** The end of the last round, when all members of a wave that may begin at `start` go as early as they can. */
function scheduleWave(
  groups: readonly WorkGroup[],
  start: number,
  limits: ScheduleLimits,
): { readonly end: number; readonly batches: readonly Batch[] } {
  const { roundMs, calendars } = limits
  const { total, rounds } = demandOf(groups, limits)
  if (total === 0 || start === Number.POSITIVE_INFINITY) return { end: start, batches: [] }
  const classes = Array.from(
    new Set(groups.flatMap(({ windowClass, count }) => (count > 0 ? [windowClass] : []))),
    (name) => ({ name, calendar: calendars.get(name) ?? Calendar.always }),
  )
  const bare = start + rounds * roundMs
  const least = Math.max(bare, ...classes.map(({ calendar }) => calendar.room(start, roundMs) + roundMs))
  if (!Number.isFinite(least)) return { end: Number.POSITIVE_INFINITY, batches: [] }
  if (classes.every(({ calendar }) => calendar.room(start, bare - start) === start)) {
    return { end: bare, batches: batchesOf({ from: 0, to: rounds, count: total }, start, roundMs) }
  }
  const inStep = (anchor: number) => {
    const { end, parts } = new WaveFlow(groups, total, limits).run(stretchesOf(classes, anchor, roundMs))
    return { anchor, parts, end: anchor + end * roundMs }
  }
  let best = inStep(start)
  const steps = new Set<number>()
  for (const { from } of classes.flatMap(({ calendar }) => calendar.intervals)) {
    if (from > start && from < best.end) steps.add(start + ((from - start) % roundMs))
  }
  const bounds = Array.from(steps, (anchor) => ({
    anchor,
    bound: anchor + Math.ceil((least - anchor) / roundMs) * roundMs,
  }))
  for (const { anchor, bound } of bounds.sort((left, right) => left.bound - right.bound)) {
    if (bound >= best.end) break
    const found = inStep(anchor)
    if (found.end < best.end) best = found
  }
  const { end, parts, anchor } = best
  return { end, batches: parts.flatMap((part) => batchesOf(part, anchor, roundMs)) }
}

const MOST_BATCHES = 4

function batchesOf({ from, to, count }: Part, anchor: number, roundMs: number): Batch[] {
  const pieces = Math.min(MOST_BATCHES, to - from)
  return Array.from({ length: pieces }, (_, index) => ({
    size: count / pieces,
    at: anchor + (from + ((to - from) * index) / pieces) * roundMs,
  }))
}

/** Whole open rounds of a calendar from `anchor` on. */
function openRounds({ intervals }: Calendar, anchor: number, roundMs: number): { from: number; to: number }[] {
  return intervals
    .map(({ from, to }) => ({
      from: Math.max(0, Math.ceil((from - anchor) / roundMs)),
      to: Math.floor((to - anchor) / roundMs),
    }))
    .filter(({ from, to }) => from < to)
}

function stretchesOf(
  classes: readonly { readonly name: string; readonly calendar: Calendar }[],
  anchor: number,
  roundMs: number,
): Stretch[] {
  const open = classes.map(({ name, calendar }) => ({ name, ranges: openRounds(calendar, anchor, roundMs) }))
  const cuts = new Set([0])
  for (const { from, to } of open.flatMap(({ ranges }) => ranges)) cuts.add(from).add(to)
  const sorted = Array.from(cuts).sort((left, right) => left - right)
  const result: Stretch[] = []
  for (const [index, from] of sorted.entries()) {
    const to = sorted[index + 1] ?? Number.POSITIVE_INFINITY
    const names = open.flatMap(({ name, ranges }) =>
      ranges.some((range) => range.from <= from && to <= range.to) ? [name] : [],
    )
    if (names.length > 0 && from < to) result.push({ from, to, open: new Set(names) })
  }
  return result
}

class WaveFlow {
  readonly #network = new FlowNetwork()
  readonly #limits: ScheduleLimits
  readonly #total: number
  readonly #groups: readonly (WorkGroup & { readonly node: number })[]

  constructor(groups: readonly WorkGroup[], total: number, limits: ScheduleLimits) {
    this.#limits = limits
    this.#total = total
    this.#groups = groups
      .filter(({ count }) => count > 0)
      .map((group) => {
        const node = this.#network.addNode()
        this.#network.addEdge(0, node, group.count)
        return { ...group, node }
      })
  }

  /** Adds one stretch after the other until everybody has a round, then shortens the last as far as it goes. */
  run(stretches: readonly Stretch[]): { readonly end: number; readonly parts: readonly Part[] } {
    const network = this.#network
    const added: { stretch: Stretch; sink: number }[] = []
    let sent = 0
    for (const stretch of stretches) {
      const edges = this.#add(stretch)
      added.push({ stretch, sink: edges.sink })
      const before = network.save()
      const longest = Math.min(stretch.to - stretch.from, this.#total)
      const sendIn = (rounds: number) => {
        network.restore(before)
        this.#open(edges, rounds)
        return network.augment()
      }
      const more = sendIn(longest)
      if (sent + more < this.#total) {
        sent += more
        continue
      }
      let low = 0
      let high = longest
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if (sent + sendIn(middle) < this.#total) low = middle
        else high = middle
      }
      sendIn(high)
      const end = stretch.from + high
      const parts = added.map((each) => ({
        from: each.stretch.from,
        to: Math.min(each.stretch.to, end),
        count: network.flow(each.sink),
      }))
      return { end, parts: parts.filter(({ count }) => count > 0) }
    }
    return { end: Number.POSITIVE_INFINITY, parts: [] }
  }

  #add(stretch: Stretch): { readonly sink: number; readonly shards: readonly { edge: number; shard: string }[] } {
    const network = this.#network
    const whole = network.addNode()
    const nodes = new Map<string, number>()
    const shards: { edge: number; shard: string }[] = []
    for (const { shard, windowClass, count, node } of this.#groups) {
      if (!stretch.open.has(windowClass)) continue
      let place = nodes.get(shard)
      if (place === undefined) {
        place = network.addNode()
        nodes.set(shard, place)
        shards.push({ edge: network.addEdge(place, whole, 0), shard })
      }
      network.addEdge(node, place, count)
    }
    return { sink: network.addEdge(whole, 1, 0), shards }
  }

  #open(
    { sink, shards }: { readonly sink: number; readonly shards: readonly { edge: number; shard: string }[] },
    rounds: number,
  ): void {
    const { maxPerShard, maxConcurrent = Number.POSITIVE_INFINITY } = this.#limits
    const most = (atOnce: number) => (atOnce <= 0 ? 0 : Math.min(this.#total, Math.floor(atOnce) * rounds))
    this.#network.setCapacity(sink, most(maxConcurrent))
    for (const { edge, shard } of shards) this.#network.setCapacity(edge, most(maxPerShard(shard)))
  }
}
