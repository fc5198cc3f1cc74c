import type { FleetState } from './fleet-state.ts'
import { ReadyQueue } from './slots.ts'
import { isTakenBack, isTouched, standingOf, type TargetRecord } from './target.ts'

/** Places in line from here on are for targets that are well; all before are for those that were harmed. */
const WELL = 2 ** 40

/** Longest harmed first. */
function longerHarmed(left: TargetRecord, right: TargetRecord): number {
  const difference = harmedAt(left) - harmedAt(right)
  if (difference !== 0) return difference
  return left.id < right.id ? -1 : 1
}

function harmedAt({ input }: TargetRecord): number {
  return input.onsetAt ?? input.completedAt ?? input.since ?? Number.MAX_VALUE
}

/** Latest treated first; what has no start yet was requested last. */
function laterTreated(left: TargetRecord, right: TargetRecord): number {
  const difference = (right.input.since ?? Number.MAX_VALUE) - (left.input.since ?? Number.MAX_VALUE)
  if (difference !== 0) return difference
  return left.id < right.id ? 1 : -1
}

/** It has no slot to be reverted in: it has ended, or was to be tried again. */
function waitsForSlot(record: TargetRecord): boolean {
  const standing = standingOf(record)
  return standing === 'done' || standing === 'idle' || standing === 'closed'
}

/**
 * Takes the change back everywhere: first from the targets that it harmed, then from the others, latest treated first,
 * as that is where harm may yet show. A target whose operation is under way keeps its slot for the revert; one that
 * cannot be waited for needs none; the others wait for a slot under the same caps. Who turns out to be harmed while it
 * waits moves forward.
 */
export class Reverter {
  readonly #fleet: FleetState
  readonly #queue: ReadyQueue
  readonly #atOnce = new Set<TargetRecord>()
  /** Changed since the last look: they line up together, so that it does not matter who was heard of first. */
  readonly #changed = new Set<TargetRecord>()
  #order = 0

  constructor(fleet: FleetState) {
    this.#fleet = fleet
    this.#queue = new ReadyQueue(fleet.slots, (record) => this.#concerns(record))
    fleet.queues.push(this.#queue)
    for (const { id } of fleet.touched) {
      // Who left and came back has another record than when it was touched.
      const record = fleet.get(id)
      if (record) this.consider(record)
    }
  }

  /** To be called after every change of a target. */
  consider(record: TargetRecord): void {
    if (this.#concerns(record)) this.#changed.add(record)
  }

  /** The next target to revert now; it is marked as such. */
  next(): TargetRecord | undefined {
    this.#lineUp()
    for (const record of this.#atOnce) {
      this.#atOnce.delete(record)
      // Whose time ran out in the meantime gave its slot back, and waits for one as the others do.
      if (waitsForSlot(record)) this.consider(record)
      else if (this.#concerns(record)) return this.#revert(record)
    }
    this.#lineUp()
    const record = this.#queue.next()
    return record && this.#revert(record)
  }

  #lineUp(): void {
    if (this.#changed.size === 0) return
    const harmed: TargetRecord[] = []
    const well: TargetRecord[] = []
    for (const record of this.#changed) (this.#fleet.isHarmed(record) ? harmed : well).push(record)
    this.#changed.clear()
    for (const record of harmed.sort(longerHarmed)) this.#place(record, ++this.#order)
    for (const record of well.sort(laterTreated)) this.#place(record, ++this.#order + WELL)
  }

  #place(record: TargetRecord, place: number): void {
    if (waitsForSlot(record)) this.#queue.add(record, place)
    else this.#atOnce.add(record)
  }

  #revert(record: TargetRecord): TargetRecord {
    this.#fleet.change(record, () => {
      record.revertIssued = true
      // A request that was not seen yet is covered by the revert that follows it.
      record.issued = false
      record.marked = undefined
    })
    return record
  }

  #concerns(record: TargetRecord): boolean {
    return this.#fleet.knows(record) && isTouched(record) && !isTakenBack(record)
  }
}
