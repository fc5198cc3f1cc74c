import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attribute } from './attribution.ts'
import type { Overlap } from './exposure-cells.ts'
import { ExposureLedger } from './exposure-ledger.ts'
import { expectedOverlap, LARGEST_CORRELATION, separability } from './separability.ts'
import { fitTwoExposures } from './two-exposures.ts'

const HOUR = 3_600_000
const names = { earlier: 'first', later: 'second' }

type Group = [hours: number, onsets: number]

function table(neither: Group, left: Group, right: Group, both: Group, stratum = 's'): Overlap {
  const group = ([hours, onsets]: Group) => ({ ms: hours * HOUR, onsets })
  return { stratum, neither: group(neither), left: group(left), right: group(right), both: group(both) }
}

const group: fc.Arbitrary<Group> = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(8))
const tables = fc.array(
  fc.tuple(group, group, group, group).map((groups) => table(...groups)),
  { minLength: 1, maxLength: 3 },
)

describe('fitTwoExposures', () => {
  test('finds the factors behind rates that follow them exactly', () => {
    // Rates 1, 4, 2 and 8 per 100 hours, and ten times that in another stratum.
    const counts = [
      table([100_000, 1000], [10_000, 400], [20_000, 400], [5000, 400]),
      table([1000, 100], [1000, 400], [1000, 200], [1000, 800], 'worse'),
    ]
    const { left, right } = fitTwoExposures(counts)
    expect(left.ratio).toBeCloseTo(4, 1)
    expect(right.ratio).toBeCloseTo(2, 1)
    expect(left.atLeast).toBeGreaterThan(3.6)
    expect(left.atLeast).toBeLessThan(4)
  })

  test('always arrives, bounds below the estimate, and does not care which is called left', () => {
    fc.assert(
      fc.property(tables, (counts) => {
        const { left, right } = fitTwoExposures(counts)
        for (const { ratio, atLeast } of [left, right]) {
          expect(Number.isFinite(ratio) && ratio > 0).toBe(true)
          expect(atLeast).toBeLessThan(ratio)
          expect(atLeast).toBeGreaterThan(0)
        }
        const mirrored = fitTwoExposures(counts.map((each) => ({ ...each, left: each.right, right: each.left })))
        expect(Math.log(mirrored.left.ratio)).toBeCloseTo(Math.log(right.ratio), 6)
        expect(Math.log(mirrored.right.atLeast)).toBeCloseTo(Math.log(left.atLeast), 5)
        expect(fitTwoExposures(counts)).toEqual({ left, right })
      }),
      { seed: 1, numRuns: 100 },
    )
  })

  test('does not blame a change for what the other explains', () => {
    const { left, right } = fitTwoExposures([table([10_000, 2], [500, 6], [3000, 1], [500, 6])])
    expect(left.atLeast).toBeGreaterThan(5)
    expect(right.atLeast).toBeLessThan(1)
  })

  test('onsets on one side only still give a finite bound', () => {
    const { left, right } = fitTwoExposures([table([10_000, 0], [300, 4], [300, 0], [10, 0])])
    expect(left.atLeast).toBeGreaterThan(5)
    expect(right.atLeast).toBeLessThan(1)
  })
})

