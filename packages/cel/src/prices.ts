import { nominal } from './functions.ts'
import type { Price, PriceEstimate } from './functions.ts'
import { exactly, perCharacter, perPatternCharacter, plus, scale, scaled, times } from './ranges.ts'
import type { Range } from './ranges.ts'
import { characterCount } from './text.ts'
import { CelList, CelMap, CelObject, CelOpaque, CelOptional } from './values.ts'
import type { CelValue } from './values.ts'

/** The size of a value as costs are computed from it: 1 for everything without a size. */
export function sizeOf(value: CelValue): number {
  if (typeof value === 'string') return characterCount(value)
  if (typeof value !== 'object' || value === null) return 1
  if (value instanceof CelList || value instanceof CelMap) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof CelOptional) return value.value === undefined ? 1 : sizeOf(value.value)
  if (value instanceof CelObject) return [...value.fieldNames()].length
  return value instanceof CelOpaque ? value.size : 1
}

/** Reading an argument once, or `passes` times. */
export function traversal(index: number, passes = 1): Price {
  return {
    actual: (args) => scaled(sizeOf(args[index]!), passes * perCharacter),
    estimate: (args) => ({ cost: scale(args[index]!.size, passes * perCharacter) }),
  }
}

/** The same with a result of the size that `size` makes of the argument's. */
export function resized(price: Price, index: number, size: (argument: Range) => Range): Price {
  return {
    actual: price.actual,
    estimate: (args) => ({ ...price.estimate(args), size: size(args[index]!.size) }),
  }
}

/** Reading a string and making one that is not longer. */
export const transformation = resized(traversal(0), 0, (size) => size)

/** Matching a string against a regular expression in linear time. */
export const matching: Price = {
  actual: ([text, pattern]) =>
    // One more character, so that an empty string does not make an expensive expression free.
    scaled(1 + sizeOf(text!), perCharacter) * scaled(sizeOf(pattern!), perPatternCharacter),
  estimate: ([text, pattern]) => ({
    cost: times(scale(plus(text!.size, exactly(1)), perCharacter), scale(pattern!.size, perPatternCharacter)),
  }),
}

/** Comparing up to the end of the shorter one. */
export const comparison: Price = {
  actual: ([left, right]) => scaled(Math.min(sizeOf(left!), sizeOf(right!)), perCharacter),
  estimate: ([left, right]) => {
    const max = Math.min(left!.size.max, right!.size.max)
    return { cost: scale({ min: max > 0 ? 1 : 0, max }, perCharacter) }
  },
}

/** A price whose estimate is computed where the default will not do. */
export function estimated(price: Price, estimate: (args: Parameters<Price['estimate']>[0]) => PriceEstimate): Price {
  return { actual: price.actual, estimate }
}

/** A call that costs the same always. */
export function fixed(cost: number): Price {
  return cost === 1 ? nominal : { actual: () => cost, estimate: () => ({ cost: exactly(cost) }) }
}
