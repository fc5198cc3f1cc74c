import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logEvidence, SignalWatch } from './e-process.ts'

/** Expectation of the evidence after n samples when `share` of them are bad. */
function expectation(goodShare: number, share: number, n: number): number {
  let sum = 0
  let ways = 1
  for (let bad = 0; bad <= n; bad++) {
    sum += ways * share ** bad * (1 - share) ** (n - bad) * Math.exp(logEvidence(goodShare, bad, n))
    ways = (ways * (n - bad)) / (bad + 1)
  }
  return sum
}

/** Chance that the watch ever halts within n samples, looking after each: exact, by the number of bad ones. */
function chanceToHalt(goodShare: number, alpha: number, share: number, n: number): number {
  let alive = [1]
  let halted = 0
  for (let total = 1; total <= n; total++) {
    const next = Array.from({ length: total + 1 }, () => 0)
    for (const [bad, chance] of alive.entries()) {
      next[bad] = (next[bad] ?? 0) + chance * (1 - share)
      next[bad + 1] = (next[bad + 1] ?? 0) + chance * share
    }
    for (const [bad, chance] of next.entries()) {
      if (chance === 0 || logEvidence(goodShare, bad, total) < -Math.log(alpha)) continue
      halted += chance
      next[bad] = 0
    }
    alive = next
  }
  return halted
}

describe('evidence of a continuous signal', () => {
  test.each([0.001, 0.01, 0.1, 0.4])('is 1 on average for a good share of %d, and less for a better one', (good) => {
    for (const n of [1, 2, 5, 30]) {
      expect(expectation(good, good, n)).toBeCloseTo(1, 10)
      expect(expectation(good, good / 2, n)).toBeLessThan(1)
      expect(expectation(good, Math.min(1, good * 2), n)).toBeGreaterThan(1)
    }
  })

  test('a good change is halted at most once in 1/α whenever one looks; a bad one soon', () => {
    expect(chanceToHalt(0.02, 0.01, 0.02, 600)).toBeLessThan(0.01)
    expect(chanceToHalt(0.02, 0.01, 0.01, 600)).toBeLessThan(0.002)
    expect(chanceToHalt(0.02, 0.01, 0.1, 300)).toBeGreaterThan(0.99)
  })

  test('only the counts matter, a bad sample never lowers it and a good one never raises it', () => {
    const counts = fc.nat(200).chain((total) => fc.record({ total: fc.constant(total), bad: fc.nat(total) }))
    fc.assert(
      fc.property(counts, fc.constantFrom(0.005, 0.05, 0.3), ({ bad, total }, good) => {
        const here = logEvidence(good, bad, total)
        expect(logEvidence(good, bad + 1, total + 1)).toBeGreaterThan(here)
        expect(logEvidence(good, bad, total + 1)).toBeLessThan(here)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('better than good is no evidence, however much of it', () => {
    const watch = new SignalWatch({ goodShare: 0.05, alpha: 0.01 })
    watch.observe(0, 100_000)
    watch.look()
    expect(watch.evidence).toBeLessThan(0)
    expect(watch.halts).toBe(false)
  })
})

describe('SignalWatch', () => {
  test('says what would halt it, and having been at the limit is enough', () => {
    const watch = new SignalWatch({ goodShare: 0.02, alpha: 0.01 })
    expect(watch.limit).toBeCloseTo(Math.log(100), 6)
    watch.observe(1, 40)
    watch.look()
    const missing = watch.badToHalt()
    watch.observe(missing - 1, missing - 1)
    watch.look()
    expect(watch.halts).toBe(false)
    watch.observe(1, 1)
    watch.look()
    expect(watch.halts).toBe(true)
    watch.observe(0, 10_000)
    watch.look()
    expect(watch.evidence).toBeLessThan(0)
    expect([watch.halts, watch.badToHalt(), watch.bad, watch.total]).toEqual([true, 0, missing + 1, 10_040 + missing])
  })

  test('refuses what is no share and no count', () => {
    expect(() => new SignalWatch({ goodShare: 0, alpha: 0.01 })).toThrow(RangeError)
    expect(() => new SignalWatch({ goodShare: 0.1, alpha: 1 })).toThrow(RangeError)
    expect(() => new SignalWatch({ goodShare: 0.1, alpha: 0.1 }).observe(2, 1)).toThrow(RangeError)
  })
})
