import type { OperationHistory, SequentialTestInput } from '../types.ts'
import { posteriorMean } from './bounds.ts'

/** Sums are kept in whole millionths so that they do not depend on the order of the addends. */
const SCALE = 1_000_000

/** Weight of "bad" against "severe" in the mixture, found by simulation: see SPEC.md, Evidence. */
const WEIGHT_BAD = 0.8
/** A severe change fails at least at this rate. */
const SEVERE_RATE = 0.4
/** A change is bad when it multiplies the failures of a cell that fails often by itself by this. */
const BAD_FACTOR = 5
/** The prior of a cell's own rate is worth this many failures, at the good rate. */
const PRIOR_FAILURES = 0.5

/** What one finished target adds to the log likelihood ratios, in millionths. */
export interface Steps {
  readonly bad: { readonly failed: number; readonly succeeded: number }
  readonly severe: { readonly failed: number; readonly succeeded: number }
}

/** Finished targets of one wave, with the sums of their steps. */
export interface EvidenceCell {
  succeeded: number
  failed: number
  bad: number
  severe: number
}

/** Sums over all waves, in millionths. */
export interface Sums {
  readonly bad: number
  readonly severe: number
}

/** What would change the judgement. */
export interface Outlook {
  /** So many failures would halt if they came … */
  readonly failures: number
  /** … among this many more targets, themselves included. */
  readonly within: number
  /** So many successes without a failure would clear; 0 when it is cleared. */
  readonly clean: number
}

/** How often targets of a cell fail by themselves, with a bad change and with a severe one. */
export interface Rates {
  readonly usual: number
  readonly bad: number
  readonly severe: number
}

function steps(rate: number, goodRate: number): { failed: number; succeeded: number } {
  return {
    failed: Math.round(Math.log(rate / goodRate) * SCALE),
    succeeded: Math.round((Math.log1p(-rate) - Math.log1p(-goodRate)) * SCALE),
  }
}

/** Rates of onsets, per hour: how often targets fall ill by themselves, and how likely a change does it just then. */
export interface OnsetRates {
  readonly background: number
  readonly density: number
}

/** The chance that an onset would have come without the change, in millionths, if the change is a good one. */
export function byChance({ usual }: Rates, { background, density }: OnsetRates): number {
  const chance = (1 - usual) * background
  return Math.round((chance / (chance + usual * density)) * SCALE)
}

/** What an onset adds, in millionths: the change's doing, or that of chance although the change did nothing. */
export function onsetSteps(
  { usual, bad, severe }: Rates,
  { background, density }: OnsetRates,
): { bad: number; severe: number } {
  const chance = (rate: number) => (1 - rate) * background + rate * density
  const step = (rate: number) => Math.round(Math.log(chance(rate) / chance(usual)) * SCALE)
  return { bad: step(bad), severe: step(severe) }
}

/** Adds targets to a cell; negative counts take them out again. */
export function addTo(cell: EvidenceCell, succeeded: number, failed: number, by: Steps): void {
  cell.succeeded += succeeded
  cell.failed += failed
  cell.bad += succeeded * by.bad.succeeded + failed * by.bad.failed
  cell.severe += succeeded * by.severe.succeeded + failed * by.severe.failed
}

/**
 * Wald's sequential probability ratio test of "fails at a bad rate" against "fails at its usual rate", where bad is a
 * mixture of bad and severe: a change that breaks every second target is found after two, and one that breaks one in
 * twenty hardly later than by a test for that alone. It halts at ln((1-β)/α) and is cleared at ln(β/(1-α)).
 *
 * A cleared change goes on being watched: between waves no sum stays below the clearing limit, so that a fix that is
 * bad only in a later stage is found as fast as one that is bad from the start.
 */
export class SequentialTest {
  readonly #input: SequentialTestInput
  readonly #clear: number
  readonly #halt: number

