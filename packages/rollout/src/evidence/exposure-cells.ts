import { rateBounds } from './bounds.ts'

/**
 * What happens to one target, in the order of time (events at the same time in the order in which they are known). Times
 * are whole milliseconds since the epoch; one before the last event of its target counts as at the same time.
 */
export type Happening =
  /** The target is known, healthy and comparable with others of its stratum from here on. */
  | { readonly type: 'enter'; readonly stage: string; readonly stratum: string; readonly at: number }
  | { readonly type: 'leave'; readonly at: number }
  /** It runs `change` from here on. */
  | { readonly type: 'start'; readonly change: string; readonly at: number }
  /** It no longer does, or nobody wants to know any more. */
  | { readonly type: 'end'; readonly change: string; readonly at: number }
  /** It became unhealthy in the way `signature` names. While it is, nothing is earned and no other onset counts. */
  | { readonly type: 'onset'; readonly signature: string; readonly at: number }
  | { readonly type: 'recovery'; readonly at: number }

/** Healthy time and what went wrong in it. */
export interface HealthyTime {
  /** Healthy control-plane time in milliseconds, exact. */
  readonly ms: number
  readonly onsets: number
}

/** Targets with a change against those without, of one stratum, since the first of the stratum got it. */
export interface Contrast {
  readonly stratum: string
  readonly exposed: HealthyTime
  readonly unexposed: HealthyTime
}

/** The same for two changes that overlap, since the first of the stratum got either. */
export interface Overlap {
  readonly stratum: string
  readonly neither: HealthyTime
  readonly left: HealthyTime
  readonly right: HealthyTime
  readonly both: HealthyTime
}

/** What a change has earned in one stratum, in whatever stage. */
export interface Credit extends HealthyTime {
  readonly stratum: string
  readonly byStage: Readonly<Record<string, HealthyTime>>
  /** The rate of onsets is below this with 95 % confidence, per hour: the rule of three when there was none. */
  readonly atMostPerHour: number
}

const HOUR = 3_600_000

/** Targets of one stage and stratum that run the same changes. */
export interface Cell {
  readonly stage: string
  readonly stratum: string
  readonly changes: ReadonlySet<string>
  /** Targets in it that are healthy. */
  healthy: number
  /** Healthy time up to `now` is this + healthy · (now − epoch): whole numbers, whatever the order of their sum. */
  offset: number
  readonly onsets: Map<string, number>
  /** The place of those who came last, healthy. */
  newest: Place | undefined
  /** Where those go that get one change more, as far as somebody went. */
  readonly next: Map<string, Cell>
}

/**
 * Where a target stands since its last event. Those that came into a cell at the same moment share one, so that a fleet in
 * which nothing happens needs next to no memory.
 */
export interface Place {
  readonly cell: Cell
  readonly isHealthy: boolean
  readonly at: number
}

/** What the cells of a stratum held when the first target got a change. */
type Baseline = Map<Cell, { readonly ms: number; readonly onsets: ReadonlyMap<string, number> }>

function keyOf(stage: string, changes: ReadonlySet<string>): string {
  return JSON.stringify([stage, ...[...changes].sort()])
}

/**
 * Healthy control-plane time and onsets by stage, stratum and set of changes: a fold over events, O(1) for each. It knows
 * no single target: who asks keeps the place of each. Asking costs as much as there are cells (stages × sets of changes
 * that exist), whatever the size of the fleet.
 */
export class ExposureCells {
  readonly #epoch: number
  readonly #strata = new Map<string, Map<string, Cell>>()
  readonly #baselines = new Map<string, Map<string, { readonly at: number; readonly cells: Baseline }>>()

  /** `epoch`: about when it begins; sums are exact while targets × (time since then) stays below 2⁵³ milliseconds. */
  constructor(epoch: number) {
    this.#epoch = epoch
  }

