import { betaTails } from './beta.ts'
import { gammaTails } from './gamma.ts'

function checkCounts(k: number, n: number): void {
  if (!(Number.isInteger(k) && Number.isInteger(n) && n >= 0)) throw new RangeError(`No count: ${k} of ${n}.`)
}

function checkShare(p: number): void {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`A share is from 0 to 1, not ${p}.`)
}

/** P(X ≥ k) for X ~ Binomial(n, p). */
export function binomialAtLeast(k: number, n: number, p: number): number {
  checkCounts(k, n)
  checkShare(p)
  if (k <= 0) return 1
  return k > n ? 0 : betaTails(k, n - k + 1, p).lower
}

/** P(X ≤ k) for X ~ Binomial(n, p). */
export function binomialAtMost(k: number, n: number, p: number): number {
  checkCounts(k, n)
  checkShare(p)
  if (k < 0) return 0
  return k >= n ? 1 : betaTails(k + 1, n - k, p).upper
}

/** P(X ≥ k) for X ~ Poisson(mean). */
export function poissonAtLeast(k: number, mean: number): number {
  checkCounts(k, 0)
  return k <= 0 ? 1 : gammaTails(k, mean).lower
}

/** P(X ≤ k) for X ~ Poisson(mean). */
export function poissonAtMost(k: number, mean: number): number {
  checkCounts(k, 0)
  return k < 0 ? 0 : gammaTails(k + 1, mean).upper
}
