import type { EvidenceCell } from './sequential-test.ts'
import type { Outcome } from './target.ts'

/** Cells by stage and wave; wave 0 holds targets that were touched outside of waves. */
type Cells = EvidenceCell[][]

function* inOrder(cells: Cells): Iterable<EvidenceCell> {
  for (const waves of cells) if (waves) for (const cell of waves) if (cell) yield cell
}

function cellOf(cells: Cells, stage: number, wave: number): EvidenceCell {
  cells[stage] ??= []
  return (cells[stage][wave] ??= { succeeded: 0, failed: 0 })
}

function change(cell: EvidenceCell, outcome: Outcome, by: number): void {
  if (outcome === 'applied') cell.succeeded += by
  else cell.failed += by
}

/** Successes and failures by wave, for the fleet and for each stratum. Each target is in it once. */
export class EvidenceBook {
  readonly #fleet: Cells = []
  readonly #strata = new Map<string, Cells>()

  /** Counts a target that finished, or moves it when its outcome changed. */
  count(place: { stage: number; wave: number; stratum: string }, before: Outcome | undefined, after: Outcome): void {
    let stratum = this.#strata.get(place.stratum)
    if (!stratum) this.#strata.set(place.stratum, (stratum = []))
    for (const cells of [this.#fleet, stratum]) {
      const cell = cellOf(cells, place.stage, place.wave)
      if (before) change(cell, before, -1)
      change(cell, after, 1)
    }
  }

  fleet(): Iterable<EvidenceCell> {
    return inOrder(this.#fleet)
  }

  stratum(name: string): Iterable<EvidenceCell> {
    return inOrder(this.#strata.get(name) ?? [])
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
