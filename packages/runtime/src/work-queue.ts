import { Heap, type Cancel, type Clock } from '@locktender/kube'
import { TokenBucket } from './token-bucket.ts'

/** What a queue tells of itself. */
export interface QueueObserver {
  added(): void
  /** A key was handed to a worker after waiting this long, in milliseconds. */
  taken(waitedMs: number): void
  retried(): void
}

export interface WorkQueueOptions {
  readonly clock: Clock
  /** First delay after a failure; doubles with each further one. @default 5 (controller-runtime) */
  readonly baseDelayMs?: number
  /** @default 1_000_000 (controller-runtime) */
  readonly maxDelayMs?: number
  /**
   * How many keys may be tried again each second in the long run, whatever their own delays; others queue up behind.
   * Changes that are observed do not wait for this. @default 10 (client-go)
   */
  readonly retriesPerSecond?: number
  /** How many keys may be tried again at once. @default 100 (client-go) */
  readonly retryBurst?: number
  readonly observer?: QueueObserver
}

interface Ready {
  readonly key: string
  readonly priority: number
  readonly sequence: number
  /** When it became ready. */
  readonly since: number
}

interface Delayed {
  readonly due: number
  readonly cancel: Cancel
}

/** Priority of keys that come from a first listing: real changes go before them (controller-runtime). */
export const lowPriority = -100

/**
 * Keys to be worked on. A key is handed to one worker at a time; added again meanwhile, it comes back after
 * {@link done}. Adding a waiting key keeps its earliest time and its highest priority. Order: priority, then age.
 */
export class WorkQueue {
  readonly #clock: Clock
  readonly #baseDelayMs: number
  readonly #maxDelayMs: number
  readonly #ready = new Map<string, Ready>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #active = new Set<string>()
  /** Keys added while active, with the highest priority asked for. */
  readonly #again = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  readonly #waiting: ((key: string | undefined) => void)[] = []
  readonly #heap = new Heap<Ready>(goesBefore)
  readonly #retries: TokenBucket
  readonly #observer: QueueObserver | undefined
  #sequence = 0
  #closed = false

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock
    this.#baseDelayMs = options.baseDelayMs ?? 5
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000
    this.#retries = new TokenBucket(options.retriesPerSecond ?? 10, options.retryBurst ?? 100, this.#clock.now())
    this.#observer = options.observer
  }

  /** Keys that are ready and not yet taken. */
  get depth(): number {
    return this.#ready.size
  }

  /** Keys that were taken and are not done. */
  get active(): ReadonlySet<string> {
    return this.#active
  }

  /** Makes `key` ready now. */
  add(key: string, priority = 0): void {
    if (this.#closed) return
    this.#cancelDelay(key)
    if (this.#active.has(key)) {
      this.#again.set(key, Math.max(priority, this.#again.get(key) ?? priority))
      return
    }
    const waiting = this.#ready.get(key)
    if (waiting !== undefined && waiting.priority >= priority) return
    if (waiting === undefined) this.#observer?.added()
    const taker = this.#waiting.shift()
    if (taker !== undefined) {
      this.#active.add(key)
      this.#observer?.taken(0)
      taker(key)
      return
    }
    const sequence = waiting?.sequence ?? this.#sequence++
    const ready: Ready = { key, priority, sequence, since: waiting?.since ?? this.#clock.now() }
    this.#ready.set(key, ready)
    this.#heap.push(ready)
  }

  /** Makes `key` ready `delayMs` from now, unless it becomes ready earlier. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) {
      this.add(key)
      return
    }
    if (this.#ready.has(key) || this.#again.has(key)) return
    const due = this.#clock.now() + delayMs
    const delayed = this.#delayed.get(key)
    if (delayed !== undefined && delayed.due <= due) return
    delayed?.cancel()
    const cancel = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { due, cancel })
  }

  /**
   * Makes `key` ready after a delay that doubles with each call since the last {@link forget}; later when many keys are
   * to be tried again, and not before `atLeastMs`.
   */
  addRateLimited(key: string, atLeastMs = 0): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.#observer?.retried()
    const own = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(failures, 40))
    this.addAfter(key, Math.max(own, this.#retries.reserve(this.#clock.now()), atLeastMs))
  }

  /** Says that `key` succeeded: its next failure starts with the first delay again. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** The next key, or undefined once the queue is closed. The caller owes a {@link done} for it. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    for (;;) {
      const ready = this.#heap.pop()
      if (ready === undefined) break
      // A raised priority leaves the older heap entry behind; only the one in the map counts.
      if (this.#ready.get(ready.key) !== ready) continue
      this.#ready.delete(ready.key)
      this.#active.add(ready.key)
      this.#observer?.taken(this.#clock.now() - ready.since)
      return Promise.resolve(ready.key)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Ends the work on `key` that began with {@link take}. */
  done(key: string): void {
    this.#active.delete(key)
    const priority = this.#again.get(key)
    if (priority === undefined) return
    this.#again.delete(key)
    this.add(key, priority)
  }

  /** Wakes all takers with undefined and drops everything. */
  close(): void {
    this.#closed = true
    for (const delayed of this.#delayed.values()) delayed.cancel()
    this.#delayed.clear()
    this.#ready.clear()
    this.#heap.clear()
    for (const taker of this.#waiting.splice(0)) taker(undefined)
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
  }
}

function goesBefore(left: Ready, right: Ready): boolean {
  return left.priority > right.priority || (left.priority === right.priority && left.sequence < right.sequence)
}
