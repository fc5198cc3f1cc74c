import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { betaTails, logBeta } from './beta.ts'
import { cleanNeeded, posterior, rateBounds, shareBounds } from './bounds.ts'
import { gammaTails, logGamma } from './gamma.ts'
import { betaQuantile, gammaQuantile } from './quantiles.ts'
import { binomialAtLeast, binomialAtMost, poissonAtLeast, poissonAtMost } from './tails.ts'

/** A fraction of whole numbers as the nearest double, however long they are. */
function quotient(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0
  const shift = BigInt(denominator.toString(2).length - numerator.toString(2).length + 64)
  const scaled = shift >= 0n ? (numerator << shift) / denominator : numerator / (denominator << -shift)
  return Number(scaled) * 2 ** -Number(shift)
}

function exactAtLeast(k: number, n: number, p: bigint, q: bigint): number {
  let term = p ** BigInt(n)
  let sum = 0n
  // From all n down: C(n, i−1) = C(n, i)·i/(n−i+1).
  for (let i = n; i >= k; i--) {
    sum += term
    if (i > 0) term = (term * BigInt(i) * q) / (BigInt(n - i + 1) * p)
  }
  return quotient(sum, (p + q) ** BigInt(n))
}

function relative(actual: number, expected: number): number {
  return Math.abs(actual - expected) / Math.max(expected, 1e-290)
}

const seed = 1

