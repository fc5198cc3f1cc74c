interface Slot<T> {
  readonly revision: number
  readonly value: T
  readonly size: number
  /** Whether it was asked for since it was last passed over. */
  used: boolean
}

/**
 * Values by key and revision, bounded by the sum of their sizes. What was not used for longest goes first, roughly:
 * a use is only noted, and counts when it would be the value's turn to go.
 */
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
    slot.used = true
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
    this.#slots.set(key, { revision, value, size, used: false })
    this.#size += size
    if (this.#size > this.#capacity) this.#shrink(key)
  }

  /** Removes values until the rest fits; `kept` stays however large it is. */
  #shrink(kept: string): void {
    for (const [key, slot] of this.#slots) {
      if (this.#size <= this.#capacity) return
      if (key === kept) continue
      this.#slots.delete(key)
      if (slot.used) {
        // Once more to the end of the line, which this loop reaches too if nothing else makes room.
        slot.used = false
        this.#slots.set(key, slot)
      } else this.#size -= slot.size
    }
  }
}
