import { ExposureLedger, type ExposureEvent } from './exposure-ledger.ts'
import { compareRates, ratioAtLeast, type Comparison } from './rate-ratio.ts'

/** The name of the change inside a ledger that knows only one. */
const CHANGE = 'change'
const HOUR = 3_600_000

/** What is known of the background before anybody was watched: half an onset in so many hours, rather too many than too few. */
const PRIOR = { onsets: 0.5, hours: 500 }

/** Of simultaneous events the first of these happen first, so that it does not matter who was heard of first. */
const ORDER: readonly ExposureEvent['type'][] = ['leave', 'enter', 'recovery', 'end', 'start', 'onset']

/** One target as the comparison sees it. */
export interface Comparable {
  readonly stage: string
  readonly stratum: string
  /** It runs the change since then. */
  readonly exposedAt: number | undefined
  /** It is unhealthy since then. */
  readonly illAt: number | undefined
  /** It is well since then, when that is known. */
  readonly wellAt: number | undefined
}

interface Seen {
  isIn: boolean
  isExposed: boolean
  isIll: boolean
}

/** Keeps an exposure ledger of one rollout from what is observed: O(log n) for each observation. */
export class ComparisonWatch {
  readonly #ledger: ExposureLedger
  readonly #startedAt: number
  readonly #seen = new Map<string, Seen>()

  constructor(startedAt: number) {
    this.#startedAt = startedAt
    this.#ledger = new ExposureLedger(startedAt)
  }

  /**
   * Takes in how targets are at `now`; undefined = out of the comparison: gone, out of reach, failed, or being taken
   * back. What happened to them since the last time counts from when it happened, in the order of time.
   */
  take(targets: Iterable<readonly [id: string, target: Comparable | undefined]>, now: number): void {
    const events: ExposureEvent[] = []
    for (const [id, target] of targets) {
      if (target) this.#see(id, target, now, events)
      else this.#drop(id, now, events)
    }
    events.sort(
      (left, right) =>
        left.at - right.at ||
        ORDER.indexOf(left.type) - ORDER.indexOf(right.type) ||
        (left.target < right.target ? -1 : 1),
    )
    for (const event of events) this.#ledger.apply(event)
  }

  compare(now: number): Comparison {
    return compareRates(this.#ledger.contrast(CHANGE, now))
  }

  /** The treated fall ill at least so many times as often, with 95 % confidence. */
  atLeast(now: number): number {
    return ratioAtLeast(this.#ledger.contrast(CHANGE, now))
  }

  /**
   * How often untreated targets of a stratum fall ill, per hour: of those of the stratum, drawn towards those of the fleet
   * where there is little of them, and these towards what is usual.
   */
  background(now: number): (stratum: string) => number {
    const strata = this.#ledger.without(CHANGE, now)
    let onsets = PRIOR.onsets
    let hours = PRIOR.hours
    for (const each of strata.values()) {
      onsets += each.onsets
      hours += each.ms / HOUR
    }
    const fleet = onsets / hours
    return (stratum) => {
      const here = strata.get(stratum) ?? { ms: 0, onsets: 0 }
      return (here.onsets + PRIOR.onsets) / (here.ms / HOUR + PRIOR.onsets / fleet)
    }
  }

  #see(
    id: string,
    { stage, stratum, exposedAt, illAt, wellAt }: Comparable,
    now: number,
    events: ExposureEvent[],
  ): void {
    const before = this.#seen.get(id)
    const seen = before ?? { isIn: false, isExposed: false, isIll: false }
    this.#seen.set(id, seen)
    if (!seen.isIn) {
      // Who was ill before, or counted as such and comes back, takes part once it is well.
      if (illAt !== undefined && (before !== undefined || illAt <= this.#startedAt)) return
      seen.isIn = true
      seen.isExposed = false
      seen.isIll = false
      // One that fell ill before it was heard of was there before.
      const at = Math.min(now, illAt ?? now, exposedAt ?? now)
      events.push({ type: 'enter', target: id, stage, stratum, at: Math.max(this.#startedAt, at) })
    }
    if (exposedAt !== undefined && !seen.isExposed) {
      seen.isExposed = true
      events.push({ type: 'start', target: id, change: CHANGE, at: exposedAt })
    }
    if (illAt !== undefined && !seen.isIll) {
      events.push({ type: 'onset', target: id, signature: '', at: illAt })
    } else if (illAt === undefined && seen.isIll) {
      events.push({ type: 'recovery', target: id, at: Math.min(now, wellAt ?? now) })
    }
    seen.isIll = illAt !== undefined
  }

  #drop(id: string, now: number, events: ExposureEvent[]): void {
    const seen = this.#seen.get(id)
    if (!seen?.isIn) return
    seen.isIn = false
    events.push({ type: 'leave', target: id, at: now })
  }
}
