interface Slot<T> {
  readonly revision: number
  readonly value: T
  readonly size: number
}

/** The most recently used values by key and revision, bounded by the sum of their sizes. */
export class ParsedCache<T> {
  readonly #slots = new Map<string, Slot<T>>()
  readonly #capacity: number
  #size = 0

  /** `capacity` is in the unit of the sizes given to {@link set}. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string, revision: number): T | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined || slot.revision !== revision) return undefined
    this.#slots.delete(key)
    this.#slots.set(key, slot)
    return slot.value
  }

  set(key: string, revision: number, value: T, size: number): void {
    const old = this.#slots.get(key)
    if (old !== undefined) {
      // A late reader of an old revision must not push out the newer one.
      if (old.revision > revision) return
      this.#slots.delete(key)
      this.#size -= old.size
    }
    this.#slots.set(key, { revision, value, size })
    this.#size += size
    for (const [oldest, slot] of this.#slots) {
      if (this.#size <= this.#capacity || oldest === key) break
      this.#slots.delete(oldest)
      this.#size -= slot.size
    }
  }
}
