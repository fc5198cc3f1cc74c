import { CelEvaluationError } from './errors.ts'
import { sameJson } from './json.ts'
import { equalInAnyOrder, mergeOf } from './merge-lists.ts'
import { runtimeTypeName } from './types.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelObject,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
} from './values.ts'
import type { CelValue } from './values.ts'

/** `left == right`: numbers by value whatever their type, values of different types are not equal. */
export function equals(left: CelValue, right: CelValue): boolean {
  if (left === right) return true
  if (typeof left === 'string' || typeof left === 'boolean' || left === null || right === null) return false
  if (typeof left === 'bigint' || typeof left === 'number' || left instanceof CelUint) {
    return isNumber(right) && compareNumbers(left, right) === 0
  }
  if (typeof right !== 'object') return false
  if (sameJson(left, right)) return true
  if (left instanceof CelList) return right instanceof CelList && equalLists(left, right)
  if (left instanceof CelMap || left instanceof CelObject) return equalMaps(left, right)
  if (left instanceof Uint8Array) return right instanceof Uint8Array && compareBytes(left, right) === 0
  if (left instanceof CelTimestamp) return right instanceof CelTimestamp && left.nanoseconds === right.nanoseconds
  if (left instanceof CelDuration) return right instanceof CelDuration && left.nanoseconds === right.nanoseconds
  if (left instanceof CelOptional) return right instanceof CelOptional && equalOptionals(left, right)
  if (left instanceof CelTypeValue) {
    return right instanceof CelTypeValue && runtimeTypeName(left.type) === runtimeTypeName(right.type)
  }
  return right instanceof CelOpaque && left.equals(right)
}

function equalLists(left: CelList, right: CelList): boolean {
  const { size } = left
  if (size !== right.size) return false
  const merge = mergeOf(left) ?? mergeOf(right)
  if (merge !== undefined) return equalInAnyOrder(left, right, merge, equals)
  for (let index = 0; index < size; index++) if (!equals(left.at(index), right.at(index))) return false
  return true
}

function equalMaps(left: CelMap | CelObject, right: CelValue): boolean {
  if (!(right instanceof CelMap) && !(right instanceof CelObject)) return false
  const keys = keysOf(left)
  if (keys.length !== keysOf(right).length) return false
  return keys.every((key) => {
    const other = right instanceof CelMap ? right.get(key) : typeof key === 'string' ? right.get(key) : undefined
    const own = left instanceof CelMap ? left.get(key) : left.get(key as string)
    return other !== undefined && own !== undefined && equals(own, other)
  })
}

function keysOf(value: CelMap | CelObject): CelValue[] {
  return [...(value instanceof CelMap ? value.keys() : value.fieldNames())]
}

function equalOptionals(left: CelOptional, right: CelOptional): boolean {
  if (left.value === undefined || right.value === undefined) return left.value === right.value
  return equals(left.value, right.value)
}

type CelNumber = bigint | number | CelUint

function isNumber(value: CelValue): value is CelNumber {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint
}

/** The order of two numbers of any types; NaN when one is not a number. An integer meets a double as a double. */
function compareNumbers(left: CelNumber, right: CelNumber): number {
  const one = left instanceof CelUint ? left.value : left
  const other = right instanceof CelUint ? right.value : right
  if (typeof one === 'bigint' && typeof other === 'bigint') return one < other ? -1 : one > other ? 1 : 0
  const double = Number(one)
  const against = Number(other)
  return double < against ? -1 : double > against ? 1 : double === against ? 0 : Number.NaN
}

/** The order of two values: negative, zero, positive, or NaN. Throws CelEvaluationError for types without an order. */
export function compare(left: CelValue, right: CelValue): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right)
  if (left instanceof CelTimestamp && right instanceof CelTimestamp) {
    return compareNumbers(left.nanoseconds, right.nanoseconds)
  }
  if (left instanceof CelDuration && right instanceof CelDuration) {
    return compareNumbers(left.nanoseconds, right.nanoseconds)
  }
  throw new CelEvaluationError('no such overload')
}

/** Strings are ordered by code points. UTF-16 differs only where one side has surrogates. */
export function compareStrings(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const one = left.charCodeAt(index)
    const other = right.charCodeAt(index)
    if (one === other) continue
    const oneIsPair = one >= 0xd800 && one <= 0xdfff
    const otherIsPair = other >= 0xd800 && other <= 0xdfff
    return oneIsPair === otherIsPair ? one - other : oneIsPair ? 1 : -1
  }
  return left.length - right.length
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    if (left[index] !== right[index]) return left[index]! - right[index]!
  }
  return left.length - right.length
}
