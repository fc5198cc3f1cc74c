import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { labelKeyProblems, labelValueProblems } from './label-rules.ts'
import { labelSelectorFrom, parseFieldSelector, parseLabelSelector } from './selectors.ts'

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
  const isKey = (key: string): boolean => labelKeyProblems(key).length === 0
  const isValue = (value: string): boolean => labelValueProblems(value).length === 0
  expect(['a', 'A.b_c-d', 'example.com/a', 'a'.repeat(63)].every(isKey)).toBe(true)
  expect(['', '-a', 'a-', 'a'.repeat(64), '/a', 'ex ample/a', 'EXAMPLE/a', `${'a.'.repeat(130)}a/b`].some(isKey)).toBe(
    false,
  )
  expect(['', 'a', '4.20.6', 'a'.repeat(63)].every(isValue)).toBe(true)
  expect(['-a', 'a b', 'a/b', 'a'.repeat(64)].some(isValue)).toBe(false)
})

test.each([
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['a,,b', "found ',', expected: identifier after ','"],
  ['!a=b', "found '=', expected: ',' or 'end of string'"],
  ['a in (x) b', "found 'b', expected: ',' or 'end of string'"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['!!a', "unable to parse requirement: found '!', expected: identifier"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a in x', "unable to parse requirement: found 'x' expected: '('"],
  ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
  ['a in (x,', "unable to parse requirement: found '', expected: ',', or identifier"],
  ['a===b', "unable to parse requirement: found '=', expected: identifier"],
  [
    'a>5.5',
    "unable to parse requirement: values[0]: Invalid value: \"5.5\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
  [
    'a>9223372036854775808',
    "unable to parse requirement: values[0]: Invalid value: \"9223372036854775808\": for 'Gt', 'Lt' operators, the value must be an integer",
  ],
  ['/a', 'unable to parse requirement: <nil>: Invalid value: "/a": prefix part must be non-empty'],
  [
    `a in (${'b'.repeat(64)},b,${'a'.repeat(64)})`,
    `unable to parse requirement: [values[0][a]: Invalid value: "${'a'.repeat(64)}": must be no more than 63 bytes, ` +
      `values[2][a]: Invalid value: "${'b'.repeat(64)}": must be no more than 63 bytes]`,
  ],
])('%j is refused in the words of Kubernetes', (selector, message) => {
  expect(() => parseLabelSelector(selector)).toThrow(expect.objectContaining({ message }))
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

  test('nothing that is nothing is not asked', () => {
    expect(parseFieldSelector('=,==,!=,,')).toEqual([])
  })

  test.each([
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    [String.raw`a=b\x`, String.raw`invalid field selector: invalid escape sequence: \x`],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
    ['a=b,c', "invalid selector: 'a=b,c'; can't understand 'c'"],
  ])('%j is refused in the words of Kubernetes', (selector, message) => {
    expect(() => parseFieldSelector(selector)).toThrow(expect.objectContaining({ message }))
  })

  test.each(['a', 'a=b=c', String.raw`a=b\x`, 'a,b=c', 'a>b'])('refuses %j', (selector) => {
    expect(() => parseFieldSelector(selector)).toThrow(expect.objectContaining({ reason: 'BadRequest' }))
  })
})
