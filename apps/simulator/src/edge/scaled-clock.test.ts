import { describe, expect, test } from 'vitest'
import { ScaledClock } from './scaled-clock.ts'
import type { RealTime } from './scaled-clock.ts'

/** Real time under the control of a test: it passes only when told, and `soon` means before more of it passes. */
class FakeTime implements RealTime {
  #now = 0
  #timers: { due: number; callback: () => void }[] = []
  #soon: (() => void)[] = []

  now(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { due: this.#now + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  soon(callback: () => void): void {
    this.#soon.push(callback)
  }

  pass(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      while (this.#soon.length > 0) this.#soon.shift()!()
      const next = this.#timers.filter(({ due }) => due <= end).toSorted((left, right) => left.due - right.due)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#now = Math.max(this.#now, next.due)
      next.callback()
    }
    this.#now = end
  }

  /** The process does not get to run for a while: no timer fires on the way. */
  block(milliseconds: number): void {
    this.#now += milliseconds
  }
}

function clockAt(speed: number): { clock: ScaledClock; real: FakeTime } {
  const real = new FakeTime()
  return { clock: new ScaledClock({ speed, startMs: 1_000_000, real }), real }
}

describe('scaled clock', () => {
  test('runs as many times faster as told', () => {
    const { clock, real } = clockAt(60)
    real.pass(1000)
    expect(clock.now()).toBe(1_000_000 + 60_000)
  })

  test('fires timers in order of due time, each at its own time', () => {
    const { clock, real } = clockAt(1000)
    const fired: [string, number][] = []
    clock.after(7000, () => fired.push(['late', clock.now()]))
    clock.after(3000, () => fired.push(['early', clock.now()]))
    clock.after(3000, () => fired.push(['early too', clock.now()]))
    clock.after(500_000, () => fired.push(['not yet', clock.now()]))
    real.pass(10)
    expect(fired).toEqual([
      ['early', 1_003_000],
      ['early too', 1_003_000],
      ['late', 1_007_000],
    ])
  })

  test('does what one moment set off before it goes to the next', () => {
    const { clock, real } = clockAt(1000)
    const fired: string[] = []
    clock.after(1000, () => {
      fired.push('first')
      clock.after(1000, () => fired.push('set by first'))
    })
    clock.after(5000, () => fired.push('last'))
    real.pass(10)
    expect(fired).toEqual(['first', 'set by first', 'last'])
  })

  test('a cancelled timer does not fire, and cancelling a fired one does no harm', () => {
    const { clock, real } = clockAt(1000)
    const fired: string[] = []
    const cancelFirst = clock.after(1000, () => fired.push('first'))
    const cancelSecond = clock.after(1000, () => fired.push('second'))
    cancelSecond()
    real.pass(10)
    cancelFirst()
    clock.after(1000, () => fired.push('third'))
    cancelFirst()
    real.pass(10)
    expect(fired).toEqual(['first', 'third'])
  })

  test('does not make up for time in which the process was busy', () => {
    const { clock, real } = clockAt(100)
    real.block(60_000)
    real.pass(0)
    expect(clock.now() - 1_000_000).toBeLessThanOrEqual(25 * 100)
  })

  test('stands while I/O takes long and goes on when it is done', () => {
    const { clock, real } = clockAt(100)
    const release = clock.hold()
    real.pass(1000)
    const stood = clock.now()
    expect(stood - 1_000_000).toBeLessThanOrEqual(10 * 100)
    real.pass(1000)
    expect(clock.now()).toBe(stood)
    release()
    real.pass(1000)
    expect(clock.now() - stood).toBeGreaterThan(900 * 100)
  })

  test('quick I/O does not slow it down', () => {
    const { clock, real } = clockAt(100)
    for (let round = 0; round < 100; round++) {
      const release = clock.hold()
      real.pass(3)
      release()
      real.pass(7)
    }
    expect(clock.now()).toBeGreaterThan(1_000_000 + 900 * 100)
  })

  test('a stopped clock fires nothing', () => {
    const { clock, real } = clockAt(1000)
    let fired = false
    clock.after(1000, () => {
      fired = true
    })
    clock.stop()
    real.pass(1000)
    expect(fired).toBe(false)
  })
})