describe('separability', () => {
  test('the same control planes at the same time: the later one waits, and says why', () => {
    const plans = Array.from({ length: 40 }, (_, index) => ({ stratum: 's', left: index, right: index + 0.5 }))
    const { separable, correlation, reason } = separability(expectedOverlap(plans, 0, 40), names)
    expect(separable).toBe(false)
    expect(correlation).toBeGreaterThan(LARGEST_CORRELATION)
    expect(reason).toMatch(/^second waits: .* almost the same \(correlation 0\.9\d, at most 0\.9\)/)
  })

  test('waves in an order of their own can be told apart', () => {
    const plans = Array.from({ length: 40 }, (_, index) => ({ stratum: 's', left: index, right: (index * 17) % 40 }))
    expect(separability(expectedOverlap(plans, 0, 40), names)).toMatchObject({ separable: true })
  })

  test('exactly the others are no better, and neither is a change that everybody has', () => {
    const others = Array.from({ length: 10 }, (_, index) => ({
      stratum: 's',
      ...(index < 5 ? { left: 0 } : { right: 0 }),
    }))
    expect(separability(expectedOverlap(others, 0, 9), names)).toMatchObject({ separable: false, correlation: -1 })
    const everybody = separability(
      expectedOverlap(
        [
          { stratum: 's', left: 0, right: 4 },
          { stratum: 's', left: 0 },
        ],
        0,
        9,
      ),
      names,
    )
    expect(everybody).toMatchObject({ separable: false, correlation: undefined })
    expect(everybody.reason).toMatch(/with first and some without/)
  })

  test('a contrast between kinds of control planes is none within them', () => {
    const plans = [
      { stratum: 'AWS', left: 0 },
      { stratum: 'Azure', right: 0 },
    ]
    expect(separability(expectedOverlap(plans, 0, 9), names).separable).toBe(false)
  })

  test('forecast time adds up, and the correlation is one', () => {
    const time = fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined })
    const planned = fc.record({ stratum: fc.constantFrom('a', 'b'), one: time, other: time })
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 30 }), (plans) => {
        const targets = plans.map(({ stratum, one, other }) => ({
          stratum,
          ...(one === undefined ? {} : { left: one }),
          ...(other === undefined ? {} : { right: other }),
        }))
        const counts = expectedOverlap(targets, 10, 100)
        const total = counts.flatMap(({ neither, left, right, both }) => [neither, left, right, both])
        expect(total.reduce((sum, { ms }) => sum + ms, 0)).toBe(90 * plans.length)
        expect(Math.abs(separability(counts, names).correlation ?? 0)).toBeLessThanOrEqual(1 + 1e-12)
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})

/** 60 control planes of a kind; a third has `a`, half of each has `b`; `onsets` happen on those picked. */
function ledgerWith(onsets: (index: number) => boolean): ExposureLedger {
  const ledger = new ExposureLedger(0)
  for (let index = 0; index < 60; index++) {
    const target = `cp-${index}`
    ledger.apply({ type: 'enter', target, stage: 'production', stratum: 's', at: 0 })
    if (index % 3 === 0) ledger.apply({ type: 'start', target, change: 'a', at: 0 })
    if (index % 2 === 0) ledger.apply({ type: 'start', target, change: 'b', at: 0 })
    if (onsets(index)) ledger.apply({ type: 'onset', target, signature: 'Degraded', at: 2 * HOUR })
  }
  return ledger
}

describe('attribute', () => {
  test('names the change on which the onsets are, with the other taken into account', () => {
    const found = attribute(
      ledgerWith((index) => index % 3 === 0 && index < 24),
      ['b', 'a'],
      'Degraded',
      10 * HOUR,
    )
    expect(found.guilty).toBe('a')
    expect(found.suspects.map(({ change }) => change)).toEqual(['a', 'b'])
    expect(found.reason).toMatch(/^a raises the rate of Degraded at least \d/)
  })

  test('names nobody for what happens everywhere, or for another signature', () => {
    const everywhere = ledgerWith((index) => index % 5 === 0)
    expect(attribute(everywhere, ['a', 'b'], 'Degraded', 10 * HOUR).guilty).toBeUndefined()
    const bad = ledgerWith((index) => index % 3 === 0)
    expect(attribute(bad, ['a', 'b'], 'Unavailable', 10 * HOUR).guilty).toBeUndefined()
    expect(attribute(bad, ['a', 'b'], 'Unavailable', 10 * HOUR).reason).toBe(
      'No change stands out as the cause of Unavailable.',
    )
  })

  test('judges a change that is alone by its own comparison, and knows no change nobody has', () => {
    const bad = ledgerWith((index) => index % 3 === 0 && index < 24)
    expect(attribute(bad, ['a'], 'Degraded', 10 * HOUR)).toMatchObject({
      guilty: 'a',
      suspects: [{ comparison: { opinion: 'Vote' } }],
    })
    expect(attribute(bad, ['unknown'], 'Degraded', 10 * HOUR)).toMatchObject({ guilty: undefined })
  })
})
