import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../types.ts'
import {
  decodeFieldSet,
  describePaths,
  difference,
  fieldSetOf,
  intersection,
  isSubset,
  recursiveDifference,
  sorted,
  union,
} from './field-set.ts'
import type { FieldSet } from './field-set.ts'

fc.configureGlobal({ seed: 2_026 })

/** The oracle: a set as a plain set of paths. */
type Paths = Set<string>

const STEP = '\u0000'
const steps = ['f:a', 'f:b', 'k:{"n":1}', 'k:{"n":2}', 'v:"x"', 'i:0']
const path = fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(STEP))
const paths = fc.array(path, { maxLength: 12 }).map((list) => new Set(list))

function toSet(of: Paths): FieldSet | undefined {
  let result: FieldSet | undefined
  for (const text of of) {
    let node: FieldSet = {}
    for (const step of text.split(STEP).toReversed()) node = { [step]: node }
    result = union(result, node)
  }
  return result
}

function toPaths(set: FieldSet | undefined, prefix = ''): Paths {
  const result: Paths = new Set()
  for (const [element, node] of Object.entries(set ?? {})) {
    if (element === '.') continue
    const here = prefix === '' ? element : prefix + STEP + element
    if ('.' in node || Object.keys(node).length === 0) result.add(here)
    for (const below of toPaths(node, here)) result.add(below)
  }
  return result
}

/** Nodes with entries and a mark of membership that could be shorter, or nodes without any path. */
function isMinimal(set: FieldSet | undefined, root = true): boolean {
  if (set === undefined) return root
  const entries = Object.entries(set)
  if (root && (entries.length === 0 || '.' in set)) return false
  if (entries.length === 1 && '.' in set) return false
  return entries.every(([element, node]) => element === '.' || isMinimal(node, false))
}

function joined(left: Paths, right: Paths): Paths {
  return new Set([...left, ...right])
}

function filtered(of: Paths, keep: (text: string) => boolean): Paths {
  return new Set([...of].filter(keep))
}

function isCovered(text: string, by: Paths): boolean {
  return text.split(STEP).some((_, index, parts) => by.has(parts.slice(0, index + 1).join(STEP)))
}

describe('set algebra agrees with plain sets of paths', () => {
  test.each<[string, typeof union, (left: Paths, right: Paths) => Paths]>([
    ['union', union, joined],
    ['intersection', intersection, (left, right) => filtered(left, (text) => right.has(text))],
    ['difference', difference, (left, right) => filtered(left, (text) => !right.has(text))],
    ['recursive difference', recursiveDifference, (left, right) => filtered(left, (text) => !isCovered(text, right))],
  ])('%s', (_, operation, oracle) => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const a = toSet(left)
        const b = toSet(right)
        const before = JSON.stringify([a, b])
        const result = operation(a, b)
        expect(toPaths(result)).toEqual(oracle(left, right))
        expect(isMinimal(result)).toBe(true)
        expect(JSON.stringify([a, b])).toBe(before)
      }),
    )
  })

  test('subset', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        expect(isSubset(toSet(left), toSet(right))).toBe([...left].every((text) => right.has(text)))
        expect(isSubset(toSet(left), toSet(joined(left, right)))).toBe(true)
      }),
    )
  })

  test('what changes nothing returns the same set', () => {
    fc.assert(
      fc.property(paths, paths, (left, right) => {
        const whole = toSet(joined(left, right))
        expect(union(whole, toSet(left))).toBe(whole)
        const rest = toSet(filtered(left, (text) => !right.has(text)))
        expect(difference(rest, toSet(right))).toBe(rest)
      }),
    )
  })
})

describe('stored form', () => {
  test('a round trip keeps every path, and order does not depend on how the set was made', () => {
    fc.assert(
      fc.property(paths, (of) => {
        const stored = sorted(toSet(of) ?? {})
        const back = decodeFieldSet(JSON.parse(JSON.stringify(stored)) as Json)
        expect(toPaths(back)).toEqual(of)
        expect(JSON.stringify(sorted(toSet(new Set([...of].toReversed())) ?? {}))).toBe(JSON.stringify(stored))
        expect(sorted(stored)).toBe(stored)
      }),
    )
  })

  test.each<[string, Json, string | undefined]>([
    ['is minimal', { 'f:a': { '.': {} } }, '{"f:a":{}}'],
    ['marks members that have entries first', { 'f:a': { 'f:b': {}, '.': {} } }, '{"f:a":{".":{},"f:b":{}}}'],
    [
      'orders entries',
      { 'v:10': {}, 'i:0': {}, 'v:9': {}, 'k:{"n":1}': {}, 'f:z': {} },
      '{"f:z":{},"k:{\\"n\\":1}":{},"v:9":{},"v:10":{},"i:0":{}}',
    ],
    ['skips unknown prefixes', { 'f:a': { 'q:new': {}, 'f:b': {} }, 'q:other': { 'f:c': {} } }, '{"f:a":{"f:b":{}}}'],
    [
      'joins spellings of one element',
      { 'k:{"b":1,"a":2}': { 'f:x': {} }, 'k:{"a":2,"b":1}': { 'f:y': {} } },
      '{"k:{\\"a\\":2,\\"b\\":1}":{"f:x":{},"f:y":{}}}',
    ],
    ['knows the empty set', {}, undefined],
    ['ignores the root itself', { '.': {} }, undefined],
    ['takes null for empty', null, undefined],
  ])('%s', (_, stored, expected) => {
    const set = decodeFieldSet(stored)
    expect(set === undefined ? undefined : JSON.stringify(set)).toBe(expected)
  })

  test.each<Json>([[], 'x', { 'f:a': 1 }, { 'f:a': [] }, { 'k:{': {} }])('%j cannot be read', (stored) => {
    expect(() => decodeFieldSet(stored)).toThrow(SyntaxError)
  })
})

test('paths are described level by level', () => {
  const set = decodeFieldSet({
    'f:b': {},
    'f:a': { 'k:{"name":"c"}': { '.': {}, 'f:image': {} } },
    'f:c': { 'v:"x"': {} },
  })
  expect(describePaths(set)).toEqual(['.b', '.a[name="c"]', '.a[name="c"].image', '.c[="x"]'])
})

test('sets of field names', () => {
  expect(fieldSetOf([['status'], ['metadata', 'labels'], []])).toEqual({
    'f:status': {},
    'f:metadata': { 'f:labels': {} },
  })
  expect(fieldSetOf([])).toBeUndefined()
})
