import { operators } from '../ast.ts'
import { CelEvaluationError } from '../errors.ts'
import { compare, equals } from '../equality.ts'
import { define, overload } from '../functions.ts'
import type { FunctionDeclaration, Overload, Price } from '../functions.ts'
import { int, minInt, uint } from '../integers.ts'
import { concatenate } from '../merge-lists.ts'
import { comparison, sizeOf } from '../prices.ts'
import { exactly, perCharacter, plus, scale, scaled } from '../ranges.ts'
import { duration, timestamp } from '../time.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celInt,
  celString,
  celTimestamp,
  celUint,
  listOf,
  mapOf,
  sameType,
  typeParameter,
} from '../types.ts'
import type { CelType } from '../types.ts'
import type { CelDuration, CelList, CelMap, CelTimestamp, CelUint, CelValue } from '../values.ts'

const A = typeParameter('A')
const B = typeParameter('B')

function divisor(value: bigint): bigint {
  if (value === 0n) throw new CelEvaluationError('division by zero')
  return value
}

function modulus(value: bigint): bigint {
  if (value === 0n) throw new CelEvaluationError('modulus by zero')
  return value
}

/** Copying both sides. */
const concatenation: Price = {
  actual: ([left, right]) => scaled(sizeOf(left!) + sizeOf(right!), perCharacter),
  estimate: ([left, right]) => {
    const size = plus(left!.size, right!.size)
    return { cost: scale(size, perCharacter), size }
  },
}

/** Lists are joined without being copied. */
const joining: Price = {
  actual: () => 1,
  estimate: ([left, right]) => ({ cost: exactly(1), size: plus(left!.size, right!.size) }),
}

/** Looking at every item. */
const search: Price = {
  actual: ([, list]) => sizeOf(list!),
  estimate: ([, list]) => ({ cost: list!.size }),
}

const URL_TYPE = 'kubernetes.URL'
const FORMAT_TYPE = 'kubernetes.NamedFormat'
/** The longest name of a format. */
const maxFormatSize = 64

const equality: Price = {
  actual: comparison.actual,
  estimate: (args) => {
    const [left, right] = args
    if (left!.type.kind !== 'opaque' || !sameType(left!.type, right!.type)) return comparison.estimate(args)
    if (left!.type.name === FORMAT_TYPE) return { cost: scale({ min: 1, max: maxFormatSize }, perCharacter) }
    if (left!.type.name !== URL_TYPE) return { cost: exactly(1) }
    const known = right!.size.max < 2 ** 64
    return { cost: scale({ min: 1, max: known ? right!.size.max : 1 }, perCharacter) }
  },
}

/** `<` and its kin between all types that have an order. */
function relation(id: string, holds: (order: number) => boolean): Overload[] {
  const run = (left: CelValue, right: CelValue): boolean => {
    const order = compare(left, right)
    if (Number.isNaN(order)) throw new CelEvaluationError('NaN values cannot be ordered')
    return holds(order)
  }
  const numbers: readonly (readonly [string, CelType])[] = [
    ['int64', celInt],
    ['uint64', celUint],
    ['double', celDouble],
  ]
  const scalars: readonly (readonly [string, CelType])[] = [
    ['bool', celBool],
    ['timestamp', celTimestamp],
    ['duration', celDuration],
  ]
  const texts: readonly (readonly [string, CelType])[] = [
    ['string', celString],
    ['bytes', celBytes],
  ]
  return [
    ...numbers.flatMap(([left, leftType]) =>
      numbers.map(([right, rightType]) =>
        overload(`${id}_${left}${left === right ? '' : `_${right}`}`, [leftType, rightType], celBool, run),
      ),
    ),
    ...scalars.map(([name, type]) => overload(`${id}_${name}`, [type, type], celBool, run)),
    ...texts.map(([name, type]) => overload(`${id}_${name}`, [type, type], celBool, run, comparison)),
  ]
}

function contains(item: CelValue, list: CelList): boolean {
  for (let index = 0; index < list.size; index++) if (equals(item, list.at(index))) return true
  return false
}

function addBytes(left: Uint8Array, right: Uint8Array): Uint8Array {
  const sum = new Uint8Array(left.length + right.length)
  sum.set(left)
  sum.set(right, left.length)
  return sum
}

const addTime = (at: CelTimestamp, by: CelDuration): CelTimestamp =>
  timestamp(at.nanoseconds + by.nanoseconds, at.offset)

/**
 * Operators that are functions. `&&`, `||`, `?:` and indexing are evaluated by the planner; what stands here for them
 * is their signature.
 */
