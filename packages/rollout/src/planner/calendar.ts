/** Milliseconds since the epoch; `to` is not part of it. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** When targets of one class may be changed: in `open` (without it always), but never in `closed`. */
export interface Window {
  readonly open?: readonly Interval[]
  readonly closed?: readonly Interval[]
}

/** Open time as ordered intervals that do not touch. */
export class Calendar {
  /** Always open. */
  static readonly always = new Calendar({})
  readonly intervals: readonly Interval[]

  /** `freezes` are closed for every class. Intervals may overlap and need no order; empty ones are ignored. */
  constructor({ open, closed = [] }: Window, freezes: readonly Interval[] = []) {
    const opened = open ? merged(open) : [{ from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }]
    this.intervals = without(opened, merged([...closed, ...freezes]))
  }

  /** When `work` milliseconds of open time have passed since `start`; Infinity when there is not so much. */
  advance(start: number, work: number): number {
    let left = work
    for (const { from, to } of this.intervals) {
      const begin = Math.max(from, start)
      if (begin >= to) continue
      if (left <= to - begin) return begin + left
      left -= to - begin
    }
    return Number.POSITIVE_INFINITY
  }

  /** When from `start` on it is first open for `length` milliseconds without a break; Infinity when it never is. */
  room(start: number, length: number): number {
    for (const { from, to } of this.intervals) {
      const begin = Math.max(from, start)
      if (begin + length <= to) return begin
    }
    return Number.POSITIVE_INFINITY
  }

  /** Open milliseconds between two times. */
  openTime(from: number, to: number): number {
    let sum = 0
    for (const interval of this.intervals) {
      sum += Math.max(0, Math.min(to, interval.to) - Math.max(from, interval.from))
    }
    return sum
  }
}

function merged(intervals: readonly Interval[]): Interval[] {
  const sorted = intervals.filter(({ from, to }) => from < to).sort((left, right) => left.from - right.from)
  const result: Interval[] = []
  for (const interval of sorted) {
    const last = result.at(-1)
    if (last && interval.from <= last.to) {
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, interval.to) }
    } else result.push(interval)
  }
  return result
}

function without(intervals: readonly Interval[], closed: readonly Interval[]): Interval[] {
  let result = [...intervals]
  for (const hole of closed) {
    result = result.flatMap(({ from, to }) =>
      [
        { from, to: Math.min(to, hole.from) },
        { from: Math.max(from, hole.to), to },
      ].filter((part) => part.from < part.to),
    )
  }
  return result
}
