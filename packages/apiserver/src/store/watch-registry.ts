import type { StoreEvent } from './store-types.ts'

/** Gets the events of one watch, in revision order; the array belongs to the listener. */
export type StoreListener = (events: readonly StoreEvent[]) => void

interface Watcher {
  readonly prefix: string
  readonly after: number
  readonly listener: StoreListener
  active: boolean
  pending: StoreEvent[] | undefined
}

/**
 * Finds the watches of an event without asking each one: watches are filed under their prefix, and an event looks
 * up only the prefixes its own key has, one per `/`.
 */
export class WatchRegistry {
  /** Watches of prefixes that end in `/`, or of everything (empty prefix). */
  readonly #byPrefix = new Map<string, Set<Watcher>>()
  /** Watches of any other prefix; asked one by one. */
  readonly #others = new Set<Watcher>()
  /** Number of prefixes in `#byPrefix` by how many slashes they have, so that unused depths cost nothing. */
  readonly #depths: number[] = []

  /** Registers a watch of events after `after`; returns its end. */
  add(prefix: string, after: number, listener: StoreListener): () => void {
    const watcher: Watcher = { prefix, after, listener, active: true, pending: undefined }
    if (prefix !== '' && !prefix.endsWith('/')) {
      this.#others.add(watcher)
      return () => {
        watcher.active = false
        this.#others.delete(watcher)
      }
    }
    const depth = slashes(prefix)
    let watchers = this.#byPrefix.get(prefix)
    if (watchers === undefined) {
      watchers = new Set()
      this.#byPrefix.set(prefix, watchers)
      this.#depths[depth] = (this.#depths[depth] ?? 0) + 1
    }
    watchers.add(watcher)
    return () => {
      if (!watcher.active) return
      watcher.active = false
      watchers.delete(watcher)
      // A later watch of the same prefix makes a new set, so only the set that is filed may be removed.
      if (watchers.size === 0 && this.#byPrefix.get(prefix) === watchers) {
        this.#byPrefix.delete(prefix)
        this.#depths[depth]! -= 1
      }
    }
  }

  /**
   * Hands `events` to the watches they belong to: each is called once with all of its events. A listener that
   * throws harms nobody else; its error surfaces as an uncaught one.
   */
  dispatch(events: readonly StoreEvent[]): void {
    const touched: Watcher[] = []
    for (const event of events) this.#collect(event, touched)
    for (const watcher of touched) {
      const batch = watcher.pending!
      watcher.pending = undefined
      if (!watcher.active) continue
      try {
        watcher.listener(batch)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  #collect(event: StoreEvent, touched: Watcher[]): void {
    const key = event.key
    if (this.#depths[0]) this.#offer('', event, touched)
    let depth = 0
    for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) {
      depth++
      if (this.#depths[depth]) this.#offer(key.slice(0, at + 1), event, touched)
    }
    for (const watcher of this.#others) {
      if (key.startsWith(watcher.prefix)) give(watcher, event, touched)
    }
  }

  #offer(prefix: string, event: StoreEvent, touched: Watcher[]): void {
    const watchers = this.#byPrefix.get(prefix)
    if (watchers === undefined) return
    for (const watcher of watchers) give(watcher, event, touched)
  }
}

function give(watcher: Watcher, event: StoreEvent, touched: Watcher[]): void {
  if (event.revision <= watcher.after) return
  if (watcher.pending === undefined) {
    watcher.pending = [event]
    touched.push(watcher)
  } else {
    watcher.pending.push(event)
  }
}

function slashes(text: string): number {
  let count = 0
  for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) count++
  return count
}
