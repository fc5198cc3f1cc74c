import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { poissonAtMost } from '../evidence/tails.ts'
import { DEFECT_PRIOR, expectedExposure, exposureTo, HALT_MODEL, unfixedHours, type Batch } from './exposure.ts'
import { expectedHarm } from './harm.ts'
import { bestSizes, equalSoaks, growingWaves } from './shape.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const FLEET = 5000

const percent = (sizes: readonly number[], hours: number) =>
  (100 * expectedExposure(equalSoaks(sizes, hours * HOUR)).exposed) / FLEET
const doubling = growingWaves(FLEET, 10, 2)

/** The published tables round to one decimal, or to whole control planes; half a unit is what rounding may take. */
const TENTH = 0.051

describe('exposure of 5,000 with 22 h of soak', () => {
  test.each([
    ['all at once', [5000], 100],
    ['1, 10, 100 %', [50, 450, 4500], 4.3],
    ['1, 5, 25, 100 %', [50, 200, 1000, 3750], 3.3],
    ['doubling', doubling, 2.1],
    ['x3', growingWaves(FLEET, 10, 3), 2.6],
    ['x5', growingWaves(FLEET, 10, 5), 3.2],
    ['x10', growingWaves(FLEET, 10, 10), 4.8],
  ])('%s', (_, sizes, expected) => {
    expect(Math.abs(percent(sizes, 22) - expected)).toBeLessThan(TENTH)
  })

  test('doubling has nine waves; longer first soaks do not pay', () => {
    expect(doubling).toHaveLength(9)
    const gaps = [6, 4, 3, 2.5, 2, 1.75, 1.5, 1.25]
    let at = 0
    const batches = doubling.map((size, index) => {
      const batch = { size, at: at * HOUR }
      at += gaps[index] ?? 0
      return batch
    })
    expect(batches.at(-1)?.at).toBe(22 * HOUR)
    expect(expectedExposure(batches).exposed).toBeGreaterThan(percent(doubling, 22) * 50)
  })

  test.each([
    [4, 2.87],
    [6, 2.21],
    [8, 1.99],
    [12, 1.84],
  ])('the best %i waves', (waves, expected) => {
    const ratio = 1000 ** (1 / (waves - 1))
    const begin = Array.from({ length: waves - 1 }, (_, index) => Math.round(5 * ratio ** index))
    begin.push(FLEET - begin.reduce((sum, size) => sum + size, 0))
    if ((begin.at(-1) ?? 0) < 1) begin.splice(-2, 2, 400, FLEET - 400 - begin.slice(0, -2).reduce((a, b) => a + b, 0))
    const best = bestSizes(FLEET, begin, (sizes) => percent(sizes, 22))
    expect(best.reduce((sum, size) => sum + size, 0)).toBe(FLEET)
    expect(best).toHaveLength(waves)
    // A search may find a little less than another search did.
    expect(Math.abs(percent(best, 22) - expected)).toBeLessThan(0.04)
  })

  test.each([
    [1, 14],
    [0.2, 45],
    [0.05, 147],
    [0.01, 676],
  ])('a defect of %d that shows after 8 h reaches %i', (share, expected) => {
    expect(Math.floor(exposureTo(equalSoaks(doubling, 22 * HOUR), share, 8 * HOUR, HALT_MODEL))).toBe(expected)
  })
})

