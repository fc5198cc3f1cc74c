import type { Outcome } from '../target.ts'
import type { StrategyInput } from '../types.ts'
import { addTo, type EvidenceCell, type SequentialTest, type Steps } from './sequential-test.ts'

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

/**
 * Successes and failures by wave, for the fleet and for each stratum. Each target is in it once, and counts for the
 * fleet by how often targets of its stratum fail anyway: a failure where failures are common says little.
 */
export class EvidenceBook {
  readonly test: SequentialTest | undefined
  readonly #history: StrategyInput['history']
  readonly #fleet: Cells = []
  readonly #strata = new Map<string, { readonly cells: Cells; readonly steps: Steps }>()

  constructor(test: SequentialTest | undefined, history: StrategyInput['history']) {
    this.test = test
    this.#history = history
  }

  /** Strata that can have evidence: so many tests are made side by side. Those that everybody left still count. */
  get strata(): number {
    return this.#strata.size
  }

  /** Says that targets of this stratum take part; its history is asked for once, now. */
  know(stratum: string): void {
    if (this.#strata.has(stratum)) return
    this.#strata.set(stratum, { cells: [], steps: this.test?.steps(this.#history?.(stratum)) ?? NO_STEPS })
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
