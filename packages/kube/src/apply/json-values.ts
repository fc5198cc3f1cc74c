import type { Json } from '../types.ts'

export type JsonMap = { readonly [key: string]: Json }
export type JsonList = readonly Json[]

/** Kinds of values that merge differently; `undefined` is an absent value. */
export type ValueKind = 'absent' | 'null' | 'scalar' | 'list' | 'map'

export function kindOf(value: Json | undefined): ValueKind {
  if (value === undefined) return 'absent'
  if (value === null) return 'null'
  if (typeof value !== 'object') return 'scalar'
  return Array.isArray(value) ? 'list' : 'map'
}

/**
 * An own member; inherited ones such as `constructor` are no members of JSON objects. Since JSON has no functions, the
 * costly question whether a member is inherited comes up for few values.
 */
export function member(map: JsonMap, key: string): Json | undefined {
  const value = map[key]
  if (typeof value !== 'function' && key !== '__proto__') return value
  return Object.hasOwn(map, key) ? value : undefined
}

export function isEmptyMap(map: JsonMap): boolean {
  for (const key in map) {
    if (map[key] !== undefined) return false
  }
  return true
}

/**
 * Byte order of the UTF-8 forms of two strings. It differs from the order of UTF-16 code units where exactly one side
 * has a surrogate.
 */
export function compareStrings(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    if (a !== b) return codePointRank(a) - codePointRank(b)
  }
  return left.length - right.length
}

/** Puts surrogates, which stand for code points above U+FFFF, behind all other code units. */
function codePointRank(unit: number): number {
  return unit >= 0xd8_00 && unit <= 0xdf_ff ? unit + 0x1_00_00 : unit
}
