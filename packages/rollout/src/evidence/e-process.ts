import { betaTails, logBeta } from './beta.ts'

/** Logarithms are compared in whole millionths, so that the last bit of a logarithm decides nothing. */
const SCALE = 1_000_000

/**
 * Evidence that a continuous signal is worse than `goodShare`: the likelihood ratio of the samples (`bad` of `total`),
 * averaged over all worse shares with the weights of Beta(½, ½) (Jeffreys) above `goodShare`.
 *
 * If the true share is `goodShare` or less, the chance that this ever reaches 1/α is at most α, however often one looks
 * and whenever one stops (Ville's inequality). Samples must be independent of one another, given the share: one for each
 * control plane and window that is long against the trouble, not one for each scrape.
 */
export function logEvidence(goodShare: number, bad: number, total: number): number {
  const good = total - bad
  const weight = Math.log(betaTails(0.5, 0.5, goodShare).upper)
  const worse = Math.log(betaTails(bad + 0.5, good + 0.5, goodShare).upper)
  const mixture = logBeta(bad + 0.5, good + 0.5) - logBeta(0.5, 0.5) + worse - weight
  return mixture - bad * Math.log(goodShare) - good * Math.log1p(-goodShare)
}

/** A continuous signal of one stratum or of the fleet, watched without end. */
export interface SignalWatchInput {
  /** Share of bad samples of a good change, between 0 and 1. */
  readonly goodShare: number
  /** Chance to halt a good change, over all looks together. */
  readonly alpha: number
}

/** Counts of a continuous signal, and whether they halt. */
export class SignalWatch {
  readonly #goodShare: number
  readonly #limit: number
  #bad = 0
  #total = 0
  #highest = 0

  /** Throws RangeError for a share or chance that makes no test. */
  constructor({ goodShare, alpha }: SignalWatchInput) {
    if (!(goodShare > 0 && goodShare < 1 && alpha > 0 && alpha < 1)) {
      throw new RangeError(`Share and chance must be between 0 and 1, not ${goodShare} and ${alpha}.`)
    }
    this.#goodShare = goodShare
    this.#limit = Math.round(-Math.log(alpha) * SCALE)
  }

  get bad(): number {
    return this.#bad
  }

  get total(): number {
    return this.#total
  }

  /** Log evidence now. */
  get evidence(): number {
    return this.#at(0) / SCALE
  }

  /** What the evidence is held against: ln 1/α. */
  get limit(): number {
    return this.#limit / SCALE
  }

  /** Whether the evidence was at the limit at any look: having been there once is enough. */
  get halts(): boolean {
    return this.#highest >= this.#limit
  }

  /** Takes in samples; they count from the next `look` on. Throws RangeError when these are no counts. */
  observe(bad: number, total: number): void {
    if (!(Number.isInteger(bad) && Number.isInteger(total) && bad >= 0 && bad <= total)) {
      throw new RangeError(`No count: ${bad} of ${total}.`)
    }
    this.#bad += bad
    this.#total += total
  }

  /** Holds the evidence of all samples so far against the limit: those taken in between two looks in whatever order. */
  look(): void {
    this.#highest = Math.max(this.#highest, this.#at(0))
  }

  /** So many bad samples in a row from now would halt; 0 when it halts already. */
  badToHalt(): number {
    if (this.halts) return 0
    let more = 1
    while (this.#at(more) < this.#limit) more *= 2
    let fewer = more / 2
    while (more - fewer > 1) {
      const middle = Math.floor((more + fewer) / 2)
      if (this.#at(middle) < this.#limit) fewer = middle
      else more = middle
    }
    return more
  }

  #at(more: number): number {
    return Math.round(logEvidence(this.#goodShare, this.#bad + more, this.#total + more) * SCALE)
  }
}
