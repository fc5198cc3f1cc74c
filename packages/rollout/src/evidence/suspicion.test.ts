import { describe, expect, test } from 'vitest'
import { onsetDelayDensity } from './onset-delay.ts'
import { strongestSuspect, suspicion, type Delays } from './suspicion.ts'

const HOUR = 3_600_000
const onset = (delays: Record<string, number>): Delays =>
  new Map(Object.entries(delays).map(([change, hours]) => [change, hours * HOUR]))

describe('how soon a change makes ill', () => {
  test('is a density: half within the first hour, falling, and never quite nothing', () => {
    const hours = Array.from({ length: 200_000 }, (_, index) => index / 100)
    const sum = (until: number) =>
      hours.filter((at) => at < until).reduce((total, at) => total + onsetDelayDensity((at + 0.005) * HOUR) / 100, 0)
    expect(sum(1)).toBeCloseTo(0.5, 3)
    expect(sum(2000)).toBeCloseTo(1, 2)
    expect(onsetDelayDensity(-HOUR)).toBe(onsetDelayDensity(0))
    expect(onsetDelayDensity(24 * HOUR)).toBeGreaterThan(1 / 1000)
  })
})

describe('suspicion', () => {
  test('is the greater the sooner the onsets came, the more there are and the fewer had the change', () => {
    const soon = [onset({ a: 0.2 }), onset({ a: 0.3 })]
    const base = suspicion('a', soon, 20)
    expect(base).toBeGreaterThan(0)
    expect(suspicion('a', [onset({ a: 5 }), onset({ a: 6 })], 20)).toBeLessThan(base)
    expect(suspicion('a', [...soon, onset({ a: 0.2 })], 20)).toBeGreaterThan(base)
    expect(suspicion('a', soon, 200)).toBeLessThan(base)
    expect(suspicion('b', soon, 20)).toBe(0)
  })

  test('of one that everybody fell ill with counts each of them', () => {
    expect(suspicion('a', [onset({ a: 0 })], 0)).toBeCloseTo(Math.log1p(5000) - 1)
  })
})

describe('the strongest suspect', () => {
  const strength = (change: string) => ({ a: 3, b: 3, c: 1 })[change] ?? 0

  test('is the one with the greatest suspicion, of equal ones the one that came last, else the first by name', () => {
    expect(strongestSuspect(onset({ a: 1, c: 0.1 }), strength)).toBe('a')
    expect(strongestSuspect(onset({ b: 1, a: 2 }), strength)).toBe('b')
    expect(strongestSuspect(onset({ b: 2, a: 1 }), strength)).toBe('a')
    expect(strongestSuspect(onset({ b: 1, a: 1 }), strength)).toBe('a')
  })

  test('is nobody where there was no change', () => {
    expect(strongestSuspect(onset({}), strength)).toBeUndefined()
  })
})
