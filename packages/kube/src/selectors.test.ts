import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isLabelKey, isLabelValue, labelSelectorFrom, parseFieldSelector, parseLabelSelector } from './selectors.ts'

describe('label selectors', () => {
  test.each<[selector: string, canonical: string]>([
    ['', ''],
    ['  ', ''],
    ['x=a,y=b,z=c', 'x=a,y=b,z=c'],
    ['z=c, a == b', 'a=b,z=c'],
    ['x!=a , y=b', 'x!=a,y=b'],
    ['x=', 'x='],
    ['x= ,z= ', 'x=,z='],
    ['!x', '!x'],
    ['! x', '!x'],
    ['x', 'x'],
    ['x>1', 'x>1'],
    ['x < 5', 'x<5'],
    ['x in (b,a)', 'x in (a,b)'],
    ['x in(a)', 'x in (a)'],
    ['x in (a,,b)', 'x in (,a,b)'],
    ['x in ()', 'x in ()'],
    ['x notin (a,b),!y,z', 'x notin (a,b),!y,z'],
    ['in in (in)', 'in in (in)'],
    ['notin=in', 'notin=in'],
    ['example.com/role=worker-1.a_b', 'example.com/role=worker-1.a_b'],
  ])('%j reads as %j', (selector, canonical) => {
    expect(parseLabelSelector(selector).toString()).toBe(canonical)
    expect(parseLabelSelector(canonical).toString()).toBe(canonical)
  })

  test.each([
    'x=a||y=b',
    'x==a==b',
    '!x=a',
    'x<a',
    'x>',
    ',',
    'x,',
    'x,,y',
    '=a',
    'x in a',
    'x in (a',
    'x in (a b)',
    'x in (a,(b))',
    'x y',
    '!',
    '!!x',
    'x=!a',
    '-x=a',
    'Upper.Case/x=a',
    'a/b/c=d',
    '/x',
    'x=a!',
    `${'k'.repeat(64)}=v`,
    `k=${'v'.repeat(64)}`,
  ])('%j is refused as a bad request', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(expect.objectContaining({ reason: 'BadRequest' }))
  })

  test.each<[selector: string, matching: Record<string, string>[], other: Record<string, string>[]]>([
    ['', [{}, { x: 'a' }], []],
    ['x=a', [{ x: 'a' }, { x: 'a', y: 'b' }], [{}, { x: 'b' }, { y: 'a' }]],
    ['x!=a', [{}, { x: 'b' }], [{ x: 'a' }]],
    ['x in (a,b)', [{ x: 'a' }, { x: 'b' }], [{}, { x: 'c' }]],
    ['x notin (a,b)', [{}, { x: 'c' }], [{ x: 'a' }]],
    ['x', [{ x: '' }, { x: 'a' }], [{}]],
    ['!x', [{}], [{ x: '' }]],
    ['x=', [{ x: '' }], [{}, { x: 'a' }]],
    ['x>5', [{ x: '6' }, { x: '10' }], [{}, { x: '5' }, { x: 'z' }]],
    ['x<5', [{ x: '4' }, { x: '-10' }], [{}, { x: '5' }, { x: '' }]],
    ['x=a,y!=b', [{ x: 'a' }, { x: 'a', y: 'c' }], [{ x: 'a', y: 'b' }]],
    ['constructor', [{ constructor: 'a' }], [{}]],
  ])('%j matches as it should', (selector, matching, other) => {
    const parsed = parseLabelSelector(selector)
    for (const labels of matching) expect(parsed.matches(labels)).toBe(true)
    for (const labels of other) expect(parsed.matches(labels)).toBe(false)
    expect(parsed.matches(undefined)).toBe(parsed.matches({}))
  })

  test('any text is either refused as a bad request or survives a round trip', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('x', 'y', '=', '!', ',', ' ', '(', ')', '<', '1', 'in ', 'notin ') }),
        (text) => {
          let canonical: string
          try {
            canonical = parseLabelSelector(text).toString()
          } catch (error) {
            expect(error).toMatchObject({ reason: 'BadRequest' })
            return
          }
          expect(parseLabelSelector(canonical).toString()).toBe(canonical)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('labelSelectorFrom', () => {
  test('an empty selector matches everything', () => {
    expect(labelSelectorFrom({}).matches({})).toBe(true)
  })

  test('joins labels and expressions', () => {
    const selector = labelSelectorFrom({
      matchLabels: { a: '1' },
      matchExpressions: [
        { key: 'b', operator: 'In', values: ['x', 'y'] },
        { key: 'c', operator: 'NotIn', values: ['z'] },
        { key: 'd', operator: 'Exists' },
        { key: 'e', operator: 'DoesNotExist', values: [] },
      ],
    })
    expect(selector.toString()).toBe('a=1,b in (x,y),c notin (z),d,!e')
    expect(selector.matches({ a: '1', b: 'y', d: '' })).toBe(true)
    expect(selector.matches({ a: '1', b: 'y', d: '', e: '' })).toBe(false)
  })

  test.each([
    [{ key: 'a', operator: 'Equals', values: ['b'] }],
    [{ key: 'a', operator: 'toString' }],
    [{ key: 'a', operator: 'In', values: [] }],
    [{ key: 'a', operator: 'NotIn' }],
    [{ key: 'a', operator: 'Exists', values: ['b'] }],
    [{ key: 'a b', operator: 'Exists' }],
  ])('refuses %j', (expression) => {
    expect(() => labelSelectorFrom({ matchExpressions: [expression] })).toThrow(
      expect.objectContaining({ reason: 'BadRequest' }),
    )
  })
})

test('label keys and values', () => {
  expect(['a', 'A.b_c-d', 'example.com/a', 'a'.repeat(63)].every(isLabelKey)).toBe(true)
  expect(
    ['', '-a', 'a-', 'a'.repeat(64), '/a', 'ex ample/a', 'EXAMPLE/a', `${'a.'.repeat(130)}a/b`].some(isLabelKey),
  ).toBe(false)
  expect(['', 'a', '4.20.6', 'a'.repeat(63)].every(isLabelValue)).toBe(true)
  expect(['-a', 'a b', 'a/b', 'a'.repeat(64)].some(isLabelValue)).toBe(false)
})

describe('field selectors', () => {
  test('reads its operators and escapes', () => {
    expect(parseFieldSelector('')).toEqual([])
    expect(parseFieldSelector('metadata.name=a,status.phase!=Running,spec.x==y')).toEqual([
      { field: 'metadata.name', operator: '=', value: 'a' },
      { field: 'status.phase', operator: '!=', value: 'Running' },
      { field: 'spec.x', operator: '=', value: 'y' },
    ])
    expect(parseFieldSelector(String.raw`a=b\,c\=d\\e,f=`)).toEqual([
      { field: 'a', operator: '=', value: 'b,c=d\\e' },
      { field: 'f', operator: '=', value: '' },
    ])
  })

  test.each(['a', 'a=b=c', String.raw`a=b\x`, 'a,b=c', 'a>b'])('refuses %j', (selector) => {
    expect(() => parseFieldSelector(selector)).toThrow(expect.objectContaining({ reason: 'BadRequest' }))
  })
})
