import { ExposureCells, type Happening, type Place } from './exposure-cells.ts'
import { compareRates, ratioAtLeast, type Comparison } from './rate-ratio.ts'

/** The name of the change where there is only one. */
const CHANGE = 'change'
const HOUR = 3_600_000

/** What is known of the background before anybody was watched: half an onset in so many hours, rather too many than too few. */
const PRIOR = { onsets: 0.5, hours: 500 }

/** Of simultaneous events the first of these happen first, so that it does not matter who was heard of first. */
const ORDER: readonly Happening['type'][] = ['leave', 'enter', 'recovery', 'end', 'start', 'onset']

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

/** A target, and where it stands in the comparison: null when it takes no part now, undefined when it never did. */
export interface Subject {
  readonly id: string
  /** Only the comparison writes it. */
  compared: Place | null | undefined
}

type Happened = Happening & { readonly subject: Subject }

/** Compares the exposure of one rollout from what is observed: O(log n) for each observation, and nothing kept of each target but its place. */
export class ComparisonWatch {
  readonly #cells: ExposureCells
  readonly #startedAt: number

  constructor(startedAt: number) {
    this.#startedAt = startedAt
    this.#cells = new ExposureCells(startedAt)
  }

  /**
   * Takes in how targets (each once) are at `now`, as `read` tells; undefined = out of the comparison: gone, out of reach, failed, or being
   * taken back. What happened to them since the last time counts from when it happened, in the order of time.
   */
  take<One extends Subject>(subjects: Iterable<One>, read: (one: One) => Comparable | undefined, now: number): void {
    const events: Happened[] = []
    for (const subject of subjects) {
      const target = read(subject)
      if (target) this.#see(subject, target, now, events)
      else if (subject.compared) events.push({ type: 'leave', subject, at: now })
    }
    if (events.length > 1) events.sort(inOrder)
    for (const event of events) {
      const { subject } = event
      subject.compared = this.#cells.step(subject.compared ?? undefined, event) ?? null
    }
  }

  compare(now: number): Comparison {
    return compareRates(this.#cells.contrast(CHANGE, now))
  }

  /** The treated fall ill at least so many times as often, with 95 % confidence. */
  atLeast(now: number): number {
    return ratioAtLeast(this.#cells.contrast(CHANGE, now))
  }

  /**
   * How often untreated targets of a stratum fall ill, per hour: of those of the stratum, drawn towards those of the fleet
   * where there is little of them, and these towards what is usual.
   */
  background(now: number): (stratum: string) => number {
    const strata = this.#cells.without(CHANGE, now)
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
    subject: Subject,
    { stage, stratum, exposedAt, illAt, wellAt }: Comparable,
    now: number,
    events: Happened[],
  ): void {
    const { compared } = subject
    let place = compared
    if (!place || place.cell.stratum !== stratum || place.cell.stage !== stage) {
      // Who was ill before, or counted as such and comes back, takes part once it is well.
      if (illAt !== undefined && (compared !== undefined || illAt <= this.#startedAt)) {
        if (place) events.push({ type: 'leave', subject, at: now })
        else subject.compared = null
        return
      }
      place = undefined
      // One that fell ill before it was heard of was there before.
      const at = Math.min(now, illAt ?? now, exposedAt ?? now)
      events.push({ type: 'enter', subject, stage, stratum, at: Math.max(this.#startedAt, at) })
    }
    if (exposedAt !== undefined && !place?.cell.changes.has(CHANGE)) {
      events.push({ type: 'start', subject, change: CHANGE, at: Math.max(this.#startedAt, exposedAt) })
    }
    const wasIll = place?.isHealthy === false
    if (illAt !== undefined && !wasIll) {
      events.push({ type: 'onset', subject, signature: '', at: illAt })
    } else if (illAt === undefined && wasIll) {
      events.push({ type: 'recovery', subject, at: Math.min(now, wellAt ?? now) })
    }
  }
}

/** In which order those that come in at one moment are counted makes no difference; so most of a new fleet needs no sorting. */
function inOrder(left: Happened, right: Happened): number {
  if (left.at !== right.at) return left.at - right.at
  if (left.type !== right.type) return ORDER.indexOf(left.type) - ORDER.indexOf(right.type)
  return left.type === 'enter' || left.subject.id === right.subject.id ? 0 : left.subject.id < right.subject.id ? -1 : 1
}
