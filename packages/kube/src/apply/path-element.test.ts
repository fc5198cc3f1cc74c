import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../types.ts'
import type { ListType } from './field-type.ts'
import { canonicalElement, compareElements, describeElement, itemElement, sameElements } from './path-element.ts'

fc.configureGlobal({ seed: 2_026 })

const set: ListType = { atomic: false, keys: [], element: {} }
const key = (name: string, fallback?: Json) => ({
  name,
  prefix: `${JSON.stringify(name)}:`,
  ...(fallback === undefined ? {} : { default: fallback }),
})
const byName: ListType = { ...set, keys: [key('name')] }
const byPort: ListType = { ...set, keys: [key('port'), key('protocol', 'TCP')] }

describe('elements of list items', () => {
  test.each<[string, ListType, Json, string]>([
    ['a keyed item', byName, { name: 'a', other: 1 }, 'k:{"name":"a"}'],
    ['a key that needs escapes', byName, { name: 'a"\\é\n' }, 'k:{"name":"a\\"\\\\é\\n"}'],
    ['several keys', byPort, { protocol: 'UDP', port: 53 }, 'k:{"port":53,"protocol":"UDP"}'],
    ['a key left to its default', byPort, { port: 80 }, 'k:{"port":80,"protocol":"TCP"}'],
    ['a key without value or default', byPort, { protocol: 'UDP' }, 'k:{"protocol":"UDP"}'],
    ['a string of a set', set, 'x', 'v:"x"'],
    ['a number of a set', set, 1.5, 'v:1.5'],
    ['a boolean of a set', set, true, 'v:true'],
  ])('%s', (_, type, item, expected) => {
    expect(itemElement(type, item)).toBe(expected)
  })

  test.each<[string, ListType, Json, RegExp]>([
    ['no key at all', byName, { other: 1 }, /omits all key fields \["name"\]/],
    ['null among keyed items', byName, null, /may not have a null element/],
    ['a scalar among keyed items', byName, 'a', /may not have non-map elements/],
    ['a map in a set', set, {}, /element that's a map type/],
    ['a list in a set', set, [], /lists as elements/],
    ['null in a set', set, null, /explicit null/],
  ])('refuses %s', (_, type, item, message) => {
    expect(() => itemElement(type, item)).toThrow(message)
  })

  test('the shortcut for equal lists agrees with the elements', () => {
    const item = fc.record(
      { port: fc.constantFrom<Json>(1, 2, null), protocol: fc.constantFrom<Json>('TCP', 'UDP') },
      { requiredKeys: ['port'] },
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), fc.array(item, { maxLength: 4 }), (left, right) => {
        const elements = (list: Json[]) => list.map((entry) => itemElement(byPort, entry))
        if (sameElements(byPort, left, right)) {
          expect(elements(left)).toEqual(elements(right))
          expect(new Set(elements(left)).size).toBe(left.length)
        }
      }),
    )
  })
})

test.each([
  ['f:name', 'f:name'],
  ['k:{"protocol":"TCP","port":80}', 'k:{"port":80,"protocol":"TCP"}'],
  ['k:{ "name": "\\u003cx\\u003e" }', 'k:{"name":"<x>"}'],
  ['v:1.0', 'v:1'],
  ['i:07', 'i:7'],
  ['x:later', undefined],
])('%s is spelled %s', (text, expected) => {
  expect(canonicalElement(text)).toBe(expected)
})

test.each(['k:{}', 'k:[]', 'k:nonsense', 'v:', 'i:one'])('%s cannot be read', (text) => {
  expect(() => canonicalElement(text)).toThrow(SyntaxError)
})

test.each([
  ['f:spec', '.spec'],
  ['k:{"name":"c","port":80}', '[name="c",port=80]'],
  ['v:"x"', '[="x"]'],
  ['i:3', '[3]'],
])('%s reads %s', (element, expected) => {
  expect(describeElement(element)).toBe(expected)
})

test('elements are ordered by kind, then by content', () => {
  const ordered = [
    'f:',
    'f:A',
    'f:a',
    'f:a-b',
    'f:\u{FFFF}',
    'f:\u{1F600}',
    'k:{"a":2}',
    'k:{"a":10}',
    'k:{"a":10,"b":1}',
    'k:{"a":"x"}',
    'k:{"b":1}',
    'v:-1',
    'v:1.5',
    'v:2',
    'v:10',
    'v:"10"',
    'v:false',
    'v:true',
    'v:[1]',
    'v:[1,2]',
    'v:null',
    'i:2',
    'i:10',
  ]
  for (let seed = 1; seed < ordered.length; seed++) {
    const shuffled = ordered.toSorted((a, b) => ((a.length * seed) % 7) - ((b.length * seed) % 7))
    expect(shuffled.toSorted(compareElements)).toEqual(ordered)
  }
})
