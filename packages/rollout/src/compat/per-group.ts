import { isFailure } from './evaluate.ts'
import { Listing } from './listing.ts'
import type { PassInput } from './per-cluster.ts'
import type { OcmStatus } from './types.ts'

/** Statuses of one group that hold slots. */
interface Running {
  readonly statuses: number[]
  /** Failed ones that may still recover. */
  failed: number
}

/**
 * Group after group by index, all clusters of a group at once. A group is left when none of its clusters may still succeed.
 * Failed clusters within their deadline are listed but do not hold the group.
 */
export function perGroupPass(
  input: PassInput & {
    readonly maxFailuresOf: (groupSize: number) => number
    /** Clusters at once, by the size of the group; without it all of them. */
    readonly slotsOf?: (groupSize: number) => number
  },
): Listing {
  const { groups, selection, intake, evaluator, kept, maxFailuresOf, slotsOf } = input
  const { statuses, ranks, first, next } = intake
  const once = !kept.has('duplicatesCountTwice')
  const groupWise = !kept.has('laterGroupHoldsEarlier')
  const cancels = kept.has('failuresCancelRunning')
  const listing = new Listing(groups, intake, evaluator)
  const known = new Uint8Array(groups.names.length)
  const waiting = new Int32Array(groups.names.length).fill(-1)
  const running: number[] = []
  let failedRunning = 0
  for (const index of inOrder(input)) {
    const rank = ranks[index] as number
    if (rank < 0 || groups.names[rank] === '') continue
    const status = statuses[index] as OcmStatus
    const standing = evaluator.standingOf(status)
    if (standing === 'waits') {
      waiting[rank] = index
      continue
    }
    known[rank] = isFailure(status, standing) ? FAILED : KNOWN
    if (standing === 'timedOut') listing.addTimeout(index)
    if (standing !== 'holds') continue
    running.push(index)
    if (status.status === 'Failed') failedRunning++
  }
  const runningOf = groupWise ? byGroup(input, running) : undefined
  let listed = runningOf === undefined ? running.length : 0
  let open = runningOf === undefined ? running.length - failedRunning : 0
  let failures = 0
  const starts = new Map<number, number[]>()
  let started = 0
  for (const position of selection.positions) {
    const here = runningOf?.get(position)
    listed += here?.statuses.length ?? 0
    open += (here?.statuses.length ?? 0) - (here?.failed ?? 0)
    const members = groups.membersOf(position, once)
    const maxFailures = maxFailuresOf(members.length)
    let groupFailures = 0
    let unknown: number[] = []
    for (const rank of members) {
      if (known[rank] === FAILED) groupFailures++
      else if (known[rank] !== KNOWN) unknown.push(rank)
    }
    if (groupFailures > 0) listing.breach = groupFailures > maxFailures
    failures += groupFailures
    const room = startRoom(listing.breach && !kept.has('breachedGroupStillStarts'))
    if (unknown.length > room) {
      listing.withheld += unknown.length - room
      unknown = unknown.slice(0, room)
    }
    if (unknown.length > 0) starts.set(position, unknown)
    started += unknown.length
    const holding = started + (cancels ? listed - failures : open)
    if (holding > 0 || listing.breach || listing.withheld > 0) break

    function startRoom(breached: boolean): number {
      if (breached) return 0
      return slotsOf === undefined ? Infinity : Math.max(0, slotsOf(members.length) - running.length - started)
    }
  }
  if (runningOf === undefined) {
    for (const index of running) listing.addStatus(index, 'holds')
    for (const position of selection.positions) addStarts(position)
    return listing
  }
  for (const position of groups.keys.keys()) {
    for (const index of runningOf.get(position)?.statuses ?? []) listing.addStatus(index, 'holds')
    addStarts(position)
  }
  return listing

  function addStarts(position: number): void {
    for (const rank of starts.get(position) ?? []) {
      const index = evaluator.waitingTimesOut ? (waiting[rank] as number) : -1
      if (index >= 0) listing.addStatus(index, 'waits', position)
      else listing.addStart(rank, position)
    }
  }

  function* inOrder({ intake }: PassInput): Generator<number> {
    if (kept.has('listInInputOrder')) yield* intake.statuses.keys()
    else
      for (const position of groups.keys.keys())
        for (const rank of groups.membersOf(position, true))
          for (let index = first[rank] as number; index >= 0; index = next[index] as number) yield index
  }
}

const KNOWN = 1
const FAILED = 2

/** Running statuses by the first group of their cluster. */
function byGroup({ groups, intake }: PassInput, running: readonly number[]): Map<number, Running> {
  const found = new Map<number, Running>()
  for (const index of running) {
    const home = groups.homeOf(intake.ranks[index] as number)
    let group = found.get(home)
    if (group === undefined) {
      group = { statuses: [], failed: 0 }
      found.set(home, group)
    }
    group.statuses.push(index)
    if (intake.statuses[index]?.status === 'Failed') group.failed++
  }
  return found
}
