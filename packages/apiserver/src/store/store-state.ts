import { History } from './history.ts'
import type { HistoryLimits } from './history.ts'
import { OrderedKeys, prefixEnd } from './ordered-keys.ts'
import { CompactedError } from './store-types.ts'
import type { StoredValue, StoreEvent } from './store-types.ts'

/** Which part of a range to read. */
export interface RangeOptions {
  /** Leave out keys up to and including this one. */
  readonly startAfter?: string
  /** At most this many items. */
  readonly limit?: number
  /** Read the past: the state right after this revision. */
  readonly at?: number
}

/** A part of a range. */
export interface RangeResult {
  readonly items: StoredValue[]
  /** Whether items follow the last one. */
  readonly more: boolean
  /** How many items follow the last one. */
  readonly remaining: number
}

/** A state of the past that stays readable while the store goes on. */
export interface CapturedState {
  readonly revision: number
  /** The newest values, in no particular order. */
  readonly heads: readonly StoredValue[]
  /** The writes after `revision` that led to them. */
  readonly later: readonly StoreEvent[]
}

/** Everything the store knows, in memory: the newest state of each key, their order, and the newest writes. */
export class StoreState {
  readonly #heads = new Map<string, StoredValue>()
  readonly #keys = new OrderedKeys()
  readonly history: History
  #revision: number
  #bytes = 0

  /** Starts empty at `revision`; snapshots are added with {@link load}, writes with {@link apply}. */
  constructor(revision: number, limits: HistoryLimits) {
    this.#revision = revision
    this.history = new History(revision, limits)
  }

  /** Revision of the newest applied write. */
  get revision(): number {
    return this.#revision
  }

  /** Bytes of all newest values and keys. */
  get liveBytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#heads.size
  }

  get(key: string): StoredValue | undefined {
    return this.#heads.get(key)
  }

  /** Adds one key of a snapshot. */
  load(value: StoredValue): void {
    this.#heads.set(value.key, value)
    this.#keys.insert(value.key)
    this.#bytes += value.key.length + value.value.length
  }

  /** Applies the write that follows the newest one, made at `time`; an absent value deletes. */
  apply(key: string, value: Uint8Array | undefined, time: number): StoreEvent {
    const revision = this.#revision + 1
    const previous = this.#heads.get(key)
    const createRevision = previous?.createRevision ?? revision
    if (previous !== undefined) this.#bytes -= key.length + previous.value.length
    let event: StoreEvent
    if (value === undefined) {
      this.#heads.delete(key)
      this.#keys.delete(key)
      event =
        previous === undefined
          ? { revision, key, createRevision, time }
          : { revision, key, createRevision, time, previous }
    } else {
      if (previous === undefined) this.#keys.insert(key)
      this.#heads.set(key, { key, value, revision, createRevision })
      this.#bytes += key.length + value.length
      event =
        previous === undefined
          ? { revision, key, createRevision, time, value }
          : { revision, key, createRevision, time, value, previous }
    }
    this.#revision = revision
    this.history.push(event)
    return event
  }

  /** Reads keys that start with `prefix`, in order. Throws CompactedError when `at` is before the window. */
  range(prefix: string, options: RangeOptions): RangeResult {
    const { startAfter, limit = Infinity, at } = options
    // The smallest string after `startAfter` is itself with the smallest character appended.
    const start = startAfter === undefined || startAfter < prefix ? prefix : `${startAfter}\0`
    if (at !== undefined && at < this.#revision) return this.#past(prefix, start, limit, at)
    const items: StoredValue[] = []
    let more = false
    this.#keys.visitFrom(start, (key) => {
      if (!key.startsWith(prefix)) return false
      if (items.length >= limit) {
        more = true
        return false
      }
      items.push(this.#heads.get(key)!)
      return true
    })
    if (!more) return { items, more, remaining: 0 }
    const last = items.at(-1)?.key
    const first = last === undefined ? start : `${last}\0`
    return { items, more, remaining: this.#keys.countBefore(prefixEnd(prefix)) - this.#keys.countBefore(first) }
  }

  /** The state right after `revision`, which must be in the window. Later writes do not show. */
  capture(revision: number): CapturedState {
    return { revision, heads: [...this.#heads.values()], later: this.history.after(revision) }
  }

  /** Costs what was written since and what is read, whatever else there is. */
  #past(prefix: string, start: string, limit: number, at: number): RangeResult {
    if (at < this.history.compacted) throw new CompactedError(at, this.history.compacted)
    const changed = this.history.undo(at, prefix)
    const restored: StoredValue[] = []
    for (const [key, value] of changed) if (value !== undefined && key >= start) restored.push(value)
    restored.sort((left, right) => (left.key < right.key ? -1 : 1))

    const items: StoredValue[] = []
    let next = 0
    const full = (): boolean => items.length >= limit
    this.#keys.visitFrom(start, (key) => {
      if (!key.startsWith(prefix)) return false
      while (!full() && next < restored.length && restored[next]!.key < key) items.push(restored[next++]!)
      if (full()) return false
      if (!changed.has(key)) items.push(this.#heads.get(key)!)
      return true
    })
    while (!full() && next < restored.length) items.push(restored[next++]!)

    const from = items.length === 0 ? start : `${items.at(-1)!.key}\0`
    let remaining = restored.length - next
    remaining += this.#keys.countBefore(prefixEnd(prefix)) - this.#keys.countBefore(from)
    for (const key of changed.keys()) if (key >= from && this.#heads.has(key)) remaining--
    return { items, more: remaining > 0, remaining }
  }
}
