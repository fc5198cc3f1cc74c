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
  /** After the last of them finished, before the next wave or the end. */
  readonly soakMs: number
}

/** What operations are held against. */
export interface ScheduleLimits {
  readonly startAt: number
  /** An operation takes one round; rounds follow each other from `startAt`. */
  readonly roundMs: number
  readonly maxPerShard: (shard: string) => number
  readonly maxConcurrent?: number
  /** Calendars of window classes; a class without one is always open. */
  readonly calendars: ReadonlyMap<string, Calendar>
}

export interface ScheduledWave {
  readonly startsAt: number
  /** All operations have ended. Infinity when some can never start. */
  readonly endsAt: number
  /** When its members start, in at most four parts for each stretch of open time. */
  readonly batches: readonly Batch[]
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
 * The earliest end of waves that follow each other. Exact in this model: time is in rounds of one operation each, a
 * round counts for a class when all of it is open, soaks are rounded up to whole rounds, and a wave begins when the soak
 * of the one before is over. Within a wave the earliest end is found with a maximum flow from groups over (shard,
 * stretch of time) to stretches, so no order of starting could do better.
 */
export function earliestSchedule(waves: readonly WaveWork[], limits: ScheduleLimits): Schedule {
  const { startAt, roundMs } = limits
  const classes = new Set(waves.flatMap(({ groups }) => groups.map(({ windowClass }) => windowClass)))
  const stretches = stretchesOf(Array.from(classes), limits)
  const scheduled: ScheduledWave[] = []
  let round = 0
  for (const { groups, soakMs } of waves) {
    const { end, parts } = scheduleWave(groups, round, stretches, limits)
    const batches = parts.flatMap((part) => batchesOf(part, startAt, roundMs))
    scheduled.push({ startsAt: startAt + round * roundMs, endsAt: startAt + end * roundMs, batches })
    round = end + soakRounds(soakMs, roundMs)
  }
  return { waves: scheduled, end: startAt + round * roundMs }
}

/** A soak takes whole rounds; a difference that is only one of arithmetic takes none. */
export function soakRounds(soakMs: number, roundMs: number): number {
  return Math.ceil(soakMs / roundMs - 1e-9)
}

interface Part {
  readonly from: number
  readonly to: number
  readonly count: number
}

const MOST_BATCHES = 4

function batchesOf({ from, to, count }: Part, startAt: number, roundMs: number): Batch[] {
  const pieces = Math.min(MOST_BATCHES, to - from)
  return Array.from({ length: pieces }, (_, index) => ({
    size: count / pieces,
    at: startAt + (from + ((to - from) * index) / pieces) * roundMs,
  }))
}

/** Whole open rounds of a calendar from round 0 on. */
function openRounds({ intervals }: Calendar, startAt: number, roundMs: number): { from: number; to: number }[] {
  return intervals
    .map(({ from, to }) => ({
      from: Math.max(0, Math.ceil((from - startAt) / roundMs)),
      to: Math.floor((to - startAt) / roundMs),
    }))
    .filter(({ from, to }) => from < to)
}

function stretchesOf(classes: readonly string[], { calendars, startAt, roundMs }: ScheduleLimits): Stretch[] {
  const open = classes.map((name) => openRounds(calendars.get(name) ?? Calendar.always, startAt, roundMs))
  const cuts = new Set([0])
  for (const { from, to } of open.flat()) cuts.add(from).add(to)
  const sorted = Array.from(cuts).sort((left, right) => left - right)
  const result: Stretch[] = []
  for (const [index, from] of sorted.entries()) {
    const to = sorted[index + 1] ?? Number.POSITIVE_INFINITY
    const names = classes.filter((_, at) => open[at]?.some((range) => range.from <= from && to <= range.to))
    if (names.length > 0 && from < to) result.push({ from, to, open: new Set(names) })
  }
  return result
}

/** The round by which all of a wave that begins in round `start` can have ended. */
function scheduleWave(
  groups: readonly WorkGroup[],
  start: number,
  stretches: readonly Stretch[],
  limits: ScheduleLimits,
): { readonly end: number; readonly parts: readonly Part[] } {
  const total = groups.reduce((sum, { count }) => sum + count, 0)
  if (total === 0 || start === Number.POSITIVE_INFINITY) return { end: start, parts: [] }
  const ahead = stretches
    .filter(({ to }) => to > start)
    .map((stretch) => ({ ...stretch, from: Math.max(start, stretch.from) }))
  const quick = scheduleInOne(groups, total, ahead[0], limits)
  if (quick) return quick
  return new WaveFlow(groups, total, limits).run(ahead)
}

/** When everybody is open all the time it takes, the fullest shard or the whole decides. */
function scheduleInOne(
  groups: readonly WorkGroup[],
  total: number,
  stretch: Stretch | undefined,
  { maxPerShard, maxConcurrent = Number.POSITIVE_INFINITY }: ScheduleLimits,
): { readonly end: number; readonly parts: readonly Part[] } | undefined {
  if (!stretch || groups.some(({ windowClass, count }) => count > 0 && !stretch.open.has(windowClass))) return undefined
  const perShard = new Map<string, number>()
  for (const { shard, count } of groups) perShard.set(shard, (perShard.get(shard) ?? 0) + count)
  let rounds = Math.ceil(total / maxConcurrent)
  for (const [shard, count] of perShard) if (count > 0) rounds = Math.max(rounds, Math.ceil(count / maxPerShard(shard)))
  const end = stretch.from + Math.max(1, rounds)
  return end <= stretch.to && Number.isFinite(end)
    ? { end, parts: [{ from: stretch.from, to: end, count: total }] }
    : undefined
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
