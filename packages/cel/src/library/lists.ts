import { ArrayList, itemsOf } from '../collections.ts'
import { CelEvaluationError } from '../errors.ts'
import { compare, equals } from '../equality.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration, Overload, Price, PriceEstimate, SizedArgument } from '../functions.ts'
import { int, uint } from '../integers.ts'
import { sizeOf } from '../prices.ts'
import { exactly, listCost, perCharacter, plus, scale, times } from '../ranges.ts'
import type { Range } from '../ranges.ts'
import { duration } from '../time.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  celUint,
  listOf,
  typeParameter,
} from '../types.ts'
import type { CelScalarType } from '../types.ts'
import { CelDuration, CelList, CelMap } from '../values.ts'
import type { CelUint, CelValue } from '../values.ts'

const T = typeParameter('T')
const list = listOf(T)

const COMPARABLE = [celInt, celUint, celDouble, celBool, celDuration, celTimestamp, celString, celBytes]

/** Going through all items, and through their characters. */
const traversal: Price = {
  actual: ([items]) => traversed(items!),
  estimate: ([items]) => ({ cost: times(items!.size, itemCost(items!)) }),
}

function itemCost({ item }: SizedArgument): Range {
  const text = item?.type.kind === 'string' || item?.type.kind === 'bytes'
  return text ? plus(exactly(1), scale(item.size, perCharacter)) : exactly(1)
}

function traversed(value: CelValue): number {
  if (typeof value === 'string') return Math.floor(new TextEncoder().encode(value).length * perCharacter)
  if (value instanceof Uint8Array) return Math.floor(value.length * perCharacter)
  if (value instanceof CelList) return itemsOf(value).reduce((cost: number, item) => cost + traversed(item), 0)
  if (!(value instanceof CelMap)) return 1
  return [...value.keys()].reduce((cost: number, key) => cost + traversed(key) + traversed(value.get(key)!), 0)
}

/** Making a list: the call, the list, and a factor for every item. */
function allocation(
  actual: (args: readonly CelValue[], result: CelValue) => number,
  estimate: (args: readonly SizedArgument[]) => { size: Range; factor: number },
): Price {
  return {
    actual: (args, result) => Math.floor(actual(args, result)) + 1 + listCost,
    estimate: (args): PriceEstimate => {
      const { size, factor } = estimate(args)
      return { cost: plus(scale(size, factor), exactly(1 + listCost)), size }
    },
  }
}

/** A literal int as a size; negative ones count as none. */
function literalSize(argument: SizedArgument | undefined, otherwise: number): number {
  return typeof argument?.literal === 'bigint' ? Number(argument.literal < 0n ? 0n : argument.literal) : otherwise
}

const most = 2 ** 64

const resultSized = allocation(
  (_args, result) => sizeOf(result),
  ([items]) => ({ size: items!.size, factor: 1 }),
)
const slicing = allocation(
  (_args, result) => sizeOf(result),
  ([items, from, to]) => {
    const size = literalSize(to, items!.size.max) - literalSize(from, 0)
    return { size: exactly(size < 0 ? most : size), factor: 1 }
  },
)
const ranging = allocation(
  (_args, result) => sizeOf(result),
  ([count]) => ({ size: exactly(literalSize(count, most)), factor: 1 }),
)
const flattening = allocation(
  ([items, depth]) => sizeOf(items!) * (typeof depth === 'bigint' ? Number(depth) : 1),
  ([items, depth]) => ({ size: items!.size, factor: depth === undefined ? 1 : literalSize(depth, most) }),
)

/** Comparing every item with every other; `keys` is the argument that is compared. */
function selfComparison(keys: number, ofText?: boolean): Price {
  const price = allocation(
    (args) => {
      const items = args[keys] as CelList
      if (items.size === 0) return 0
      const first = items.at(0)
      const text = typeof first === 'string' || first instanceof Uint8Array
      return items.size * items.size * (text ? 2 + perCharacter : 2)
    },
    (args) => ({
      size: times(args[keys]!.size, args[keys]!.size),
      factor: ofText === true ? 2 + perCharacter : 2,
    }),
  )
  return { ...price, upFront: true }
}

function ofComparable(id: (name: string) => string, make: (id: string, type: CelScalarType) => Overload): Overload[] {
  return COMPARABLE.map((type) => make(id(type.kind), type))
}

function isText(type: CelScalarType): boolean {
  return type.kind === 'string' || type.kind === 'bytes'
}

function isSorted(items: CelList): boolean {
  for (let index = 1; index < items.size; index++) if (compare(items.at(index - 1), items.at(index)) > 0) return false
  return true
}

/** The first item that no other one beats. */
function best(name: 'min' | 'max', items: CelList): CelValue {
  if (items.size === 0) throw new CelEvaluationError(`${name} called on empty list`)
  return itemsOf(items).reduce((chosen, item) => {
    const order = compare(chosen, item)
    return (name === 'min' ? order > 0 : order < 0) ? item : chosen
  })
}

function sumOfInts(items: CelList): bigint {
  return itemsOf(items).reduce((total: bigint, item) => int(total + (item as bigint)), 0n)
}