  /** Counts what happens to a target that stands at `place` and gives where it stands then; undefined = nowhere. */
  step(place: Place | undefined, event: Happening): Place | undefined {
    if (event.type === 'enter') {
      if (place) this.#leave(place, Math.max(place.at, event.at))
      return this.#come(this.#cell(event.stratum, event.stage, new Set()), event.at)
    }
    if (!place) return undefined
    const at = Math.max(place.at, event.at)
    const { cell } = place
    const { changes, onsets, stage, stratum } = cell
    switch (event.type) {
      case 'leave':
        this.#leave(place, at)
        return undefined
      case 'start':
        if (changes.has(event.change)) return { ...place, at }
        this.#remember(event.change, stratum, at)
        return this.#move(place, this.#with(cell, event.change), at)
      case 'end':
        return changes.has(event.change)
          ? this.#move(place, this.#cell(stratum, stage, without(changes, event.change)), at)
          : { ...place, at }
      case 'onset':
        if (!place.isHealthy) return { ...place, at }
        this.#leave(place, at)
        onsets.set(event.signature, (onsets.get(event.signature) ?? 0) + 1)
        return { cell, isHealthy: false, at }
      case 'recovery':
        return place.isHealthy ? { ...place, at } : this.#come(cell, at)
    }
  }

  /** Adds all that was seen with a change that nobody runs any more to what was seen without it, and forgets it. */
  merge(change: string): void {
    this.#baselines.delete(change)
    for (const [stratum, cells] of this.#strata) {
      for (const [key, cell] of cells) {
        cell.next.delete(change)
        if (!cell.changes.has(change)) continue
        const into = this.#cell(stratum, cell.stage, without(cell.changes, change))
        into.offset += cell.offset
        addTo(into.onsets, cell.onsets)
        cells.delete(key)
        for (const strata of this.#baselines.values()) mergeIn(strata.get(stratum)?.cells, cell, into)
      }
    }
  }

  /** What `change` has earned by `now`, by stratum in the order of names. */
  credit(change: string, now: number): Credit[] {
    const credits: Credit[] = []
    for (const [stratum, cells] of this.#inOrder()) {
      const byStage: Record<string, HealthyTime> = {}
      const total = { ms: 0, onsets: 0 }
      for (const cell of cells.values()) {
        if (!cell.changes.has(change)) continue
        const here = this.#exposure(cell, now)
        total.ms += here.ms
        total.onsets += here.onsets
        const before = byStage[cell.stage] ?? { ms: 0, onsets: 0 }
        byStage[cell.stage] = { ms: before.ms + here.ms, onsets: before.onsets + here.onsets }
      }
      if (Object.keys(byStage).length === 0) continue
      credits.push({ stratum, ...total, byStage, atMostPerHour: rateBounds(total.onsets, total.ms / HOUR).upper })
    }
    return credits
  }

  /** The same over all strata: what is asked often. */
  total(change: string, now: number): HealthyTime {
    let ms = 0
    let onsets = 0
    for (const cells of this.#strata.values()) {
      for (const cell of cells.values()) {
        if (!cell.changes.has(change)) continue
        ms += this.#milliseconds(cell, now)
        onsets += countOf(cell.onsets, undefined)
      }
    }
    return { ms, onsets }
  }

  /** Targets with `change` against those without, for onsets of one signature or of any. */
  contrast(change: string, now: number, signature?: string): Contrast[] {
    const contrasts: Contrast[] = []
    for (const [stratum, cells] of this.#inOrder()) {
      const baseline = this.#baselines.get(change)?.get(stratum)
      if (!baseline) continue
      const exposed = { ms: 0, onsets: 0 }
      const unexposed = { ms: 0, onsets: 0 }
      for (const cell of cells.values()) {
        const { ms, onsets } = this.#since(cell, baseline.cells, now, signature)
        const side = cell.changes.has(change) ? exposed : unexposed
        side.ms += ms
        side.onsets += onsets
      }
      contrasts.push({ stratum, exposed, unexposed })
    }
    return contrasts
  }

  /** Targets without `change`, by stratum, since there was anything to account for. */
  without(change: string, now: number): Map<string, HealthyTime> {
    const strata = new Map<string, HealthyTime>()
    for (const [stratum, cells] of this.#strata) {
      const sum = { ms: 0, onsets: 0 }
      for (const cell of cells.values()) {
        if (cell.changes.has(change)) continue
        const { ms, onsets } = this.#exposure(cell, now)
        sum.ms += ms
        sum.onsets += onsets
      }
      strata.set(stratum, sum)
    }
    return strata
  }

  /** Four groups of targets, by which of two changes they run. */
  overlap(left: string, right: string, now: number, signature?: string): Overlap[] {
    const overlaps: Overlap[] = []
    for (const [stratum, cells] of this.#inOrder()) {
      const first = this.#baselines.get(left)?.get(stratum)
      const second = this.#baselines.get(right)?.get(stratum)
      const baseline = first && second ? (first.at <= second.at ? first : second) : (first ?? second)
      if (!baseline) continue
      const groups = Array.from({ length: 4 }, () => ({ ms: 0, onsets: 0 }))
      for (const cell of cells.values()) {
        const group = groups[Number(cell.changes.has(left)) + 2 * Number(cell.changes.has(right))]
        if (!group) continue
        const { ms, onsets } = this.#since(cell, baseline.cells, now, signature)
        group.ms += ms
        group.onsets += onsets
      }
      const [neither, one, other, both] = groups as [HealthyTime, HealthyTime, HealthyTime, HealthyTime]
      overlaps.push({ stratum, neither, left: one, right: other, both })
    }
    return overlaps
  }

  #inOrder(): [string, Map<string, Cell>][] {
    return [...this.#strata].sort(([one], [other]) => (one < other ? -1 : 1))
  }

  #cell(stratum: string, stage: string, changes: ReadonlySet<string>): Cell {
    let cells = this.#strata.get(stratum)
    if (!cells) this.#strata.set(stratum, (cells = new Map()))
    const key = keyOf(stage, changes)
    let cell = cells.get(key)
    if (!cell) {
      cell = { stage, stratum, changes, healthy: 0, offset: 0, onsets: new Map(), newest: undefined, next: new Map() }
      cells.set(key, cell)
    }
    return cell
  }

