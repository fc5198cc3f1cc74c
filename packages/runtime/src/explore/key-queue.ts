/** First delay after a failure, doubled with each further one, and the longest; those of the live driver's queue. */
const BASE_DELAY_MS = 5
const MAX_DELAY_MS = 1_000_000

/** A key that waits to be reconciled. */
export interface ReadyKey {
  readonly key: string
  /** Keys of a first listing wait for all others, as in the live driver. */
  readonly initial: boolean
  readonly sequence: number
}

/** Sets a timer and returns its end. */
type After = (delayMs: number, callback: () => void) => () => void

/**
 * The work queue of one controller as the live driver has it, but open to a scheduler: it may take any of the keys that
 * are ready. A key is reconciled once at a time; added meanwhile, it comes back afterwards.
 */
export class KeyQueue {
  readonly #after: After
  readonly #sequence: () => number
  readonly #ready = new Map<string, ReadyKey>()
  readonly #active = new Set<string>()
  readonly #again = new Map<string, boolean>()
  readonly #delayed = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>()
  readonly #failures = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number, after: After, sequence: () => number) {
    this.#now = now
    this.#after = after
    this.#sequence = sequence
  }

  /** Keys that can be taken, in the order they were added. */
  ready(): MapIterator<ReadyKey> {
    return this.#ready.values()
  }

  /** Whether there are any; at most moments there are none. */
  get isReady(): boolean {
    return this.#ready.size > 0
  }

  get active(): number {
    return this.#active.size
  }

  /** Failures in a row of keys that failed when they were last reconciled. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures
  }

  /** Everything it knows but the keys that are ready, for telling moments apart. */
  described(): (string | number)[] {
    const delayed = [...this.#delayed].map(([key, { dueMs }]) => `${key} in ${dueMs - this.#now()}`)
    return [...this.#again, ...this.#failures].flat().map(String).concat(delayed.sort())
  }

  add(key: string, initial = false): void {
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
    if (this.#active.has(key)) {
      this.#again.set(key, initial && (this.#again.get(key) ?? true))
      return
    }
    const waiting = this.#ready.get(key)
    if (waiting !== undefined && (initial || !waiting.initial)) return
    this.#ready.set(key, { key, initial, sequence: waiting?.sequence ?? this.#sequence() })
  }

  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    if (this.#ready.has(key) || this.#again.has(key)) return
    const dueMs = this.#now() + delayMs
    const delayed = this.#delayed.get(key)
    if (delayed !== undefined && delayed.dueMs <= dueMs) return
    delayed?.cancel()
    const cancel = this.#after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { dueMs, cancel })
  }

  take(key: string): void {
    this.#ready.delete(key)
    this.#active.add(key)
  }

  /** Ends the work on a key that {@link take} began, well. */
  succeeded(key: string, requeueAfterMs?: number): void {
    this.#failures.delete(key)
    if (requeueAfterMs !== undefined) this.addAfter(key, requeueAfterMs)
    this.#done(key)
  }

  /** Ends it with an error: the key comes back after a delay that doubles each time. */
  failed(key: string): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.addAfter(key, Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.min(failures, 40)))
    this.#done(key)
  }

  /** Ends it with an error that trying again does not mend. */
  gaveUp(key: string): void {
    this.#failures.delete(key)
    this.#done(key)
  }

  #done(key: string): void {
    this.#active.delete(key)
    const initial = this.#again.get(key)
    if (initial === undefined) return
    this.#again.delete(key)
    this.add(key, initial)
  }
}
