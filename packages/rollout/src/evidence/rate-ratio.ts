import { binomialTerm } from './beta.ts'
import type { Contrast } from './exposure-cells.ts'
import { binomialAtLeast } from './tails.ts'

/** What the comparison says of a change: it did this, it did not, or nothing yet. */
export type Opinion = 'Vote' | 'Veto' | 'None'

/** Rates of onsets of treated targets against those of untreated ones of the same strata at the same time. */
export interface Comparison {
  readonly opinion: Opinion
  /** Onsets in strata in which both kinds have healthy time. */
  readonly onsets: number
  /** Those of treated targets. */
  readonly exposedOnsets: number
  /** Rate of the treated by that of the untreated (Mantel and Haenszel); Infinity when only treated ones fell ill, 1 when nobody did. */
  readonly ratio: number
  /** Chance of so many onsets among the treated if the change had no effect. */
  readonly p: number
}

/** A vote needs evidence that chance gives once in a thousand, an effect that matters, and more than one case. */
const VOTE = { p: 0.001, ratio: 3, onsets: 2 }
/** A veto needs about equal rates over enough cases. */
const VETO = { ratio: 1.5, onsets: 10 }

/** A stratum with healthy time on both sides and at least one onset. */
interface Informative {
  readonly onsets: number
  readonly exposed: number
  readonly unexposed: number
  /** Odds that an onset is one of the treated if the change has no effect. */
  readonly odds: number
}

function informative(contrasts: Iterable<Contrast>): Informative[] {
  const strata: Informative[] = []
  for (const { exposed, unexposed } of contrasts) {
    const onsets = exposed.onsets + unexposed.onsets
    if (exposed.ms <= 0 || unexposed.ms <= 0 || onsets === 0) continue
    strata.push({ onsets, exposed: exposed.onsets, unexposed: unexposed.onsets, odds: exposed.ms / unexposed.ms })
  }
  return strata
}

/**
 * P(K ≥ k) where K adds up one Binomial(onsets, share) for each stratum: given how many onsets there were in each, this
 * is exact, whatever the rates of the strata are. `effect` multiplies the rate of the treated.
 */
function atLeast(k: number, strata: readonly Informative[], effect: number): number {
  const only = strata.length === 1 ? strata[0] : undefined
  if (only) return binomialAtLeast(k, only.onsets, shareOf(only.odds * effect))
  let chances = [1]
  for (const { onsets, odds } of strata) {
    const share = shareOf(odds * effect)
    const next = Array.from({ length: chances.length + onsets }, () => 0)
    for (let here = 0; here <= onsets; here++) {
      const chance = binomialTerm(here, onsets, share, shareOf(1 / (odds * effect)))
      for (let before = 0; before < chances.length; before++) {
        next[before + here] = (next[before + here] ?? 0) + chance * (chances[before] ?? 0)
      }
    }
    chances = next
  }
  // From the far end, where the terms are smallest.
  let sum = 0
  for (let count = chances.length - 1; count >= k; count--) sum += chances[count] ?? 0
  return Math.min(1, sum)
}

function shareOf(odds: number): number {
  return odds === Number.POSITIVE_INFINITY ? 1 : odds / (1 + odds)
}

/** Compares treated with untreated. The cost is the square of the number of onsets. */
export function compareRates(contrasts: Iterable<Contrast>): Comparison {
  const strata = informative(contrasts)
  let onsets = 0
  let exposedOnsets = 0
  let treated = 0
  let untreated = 0
  for (const { onsets: all, exposed, unexposed, odds } of strata) {
    onsets += all
    exposedOnsets += exposed
    treated += exposed / (1 + odds)
    untreated += unexposed * shareOf(odds)
  }
  if (onsets === 0) return { opinion: 'None', onsets, exposedOnsets, ratio: 1, p: 1 }
  const ratio = treated / untreated
  const p = atLeast(exposedOnsets, strata, 1)
  const votes = p < VOTE.p && ratio > VOTE.ratio && exposedOnsets >= VOTE.onsets
  const vetoes = ratio < VETO.ratio && onsets >= VETO.onsets
  return { opinion: votes ? 'Vote' : vetoes ? 'Veto' : 'None', onsets, exposedOnsets, ratio, p }
}

/** The ratio of rates is above this with 95 % confidence (exact, conditional on the onsets of each stratum). */
export function ratioAtLeast(contrasts: Iterable<Contrast>, confidence = 0.95): number {
  const strata = informative(contrasts)
  const exposed = strata.reduce((sum, stratum) => sum + stratum.exposed, 0)
  if (exposed === 0) return 0
  // The chance of so many grows with the effect: halve the interval in the logarithm.
  let low = -40
  let high = 40
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (atLeast(exposed, strata, Math.exp(middle)) < 1 - confidence) low = middle
    else high = middle
  }
  return Math.exp(low)
}

/**
 * How many more onsets of treated targets, with none of untreated ones and no more time, would make a vote; undefined
 * when 100 would not. They are taken to come where the treated have been longest.
 */
export function onsetsToVote(contrasts: readonly Contrast[]): number | undefined {
  let most = 0
  for (const [index, { exposed }] of contrasts.entries()) {
    if (exposed.ms > (contrasts[most]?.exposed.ms ?? 0)) most = index
  }
  for (let more = 1; more <= 100; more++) {
    const worse = contrasts.map((contrast, index) =>
      index === most
        ? { ...contrast, exposed: { ...contrast.exposed, onsets: contrast.exposed.onsets + more } }
        : contrast,
    )
    if (compareRates(worse).opinion === 'Vote') return more
  }
  return undefined
}
