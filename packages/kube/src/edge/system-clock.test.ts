import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

const DAY_MS = 24 * 3600 * 1000

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('tells the time of the machine and calls back after the delay', () => {
    const clock = systemClock()
    const fired: number[] = []
    clock.after(250, () => fired.push(clock.now()))
    clock.after(-5, () => fired.push(clock.now()))
    vi.advanceTimersByTime(249)
    expect(fired).toEqual([1_000_000])
    vi.advanceTimersByTime(1)
    expect(fired).toEqual([1_000_000, 1_000_250])
  })

  test('waits longer than a timer of Node can', () => {
    const clock = systemClock()
    let fired = 0
    clock.after(60 * DAY_MS, () => fired++)
    vi.advanceTimersByTime(60 * DAY_MS - 1)
    expect(fired).toBe(0)
    vi.advanceTimersByTime(1)
    expect(fired).toBe(1)
  })

  test('a cancelled timer does not fire, not even in its second part', () => {
    const clock = systemClock()
    let fired = 0
    const cancel = clock.after(60 * DAY_MS, () => fired++)
    clock.after(10, () => fired++)()
    vi.advanceTimersByTime(40 * DAY_MS)
    cancel()
    cancel()
    vi.advanceTimersByTime(40 * DAY_MS)
    expect(fired).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('may be held without effect', () => {
    const clock = systemClock()
    let fired = 0
    clock.hold()
    clock.after(1, () => fired++)
    vi.advanceTimersByTime(1)
    expect(fired).toBe(1)
  })
})

test('systemRandom gives numbers in [0, 1) that differ', () => {
  const random = systemRandom()
  const numbers = Array.from({ length: 100 }, () => random.next())
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
  expect(new Set(numbers).size).toBeGreaterThan(90)
})
