import { cleanNeeded } from '../evidence/bounds.ts'
import { gammaQuantile } from '../evidence/quantiles.ts'
import { binomialAtMost } from '../evidence/tails.ts'
import type { SequentialTestInput } from '../types.ts'

/** Canaries that show at least one failure with `confidence` when a change harms `share` of the fleet (0-1). */
export function canariesToShow(share: number, confidence: number): number {
  if (share >= 1) return 1
  return cleanNeeded(share, confidence)
}

/** Chance that `canaries` chosen at random have none of a part of the fleet, `share` of it (0-1). */
export function chanceMissed(share: number, canaries: number): number {
  return (1 - share) ** canaries
}

/** Healthy hours that bound a rate (per hour) with `confidence` when nothing fails: the rule of three at 95 %. */
export function hoursToBound(ratePerHour: number, confidence = 0.95): number {
  return -Math.log(1 - confidence) / ratePerHour
}

/**
 * Soak after which `canaries` show two harmed targets with `confidence`, when a change harms `share` of them after
 * `delayMs` on average; undefined when no soak is long enough, so that only more canaries help.
 */
export function soakToShowTwo(canaries: number, share: number, delayMs: number, confidence = 0.95): number | undefined {
  // So many of them must have shown it on average.
  const shown = gammaQuantile(2, confidence) / (canaries * share)
  return shown >= 1 ? undefined : -delayMs * Math.log(1 - shown)
}

/** Operations that must run at once for `targets` of them to end in the time there is. */
export function concurrencyNeeded(targets: number, operationMs: number, availableMs: number): number {
  return (targets * operationMs) / availableMs
}

/**
 * What Wald's test of one bad rate against one good rate does, by his formulas: for choosing rates. The engine's test has
 * two alternatives and halts earlier on severe changes (`SequentialTest`).
 */
export interface WaldOutlook {
  /** Failures that halt when nothing else has finished. */
  readonly failuresToHalt: number
  /** Successes without a failure that clear. */
  readonly successesToClear: number
  /** Finished targets until it decides, on average, when the change is good, and when it is bad. */
  readonly meanIfGood: number
  readonly meanIfBad: number
}

export function waldOutlook({ goodRate, badRate, alpha, beta }: SequentialTestInput): WaldOutlook {
  const failure = Math.log(badRate / goodRate)
  const success = Math.log((1 - badRate) / (1 - goodRate))
  const halt = Math.log((1 - beta) / alpha)
  const clear = Math.log(beta / (1 - alpha))
  const drift = (rate: number) => rate * failure + (1 - rate) * success
  return {
    failuresToHalt: Math.ceil(halt / failure),
    successesToClear: Math.ceil(clear / success),
    meanIfGood: ((1 - alpha) * clear + alpha * halt) / drift(goodRate),
    meanIfBad: (beta * clear + (1 - beta) * halt) / drift(badRate),
  }
}

/** The smallest test of fixed size with the same chances of error: halt at `limit` failures among `size`. */
export function fixedTest(test: SequentialTestInput): { readonly size: number; readonly limit: number } {
  for (let limit = 1; ; limit++) {
    // Sizes for which `limit` failures are rare enough if good, up to the first for which they are not.
    for (let size = limit; binomialAtMost(limit - 1, size, test.goodRate) >= 1 - test.alpha; size++) {
      if (binomialAtMost(limit - 1, size, test.badRate) <= test.beta) return { size, limit }
    }
  }
}