describe('time against risk, doubling', () => {
  test.each([
    [1, 22.2, 70, 4372],
    [2, 11.0, 27, 8745],
    [4, 5.8, 14, 17_490],
    [6, 4.2, 10, 26_235],
    [8, 3.4, 8, 34_980],
    [12, 2.7, 7, 52_470],
    [22, 2.1, 6, 96_195],
  ])('%i h of soak: %d %% exposed, %i hurt, %i unfixed hours', (hours, exposed, hurt, unfixed) => {
    const batches = equalSoaks(doubling, hours * HOUR)
    expect(Math.abs(percent(doubling, hours) - exposed)).toBeLessThan(TENTH)
    expect(Math.abs(expectedExposure(batches).hurt - hurt)).toBeLessThan(0.51)
    expect(Math.floor(unfixedHours(batches, 0))).toBe(unfixed)
  })

  // Hazard, prior, best soak, its cost.
  test.each([
    [0.0001, 0.02, 2, 2.0],
    [0.0001, 0.1, 4, 4.5],
    [0.001, 0.02, 1, 7.2],
    [0.001, 0.1, 2, 14.2],
    [0.01, 0.02, 0.5, 31],
    [0.01, 0.1, 1, 58],
    [0.1, 0.02, 0.25, 146],
    [0.1, 0.1, 0.5, 266],
  ])('with hazard %d and prior %d the best soak is %d h and costs %d', (hazard, prior, hours, cost) => {
    const harms = [0.25, 0.5, 1, 2, 4, 6, 8, 12, 22].map((soak) => ({
      soak,
      total: expectedHarm(equalSoaks(doubling, soak * HOUR), 0, { hazard, prior }).total,
    }))
    const best = harms.reduce((left, right) => (right.total < left.total ? right : left))
    expect(best.soak).toBe(hours)
    // Two digits are published.
    expect(Math.abs(best.total - cost)).toBeLessThan(cost < 20 ? 0.06 : 0.6)
  })
})

const schedules = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 500 }), gap: fc.integer({ min: 0, max: 5 * HOUR }) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((waves) => {
    let at = 0
    return waves.map(({ size, gap }): Batch => ({ size, at: (at += gap) }))
  })

describe('in general', () => {
  test('the running sum equals the formula', () => {
    const formula = (batches: readonly Batch[], share: number, delay: number) =>
      batches.reduce((sum, { size, at }) => {
        const looked = at - HALT_MODEL.reactionMs
        const mean = batches
          .filter((before) => before.at <= looked)
          .reduce((shown, before) => shown + share * before.size * (1 - Math.exp((before.at - looked) / delay)), 0)
        return sum + size * Math.exp(-mean) * (1 + mean)
      }, 0)
    fc.assert(
      fc.property(
        schedules,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 8 * HOUR }),
        (batches, share, delay) => {
          const expected = formula(batches, share, delay)
          expect(exposureTo(batches, share, delay, HALT_MODEL) / expected).toBeCloseTo(1, 6)
        },
      ),
      { seed: 1, numRuns: 200 },
    )
  })

  test('harm grows with the hazard, the prior and the recovery time, and is never less than nothing', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(schedules, chance, chance, chance, chance, (batches, one, two, three, four) => {
        const low = { hazard: Math.min(one, two), prior: Math.min(three, four), recoveryMs: HOUR }
        const high = { hazard: Math.max(one, two), prior: Math.max(three, four), recoveryMs: 2 * HOUR }
        const lower = expectedHarm(batches, 0, low).total
        expect(lower).toBeGreaterThanOrEqual(0)
        expect(expectedHarm(batches, 0, high).total).toBeGreaterThanOrEqual(lower)
      }),
      { seed: 2, numRuns: 100 },
    )
  })

  test('waiting longer between the same waves never exposes more', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 800 }), { minLength: 2, maxLength: 10 }), (sizes) => {
        const short = expectedExposure(equalSoaks(sizes, 4 * HOUR)).exposed
        expect(expectedExposure(equalSoaks(sizes, 9 * HOUR)).exposed).toBeLessThanOrEqual(short + 1e-9)
      }),
      { seed: 3, numRuns: 100 },
    )
  })

  test('weights of the prior need not add up to one', () => {
    const batches = equalSoaks(doubling, HOUR)
    const doubled = { ...DEFECT_PRIOR, shares: DEFECT_PRIOR.shares.map((each) => ({ ...each, weight: 7 })) }
    expect(expectedExposure(batches, doubled).hurt).toBeCloseTo(expectedExposure(batches).hurt, 9)
  })
})

test.each([1, 2, 3, 7])('a batch goes out as often as a Poisson count stays below %i', (manifestations) => {
  const batches = [
    { size: 100, at: 0 },
    { size: 1, at: 2 * HOUR },
  ]
  for (const share of [0.001, 0.02, 0.3, 1]) {
    const shown = share * 100 * (1 - Math.exp(-(2 * HOUR - 10 * MINUTE) / HOUR))
    const exposed = exposureTo(batches, share, HOUR, { manifestations, reactionMs: 10 * MINUTE })
    expect(exposed - 100).toBeCloseTo(poissonAtMost(manifestations - 1, shown), 12)
  }
})
