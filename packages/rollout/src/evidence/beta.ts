import { continuedFraction, deviance, logGamma, stirlingError, type Tails } from './gamma.ts'

/** ln B(a, b), for a and b > 0. */
export function logBeta(a: number, b: number): number {
  if (a < 10 || b < 10) return logGamma(a) + logGamma(b) - logGamma(a + b)
  const n = a + b
  const rest = stirlingError(a) + stirlingError(b) - stirlingError(n)
  return a * Math.log(a / n) + b * Math.log(b / n) + 0.5 * Math.log((2 * Math.PI * n) / (a * b)) + rest
}

/** C(n, k) p^k q^(n−k) with q = 1 − p, through deviances; k need not be whole. */
export function binomialTerm(k: number, n: number, p: number, q: number): number {
  if (p === 0) return k === 0 ? 1 : 0
  if (q === 0) return k === n ? 1 : 0
  if (k === 0) return Math.exp(p < 0.5 ? n * Math.log1p(-p) : n * Math.log(q))
  if (k === n) return Math.exp(q < 0.5 ? n * Math.log1p(-q) : n * Math.log(p))
  const others = n - k
  const exponent =
    stirlingError(n) - stirlingError(k) - stirlingError(others) - deviance(k, n * p) - deviance(others, n * q)
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * others))
}

/** Iₓ(a, b) for x below the mean, by the continued fraction of DiDonato and Morris (1992), formula 9. */
function below(a: number, b: number, x: number, y: number): number {
  const front = (binomialTerm(a, a + b, x, y) * a * b) / (a + b)
  const lambda = a - (a + b) * x
  const fraction = continuedFraction((a * (lambda + 1)) / (a + 1), (n) => {
    const m = n - 1
    const odd = a + 2 * m
    const numerator = ((a + m) * (a + b + m) * n * (b - n) * x * x) / ((odd + 1) * (odd + 1))
    const place = n
    const denominator =
      place +
      (place * (b - place) * x) / (a + 2 * place - 1) +
      ((a + place) * (lambda + 1 + place * (1 + y))) / (a + 2 * place + 1)
    return [numerator, denominator]
  })
  return front / fraction
}

/** The regularized incomplete beta function and its complement at x = 1 − y; both are given so that neither is rounded. */
export function betaTailsAt(a: number, b: number, x: number, y: number): Tails {
  if (!(a > 0 && b > 0 && x >= 0 && y >= 0)) {
    throw new RangeError(`The incomplete beta function needs a and b > 0 and 0 ≤ x ≤ 1, not ${a}, ${b} and ${x}.`)
  }
  if (x === 0) return { lower: 0, upper: 1 }
  if (y === 0) return { lower: 1, upper: 0 }
  if (x * (a + b) <= a) {
    const lower = Math.min(1, below(a, b, x, y))
    return { lower, upper: 1 - lower }
  }
  const upper = Math.min(1, below(b, a, y, x))
  return { lower: 1 - upper, upper }
}

/** Iₓ(a, b), the share of a Beta(a, b) distribution below x, and the share above. */
export function betaTails(a: number, b: number, x: number): Tails {
  return betaTailsAt(a, b, x, 1 - x)
}
