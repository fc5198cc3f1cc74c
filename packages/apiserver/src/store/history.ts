import type { StoredValue, StoreEvent } from './store-types.ts'

/** Bookkeeping of one event beyond its values: key, objects, array slot. An estimate that keeps tiny values honest. */
const eventOverheadBytes = 200

/** How much of the past is kept. */
export interface HistoryLimits {
  /** So many of the newest events are kept, as long as they have room in `bytes`. */
  readonly events: number
  /** Events younger than this, in milliseconds, are kept beyond that number, as long as they have room. */
  readonly ageMs: number
  /** Bytes all kept events may take, with what they replaced; a bound on memory. */
  readonly bytes: number
}

/**
 * The window of newest writes, in revision order without gaps. It answers "what happened since" for watches and
 * "what was there before" for reads of the past and for snapshots.
 */
export class History {
  readonly #limits: HistoryLimits
  #events: StoreEvent[] = []
  /** Index in `#events` of the oldest kept event; those before it are dropped and wait for the next compaction. */
  #start = 0
  #bytes = 0
  #compacted: number

  constructor(compacted: number, limits: HistoryLimits) {
    this.#compacted = compacted
    this.#limits = limits
  }

  /** Events up to and including this revision are gone. */
  get compacted(): number {
    return this.#compacted
  }

  push(event: StoreEvent): void {
    this.#events.push(event)
    this.#bytes += sizeOf(event)
  }

  /** Drops the oldest events that are over the limits, but none after `visible`. */
  trim(visible: number, now: number): void {
    const { events, ageMs, bytes } = this.#limits
    while (this.#compacted < visible) {
      const event = this.#events[this.#start]!
      const tooMany = this.#events.length - this.#start > events && now - event.time >= ageMs
      if (!tooMany && this.#bytes <= bytes) break
      this.#start++
      this.#bytes -= sizeOf(event)
      this.#compacted = event.revision
    }
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }

  /** Calls `visit` with every event after `after` up to `upTo`, oldest first. */
  visit(after: number, upTo: number, visit: (event: StoreEvent) => void): void {
    const end = Math.min(this.#events.length, this.#start + upTo - this.#compacted)
    for (let index = this.#start + Math.max(0, after - this.#compacted); index < end; index++) {
      visit(this.#events[index]!)
    }
  }

  /** All events after `revision`, which must be in the window, oldest first. */
  after(revision: number): StoreEvent[] {
    return this.#events.slice(this.#start + (revision - this.#compacted))
  }

  /**
   * What keys that start with `prefix` and were written after `revision` held at `revision`; undefined for those
   * that did not exist then.
   */
  undo(revision: number, prefix: string): Map<string, StoredValue | undefined> {
    const then = new Map<string, StoredValue | undefined>()
    const first = this.#start + (revision - this.#compacted)
    for (let index = this.#events.length - 1; index >= first; index--) {
      const event = this.#events[index]!
      if (event.key.startsWith(prefix)) then.set(event.key, event.previous)
    }
    return then
  }
}

function sizeOf(event: StoreEvent): number {
  return eventOverheadBytes + (event.value?.length ?? 0) + (event.previous?.value.length ?? 0)
}
