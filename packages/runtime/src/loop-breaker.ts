export interface LoopBreakerOptions {
  /** How often a key may write one object within the window while nothing changes from outside. @default 100 */
  readonly writes?: number
  /** @default 60_000 */
  readonly windowMs?: number
  /** Length of the first pause; doubles with each pause that follows without a change from outside. @default 60_000 */
  readonly pauseMs?: number
  /** @default 3_600_000 */
  readonly maxPauseMs?: number
}

interface Account {
  /** Writes in the present window by object. */
  readonly writes: Map<string, number>
  windowEnd: number
  pausedUntil: number
  /** Pauses since the last change from outside. */
  pauses: number
}

/** How long the echo of a write may take; a write that changed nothing has none. */
const ECHO_MS = 30_000

/**
 * Finds keys of a controller that run in circles: each write brings the event that makes the key be reconciled again,
 * which writes again. Such a key is paused, and goes on as soon as something changes that is not its own doing.
 */
export class LoopBreaker {
  readonly #writes: number
  readonly #windowMs: number
  readonly #pauseMs: number
  readonly #maxPauseMs: number
  readonly #accounts = new Map<string, Account>()
  #sweepAt = 0

  constructor(options: LoopBreakerOptions = {}) {
    this.#writes = options.writes ?? 100
    this.#windowMs = options.windowMs ?? 60_000
    this.#pauseMs = options.pauseMs ?? 60_000
    this.#maxPauseMs = options.maxPauseMs ?? 3_600_000
  }

  /** Takes down a write of `object` by `key`; gives the length of a pause that begins with it, in milliseconds. */
  wrote(key: string, object: string, now: number): number | undefined {
    this.#sweep(now)
    let account = this.#accounts.get(key)
    if (account === undefined) {
      account = { writes: new Map(), windowEnd: now + this.#windowMs, pausedUntil: 0, pauses: 0 }
      this.#accounts.set(key, account)
    }
    if (now < account.pausedUntil) return undefined
    if (now >= account.windowEnd) {
      account.writes.clear()
      account.windowEnd = now + this.#windowMs
    }
    const count = (account.writes.get(object) ?? 0) + 1
    account.writes.set(object, count)
    // Who was paused gets no second chance to write that often before something changes.
    if (count <= (account.pauses === 0 ? this.#writes : 1)) return undefined
    const pause = Math.min(this.#maxPauseMs, this.#pauseMs * 2 ** Math.min(account.pauses, 30))
    account.pauses++
    account.pausedUntil = now + pause
    account.windowEnd = account.pausedUntil + this.#windowMs
    account.writes.clear()
    return pause
  }

  /** Something changed for `key` that it did not do itself. */
  changed(key: string): void {
    this.#accounts.delete(key)
  }

  /** How long `key` is still paused, in milliseconds; 0 when it is not. */
  pauseMs(key: string, now: number): number {
    return Math.max(0, (this.#accounts.get(key)?.pausedUntil ?? 0) - now)
  }

  /** Forgets keys that have not written for long and are not paused. */
  #sweep(now: number): void {
    if (now < this.#sweepAt) return
    this.#sweepAt = now + this.#windowMs
    for (const [key, { windowEnd }] of this.#accounts) {
      if (now >= windowEnd + this.#windowMs) this.#accounts.delete(key)
    }
  }
}

/**
 * Tells the events that writes of this process bring to one watch from changes by others. Events are counted, not
 * compared: what a write made of an object is known only from its answer, which not every writer reads.
 */
export class Echoes {
  readonly #pending = new Map<string, { count: number; until: number }>()
  #sweepAt = 0

  /** A write of the object is about to be sent: its event may come before its answer does. */
  expect(key: string, now: number): void {
    if (now >= this.#sweepAt) {
      this.#sweepAt = now + ECHO_MS
      for (const [old, { until }] of this.#pending) if (now >= until) this.#pending.delete(old)
    }
    const pending = this.#pending.get(key)
    if (pending === undefined || now >= pending.until) this.#pending.set(key, { count: 1, until: now + ECHO_MS })
    else {
      pending.count++
      pending.until = now + ECHO_MS
    }
  }

  /** The write failed, or this event is its echo; says whether one was expected. */
  settle(key: string, now: number): boolean {
    const pending = this.#pending.get(key)
    if (pending === undefined) return false
    if (--pending.count === 0) this.#pending.delete(key)
    return now < pending.until
  }
}
