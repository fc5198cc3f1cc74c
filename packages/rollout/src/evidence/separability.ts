import type { Overlap } from './exposure-cells.ts'

/**
 * Two exposures that correlate more than this cannot be told apart with a usable number of onsets: the variance of each
 * effect grows by 1/(1 − r²), here more than five times.
 */
export const LARGEST_CORRELATION = 0.9

/** Whether two changes may overlap. */
export interface Separability {
  /** Correlation of the two exposures within strata, weighted with healthy time; undefined when one has no contrast. */
  readonly correlation: number | undefined
  readonly separable: boolean
  /** One sentence. */
  readonly reason: string
}

/** Who gets which change when; a time that is left out means never (or not before the end of the forecast). */
export interface PlannedStart {
  readonly stratum: string
  readonly left?: number
  readonly right?: number
}

/** The exposures that plans would give between `from` and `until`, if all stay healthy: what to judge before starting. */
export function expectedOverlap(targets: Iterable<PlannedStart>, from: number, until: number): Overlap[] {
  const strata = new Map<string, [number, number, number, number]>()
  for (const { stratum, left = until, right = until } of targets) {
    let groups = strata.get(stratum)
    if (!groups) strata.set(stratum, (groups = [0, 0, 0, 0]))
    const one = Math.min(until, Math.max(from, left))
    const other = Math.min(until, Math.max(from, right))
    const first = Math.min(one, other)
    const second = Math.max(one, other)
    groups[0] += first - from
    groups[one < other ? 1 : 2] += second - first
    groups[3] += until - second
  }
  const clean = (ms: number) => ({ ms, onsets: 0 })
  return [...strata]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([stratum, [neither, left, right, both]]) => ({
      stratum,
      neither: clean(neither),
      left: clean(left),
      right: clean(right),
      both: clean(both),
    }))
}

/**
 * Whether the effects of two changes can be told apart from these exposures. When not, the one that came `later` has to
 * wait until the other has run alone for longer, or is done.
 */
export function separability(tables: Iterable<Overlap>, names: { earlier: string; later: string }): Separability {
  let left = 0
  let right = 0
  let mixed = 0
  for (const table of tables) {
    const total = table.neither.ms + table.left.ms + table.right.ms + table.both.ms
    if (total <= 0) continue
    const a = (table.left.ms + table.both.ms) / total
    const b = (table.right.ms + table.both.ms) / total
    left += total * a * (1 - a)
    right += total * b * (1 - b)
    mixed += total * (table.both.ms / total - a * b)
  }
  const { earlier, later } = names
  if (left <= 0 || right <= 0) {
    return {
      correlation: undefined,
      separable: false,
      reason: `${later} waits: within no kind of control planes there are some with ${left <= 0 ? earlier : later} and some without, so trouble could not be laid to one of the two.`,
    }
  }
  const correlation = mixed / Math.sqrt(left * right)
  const separable = Math.abs(correlation) <= LARGEST_CORRELATION
  const together = `the control planes with ${later} and those with ${earlier} would be ${correlation > 0 ? 'almost the same' : 'almost exactly the others'} (correlation ${correlation.toFixed(2)}, at most ${LARGEST_CORRELATION})`
  return {
    correlation,
    separable,
    reason: separable
      ? `${later} may overlap with ${earlier}: their exposures can be told apart (correlation ${correlation.toFixed(2)}).`
      : `${later} waits: ${together}, so trouble could not be laid to one of the two.`,
  }
}
