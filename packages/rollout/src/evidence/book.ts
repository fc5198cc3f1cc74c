import type { Outcome } from '../target.ts'
import type { OperationHistory, StrategyInput } from '../types.ts'
import { onsetDelayDensity } from './onset-delay.ts'
import {
  addTo,
  byChance,
  onsetSteps,
  SequentialTest,
  type EvidenceCell,
  type Rates,
  type Steps,
  type Sums,
} from './sequential-test.ts'

/** Cells by stage and wave; wave 0 holds targets that were touched outside of waves. */
type Cells = EvidenceCell[][]

const NO_STEPS: Steps = { bad: { failed: 0, succeeded: 0 }, severe: { failed: 0, succeeded: 0 } }

function* inOrder(cells: Cells): Iterable<EvidenceCell> {
  for (const waves of cells) if (waves) for (const cell of waves) if (cell) yield cell
}

function cellOf(cells: Cells, stage: number, wave: number): EvidenceCell {
  cells[stage] ??= []
  return (cells[stage][wave] ??= { succeeded: 0, failed: 0, bad: 0, severe: 0 })
}

function change(cell: EvidenceCell, outcome: Outcome, by: number, steps: Steps): void {
  if (outcome === 'applied') addTo(cell, by, 0, steps)
  else addTo(cell, 0, by, steps)
}

interface Stratum {
  readonly cells: Cells
  readonly rates: Rates | undefined
  readonly steps: Steps
  /** Operations under way, and the sum of their starts (after the beginning of the rollout). */
  running: number
  starts: number
}

/** Where a target counts. */
interface Place {
  readonly stage: number
  readonly wave: number
  readonly stratum: string
}

/**
 * Successes and failures by wave, for the fleet and for each stratum. Each target is in it once, and counts for the
 * fleet by how often targets of its stratum fail anyway: a failure where failures are common says little.
 */
export class EvidenceBook {
  readonly test: SequentialTest | undefined
  readonly #history: StrategyInput['history']
  #past: OperationHistory = { treated: 0, failed: 0 }
  readonly #fleet: Cells = []
  readonly #strata = new Map<string, Stratum>()
  readonly #startedAt: number
  readonly #timeoutMs: number
  /** Onsets that are counted and not weighed yet, with the time between the change and them. */
  #onsets: { readonly place: Place; readonly delayMs: number }[] = []
  /** Onsets by stage that would have come without the change, as far as that can be told: in millionths. */
  readonly #byChance: number[] = []

  constructor(strategy: StrategyInput, startedAt: number) {
    this.test =
      strategy.haltBy === 'Budget'
        ? undefined
        : new SequentialTest(strategy.sequentialTest, strategy.compareUntreated ? 2 : 1)
    this.#history = strategy.history
    this.#startedAt = startedAt
    this.#timeoutMs = strategy.operationTimeoutMs
  }

  /** Strata that can have evidence: so many tests are made side by side. Those that everybody left still count. */
  get strata(): number {
    return this.#strata.size
  }

  /** What came of earlier operations in all strata that take part, as far as it is known. */
  get past(): OperationHistory {
    return this.#past
  }

  /** Says that targets of this stratum take part; its history is asked for once, now. */
  know(stratum: string): void {
    if (this.#strata.has(stratum)) return
    const past = this.test && this.#history?.(stratum)
    if (past) this.#past = { treated: this.#past.treated + past.treated, failed: this.#past.failed + past.failed }
    const steps = this.test?.steps(past) ?? NO_STEPS
    this.#strata.set(stratum, { cells: [], rates: this.test?.rates(past), steps, running: 0, starts: 0 })
  }

  /** Counts a target that finished, or moves it when its outcome changed. */
  count(place: Place, before: Outcome | undefined, after: Outcome): void {
    this.#count(place, before, after, this.#strata.get(place.stratum)?.steps)
  }

  /**
   * Counts a target that became unhealthy so long after the change where targets are known to fall ill by themselves, too:
   * what that says of the change is found out by `weigh`.
   */
  countOnset(place: Place, before: Outcome | undefined, delayMs: number): void {
    const steps = this.#strata.get(place.stratum)?.steps
    const unweighed = { failed: 0, succeeded: 0 }
    if (before) this.#count(place, undefined, before, steps, -1)
    this.#count(place, undefined, 'broken', { bad: unweighed, severe: unweighed })
    this.#onsets.push({ place, delayMs })
  }

  /** Some onsets are yet to be weighed. */
  get hasOnsets(): boolean {
    return this.#onsets.length > 0
  }

  /** Weighs the onsets since the last time; `background`: how often targets of a stratum fall ill by themselves, per hour. */
  weigh(background: (stratum: string) => number): void {
    for (const { place, delayMs } of this.#onsets) {
      const stratum = this.#strata.get(place.stratum)
      if (!stratum?.rates) continue
      const rates = { background: background(place.stratum), density: onsetDelayDensity(delayMs) }
      const { bad, severe } = onsetSteps(stratum.rates, rates)
      this.#byChance[place.stage] = (this.#byChance[place.stage] ?? 0) + byChance(stratum.rates, rates)
      for (const cells of [this.#fleet, stratum.cells]) {
        const cell = cellOf(cells, place.stage, place.wave)
        cell.bad += bad
        cell.severe += severe
      }
    }
    this.#onsets = []
  }
  /** Notes that an operation that began at `since` is under way (1) or no longer (-1). */
  running(stratum: string, by: 1 | -1, since: number): void {
    const known = this.#strata.get(stratum)
    if (!known) return
    known.running += by
    known.starts += by * (since - this.#startedAt)
  }

  /**
   * `sums` with what the operations under way say by not having failed yet: each is the part of a success that it has run
   * of the time it may take. Without it the first failures of a large wave, which come before its first successes, would
   * look like a wave of failures.
   */
  withRunning(sums: Sums, now: number, stratum?: string): Sums {
    let { bad, severe } = sums
    const named = stratum === undefined ? undefined : this.#strata.get(stratum)
    for (const { running, starts, steps } of named ? [named] : this.#strata.values()) {
      const successes = (running * (now - this.#startedAt) - starts) / this.#timeoutMs
      bad += Math.round(successes * steps.bad.succeeded)
      severe += Math.round(successes * steps.severe.succeeded)
    }
    return { bad, severe }
  }

  #count(place: Place, before: Outcome | undefined, after: Outcome, steps = NO_STEPS, by = 1): void {
    const stratum = this.#strata.get(place.stratum)
    if (!stratum) return
    for (const cells of [this.#fleet, stratum.cells]) {
      const cell = cellOf(cells, place.stage, place.wave)
      if (before) change(cell, before, -by, steps)
      change(cell, after, by, steps)
    }
  }

  /** How many onsets of a stage would have come without the change, as far as that can be told. */
  byChance(stage: number): number {
    return (this.#byChance[stage] ?? 0) / 1e6
  }

  fleet(): Iterable<EvidenceCell> {
    return inOrder(this.#fleet)
  }

  stratum(name: string): Iterable<EvidenceCell> {
    return inOrder(this.#strata.get(name)?.cells ?? [])
  }
}

/** Sums of `cells`. */
export function totals(cells: Iterable<EvidenceCell>): { treated: number; failed: number } {
  let succeeded = 0
  let failed = 0
  for (const cell of cells) {
    succeeded += cell.succeeded
    failed += cell.failed
  }
  return { treated: succeeded + failed, failed }
}
