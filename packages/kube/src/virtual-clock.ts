import type { Cancel, Clock } from './clock.ts'
import { Heap } from './heap.ts'

interface Timer {
  readonly due: number
  readonly sequence: number
  readonly callback: () => void
  cancelled: boolean
}

/**
 * A clock that stands still while anything runs and jumps to the next due moment when nothing does.
 *
 * "Nothing runs" means: all promise jobs and immediates have finished and nobody holds the clock. Code driven by
 * this clock may therefore wait only for promises, for the clock itself, or for I/O under {@link Clock.hold}.
 * Timers due at the same moment fire in the order in which they were set, each after the work of the one before
 * has settled, so a run is a function of its inputs.
 */
export class VirtualClock implements Clock {
  #now: number
  #sequence = 0
  #holds = 0
  #wake: (() => void) | undefined
  readonly #heap = new Heap<Timer>(before)
  #cancelled = 0

  constructor(startMs = Date.UTC(2026, 0, 5, 8)) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer: Timer = {
      due: this.#now + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
      cancelled: false,
    }
    this.#heap.push(timer)
    this.#wake?.()
    return () => {
      if (timer.cancelled) return
      timer.cancelled = true
      // Cancelled timers stay in the heap until due; drop them once they are the majority.
      if (++this.#cancelled > 64 && this.#cancelled * 2 > this.#heap.size) this.#compact()
    }
  }

  hold(): Cancel {
    this.#holds++
    let released = false
    return () => {
      if (released) return
      released = true
      this.#holds--
      if (this.#holds === 0) this.#wake?.()
    }
  }

  /** Runs until `done` says so; also returns when no timer is left and nothing is in flight. */
  async run(done: () => boolean = () => false): Promise<void> {
    for (;;) {
      await settle()
      if (done()) return
      if (this.#holds > 0) {
        await this.#woken()
        continue
      }
      const timer = this.#next()
      if (timer === undefined) return
      if (timer.due > this.#now) this.#now = timer.due
      timer.callback()
    }
  }

  /** Runs everything due in the next `durationMs` and leaves the clock exactly that much later. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs
    for (;;) {
      await settle()
      if (this.#holds > 0) {
        await this.#woken()
        continue
      }
      const timer = this.#peek()
      if (timer === undefined || timer.due > end) break
      this.#next()
      if (timer.due > this.#now) this.#now = timer.due
      timer.callback()
    }
    this.#now = end
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  #peek(): Timer | undefined {
    while (this.#heap.peek()?.cancelled) {
      this.#heap.pop()
      this.#cancelled--
    }
    return this.#heap.peek()
  }

  #next(): Timer | undefined {
    const timer = this.#peek()
    if (timer !== undefined) {
      this.#heap.pop()
      // A later cancel of a fired timer must not count as a cancelled heap entry.
      timer.cancelled = true
    }
    return timer
  }

  #compact(): void {
    this.#heap.retain((timer) => !timer.cancelled)
    this.#cancelled = 0
  }
}

/** Lets promise jobs and immediates run. One turn is enough, since promise jobs run to exhaustion before it. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function before(left: Timer, right: Timer): boolean {
  return left.due < right.due || (left.due === right.due && left.sequence < right.sequence)
}
