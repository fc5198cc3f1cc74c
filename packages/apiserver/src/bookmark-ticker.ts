import type { Cancel, Clock } from '@locktender/kube'

/** How often idle watches hear how far they are, as from a watch cache. */
const INTERVAL_MS = 60_000

/** One timer for the bookmarks of all watches; none while nobody wants them. */
export class BookmarkTicker {
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  #cancel: Cancel | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `listener` about once a minute; returns the end of it. */
  add(listener: () => void): () => void {
    this.#listeners.add(listener)
    this.#cancel ??= this.#arm()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#cancel?.()
      this.#cancel = undefined
    }
  }

  #arm(): Cancel {
    return this.#clock.after(INTERVAL_MS, () => {
      this.#cancel = this.#arm()
      for (const listener of this.#listeners) listener()
    })
  }
}
