/** A size or a cost that lies between two numbers. Numbers stop at the greatest uint64, as they do in Kubernetes. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** 2^64, the nearest number to the greatest uint64. */
const most = 2 ** 64

/** What reading a character costs, compared to an operation on a scalar. */
export const perCharacter = 0.1
/** What a character of a regular expression costs for each character it is matched against. */
export const perPatternCharacter = 0.25
export const listCost = 10
export const mapCost = 30
export const structCost = 40

export const unknownSize: Range = { min: 0, max: most }

export function exactly(value: number): Range {
  return { min: value, max: value }
}

export function plus(left: Range, right: Range): Range {
  return { min: Math.min(left.min + right.min, most), max: Math.min(left.max + right.max, most) }
}

export function sum(ranges: readonly Range[]): Range {
  return ranges.reduce(plus, exactly(0))
}

export function times(left: Range, right: Range): Range {
  return { min: Math.min(left.min * right.min, most), max: Math.min(left.max * right.max, most) }
}

/** Times a factor, rounded up. */
export function scale(range: Range, factor: number): Range {
  return { min: scaled(range.min, factor), max: scaled(range.max, factor) }
}

/** A number times a factor, rounded up. */
export function scaled(value: number, factor: number): number {
  return Math.min(Math.ceil(value * factor), most)
}

/** The smallest range that holds both. */
export function union(left: Range, right: Range): Range {
  return { min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) }
}
