import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Contrast } from './exposure-cells.ts'
import { compareRates, onsetsToVote, ratioAtLeast } from './rate-ratio.ts'

const HOUR = 3_600_000

function contrast(exposed: [number, number], unexposed: [number, number], stratum = 's'): Contrast {
  return {
    stratum,
    exposed: { ms: exposed[0] * HOUR, onsets: exposed[1] },
    unexposed: { ms: unexposed[0] * HOUR, onsets: unexposed[1] },
  }
}

/** Sum over every way to place the onsets of each stratum, in whole numbers. */
function exactP(strata: readonly Contrast[]): number {
  let chances = [1n]
  let denominator = 1n
  let seen = 0
  for (const { exposed, unexposed } of strata) {
    const e = BigInt(exposed.ms / HOUR)
    const u = BigInt(unexposed.ms / HOUR)
    const n = exposed.onsets + unexposed.onsets
    seen += exposed.onsets
    for (let onset = 0; onset < n; onset++) {
      const next = Array.from({ length: chances.length + 1 }, () => 0n)
      for (const [count, chance] of chances.entries()) {
        next[count] = (next[count] ?? 0n) + chance * u
        next[count + 1] = (next[count + 1] ?? 0n) + chance * e
      }
      chances = next
      denominator *= e + u
    }
  }
  const atLeast = chances.slice(seen).reduce((sum, chance) => sum + chance, 0n)
  return Number((atLeast * 10n ** 18n) / denominator) / 1e18
}

const table = fc
  .record({ e: fc.integer({ min: 1, max: 500 }), u: fc.integer({ min: 1, max: 500 }), ke: fc.nat(6), ku: fc.nat(6) })
  .map(({ e, u, ke, ku }) => contrast([e, ke], [u, ku]))

describe('compareRates', () => {
  test('p is exact over strata of different rates', () => {
    fc.assert(
      fc.property(fc.array(table, { minLength: 1, maxLength: 4 }), (strata) => {
        expect(Math.abs(compareRates(strata).p - exactP(strata))).toBeLessThan(1e-12)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('in one stratum the ratio is that of the rates', () => {
    const { ratio, p } = compareRates([contrast([100, 5], [1000, 5])])
    expect(ratio).toBeCloseTo(10, 10)
    // P(Binomial(10, 1/11) ≥ 5) = 27,424,601 / 11¹⁰
    expect(p).toBeCloseTo(27_424_601 / 11 ** 10, 14)
  })

  test('a stratum that is worse by itself is no evidence, though the sums look like it', () => {
    // The change went first where trouble is common: ten times the rate overall, the same within each kind.
    const strata = [contrast([900, 9], [100, 1], 'old'), contrast([100, 0], [9000, 0], 'new')]
    expect(compareRates([contrast([1000, 9], [9100, 1])]).opinion).toBe('Vote')
    expect(compareRates(strata)).toMatchObject({ opinion: 'Veto' })
    expect(compareRates(strata).ratio).toBeCloseTo(1, 10)
  })

  test.each([
    ['two onsets in the first hour of canaries', contrast([1, 2], [5000, 0]), 'Vote'],
    ['one is never enough', contrast([1, 1], [50_000, 0]), 'None'],
    ['p is not small enough', contrast([100, 2], [1000, 0]), 'None'],
    ['as many on the others, ten in all', contrast([100, 5], [100, 5]), 'Veto'],
    ['as many on the others, nine in all', contrast([100, 4], [100, 5]), 'None'],
    ['a small effect is no vote however sure', contrast([10_000, 250], [10_000, 100]), 'None'],
    ['nobody is untreated', contrast([100, 20], [0, 0]), 'None'],
    ['nothing happened', contrast([100, 0], [100, 0]), 'None'],
  ])('%s: %j', (_, counts, opinion) => {
    expect(compareRates([counts]).opinion).toBe(opinion)
  })

  test('of a change without effect hardly one in a thousand looks gets a vote', () => {
    // All outcomes of 12 onsets, weighted: the sum of the chances of those that vote.
    for (const share of [0.01, 0.1, 0.3, 0.5]) {
      let chance = 0
      for (let k = 0; k <= 12; k++) {
        const comparison = compareRates([contrast([share * 1000, k], [(1 - share) * 1000, 12 - k])])
        let ways = 1
        for (let i = 0; i < k; i++) ways = (ways * (12 - i)) / (i + 1)
        if (comparison.opinion === 'Vote') chance += ways * share ** k * (1 - share) ** (12 - k)
      }
      expect(chance).toBeLessThan(0.001)
    }
  })

  test('one more onset of a treated target only speaks against the change, one of the others for it', () => {
    fc.assert(
      fc.property(table, ({ exposed, unexposed, stratum }) => {
        const p = (treated: number, others: number) =>
          compareRates([
            { stratum, exposed: { ...exposed, onsets: treated }, unexposed: { ...unexposed, onsets: others } },
          ]).p
        const here = p(exposed.onsets, unexposed.onsets)
        expect(p(exposed.onsets + 1, unexposed.onsets)).toBeLessThanOrEqual(here + 1e-12)
        expect(p(exposed.onsets, unexposed.onsets + 1)).toBeGreaterThanOrEqual(here - 1e-12)
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})

describe('what would change it', () => {
  test('the lower bound excludes what p excludes', () => {
    const counts = [contrast([100, 8], [900, 4]), contrast([30, 3], [300, 2], 'other')]
    const bound = ratioAtLeast(counts)
    expect(bound).toBeGreaterThan(1)
    expect(bound).toBeLessThan(compareRates(counts).ratio)
    const alike = counts.map(({ exposed, ...rest }) => ({ ...rest, exposed: { ...exposed, ms: exposed.ms * bound } }))
    expect(compareRates(alike).p).toBeCloseTo(0.05, 6)
    expect(ratioAtLeast([contrast([100, 0], [100, 3])])).toBe(0)
  })

  test('the onsets that are missing for a vote', () => {
    const counts = [contrast([50, 1], [1000, 1]), contrast([5, 0], [100, 0], 'rare')]
    const more = onsetsToVote(counts) ?? 0
    const after = (onsets: number) => compareRates([contrast([50, 1 + onsets], [1000, 1])]).opinion
    expect([after(more - 1), after(more)]).toEqual(['None', 'Vote'])
    expect(onsetsToVote([contrast([50, 0], [0, 0])])).toBeUndefined()
    expect(onsetsToVote([])).toBeUndefined()
  })
})
