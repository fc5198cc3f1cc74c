import type { EarnedSoak } from './types.ts'

/**
 * What a treated target earns: from when on, `null` when it is over and earns nothing (it is unhealthy, or nobody knows
 * how it is), undefined when it is not treated.
 */
export type Earning = number | null | undefined

/** Healthy time of one kind of targets. */
interface Cell {
  /** Targets that were treated. */
  treated: number
  /** Of these, healthy now. */
  healthy: number
  /** Up to `now` they have earned this + healthy · (now − epoch): whole numbers, whatever the order of their sum. */
  offset: number
}

/** What a stratum has earned. */
export interface EarnedHere {
  readonly treated: number
  readonly healthy: number
  /** Healthy control-plane time, milliseconds. */
  readonly ms: number
}

/** Who holds a gate shut longest, and until when if all stay as they are; Infinity when nobody there is healthy. */
export interface Reach {
  readonly stratum: string
  /** Nobody of the stratum was treated: the whole rollout earns for it. */
  readonly isByAll: boolean
  readonly at: number
}

/**
 * The healthy time that treated targets have behind them now, by stratum: of each since its change, or since it was last
 * unhealthy. It follows from what the targets report and from nothing that came before, so that it is the same after a
 * restart; who falls ill or leaves takes along what it had. O(1) a change.
 */
export class EarnedTime {
  /** Changes with everything that may change an answer. */
  version = 0
  readonly #epoch: number
  readonly #strata = new Map<string, Cell>()
  readonly #all: Cell = { treated: 0, healthy: 0, offset: 0 }

  /** `epoch`: about when it begins; sums are exact while targets × (time since then) stays below 2⁵³ milliseconds. */
  constructor(epoch: number) {
    this.#epoch = epoch
  }

  /** A target of `stratum` goes from `before` to `after`. */
  move(stratum: string, before: Earning, after: Earning): void {
    if (before === after) return
    this.version++
    let cell = this.#strata.get(stratum)
    if (!cell) this.#strata.set(stratum, (cell = { treated: 0, healthy: 0, offset: 0 }))
    for (const each of [cell, this.#all]) {
      this.#count(each, before, -1)
      this.#count(each, after, 1)
    }
  }

  /** What a stratum has earned by `now`; without a name, all together. */
  by(now: number, stratum?: string): EarnedHere {
    const { treated, healthy, offset } = this.#cell(stratum)
    return { treated, healthy, ms: offset + healthy * (now - this.#epoch) }
  }

  /**
   * When the last of these strata will have earned what is asked; undefined without strata. Of several the one with the
   * smallest name is given.
   */
  reach({ healthyMs }: Pick<EarnedSoak, 'healthyMs'>, strata: Iterable<string>): Reach | undefined {
    let last: Reach | undefined
    for (const stratum of strata) {
      const isByAll = this.#cell(stratum).treated === 0
      const { healthy, offset } = isByAll ? this.#all : this.#cell(stratum)
      const missing = healthyMs - offset
      const at = healthy > 0 ? this.#epoch + Math.ceil(missing / healthy) : Number.POSITIVE_INFINITY
      if (!last || at > last.at || (at === last.at && stratum < last.stratum)) last = { stratum, isByAll, at }
    }
    return last
  }

  /** Strata of which somebody was ever treated. */
  get strata(): Iterable<string> {
    return this.#strata.keys()
  }

  #cell(stratum: string | undefined): Cell {
    if (stratum === undefined) return this.#all
    return this.#strata.get(stratum) ?? { treated: 0, healthy: 0, offset: 0 }
  }

  #count(cell: Cell, earning: Earning, by: 1 | -1): void {
    if (earning === undefined) return
    cell.treated += by
    if (earning === null) return
    cell.healthy += by
    cell.offset -= by * (earning - this.#epoch)
  }
}
