import { Calendar } from './calendar.ts'
import { earliestSchedule, waitForSlowest, type Schedule, type ScheduleLimits, type WaveWork } from './schedule.ts'
import { atTime, count, duration } from './words.ts'

export type BlockerKind = 'Soaks' | 'Windows' | 'ClosedShard' | 'Shard' | 'Concurrency' | 'Together'

/** One thing that by itself (for Together: only with others) makes the deadline impossible. */
export interface Blocker {
  readonly kind: BlockerKind
  /** One sentence for people. */
  readonly message: string
  /** The shard or window class it is about. */
  readonly name?: string
  /** Control planes it concerns. */
  readonly targets?: number
  /** Milliseconds it needs, and those there are for it. */
  readonly neededMs?: number
  readonly availableMs?: number
}

export interface Feasibility {
  readonly feasible: boolean
  /** Earliest end of these waves, soaks included; undefined when they can never end. */
  readonly earliestEnd?: number
  /** Empty when feasible, else at least one, those that need most first within a kind. */
  readonly blockers: readonly Blocker[]
}

/** Shards named one by one; the others are counted. */
const NAMED_SHARDS = 5

/**
 * Whether waves can end by `deadline`, and if not, what stands against it. Exact for these waves in the model of
 * `earliestSchedule`. A blocker of its own is a bound that no order of work could beat; Together is named when there is
 * no such bound.
 */
export function checkFeasibility(
  waves: readonly WaveWork[],
  limits: ScheduleLimits,
  deadline: number | undefined,
  schedule: Schedule = earliestSchedule(waves, limits),
): Feasibility {
  const { end } = schedule
  const known = Number.isFinite(end) ? { earliestEnd: end } : {}
  const latest = deadline ?? Number.POSITIVE_INFINITY
  if (end <= latest && Number.isFinite(end)) return { feasible: true, ...known, blockers: [] }
  const soakMs = waves.reduce((sum, wave) => sum + wave.soakMs, 0)
  const slowestMs = waves.reduce((sum, { groups }) => sum + waitForSlowest(groups, limits), 0)
  const available = latest - limits.startAt
  const blockers = [
    ...soakBlockers(soakMs, available),
    ...windowBlockers(waves, limits, latest),
    ...shardBlockers(waves, limits, slowestMs, available - soakMs),
    ...concurrencyBlockers(waves, limits, slowestMs, available - soakMs),
  ]
  if (blockers.length === 0) blockers.push(together(waves, limits, end, latest))
  return { feasible: false, ...known, blockers }
}

function soakBlockers(soakMs: number, available: number): Blocker[] {
  if (soakMs <= available) return []
  const message = `Soaks alone need ${duration(soakMs)}; the deadline leaves ${duration(Math.max(0, available))}.`
  return [{ kind: 'Soaks', message, neededMs: soakMs, availableMs: Math.max(0, available) }]
}

function windowBlockers(waves: readonly WaveWork[], limits: ScheduleLimits, latest: number): Blocker[] {
  const perClass = new Map<string, number>()
  for (const { windowClass, count } of waves.flatMap(({ groups }) => groups)) {
    perClass.set(windowClass, (perClass.get(windowClass) ?? 0) + count)
  }
  const blockers: Blocker[] = []
  for (const [name, targets] of [...perClass].sort(
    (left, right) => right[1] - left[1] || (left[0] < right[0] ? -1 : 1),
  )) {
    const opensAt = (limits.calendars.get(name) ?? Calendar.always).room(limits.startAt, limits.roundMs)
    const isKnown = Number.isFinite(opensAt)
    if (targets === 0 || (isKnown && opensAt + limits.roundMs <= latest)) continue
    const opens = isKnown
      ? `theirs ("${name}") opens ${atTime(opensAt)}`
      : `theirs ("${name}") never opens for a whole operation`
    const message = `${count(targets, 'control plane')} ${targets === 1 ? 'has' : 'have'} windows outside the time there is; ${opens}.`
    blockers.push({ kind: 'Windows', message, name, targets })
  }
  return blockers
}