  /**
   * Throws RangeError for rates or error chances that make no test.
   *
   * @param shares with so many rules its chance to halt a good change is shared, itself included
   */
  constructor(input: SequentialTestInput, shares = 1) {
    const { goodRate, badRate, alpha, beta } = input
    if (!(goodRate > 0 && goodRate < badRate && badRate < 1)) {
      throw new RangeError(`The rates must satisfy 0 < good < bad < 1, not ${goodRate} and ${badRate}.`)
    }
    if (!(alpha > 0 && alpha < 0.5 && beta > 0 && beta < 0.5)) {
      throw new RangeError(`The chances of error must be between 0 and 0.5, not ${alpha} and ${beta}.`)
    }
    this.#input = input
    this.#halt = Math.round(Math.log(((1 - beta) / alpha) * shares) * SCALE)
    this.#clear = Math.round(Math.log(beta / (1 - alpha)) * SCALE)
  }

  /** The limit for one of `tests` that are made side by side: all together have the chance of error of one. */
  haltLimit(tests = 1): number {
    return (this.#halt + Math.round(Math.log(tests) * SCALE)) / SCALE
  }

  get clearLimit(): number {
    return this.#clear / SCALE
  }

  /**
   * Rate at which targets of a cell with this history fail for reasons of their own: the mean of the Beta posterior, and
   * never below the good rate, so that a short clean past does not make the first failure count as proof.
   */
  usualRate(history: OperationHistory = { treated: 0, failed: 0 }): number {
    const { goodRate } = this.#input
    const prior = { treated: PRIOR_FAILURES / goodRate, failed: PRIOR_FAILURES }
    return Math.max(goodRate, posteriorMean(prior, history))
  }

  /** How often targets of a cell with this history fail. */
  rates(history?: OperationHistory): Rates {
    const usual = this.usualRate(history)
    const bad = Math.min(Math.max(this.#input.badRate, BAD_FACTOR * usual), (1 + usual) / 2)
    const severe = Math.min(Math.max(SEVERE_RATE, 2 * bad), (1 + bad) / 2)
    return { usual, bad, severe }
  }

  /** What a finished target of a cell with this history adds. */
  steps(history?: OperationHistory): Steps {
    const { usual, bad, severe } = this.rates(history)
    return { bad: steps(bad, usual), severe: steps(severe, usual) }
  }

  /** Sums over these waves, in their order. */
  sums(waves: Iterable<EvidenceCell>): Sums {
    let bad = 0
    let severe = 0
    for (const wave of waves) {
      bad = Math.max(this.#clear, bad) + wave.bad
      severe = Math.max(this.#clear, severe) + wave.severe
    }
    return { bad, severe }
  }

  /** The log likelihood ratio of the mixture, in whole millionths. */
  ratio({ bad, severe }: Sums): number {
    const highest = Math.max(bad, severe)
    const sum = WEIGHT_BAD * Math.exp((bad - highest) / SCALE) + (1 - WEIGHT_BAD) * Math.exp((severe - highest) / SCALE)
    return Math.round(highest + Math.log(sum) * SCALE) / SCALE
  }

  /** What it would take to halt at `limit`, and to clear, if the next targets are of a cell with these steps. */
  outlook(sums: Sums, by: Steps, limit: number): Outlook {
    const after = (failed: number, succeeded: number) =>
      this.ratio({
        bad: sums.bad + failed * by.bad.failed + succeeded * by.bad.succeeded,
        severe: sums.severe + failed * by.severe.failed + succeeded * by.severe.succeeded,
      })
    const failures = fewest((count) => after(count, 0) >= limit)
    const tooMany = fewest((count) => after(failures, count) < limit)
    return {
      failures,
      within: failures + Math.max(0, tooMany - 1),
      clean: fewest((count) => after(0, count) <= this.clearLimit),
    }
  }
}

/** The smallest count for which `holds`, which then holds for all larger ones too. */
function fewest(holds: (count: number) => boolean): number {
  if (holds(0)) return 0
  let enough = 1
  // Rates that hardly differ are never told apart.
  while (!holds(enough) && enough < 2 ** 40) enough *= 2
  let tooFew = enough / 2
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2)
    if (holds(middle)) enough = middle
    else tooFew = middle
  }
  return enough
}
