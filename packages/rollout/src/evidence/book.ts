import type { Outcome } from '../target.ts'
import type { StrategyInput } from '../types.ts'
import { addTo, SequentialTest, type EvidenceCell, type Steps, type Sums } from './sequential-test.ts'

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
  readonly steps: Steps
  /** Operations under way, and the sum of their starts (after the beginning of the rollout). */
  running: number
  starts: number
}

/**
 * Successes and failures by wave, for the fleet and for each stratum. Each target is in it once, and counts for the
 * fleet by how often targets of its stratum fail anyway: a failure where failures are common says little.
 */
export class EvidenceBook {
  readonly test: SequentialTest | undefined
  readonly #history: StrategyInput['history']
  readonly #fleet: Cells = []
  readonly #strata = new Map<string, Stratum>()
  readonly #startedAt: number
  readonly #timeoutMs: number

  constructor(strategy: StrategyInput, startedAt: number) {
    this.test = strategy.haltBy === 'Budget' ? undefined : new SequentialTest(strategy.sequentialTest)
    this.#history = strategy.history
    this.#startedAt = startedAt
    this.#timeoutMs = strategy.operationTimeoutMs
  }

  /** Strata that can have evidence: so many tests are made side by side. Those that everybody left still count. */
  get strata(): number {
    return this.#strata.size
  }

  /** Says that targets of this stratum take part; its history is asked for once, now. */
  know(stratum: string): void {
    if (this.#strata.has(stratum)) return
    const steps = this.test?.steps(this.#history?.(stratum)) ?? NO_STEPS
    this.#strata.set(stratum, { cells: [], steps, running: 0, starts: 0 })
  }

  /** Counts a target that finished, or moves it when its outcome changed. */
  count(place: { stage: number; wave: number; stratum: string }, before: Outcome | undefined, after: Outcome): void {
    const stratum = this.#strata.get(place.stratum)
    if (!stratum) return
    for (const cells of [this.#fleet, stratum.cells]) {
      const cell = cellOf(cells, place.stage, place.wave)
      if (before) change(cell, before, -1, stratum.steps)
      change(cell, after, 1, stratum.steps)
    }
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

  fleet(): Iterable<EvidenceCell> {
    return inOrder(this.#fleet)
  }

  stratum(name: string): Iterable<EvidenceCell> {
    return inOrder(this.#strata.get(name)?.cells ?? [])
  }

  /** What the next target of the stratum adds; without a name, one of a stratum without a history. */
  steps(stratum?: string): Steps {
    if (stratum !== undefined) return this.#strata.get(stratum)?.steps ?? NO_STEPS
    return this.test?.steps() ?? NO_STEPS
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