function shardBlockers(
  waves: readonly WaveWork[],
  limits: ScheduleLimits,
  slowestMs: number,
  available: number,
): Blocker[] {
  const perShard = new Map<string, { targets: number; rounds: number }>()
  for (const { groups } of waves) {
    const wave = new Map<string, number>()
    for (const { shard, count } of groups) wave.set(shard, (wave.get(shard) ?? 0) + count)
    for (const [shard, targets] of wave) {
      const sum = perShard.get(shard) ?? { targets: 0, rounds: 0 }
      sum.targets += targets
      if (targets > 0) sum.rounds += Math.ceil(targets / limits.maxPerShard(shard))
      perShard.set(shard, sum)
    }
  }
  const blockers: Blocker[] = []
  for (const [name, { targets, rounds }] of perShard) {
    const atOnce = limits.maxPerShard(name)
    if (atOnce <= 0 && targets > 0) {
      const message = `${name} allows no operation; ${count(targets, 'control plane')} wait there.`
      blockers.push({ kind: 'ClosedShard', message, name, targets })
      continue
    }
    const neededMs = rounds * limits.roundMs + slowestMs
    if (neededMs <= available) continue
    const message = `${name} allows ${atOnce} at once: ${duration(neededMs)} for its ${targets}, ${left(available)}.`
    blockers.push({ kind: 'Shard', message, name, targets, neededMs, availableMs: Math.max(0, available) })
  }
  blockers.sort(
    (one, two) =>
      (two.neededMs ?? Number.POSITIVE_INFINITY) - (one.neededMs ?? Number.POSITIVE_INFINITY) ||
      ((one.name ?? '') < (two.name ?? '') ? -1 : 1),
  )
  const others = blockers.slice(NAMED_SHARDS)
  if (others.length === 0) return blockers
  const targets = others.reduce((sum, blocker) => sum + (blocker.targets ?? 0), 0)
  const message = `The same holds for ${count(others.length, 'more management cluster')} with ${count(targets, 'control plane')}.`
  return [...blockers.slice(0, NAMED_SHARDS), { kind: 'Shard', message, targets }]
}

function concurrencyBlockers(
  waves: readonly WaveWork[],
  limits: ScheduleLimits,
  slowestMs: number,
  available: number,
): Blocker[] {
  const { maxConcurrent, roundMs } = limits
  if (maxConcurrent === undefined) return []
  let rounds = 0
  let targets = 0
  for (const { groups } of waves) {
    const size = groups.reduce((sum, { count }) => sum + count, 0)
    targets += size
    if (size > 0) rounds += Math.ceil(size / maxConcurrent)
  }
  const neededMs = rounds * roundMs + slowestMs
  if (neededMs <= available || targets === 0) return []
  const message = `The rollout allows ${maxConcurrent} at once: ${duration(neededMs)} for ${targets}, ${left(available)}.`
  return [{ kind: 'Concurrency', message, targets, neededMs, availableMs: Math.max(0, available) }]
}

function left(available: number): string {
  return available > 0 ? `soaks leave ${duration(available)}` : 'soaks leave no time'
}

/** Nothing alone is too much: says what giving up each of them would gain. */
function together(waves: readonly WaveWork[], limits: ScheduleLimits, end: number, latest: number): Blocker {
  const gains = [
    {
      name: 'soaks',
      end: earliestSchedule(
        waves.map(({ groups }) => ({ groups, soakMs: 0 })),
        limits,
      ).end,
    },
    { name: 'windows', end: earliestSchedule(waves, { ...limits, calendars: new Map() }).end },
    {
      name: 'caps',
      end: earliestSchedule(waves, {
        ...limits,
        maxPerShard: () => Number.MAX_SAFE_INTEGER,
        maxConcurrent: Number.MAX_SAFE_INTEGER,
      }).end,
    },
  ].filter((each) => each.end < end)
  const words = gains.map((each) => `without ${each.name} ${atTime(each.end)}`)
  const message =
    `Waves, soaks, windows and caps together end ${atTime(end)}, ` +
    `${duration(end - latest)} after the deadline${words.length > 0 ? ` (${words.join(', ')})` : ''}.`
  return { kind: 'Together', message, neededMs: end - limits.startAt, availableMs: latest - limits.startAt }
}
