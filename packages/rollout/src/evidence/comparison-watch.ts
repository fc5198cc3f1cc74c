import { ExposureLedger } from './exposure-ledger.ts'
import { compareRates, ratioAtLeast, type Comparison } from './rate-ratio.ts'

/** The name of the change inside a ledger that knows only one. */
const CHANGE = 'change'

/** One target as the comparison sees it. */
export interface Comparable {
  readonly id: string
  readonly stage: string
  readonly stratum: string
  /** It runs the change since then. */
  readonly exposedAt: number | undefined
  /** It is unhealthy since then. */
  readonly illAt: number | undefined
}

/** Keeps an exposure ledger of one rollout from what is observed: O(1) for each observation. */
export class ComparisonWatch {
  readonly #ledger: ExposureLedger
  readonly #startedAt: number
  readonly #seen = new Map<string, { isIn: boolean; isExposed: boolean; isIll: boolean }>()

  constructor(startedAt: number) {
    this.#startedAt = startedAt
    this.#ledger = new ExposureLedger(startedAt)
  }

  /** Takes in how a target is at `now`. */
  see({ id, stage, stratum, exposedAt, illAt }: Comparable, now: number): void {
    const before = this.#seen.get(id)
    const seen = before ?? { isIn: false, isExposed: false, isIll: false }
    this.#seen.set(id, seen)
    if (!seen.isIn) {
      // Who was ill before, or counted as such and comes back, takes part once it is well.
      if (illAt !== undefined && (before !== undefined || illAt <= this.#startedAt)) return
      seen.isIn = true
      seen.isExposed = false
      seen.isIll = false
      this.#ledger.apply({ type: 'enter', target: id, stage, stratum, at: now })
    }
    if (exposedAt !== undefined && !seen.isExposed) {
      seen.isExposed = true
      this.#ledger.apply({ type: 'start', target: id, change: CHANGE, at: exposedAt })
    }
    if (illAt !== undefined && !seen.isIll) {
      this.#ledger.apply({ type: 'onset', target: id, signature: '', at: illAt })
    } else if (illAt === undefined && seen.isIll) {
      this.#ledger.apply({ type: 'recovery', target: id, at: now })
    }
    seen.isIll = illAt !== undefined
  }

  /** Says that a target is out of the comparison: gone, out of reach, failed, or being taken back. */
  drop(id: string, now: number): void {
    const seen = this.#seen.get(id)
    if (!seen?.isIn) return
    seen.isIn = false
    this.#ledger.apply({ type: 'leave', target: id, at: now })
  }

  compare(now: number): Comparison {
    return compareRates(this.#ledger.contrast(CHANGE, now))
  }

  /** The treated fall ill at least so many times as often, with 95 % confidence. */
  atLeast(now: number): number {
    return ratioAtLeast(this.#ledger.contrast(CHANGE, now))
  }
}