describe('against whole-number arithmetic', () => {
  test('binomial tails have 13 digits, also where they are tiny', () => {
    const chance = fc.record({ p: fc.integer({ min: 1, max: 999 }), of: fc.constantFrom(1000, 10_000) })
    const counts = fc.nat(90).chain((n) => fc.record({ n: fc.constant(n), k: fc.nat(n) }))
    fc.assert(
      fc.property(counts, chance, ({ n, k }, { p, of }) => {
        const exact = exactAtLeast(k, n, BigInt(p), BigInt(of - p))
        expect(relative(binomialAtLeast(k, n, p / of), exact)).toBeLessThan(3e-13)
        const below = exactAtLeast(n - k, n, BigInt(of - p), BigInt(p))
        expect(relative(binomialAtMost(k, n, p / of), below)).toBeLessThan(3e-13)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('large counts lose no digits', () => {
    const one = 10n ** 300n
    for (const [k, n, p] of [
      [60, 10_000, 50n],
      [620, 100_000, 50n],
      [20, 5000, 3n],
    ] as const) {
      const q = 10_000n - p
      let term = one
      for (let i = 0; i < n; i++) term = (term * q) / 10_000n
      let below = 0n
      for (let i = 0; i < k; i++) {
        below += term
        term = (term * BigInt(n - i) * p) / (BigInt(i + 1) * q)
      }
      expect(relative(binomialAtLeast(k, n, Number(p) / 10_000), quotient(one - below, one))).toBeLessThan(1e-12)
    }
  })

  test('Poisson tails: the sum of the terms below, by e^−m as a fraction', () => {
    for (const [k, m] of [
      [1, 3n],
      [5, 2n],
      [30, 12n],
      [200, 150n],
    ] as const) {
      // e^m = Σ mⁱ/i! with enough terms to be exact in 60 digits.
      let term = 10n ** 400n
      let all = 0n
      let least = 0n
      for (let i = 0; i < 1500; i++) {
        all += term
        if (i >= k) least += term
        term = (term * m) / BigInt(i + 1)
      }
      expect(relative(poissonAtLeast(k, Number(m)), quotient(least, all))).toBeLessThan(1e-13)
      expect(relative(poissonAtMost(k - 1, Number(m)), quotient(all - least, all))).toBeLessThan(1e-13)
    }
  })

  test('ln Γ of whole and of half numbers', () => {
    let factorial = 1n
    for (let n = 1; n <= 170; n++) {
      const exact = Math.log(Number(factorial))
      expect(Math.abs(logGamma(n) - exact)).toBeLessThan(1e-14 * Math.max(1, exact))
      factorial *= BigInt(n)
    }
    // Γ(n+½) = (2n)!/(4ⁿ n!) √π
    expect(Math.exp(logGamma(0.5))).toBeCloseTo(Math.sqrt(Math.PI), 14)
    expect(logGamma(10.5)).toBeCloseTo(Math.log(654_729_075 / 1024) + 0.5 * Math.log(Math.PI), 13)
    expect(Math.exp(logBeta(0.5, 0.5))).toBeCloseTo(Math.PI, 13)
    expect(logBeta(30, 40)).toBeCloseTo(logGamma(30) + logGamma(40) - logGamma(70), 12)
  })
})

describe('laws', () => {
  const shape = fc.double({ min: 0.5, max: 2000, noNaN: true })

  test('tails add up to one and mirror: Iₓ(a, b) = 1 − I₁₋ₓ(b, a)', () => {
    fc.assert(
      fc.property(shape, shape, fc.integer({ min: 1, max: 1023 }), (a, b, part) => {
        const x = part / 1024
        const here = betaTails(a, b, x)
        const mirrored = betaTails(b, a, 1 - x)
        expect(here.lower + here.upper).toBeCloseTo(1, 14)
        expect(here.lower).toBeCloseTo(mirrored.upper, 12)
        expect(betaTails(a, b, x + 1 / 1024).lower).toBeGreaterThanOrEqual(here.lower - 1e-13)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('quantiles are the inverse of the tails, to the digits the argument has', () => {
    const chance = fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true })
    fc.assert(
      fc.property(shape, shape, chance, (a, b, probability) => {
        const beta = betaTails(a, b, betaQuantile(a, b, probability)).lower
        expect(relative(beta, probability)).toBeLessThan(1e-9)
        const gamma = gammaTails(a, gammaQuantile(a, probability)).lower
        expect(relative(gamma, probability)).toBeLessThan(1e-9)
      }),
      { seed, numRuns: 300 },
    )
  })

  test('where there is a closed form', () => {
    for (const p of [1e-12, 0.01, 0.3, 0.5, 0.99]) {
      expect(betaQuantile(1, 1, p)).toBeCloseTo(p, 14)
      expect(relative(betaQuantile(1, 50, p), -Math.expm1(Math.log1p(-p) / 50))).toBeLessThan(1e-13)
      expect(relative(betaQuantile(0.5, 0.5, p), Math.sin((Math.PI * p) / 2) ** 2)).toBeLessThan(1e-12)
      expect(relative(gammaQuantile(1, p), -Math.log1p(-p))).toBeLessThan(1e-13)
    }
    expect([betaQuantile(2, 3, 0), betaQuantile(2, 3, 1), gammaQuantile(2, 0), gammaQuantile(2, 1)]).toEqual([
      0,
      1,
      0,
      Infinity,
    ])
  })

  test('what is no probability, share or shape is refused', () => {
    expect(() => betaQuantile(1, 1, 1.1)).toThrow(RangeError)
    expect(() => betaTails(0, 1, 0.5)).toThrow(RangeError)
    expect(() => gammaTails(1, Number.NaN)).toThrow(RangeError)
    expect(() => logGamma(0)).toThrow(RangeError)
    expect(() => binomialAtLeast(1, 2, 2)).toThrow(RangeError)
    expect(() => binomialAtMost(0.5, 2, 0.5)).toThrow(RangeError)
    expect(() => shareBounds(3, 2)).toThrow(RangeError)
    expect(() => shareBounds(1, 2, 1)).toThrow(RangeError)
    expect(() => rateBounds(1, -1)).toThrow(RangeError)
    expect(() => cleanNeeded(0)).toThrow(RangeError)
    expect(() => posterior({ treated: 0, failed: 0 }, { treated: 1, failed: 0 })).toThrow(RangeError)
  })
})

describe('published values', () => {
  test.each([
    // Two-sided 95 % intervals of R's binom.test.
    [0, 20, 0, 0.168_433_47],
    [10, 100, 0.049_004_69, 0.176_222_6],
    [4, 20, 0.057_333_98, 0.436_614_2],
    [20, 20, 0.831_566_5, 1],
  ])('Clopper-Pearson of %i of %i', (failed, treated, lower, upper) => {
    const bounds = shareBounds(failed, treated, 0.975)
    expect(bounds.lower).toBeCloseTo(lower, 6)
    expect(bounds.upper).toBeCloseTo(upper, 6)
  })

  test.each([
    // Two-sided 95 % limits for a Poisson count (Garwood 1936).
    [0, 0, 3.689],
    [1, 0.0253, 5.572],
    [5, 1.623, 11.668],
    [10, 4.795, 18.39],
    [50, 37.11, 65.92],
  ])('Garwood limits of %i', (onsets, lower, upper) => {
    const bounds = rateBounds(onsets, 1, 0.975)
    expect(bounds.lower).toBeCloseTo(lower, 2)
    expect(bounds.upper).toBeCloseTo(upper, 2)
  })

  test('rule of three', () => {
    expect(rateBounds(0, 3000).upper).toBeCloseTo(1 / 1000, 5)
    expect(rateBounds(0, 0)).toEqual({ lower: 0, upper: Infinity })
  })

  test.each([
    // Targets that show at least one failure, at 90, 95 and 99 %.
    [0.5, 4, 5, 7],
    [0.2, 11, 14, 21],
    [0.1, 22, 29, 44],
    [0.05, 45, 59, 90],
    [0.02, 114, 149, 228],
    [0.01, 230, 299, 459],
    [0.005, 460, 598, 919],
  ])('canaries for a vulnerable share of %d', (share, at90, at95, at99) => {
    expect([0.9, 0.95, 0.99].map((confidence) => cleanNeeded(share, confidence))).toEqual([at90, at95, at99])
  })

  test('a posterior is pulled from the prior towards what was seen', () => {
    const prior = { treated: 100, failed: 0.5 }
    expect(posterior(prior, { treated: 0, failed: 0 }).mean).toBeCloseTo(0.005, 12)
    const known = posterior(prior, { treated: 900, failed: 19.5 })
    expect(known.mean).toBeCloseTo(0.02, 12)
    expect(known.lower).toBeLessThan(0.02)
    expect(known.upper).toBeGreaterThan(0.02)
  })
})
