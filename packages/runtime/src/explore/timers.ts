import type { Cancel, Clock } from '@locktender/kube'

interface Timer {
  readonly dueMs: number
  readonly sequence: number
  readonly callback: () => void
}

/** The clock of one schedule: time passes only when the scheduler says so, from one timer to the next. */
export class Timers implements Clock {
  #nowMs: number
  #sequence = 0
  /** Few at a time, so a list in no order is quickest. */
  #timers: Timer[] = []

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  hold(): Cancel {
    return () => {}
  }

  /** When the next timer is due; undefined without any. */
  get nextMs(): number | undefined {
    return this.#first()?.dueMs
  }

  /** Goes to the next timer and fires it. */
  fire(): void {
    const timer = this.#first()
    if (timer === undefined) return
    this.#timers = this.#timers.filter((other) => other !== timer)
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
    timer.callback()
  }

  /** Goes to a moment before which no timer is due. */
  moveTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs)
  }

  /** Milliseconds until each timer is due, ascending. */
  delays(): number[] {
    return this.#timers.map(({ dueMs }) => dueMs - this.#nowMs).sort((left, right) => left - right)
  }

  #first(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer
      else if (timer.dueMs === first.dueMs && timer.sequence < first.sequence) first = timer
    }
    return first
  }
}
