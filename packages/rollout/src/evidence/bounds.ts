import type { OperationHistory } from '../types.ts'
import { betaQuantile, gammaQuantile } from './quantiles.ts'

/** An interval for a rate or share. */
export interface Bounds {
  readonly lower: number
  readonly upper: number
}

/** How sure a bound is when nothing else is said: each one-sided, so that "at most" alone holds at 95 %. */
const CONFIDENCE = 0.95

function checkCounts(k: number, n: number, confidence: number): void {
  if (!(Number.isInteger(k) && k >= 0 && n >= k)) throw new RangeError(`No count: ${k} of ${n}.`)
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`A confidence is between 0 and 1, not ${confidence}.`)
}

/**
 * Exact bounds on the share behind `failed` of `treated` (Clopper and Pearson 1934). Each bound by itself holds with
 * `confidence`; both together with 2·confidence − 1.
 */
export function shareBounds(failed: number, treated: number, confidence = CONFIDENCE): Bounds {
  checkCounts(failed, treated, confidence)
  const others = treated - failed
  return {
    lower: failed === 0 ? 0 : betaQuantile(failed, others + 1, 1 - confidence),
    upper: others === 0 ? 1 : betaQuantile(failed + 1, others, confidence),
  }
}

/**
 * Exact bounds on the rate behind `onsets` seen in `exposure` (any unit; the rate is per that unit). Without onsets the
 * upper one is the rule of three: −ln 0.05 = 2.996 ≈ 3 by the exposure. No exposure bounds nothing: upper is Infinity.
 */
export function rateBounds(onsets: number, exposure: number, confidence = CONFIDENCE): Bounds {
  checkCounts(onsets, Number.POSITIVE_INFINITY, confidence)
  if (!(exposure >= 0)) throw new RangeError(`An exposure is not negative, unlike ${exposure}.`)
  if (exposure === 0) return { lower: 0, upper: Number.POSITIVE_INFINITY }
  return {
    lower: onsets === 0 ? 0 : gammaQuantile(onsets, 1 - confidence) / exposure,
    upper: gammaQuantile(onsets + 1, confidence) / exposure,
  }
}

/** Clean targets (or hours) needed to bound a share (or rate) below `bound` when nothing fails. */
export function cleanNeeded(bound: number, confidence = CONFIDENCE): number {
  if (!(bound > 0 && bound < 1)) throw new RangeError(`A bound to reach is between 0 and 1, not ${bound}.`)
  return Math.ceil(Math.log1p(-confidence) / Math.log1p(-bound))
}

/** Mean of the Beta distribution that a prior worth `prior` and what was `observed` make together; both may be fractions of operations. */
export function posteriorMean(prior: OperationHistory, observed: OperationHistory): number {
  return (prior.failed + observed.failed) / (prior.treated + observed.treated)
}

/**
 * What is known of a share after `observed` when a prior was worth `prior`: the Beta distribution of both together. Both
 * may be fractions of operations.
 */
export function posterior(prior: OperationHistory, observed: OperationHistory): Bounds & { readonly mean: number } {
  const failed = prior.failed + observed.failed
  const others = prior.treated - prior.failed + observed.treated - observed.failed
  if (!(failed > 0 && others > 0)) throw new RangeError('A prior needs a part of a failure and a part of a success.')
  return {
    mean: posteriorMean(prior, observed),
    lower: betaQuantile(failed, others, 1 - CONFIDENCE),
    upper: betaQuantile(failed, others, CONFIDENCE),
  }
}
