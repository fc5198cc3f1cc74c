import type { StoreEvent } from './store-types.ts'

/** Gets the events of one watch, in revision order; the array belongs to the listener. */
export type StoreListener = (events: readonly StoreEvent[]) => void

/** What a watch is of: all keys that start with `prefix`, or one key. */
export type WatchScope = { readonly prefix: string } | { readonly key: string }

export function isInScope(key: string, scope: WatchScope): boolean {
  return 'key' in scope ? key === scope.key : key.startsWith(scope.prefix)
}

interface Watcher {
  readonly scope: WatchScope
  readonly after: number
  readonly listener: StoreListener
  active: boolean
  pending: StoreEvent[] | undefined
}

/**
 * Finds the watches of an event without asking each one: watches are filed under their key or prefix, and an event looks
 * up only its own key and the prefixes that has, one per `/`.
 */
export class WatchRegistry {
  /** Watches of prefixes that end in `/`, or of everything (empty prefix). */
  readonly #byPrefix = new Map<string, Set<Watcher>>()
  /** Watches of one key. */
  readonly #byKey = new Map<string, Set<Watcher>>()
  /** Watches of any other prefix; asked one by one. */
  readonly #others = new Set<Watcher>()
  /** Number of prefixes in `#byPrefix` by how many slashes they have, so that unused depths cost nothing. */
  readonly #depths: number[] = []

  /** Registers a watch of events after `after`; returns its end. */
  add(scope: WatchScope, after: number, listener: StoreListener): () => void {
    const watcher: Watcher = { scope, after, listener, active: true, pending: undefined }
    const unfile = this.#file(watcher)
    return () => {
      if (!watcher.active) return
      watcher.active = false
      unfile()
    }
  }

  #file(watcher: Watcher): () => void {
    const { scope } = watcher
    if ('key' in scope) return fileUnder(this.#byKey, scope.key, watcher)
    const { prefix } = scope
    if (prefix !== '' && !prefix.endsWith('/')) {
      this.#others.add(watcher)
      return () => this.#others.delete(watcher)
    }
    const depth = slashes(prefix)
    const count = (change: number): void => void (this.#depths[depth] = (this.#depths[depth] ?? 0) + change)
    return fileUnder(this.#byPrefix, prefix, watcher, count)
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
    if (this.#depths[0]) offer(this.#byPrefix.get(''), event, touched)
    let depth = 0
    for (let at = key.indexOf('/'); at !== -1; at = key.indexOf('/', at + 1)) {
      depth++
      if (this.#depths[depth]) offer(this.#byPrefix.get(key.slice(0, at + 1)), event, touched)
    }
    if (this.#byKey.size > 0) offer(this.#byKey.get(key), event, touched)
    for (const watcher of this.#others) {
      if (isInScope(key, watcher.scope)) give(watcher, event, touched)
    }
  }
}

/** Files a watch, and returns how to take it out; `count` is told of each name that comes (1) and goes (-1). */
function fileUnder(
  files: Map<string, Set<Watcher>>,
  name: string,
  watcher: Watcher,
  count: (change: 1 | -1) => void = () => {},
): () => void {
  let watchers = files.get(name)
  if (watchers === undefined) {
    files.set(name, (watchers = new Set()))
    count(1)
  }
  const filed = watchers.add(watcher)
  return () => {
    filed.delete(watcher)
    // A later watch of the same name makes a new set, so only the set that is filed may be removed.
    if (filed.size > 0 || files.get(name) !== filed) return
    files.delete(name)
    count(-1)
  }
}

function offer(watchers: ReadonlySet<Watcher> | undefined, event: StoreEvent, touched: Watcher[]): void {
  if (watchers === undefined) return
  for (const watcher of watchers) give(watcher, event, touched)
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