  /** From `at` on a healthy target is in the cell. */
  #come(cell: Cell, at: number): Place {
    cell.healthy++
    cell.offset -= at - this.#epoch
    if (cell.newest?.at !== at) cell.newest = { cell, isHealthy: true, at }
    return cell.newest
  }

  /** From `at` on a target earns nothing where it was. */
  #leave({ cell, isHealthy }: Place, at: number): void {
    if (!isHealthy) return
    cell.healthy--
    cell.offset += at - this.#epoch
  }

  /** The cell of those who run one change more. */
  #with(cell: Cell, change: string): Cell {
    let next = cell.next.get(change)
    if (!next) cell.next.set(change, (next = this.#cell(cell.stratum, cell.stage, new Set([...cell.changes, change]))))
    return next
  }

  #move(place: Place, cell: Cell, at: number): Place {
    if (!place.isHealthy) return { cell, isHealthy: false, at }
    this.#leave(place, at)
    return this.#come(cell, at)
  }

  #remember(change: string, stratum: string, at: number): void {
    let strata = this.#baselines.get(change)
    if (!strata) this.#baselines.set(change, (strata = new Map()))
    if (strata.has(stratum)) return
    const cells: Baseline = new Map()
    for (const cell of this.#strata.get(stratum)?.values() ?? []) {
      cells.set(cell, { ms: this.#milliseconds(cell, at), onsets: new Map(cell.onsets) })
    }
    strata.set(stratum, { at, cells })
  }

  #milliseconds(cell: Cell, now: number): number {
    return cell.offset + cell.healthy * (now - this.#epoch)
  }

  #exposure(cell: Cell, now: number, signature?: string): HealthyTime {
    return { ms: this.#milliseconds(cell, now), onsets: countOf(cell.onsets, signature) }
  }

  #since(cell: Cell, baseline: Baseline, now: number, signature: string | undefined): HealthyTime {
    const before = baseline.get(cell)
    const { ms, onsets } = this.#exposure(cell, now, signature)
    return before ? { ms: ms - before.ms, onsets: onsets - countOf(before.onsets, signature) } : { ms, onsets }
  }
}

function countOf(onsets: ReadonlyMap<string, number>, signature: string | undefined): number {
  if (signature !== undefined) return onsets.get(signature) ?? 0
  let sum = 0
  for (const count of onsets.values()) sum += count
  return sum
}

function without(changes: ReadonlySet<string>, change: string): Set<string> {
  return new Set([...changes].filter((each) => each !== change))
}

function addTo(sums: Map<string, number>, onsets: ReadonlyMap<string, number>): void {
  for (const [signature, count] of onsets) sums.set(signature, (sums.get(signature) ?? 0) + count)
}

/** Of a baseline: what one cell held then counts to another. */
function mergeIn(baseline: Baseline | undefined, cell: Cell, into: Cell): void {
  const held = baseline?.get(cell)
  if (baseline === undefined || held === undefined) return
  const there = baseline.get(into)
  const onsets = new Map(there?.onsets)
  addTo(onsets, held.onsets)
  baseline.set(into, { ms: held.ms + (there?.ms ?? 0), onsets })
  baseline.delete(cell)
}
