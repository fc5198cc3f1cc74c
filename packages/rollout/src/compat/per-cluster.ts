import { isFailure, type Evaluator } from './evaluate.ts'
import type { GroupSelection, OcmGroups } from './groups.ts'
import type { Intake } from './intake.ts'
import { Listing } from './listing.ts'
import type { KeptQuirks } from './quirks.ts'
import type { OcmStatus } from './types.ts'

/** What both passes work on. */
export interface PassInput {
  readonly groups: OcmGroups
  /** The groups in which clusters may start. */
  readonly selection: GroupSelection
  readonly intake: Intake
  readonly evaluator: Evaluator
  readonly kept: KeptQuirks
}

/**
 * Clusters by name, as many at once as there are slots. Upstream stops looking at statuses once all slots are taken; what
 * it overlooks then are quirks of their own.
 */
export function perClusterPass(input: PassInput & { readonly slots: number; readonly maxFailures: number }): Listing {
  const { groups, selection, intake, evaluator, kept, slots, maxFailures } = input
  const { statuses, first, next } = intake
  const seesFailures = !kept.has('fullListHidesFailures')
  const seesTimeouts = !kept.has('fullListHidesTimeouts')
  const seesRunning = !kept.has('fullListHidesRunning')
  // Upstream looks whether there is a slot after it took one; without clusters to choose from there are none.
  const looksLate = !seesRunning && kept.has('zeroConcurrencyIsAll')
  const seesAll = seesFailures || seesTimeouts || seesRunning
  const listing = new Listing(groups, intake, evaluator)
  // Slots of running clusters that are not listed yet.
  let reserved = seesRunning ? countHolding(intake, evaluator) : 0
  let taken = 0
  let failures = 0
  let full = false
  for (let rank = 0; rank < first.length; rank++) {
    if (full && !seesAll) break
    if (groups.names[rank] === '') continue
    for (let index = first[rank] as number; index >= 0; index = next[index] as number) {
      const status = statuses[index] as OcmStatus
      const standing = evaluator.standingOf(status)
      if (standing === 'waits') {
        if (!full && !listing.breach && (looksLate || taken + reserved < slots)) {
          listing.addStatus(index, standing)
          taken++
        }
      } else if (standing === 'holds' || standing === 'failed') {
        if (!full || seesRunning) {
          listing.addStatus(index, standing)
          if (standing === 'holds') {
            taken++
            if (seesRunning) reserved--
          }
        }
      } else if (standing === 'timedOut' && (!full || seesTimeouts)) listing.addTimeout(index)
      if ((!full || seesFailures) && isFailure(status, standing)) {
        failures++
        listing.breach = failures > maxFailures
      }
      if (taken + reserved >= slots) full = true
      if (full && !seesAll) break
    }
  }
  if (listing.breach && !kept.has('breachInNameOrder')) listing.dropWaiting()
  if (full || listing.breach) return listing
  for (let rank = 0; rank < first.length && taken < slots; rank++) {
    if ((first[rank] as number) >= 0 && groups.names[rank] !== '') continue
    const home = groups.homeIn(rank, selection)
    if (home < 0) continue
    listing.addStart(rank, home)
    taken++
  }
  return listing
}

function countHolding({ statuses, ranks }: Intake, evaluator: Evaluator): number {
  let count = 0
  for (let index = 0; index < statuses.length; index++) {
    if ((ranks[index] as number) < 0) continue
    const status = statuses[index] as OcmStatus
    if (status.cluster !== '' && evaluator.standingOf(status) === 'holds') count++
  }
  return count
}
