import type { OcmGroups, GroupSelection } from './groups.ts'
import { compareNames } from './names.ts'
import type { KeptQuirks } from './quirks.ts'
import type { OcmStatus } from './types.ts'

/** The statuses of one call, found by rank. They are numbered by their place in the list that was handed in. */
export interface Intake {
  readonly statuses: readonly OcmStatus[]
  /** Rank of the cluster of each status; -1 for one that takes no part. */
  readonly ranks: Int32Array
  /** First status of each rank, or -1. */
  readonly first: Int32Array
  /** The next status of the same cluster, or -1. */
  readonly next: Int32Array
  readonly removed: readonly OcmStatus[]
}

/** Splits off clusters that are in no group any more, and finds the statuses of each cluster. Linear. */
export function takeIn(
  statuses: readonly OcmStatus[],
  groups: OcmGroups,
  all: GroupSelection,
  kept: KeptQuirks,
): Intake {
  const ranks = new Int32Array(statuses.length)
  const first = new Int32Array(groups.names.length).fill(-1)
  const next = new Int32Array(statuses.length).fill(-1)
  const everyGroup = all.positions.length === groups.keys.length
  let removed: OcmStatus[] = []
  let duplicates = false
  // From the end, so that the chain of a cluster is in the order of the list.
  for (let index = statuses.length - 1; index >= 0; index--) {
    const status = statuses[index] as OcmStatus
    const rank = groups.rankOf(status.cluster)
    if (rank < 0 || (!everyGroup && groups.homeIn(rank, all) < 0)) {
      ranks[index] = -1
      removed.push(status)
      continue
    }
    ranks[index] = rank
    const known = first[rank] as number
    if (known >= 0) duplicates = true
    next[index] = known
    first[rank] = index
  }
  removed.reverse()
  if (!kept.has('duplicatesCountTwice')) {
    if (duplicates) keepLatest({ statuses, ranks, first, next, removed })
    removed = latestOfEach(removed)
  }
  if (!kept.has('listInInputOrder')) removed.sort((left, right) => compareNames(left.cluster, right.cluster))
  return { statuses, ranks, first, next, removed }
}

/** Leaves one status to each cluster. */
function keepLatest({ statuses, ranks, first, next }: Intake): void {
  for (let rank = 0; rank < first.length; rank++) {
    let best = first[rank] as number
    if (best < 0 || (next[best] as number) < 0) continue
    for (let index = next[best] as number; index >= 0; index = next[index] as number) {
      const later = isLater(statuses[index] as OcmStatus, statuses[best] as OcmStatus)
      ranks[later ? best : index] = -1
      if (later) best = index
    }
    first[rank] = best
    next[best] = -1
  }
}

function latestOfEach(removed: readonly OcmStatus[]): OcmStatus[] {
  const latest = new Map<string, OcmStatus>()
  for (const status of removed) {
    const known = latest.get(status.cluster)
    if (known === undefined || isLater(status, known)) latest.set(status.cluster, status)
  }
  return [...latest.values()]
}

const BEST_FIRST = ['Skip', 'ToApply', 'Succeeded', 'Progressing', 'TimeOut', 'Failed']

/** Of two statuses at one time the worse one counts as the later; those unknown to us are between running and failed. */
function isLater(left: OcmStatus, right: OcmStatus): boolean {
  const { transitionAt: leftAt = -Infinity } = left
  const { transitionAt: rightAt = -Infinity } = right
  if (leftAt !== rightAt) return leftAt > rightAt
  const difference = severity(left.status) - severity(right.status)
  if (difference !== 0) return difference > 0
  return compareNames(idOf(left), idOf(right)) > 0
}

function severity(status: string): number {
  const place = BEST_FIRST.indexOf(status)
  return place < 0 ? 3.5 : place
}

function idOf({ status, group, recheckAt }: OcmStatus): string {
  return `${status} ${group.index} ${group.name} ${recheckAt ?? ''}`
}
