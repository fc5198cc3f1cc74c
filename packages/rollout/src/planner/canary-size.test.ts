import { describe, expect, test } from 'vitest'
import {
  canariesToShow,
  chanceMissed,
  concurrencyNeeded,
  fixedTest,
  hoursToBound,
  soakToShowTwo,
  waldOutlook,
} from './canary-size.ts'

const HOUR = 3_600_000

describe('how many canaries', () => {
  test.each([
    [0.5, 4, 5, 7],
    [0.2, 11, 14, 21],
    [0.1, 22, 29, 44],
    [0.05, 45, 59, 90],
    [0.02, 114, 149, 228],
    [0.01, 230, 299, 459],
    [0.005, 460, 598, 919],
  ])('harm of %d of the fleet shows with 90 / 95 / 99 % among %i / %i / %i', (share, ...canaries) => {
    expect([0.9, 0.95, 0.99].map((confidence) => canariesToShow(share, confidence))).toEqual(canaries)
  })

  test('harm of everybody shows with one', () => {
    expect(canariesToShow(1, 0.99)).toBe(1)
  })

  test.each([
    [0.01, 50, 0.6],
    [0.01, 250, 0.08],
    [0.02, 50, 0.36],
    [0.05, 50, 0.08],
  ])('%d of the fleet is missed by %i at random with %d', (share, canaries, chance) => {
    expect(chanceMissed(share, canaries)).toBeCloseTo(chance, 1.9)
  })
})

describe('how long', () => {
  test('one in 1,000 hours takes 3,000 clean hours: 60 h with 50 canaries', () => {
    expect(hoursToBound(1 / 1000)).toBeCloseTo(3000, -1)
    expect(hoursToBound(0.06) / 50).toBeCloseTo(1, 1)
  })

  test('two of 50 canaries fail within 0.1, or 0.64, of the mean delay; with 5 % never', () => {
    expect(soakToShowTwo(50, 1, HOUR)).toBeCloseTo(0.1 * HOUR, -5)
    expect((soakToShowTwo(50, 0.2, HOUR) ?? 0) / HOUR).toBeCloseTo(0.64, 2)
    // Published as 5.2 h; 0.643 x 8 h is 5.15 h.
    expect((soakToShowTwo(50, 0.2, 8 * HOUR) ?? 0) / HOUR).toBeCloseTo(5.15, 1)
    expect(soakToShowTwo(50, 0.05, HOUR)).toBeUndefined()
  })

  test.each([
    [5000, 20, 104],
    [5000, 45, 234],
    [20_000, 20, 417],
  ])('%i operations of %i min in 16 h need %i at once', (targets, minutes, atOnce) => {
    expect(Math.round(concurrencyNeeded(targets, minutes, 16 * 60))).toBe(atOnce)
  })
})

// Good rate, bad rate, failures that halt, successes that clear, mean if good, mean if bad, fixed size, its limit.
test.each([
  [0.005, 0.05, 2, 100, 130, 63, 229, 5],
  [0.01, 0.05, 3, 112, 182, 109, 344, 9],
  [0.01, 0.1, 2, 49, 63, 31, 113, 5],
  [0.02, 0.1, 3, 54, 88, 53, 170, 9],
])('the sequential test of %d against %d', (goodRate, badRate, halt, clear, good, bad, size, limit) => {
  const input = { goodRate, badRate, alpha: 0.01, beta: 0.01 }
  const { failuresToHalt, successesToClear, meanIfGood, meanIfBad } = waldOutlook(input)
  expect({ failuresToHalt, successesToClear }).toEqual({ failuresToHalt: halt, successesToClear: clear })
  expect([meanIfGood, meanIfBad].map(Math.round)).toEqual([good, bad])
  expect(fixedTest(input)).toEqual({ size, limit })
})
