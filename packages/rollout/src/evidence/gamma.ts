const HALF_LOG_TAU = 0.918_938_533_204_672_7

/** From here on Stirling's series is exact to the last bit with the terms kept below. */
const ASYMPTOTIC = 10

/** Coefficients B₂ₙ/(2n(2n−1)) of Stirling's series (Abramowitz and Stegun 6.1.40). */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156]

function stirlingSeries(z: number): number {
  const square = 1 / (z * z)
  return STIRLING.reduceRight((sum, coefficient) => sum * square + coefficient, 0) / z
}

/** ln Γ(x) for x > 0, within a few 10⁻¹⁵ absolutely below 10 and relatively above. */
export function logGamma(x: number): number {
  if (!(x > 0)) throw new RangeError(`ln Γ is computed for positive numbers, not ${x}.`)
  if (x === 1 || x === 2) return 0
  let z = x
  let product = 1
  for (; z < ASYMPTOTIC; z++) product *= z
  return (z - 0.5) * Math.log(z) - z + HALF_LOG_TAU + stirlingSeries(z) - Math.log(product)
}

/** What Stirling's formula lacks: ln Γ(z+1) − (z+½) ln z + z − ½ ln 2π, for z > 0. */
export function stirlingError(z: number): number {
  if (z >= ASYMPTOTIC) return stirlingSeries(z)
  return logGamma(z + 1) - (z + 0.5) * Math.log(z) + z - HALF_LOG_TAU
}

/**
 * x ln(x/m) + m − x without cancellation near x = m: the deviance in which Loader (2000, "Fast and accurate computation
 * of binomial probabilities") writes binomial and Poisson terms so that large counts lose no digits.
 */
export function deviance(x: number, m: number): number {
  if (x === 0) return m
  const difference = x - m
  if (Math.abs(difference) >= 0.1 * (x + m)) return x * Math.log(x / m) - difference
  const v = difference / (x + m)
  let sum = difference * v
  let term = 2 * x * v
  for (let odd = 3; ; odd += 2) {
    term *= v * v
    const next = sum + term / odd
    if (next === sum) return sum
    sum = next
  }
}

/** m^k e^−m / Γ(k+1): the Poisson probability of k at mean m; k need not be whole. */
export function poissonTerm(k: number, m: number): number {
  if (m === 0) return k === 0 ? 1 : 0
  if (k === 0) return Math.exp(-m)
  return Math.exp(-stirlingError(k) - deviance(k, m)) / Math.sqrt(2 * Math.PI * k)
}

/** Both tails of a distribution at one point; each is accurate by itself, also where it is tiny. */
export interface Tails {
  readonly lower: number
  readonly upper: number
}

const TINY = 1e-300

/**
 * A continued fraction b₀ + a₁/(b₁ + a₂/(b₂ + …)) by Lentz' method as modified by Thompson and Barnett; `term` gives
 * [aₙ, bₙ] for n ≥ 1.
 */
export function continuedFraction(first: number, term: (n: number) => readonly [number, number]): number {
  let value = first || TINY
  let c = value
  let d = 0
  for (let n = 1; ; n++) {
    const [a, b] = term(n)
    d = 1 / (b + a * d || TINY)
    c = b + a / c || TINY
    const factor = c * d
    value *= factor
    if (Math.abs(factor - 1) < 1e-16 || n > 100_000) return value
  }
}

/** The regularized incomplete gamma functions P(a, x) and Q(a, x), for a > 0 and x ≥ 0. */
export function gammaTails(a: number, x: number): Tails {
  if (!(a > 0 && x >= 0))
    throw new RangeError(`The incomplete gamma function needs a > 0 and x ≥ 0, not ${a} and ${x}.`)
  if (x === 0) return { lower: 0, upper: 1 }
  if (x === Number.POSITIVE_INFINITY) return { lower: 1, upper: 0 }
  const front = poissonTerm(a, x)
  if (x < a + 1) {
    let sum = 1
    for (let term = 1, n = 1; term > sum * 1e-17; n++) {
      term *= x / (a + n)
      sum += term
    }
    const lower = Math.min(1, front * sum)
    return { lower, upper: 1 - lower }
  }
  const fraction = continuedFraction(x + 1 - a, (n) => [-n * (n - a), x + 2 * n + 1 - a])
  const upper = Math.min(1, (front * a) / fraction)
  return { lower: 1 - upper, upper }
}
