import { ExposureCells, type Happening, type Place } from './exposure-cells.ts'

/** What happens to the target that is named. */
export type ExposureEvent = Happening & { readonly target: string }

/** Exposure cells that know where each target stands, by name. */
export class ExposureLedger extends ExposureCells {
  readonly #targets = new Map<string, Place>()

  /** The stratum of a target that is known. */
  stratumOf(target: string): string | undefined {
    return this.#targets.get(target)?.cell.stratum
  }

  apply(event: ExposureEvent): void {
    const before = this.#targets.get(event.target)
    const after = this.step(before, event)
    if (after === before) return
    if (after) this.#targets.set(event.target, after)
    else this.#targets.delete(event.target)
  }

  /**
   * Forgets a change that nobody will ask about any more: what was seen with it and without it counts together from now
   * on, and all that is known of other changes stays as it is. Costs as much as there are targets and cells.
   */
  forget(change: string, at: number): void {
    for (const target of this.#targets.keys()) this.apply({ type: 'end', target, change, at })
    this.merge(change)
  }
}
