import type { FleetState } from './fleet-state.ts'
import { ReadyQueue } from './slots.ts'
import { isTakenBack, isTouched, standingOf, type TargetRecord } from './target.ts'

/** Latest treated first; what has no start yet was requested last. */
function laterTreated(left: TargetRecord, right: TargetRecord): number {
  const difference = (right.input.since ?? Number.MAX_VALUE) - (left.input.since ?? Number.MAX_VALUE)
  if (difference !== 0) return difference
  return left.id < right.id ? 1 : -1
}

/**
 * Takes the change back everywhere, latest treated first. A target whose operation is under way keeps its slot for the
 * revert; one that cannot be waited for needs none; the others wait for a slot under the same caps.
 */
export class Reverter {
  readonly #fleet: FleetState
  readonly #queue: ReadyQueue
  readonly #atOnce = new Set<TargetRecord>()
  #order = 0

  constructor(fleet: FleetState) {
    this.#fleet = fleet
    this.#queue = new ReadyQueue(fleet.slots, (record) => this.#concerns(record))
    for (const record of fleet.touched.filter((each) => fleet.knows(each)).sort(laterTreated)) this.consider(record)
  }

  /** To be called after every change of a target. */
  consider(record: TargetRecord): void {
    this.#queue.roomIn(record.shard)
    if (!this.#concerns(record)) return
    if (standingOf(record) === 'done') this.#queue.add(record, ++this.#order)
    else this.#atOnce.add(record)
  }

  roomIn(shard: string): void {
    this.#queue.roomIn(shard)
  }

  roomAnywhere(): void {
    this.#queue.roomAnywhere()
  }

  /** The next target to revert now; it is marked as such. */
  next(): TargetRecord | undefined {
    for (const record of this.#atOnce) {
      this.#atOnce.delete(record)
      if (this.#concerns(record)) return this.#revert(record)
    }
    const record = this.#queue.next()
    return record && this.#revert(record)
  }

  #revert(record: TargetRecord): TargetRecord {
    this.#fleet.change(record, () => {
      record.revertIssued = true
      // A request that was not seen yet is covered by the revert that follows it.
      record.issued = false
    })
    return record
  }

  #concerns(record: TargetRecord): boolean {
    return this.#fleet.knows(record) && isTouched(record) && !isTakenBack(record)
  }
}
