import { isFailure } from './evaluate.ts'
import { someGroupBreaks } from './failures.ts'
import { Listing } from './listing.ts'
import type { PassInput } from './per-cluster.ts'
import type { OcmStatus } from './types.ts'

/** Input of the pass over groups. */
export interface PerGroupInput extends PassInput {
  /** Failures tolerated in a group, by its size. */
  readonly maxFailuresOf: (groupSize: number) => number
  /** Clusters at once, by the size of the group; without it all of them. */
  readonly slotsOf?: (groupSize: number) => number
  /** Starts nothing, because maxFailures is broken outside of these groups. */
  readonly brokenElsewhere?: boolean
}

/** The statuses that were handed in, as the groups see them. */
interface Seen {
  /** By rank: FAILED, KNOWN or 0. */
  readonly known: Uint8Array
  /** By rank: the status of a cluster that waits, or -1. */
  readonly waiting: Int32Array
  /** Statuses to list: running, soaking and failed ones. */
  readonly listed: readonly number[]
  /** How many of them hold a slot. */
  readonly holding: number
}

/** Listed statuses of some groups. */
interface Listed {
  readonly statuses: number[]
  /** Failed ones: listed as they may recover, but nobody waits for them. */
  failed: number
}

const KNOWN = 1
const FAILED = 2

/**
 * Group after group by index, all clusters of a group at once. A group is left when none of its clusters may still succeed.
 */
export function perGroupPass(input: PerGroupInput): Listing {
  const { groups, selection, intake, evaluator, kept, maxFailuresOf, slotsOf, brokenElsewhere = false } = input
  const once = !kept.has('duplicatesCountTwice')
  const startsAfterBreach = kept.has('breachedGroupStillStarts')
  const failuresCancel = kept.has('failuresCancelRunning')
  const listing = new Listing(groups, intake, evaluator)
  const { known, waiting, listed, holding } = look(input, listing)
  if (!kept.has('openGroupHidesBreach')) listing.breach = someGroupBreaks(input, selection, maxFailuresOf)
  const startsNothing = brokenElsewhere || listing.breach
  const listedOf = kept.has('laterGroupHoldsEarlier') ? undefined : byGroup(input, listed)
  // What may hold the present group: of all groups, or of those up to it.
  const before = { listed: 0, failed: 0 }
  const count = ({ statuses, failed }: Listed) => {
    before.listed += statuses.length
    before.failed += failed
  }
  if (listedOf === undefined) count(listedOnes(input, listed))
  const starts = new Map<number, readonly number[]>()
  let started = 0
  let failures = 0
  for (const position of selection.positions) {
    const here = listedOf?.get(position)
    if (here !== undefined) count(here)
    const members = groups.membersOf(position, once)
    const groupFailures = members.reduce((sum, rank) => sum + (known[rank] === FAILED ? 1 : 0), 0)
    failures += groupFailures
    if (groupFailures > 0 && groupFailures > maxFailuresOf(members.length)) listing.breach = true
    const wanted = members.filter((rank) => known[rank] === 0)
    const slots = slotsOf === undefined ? Infinity : slotsOf(members.length) - holding - started
    const stopped = startsNothing || (listing.breach && !startsAfterBreach)
    const chosen = stopped ? [] : wanted.slice(0, Math.max(0, slots))
    listing.withheld += wanted.length - chosen.length
    starts.set(position, chosen)
    started += chosen.length
    // Upstream subtracts all failures from what is listed, although those that timed out are not.
    const open = started + before.listed - (failuresCancel ? failures : before.failed)
    if (open > 0 || listing.breach || listing.withheld > 0) break
  }
  if (listedOf === undefined) {
    for (const index of listed) listing.addStatus(index, 'holds')
    for (const position of selection.positions) addStarts(position)
  } else
    for (const position of groups.keys.keys()) {
      for (const index of listedOf.get(position)?.statuses ?? []) listing.addStatus(index, 'holds')
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
}

/** Evaluates all statuses, those of other groups too, and lists what timed out. */
function look({ groups, intake, evaluator, kept }: PassInput, listing: Listing): Seen {
  const { statuses, ranks, first, next } = intake
  const known = new Uint8Array(groups.names.length)
  const waiting = new Int32Array(groups.names.length).fill(-1)
  const listed: number[] = []
  let holding = 0
  if (kept.has('listInInputOrder')) for (let index = 0; index < statuses.length; index++) see(index)
  else
    for (const rank of groups.ranksByGroup)
      for (let index = first[rank] as number; index >= 0; index = next[index] as number) see(index)
  return { known, waiting, listed, holding }

  function see(index: number): void {
    const rank = ranks[index] as number
    const status = statuses[index] as OcmStatus
    if (rank < 0 || status.cluster === '') return
    const standing = evaluator.standingOf(status)
    if (standing === 'waits') {
      waiting[rank] = index
      return
    }
    known[rank] = isFailure(status, standing) ? FAILED : KNOWN
    if (standing === 'timedOut') listing.addTimeout(index)
    else if (standing !== 'finished') listed.push(index)
    if (standing === 'holds') holding++
  }
}

function listedOnes({ intake }: PassInput, statuses: readonly number[]): Listed {
  const failed = statuses.filter((index) => intake.statuses[index]?.status === 'Failed').length
  return { statuses: [...statuses], failed }
}

/** By the first group of their cluster. */
function byGroup({ groups, intake }: PassInput, listed: readonly number[]): Map<number, Listed> {
  const found = new Map<number, Listed>()
  for (const index of listed) {
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
