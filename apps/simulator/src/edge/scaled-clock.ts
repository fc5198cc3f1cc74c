import type { Cancel, Clock } from '@locktender/kube'

/** The real time that a {@link ScaledClock} is made of; tests give it a fake one. */
export interface RealTime {
  /** Milliseconds, from any origin, never backwards. */
  now(): number
  /** Calls `callback` once after `delayMs` real milliseconds. */
  after(delayMs: number, callback: () => void): Cancel
  /** Calls `callback` when what is ready to run now has run. */
  soon(callback: () => void): void
}

export interface ScaledClockOptions {
  /** Milliseconds of this clock per real millisecond. */
  readonly speed: number
  /** Where the clock starts, milliseconds since the epoch. */
  readonly startMs: number
  readonly real: RealTime
}

interface Timer {
  readonly due: number
  readonly sequence: number
  readonly callback: () => void
}

/** Real milliseconds between two looks at the clock when nothing is due earlier. */
const tickMs = 10

/** A tick never advances further than this many real milliseconds would: a busy process is not a late one. */
const longestStepMs = 25

/** I/O that takes longer than this stops the clock until it is done. */
const patienceMs = 5

/**
 * Real time, faster: for people who watch a day pass in a minute.
 *
 * It never lets a slow machine look like a late fleet. Time that passes while the process is busy is not made up
 * for, timers that are due at different moments fire one after the other with their work in between, and the clock
 * stands while I/O under {@link Clock.hold} takes unusually long.
 */
export class ScaledClock implements Clock {
  readonly #speed: number
  readonly #real: RealTime
  readonly #holds = new Map<symbol, number>()
  #now: number
  #lastTick: number
  #sequence = 0
  /** Sorted by due time, then by sequence. */
  #timers: Timer[] = []
  #cancelTick: Cancel | undefined
  #stopped = false

  constructor(options: ScaledClockOptions) {
    this.#speed = options.speed
    this.#real = options.real
    this.#now = options.startMs
    this.#lastTick = options.real.now()
    this.#schedule(tickMs)
  }

  now(): number {
    return Math.floor(this.#now)
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer: Timer = { due: this.#now + Math.max(0, delayMs), sequence: this.#sequence++, callback }
    this.#timers.splice(this.#position(timer), 0, timer)
    return () => {
      const index = this.#position(timer)
      if (this.#timers[index] === timer) this.#timers.splice(index, 1)
    }
  }

  hold(): Cancel {
    const id = Symbol('hold')
    this.#holds.set(id, this.#real.now())
    return () => {
      this.#holds.delete(id)
    }
  }

  /** Goes to `milliseconds` since the epoch unless the clock is later already: where a run continues after a restart. */
  forwardTo(milliseconds: number): void {
    this.#now = Math.max(this.#now, milliseconds)
  }

  /** Ends the clock: no timer fires any more. */
  stop(): void {
    this.#stopped = true
    this.#cancelTick?.()
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return
    this.#cancelTick = this.#real.after(delayMs, () => this.#tick())
  }

  #tick(): void {
    const realNow = this.#real.now()
    const elapsed = Math.min(realNow - this.#lastTick, longestStepMs)
    this.#lastTick = realNow
    if (this.#waitsForIo(realNow)) {
      this.#schedule(1)
      return
    }
    this.#advance(this.#now + elapsed * this.#speed)
  }

  #waitsForIo(realNow: number): boolean {
    // Insertion order is order of age.
    const oldest = this.#holds.values().next()
    return !oldest.done && realNow - oldest.value > patienceMs
  }

  /** Goes to `target`, but not past the next moment at which something is due before its work has run. */
  #advance(target: number): void {
    if (this.#stopped) return
    const due = this.#timers[0]?.due
    if (due === undefined || due > target) {
      this.#now = Math.max(this.#now, target)
      this.#schedule(tickMs)
      return
    }
    this.#now = Math.max(this.#now, due)
    while (this.#timers[0] !== undefined && this.#timers[0].due <= this.#now) this.#timers.shift()!.callback()
    this.#real.soon(() => {
      if (this.#waitsForIo(this.#real.now())) this.#schedule(1)
      else this.#advance(target)
    })
  }

  #position(timer: Timer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#timers[middle]!
      if (other.due < timer.due || (other.due === timer.due && other.sequence < timer.sequence)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The machine's own time. */
export function systemRealTime(): RealTime {
  return {
    now: () => performance.now(),
    after(delayMs, callback) {
      const timeout = setTimeout(callback, delayMs)
      return () => clearTimeout(timeout)
    },
    soon(callback) {
      setImmediate(callback)
    },
  }
}