function sumOfUints(items: CelList): CelUint {
  return uint(itemsOf(items).reduce((total: bigint, item) => total + (item as CelUint).value, 0n))
}

function sumOfDurations(items: CelList): CelDuration {
  return itemsOf(items).reduce(
    (total: CelDuration, item) => duration(total.nanoseconds + (item as CelDuration).nanoseconds),
    new CelDuration(0n),
  )
}

function indexOf(items: CelList, wanted: CelValue): bigint {
  return BigInt(itemsOf(items).findIndex((item) => equals(item, wanted)))
}

function lastIndexOf(items: CelList, wanted: CelValue): bigint {
  return BigInt(itemsOf(items).findLastIndex((item) => equals(item, wanted)))
}

function slice(items: CelList, from: bigint, to: bigint): ArrayList {
  const refuse = (why: string): never => {
    throw new CelEvaluationError(`cannot slice(${from}, ${to}), ${why}`)
  }
  if (from < 0n || to < 0n) return refuse('negative indexes not supported')
  if (from > to) return refuse('start index must be less than or equal to end index')
  if (BigInt(items.size) < to) return refuse(`list is length ${items.size}`)
  return new ArrayList(itemsOf(items).slice(Number(from), Number(to)))
}

function flatten(items: CelList, depth = 1n): ArrayList {
  if (depth < 0n) throw new CelEvaluationError('level must be non-negative')
  const flat = (nested: CelList, levels: bigint): CelValue[] =>
    itemsOf(nested).flatMap((item) => (item instanceof CelList && levels > 0n ? flat(item, levels - 1n) : [item]))
  return new ArrayList(flat(items, depth))
}

function distinct(items: CelList): ArrayList {
  const kept: CelValue[] = []
  for (const item of itemsOf(items)) if (!kept.some((other) => equals(item, other))) kept.push(item)
  return new ArrayList(kept)
}

/** A range longer than this is an error rather than a server without memory; costs stop evaluation long before. */
const maxRange = 1_000_000n

function range(count: bigint): ArrayList {
  if (count > maxRange) throw new CelEvaluationError(`lists.range(${count}) is too long`)
  return new ArrayList(Array.from({ length: Math.max(Number(count), 0) }, (_, index) => BigInt(index)))
}

/** Sorts items by the keys at the same places. */
function sortByKeys(items: CelList, keys: CelList): ArrayList {
  const pairs = itemsOf(items).map((item, index) => ({ item, key: keys.at(index) }))
  pairs.sort((left, right) => compare(left.key, right.key))
  return new ArrayList(pairs.map(({ item }) => item))
}

/** List functions of Kubernetes and of cel-go's extension, version 3. */
export const listFunctions: readonly FunctionDeclaration[] = [
  define(
    'isSorted',
    ...ofComparable(
      (name) => `list_${name}_is_sorted_bool`,
      (id, type) => member(id, [listOf(type)], celBool, isSorted, traversal),
    ),
  ),
  define(
    'sum',
    member('list_int_sum_int', [listOf(celInt)], celInt, sumOfInts, traversal),
    member('list_uint_sum_uint', [listOf(celUint)], celUint, sumOfUints, traversal),
    member(
      'list_double_sum_double',
      [listOf(celDouble)],
      celDouble,
      (items: CelList) => itemsOf(items).reduce((total: number, item) => total + (item as number), 0),
      traversal,
    ),
    member('list_duration_sum_duration', [listOf(celDuration)], celDuration, sumOfDurations, traversal),
  ),
  ...(['min', 'max'] as const).map((name) =>
    define(
      name,
      ...ofComparable(
        (type) => `list_${type}_${name}_${type}`,
        (id, type) => member(id, [listOf(type)], type, (items: CelList) => best(name, items), traversal),
      ),
    ),
  ),
  define('indexOf', member('list_a_index_of_int', [list, T], celInt, indexOf, traversal)),
  define('lastIndexOf', member('list_a_last_index_of_int', [list, T], celInt, lastIndexOf, traversal)),
  define('slice', member('list_slice', [list, celInt, celInt], list, slice, slicing)),
  define(
    'flatten',
    member('list_flatten', [listOf(list)], list, flatten, flattening),
    member('list_flatten_int', [listOf(celDyn), celInt], listOf(celDyn), flatten, flattening),
  ),
  define(
    'sort',
    ...ofComparable(
      (name) => `list_${name}_sort`,
      (id, type) =>
        member(
          id,
          [listOf(type)],
          listOf(type),
          (items: CelList) => sortByKeys(items, items),
          selfComparison(0, isText(type)),
        ),
    ),
  ),
  define(
    '@sortByAssociatedKeys',
    ...ofComparable(
      (name) => `list_${name}_sortByAssociatedKeys`,
      (id, type) => member(id, [list, listOf(type)], list, sortByKeys, selfComparison(1, isText(type))),
    ),
  ),
  define('lists.range', overload('lists_range', [celInt], listOf(celInt), range, ranging)),
  define(
    'reverse',
    member('list_reverse', [list], list, (items: CelList) => new ArrayList(itemsOf(items).toReversed()), resultSized),
  ),
  define('distinct', member('list_distinct', [list], list, distinct, selfComparison(0))),
]