export const operatorFunctions: readonly FunctionDeclaration[] = [
  define(
    operators.not,
    overload('logical_not', [celBool], celBool, (value: boolean) => !value),
  ),
  define(
    operators.negate,
    overload('negate_int64', [celInt], celInt, (value: bigint) => int(-value)),
    overload('negate_double', [celDouble], celDouble, (value: number) => -value),
  ),
  define(
    operators.add,
    overload('add_bytes', [celBytes, celBytes], celBytes, addBytes, concatenation),
    overload('add_double', [celDouble, celDouble], celDouble, (a: number, b: number) => a + b),
    overload('add_duration_duration', [celDuration, celDuration], celDuration, (a: CelDuration, b: CelDuration) =>
      duration(a.nanoseconds + b.nanoseconds),
    ),
    overload('add_duration_timestamp', [celDuration, celTimestamp], celTimestamp, (by: CelDuration, at: CelTimestamp) =>
      addTime(at, by),
    ),
    overload('add_timestamp_duration', [celTimestamp, celDuration], celTimestamp, addTime),
    overload('add_int64', [celInt, celInt], celInt, (a: bigint, b: bigint) => int(a + b)),
    overload(
      'add_list',
      [listOf(A), listOf(A)],
      listOf(A),
      (a: CelList, b: CelList) => concatenate(a, b, equals),
      joining,
    ),
    overload('add_string', [celString, celString], celString, (a: string, b: string) => a + b, concatenation),
    overload('add_uint64', [celUint, celUint], celUint, (a: CelUint, b: CelUint) => uint(a.value + b.value)),
  ),
  define(
    operators.subtract,
    overload('subtract_double', [celDouble, celDouble], celDouble, (a: number, b: number) => a - b),
    overload('subtract_duration_duration', [celDuration, celDuration], celDuration, (a: CelDuration, b: CelDuration) =>
      duration(a.nanoseconds - b.nanoseconds),
    ),
    overload('subtract_int64', [celInt, celInt], celInt, (a: bigint, b: bigint) => int(a - b)),
    overload(
      'subtract_timestamp_duration',
      [celTimestamp, celDuration],
      celTimestamp,
      (at: CelTimestamp, by: CelDuration) => timestamp(at.nanoseconds - by.nanoseconds, at.offset),
    ),
    overload(
      'subtract_timestamp_timestamp',
      [celTimestamp, celTimestamp],
      celDuration,
      (a: CelTimestamp, b: CelTimestamp) => duration(a.nanoseconds - b.nanoseconds),
    ),
    overload('subtract_uint64', [celUint, celUint], celUint, (a: CelUint, b: CelUint) => uint(a.value - b.value)),
  ),
  define(
    operators.multiply,
    overload('multiply_double', [celDouble, celDouble], celDouble, (a: number, b: number) => a * b),
    overload('multiply_int64', [celInt, celInt], celInt, (a: bigint, b: bigint) => int(a * b)),
    overload('multiply_uint64', [celUint, celUint], celUint, (a: CelUint, b: CelUint) => uint(a.value * b.value)),
  ),
  define(
    operators.divide,
    overload('divide_double', [celDouble, celDouble], celDouble, (a: number, b: number) => a / b),
    overload('divide_int64', [celInt, celInt], celInt, (a: bigint, b: bigint) => int(a / divisor(b))),
    overload('divide_uint64', [celUint, celUint], celUint, (a: CelUint, b: CelUint) =>
      uint(a.value / divisor(b.value)),
    ),
  ),
  define(
    operators.modulo,
    overload('modulo_int64', [celInt, celInt], celInt, (a: bigint, b: bigint) => {
      if (a === minInt && b === -1n) throw new CelEvaluationError('integer overflow')
      return a % modulus(b)
    }),
    overload('modulo_uint64', [celUint, celUint], celUint, (a: CelUint, b: CelUint) =>
      uint(a.value % modulus(b.value)),
    ),
  ),
  define(operators.equals, overload('equals', [A, A], celBool, equals, equality)),
  define(
    operators.notEquals,
    overload('not_equals', [A, A], celBool, (a: CelValue, b: CelValue) => !equals(a, b), comparison),
  ),
  define(operators.less, ...relation('less', (order) => order < 0)),
  define(operators.lessOrEqual, ...relation('less_equals', (order) => order <= 0)),
  define(operators.greater, ...relation('greater', (order) => order > 0)),
  define(operators.greaterOrEqual, ...relation('greater_equals', (order) => order >= 0)),
  define(
    operators.in,
    overload('in_list', [A, listOf(A)], celBool, contains, search),
    overload('in_map', [A, mapOf(A, B)], celBool, (key: CelValue, map: CelMap) => map.get(key) !== undefined),
  ),
]
