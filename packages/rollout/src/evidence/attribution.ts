import type { ExposureLedger } from './exposure-ledger.ts'
import { compareRates, type Comparison } from './rate-ratio.ts'
import { fitTwoExposures, type Effect } from './two-exposures.ts'

/** What is known of one change and one way to fail. */
export interface Suspect {
  readonly change: string
  readonly comparison: Comparison
  /** Its smallest lower bound over the fits with each other change; from the comparison alone when there is no other. */
  readonly effect: Effect | undefined
}

/** Who did it, as far as the data say. */
export interface Attribution {
  readonly signature: string
  /** The change that is named; undefined when none stands out. */
  readonly guilty: string | undefined
  /** The most likely ones first. */
  readonly suspects: readonly Suspect[]
  /** One sentence. */
  readonly reason: string
}

/**
 * A change is named only when it raises the rate for sure, never on a single case, and only with a lead over the others:
 * without the lead two or three of a hundred fixes are blamed for what the other did, with it less than two.
 */
const NAMED = { effect: 1, onsets: 2, lead: 4 }

/**
 * Names the one of several overlapping changes that causes the onsets of `signature`: of those without a veto, the one
 * whose effect, with each of the others taken into account, has the largest lower confidence bound, if that is above 1
 * and four times the next one's, and two onsets or more are on control planes with it. The cost is that of a small fit
 * for each pair, whatever the size of the fleet.
 */
export function attribute(
  ledger: ExposureLedger,
  changes: readonly string[],
  signature: string,
  now: number,
): Attribution {
  const effects = new Map<string, Effect>()
  const lower = (change: string, effect: Effect) => {
    const before = effects.get(change)
    if (!before || effect.atLeast < before.atLeast) effects.set(change, effect)
  }
  const sorted = [...new Set(changes)].sort()
  for (const [index, left] of sorted.entries()) {
    const others = sorted.length === 1 ? [''] : sorted.slice(index + 1)
    for (const right of others) {
      const tables = ledger.overlap(left, right, now, signature)
      if (tables.length === 0) continue
      const fit = fitTwoExposures(tables)
      lower(left, fit.left)
      if (right !== '') lower(right, fit.right)
    }
  }
  const suspects = sorted
    .map((change) => ({
      change,
      comparison: compareRates(ledger.contrast(change, now, signature)),
      effect: effects.get(change),
    }))
    .sort(
      (one, other) => (other.effect?.atLeast ?? 0) - (one.effect?.atLeast ?? 0) || (one.change < other.change ? -1 : 1),
    )
  const first = suspects.find(({ comparison }) => comparison.opinion !== 'Veto')
  const bound = first?.effect?.atLeast ?? 0
  const others = suspects.filter((each) => each !== first).map(({ effect }) => effect?.atLeast ?? 0)
  const needed = Math.max(NAMED.effect, NAMED.lead * Math.max(0, ...others))
  const isSure = bound > needed && (first?.comparison.exposedOnsets ?? 0) >= NAMED.onsets
  const guilty = isSure ? first?.change : undefined
  const reason =
    first && guilty !== undefined
      ? `${guilty} raises the rate of ${signature} at least ${bound.toFixed(1)} times (${first.comparison.exposedOnsets} of ${first.comparison.onsets} onsets are on control planes with it).`
      : `No change stands out as the cause of ${signature}.`
  return { signature, guilty, suspects, reason }
}
