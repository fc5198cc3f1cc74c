import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clone } from './deep-equal.ts'
import { applyJsonPatch, applyMergePatch, createMergePatch, PatchError } from './patch.ts'
import type { Json } from './types.ts'

const KEYS = fc.constantFrom('a', 'b', 'c', 'a/b', 'm~n', '', '__proto__')

function json(withNull: boolean): fc.Arbitrary<Json> {
  return fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.constantFrom<Json>(...(withNull ? [null, 0, 'x', true] : [0, 'x', true])),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(KEYS, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value
}

function text(value: Json | undefined): string | undefined {
  return JSON.stringify(value)
}

describe('merge patch', () => {
  // RFC 7386, appendix A.
  test.each<[Json, Json, Json]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j gives %j', (document, patch, result) => {
    expect(applyMergePatch(document, patch)).toEqual(result)
  })

  test('what createMergePatch finds turns before into after, is empty for equal values, and nothing is mutated', () => {
    fc.assert(
      fc.property(json(false), json(false), (before, after) => {
        const [beforeText, afterText] = [text(before), text(after)]
        const patch = createMergePatch(before, after)
        expect(applyMergePatch(before, patch)).toEqual(after)
        expect([text(before), text(after)]).toEqual([beforeText, afterText])
        if (typeof before === 'object' && !Array.isArray(before))
          expect(createMergePatch(before, clone(before))).toEqual({})
      }),
      { numRuns: 2000 },
    )
  })

  test('a patch names only what differs', () => {
    expect(createMergePatch({ a: { b: 1, c: [1] }, d: 2, e: 3 }, { a: { b: 1, c: [2] }, d: 2 })).toEqual({
      a: { c: [2] },
      e: null,
    })
  })

  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(json(true), json(true), (document, patch) => {
        const once = applyMergePatch(document, patch)
        expect(applyMergePatch(once, patch)).toEqual(once)
      }),
    )
  })

  test('a key called __proto__ is data', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true}}') as Json
    expect(text(applyMergePatch({}, patch))).toBe('{"__proto__":{"polluted":true}}')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

describe('JSON patch', () => {
  const document: Json = { a: 1, list: ['x', 'y'], deep: { 'm~n': { 'a/b': true } }, n: null }
  test.each<[string, Json[], Json]>([
    ['adds a member', [{ op: 'add', path: '/b', value: [1] }], { ...document, b: [1] }],
    ['adds over a member', [{ op: 'add', path: '/a', value: 2 }], { ...document, a: 2 }],
    ['inserts into a list', [{ op: 'add', path: '/list/1', value: 'z' }], { ...document, list: ['x', 'z', 'y'] }],
    ['adds at the end by index', [{ op: 'add', path: '/list/2', value: 'z' }], { ...document, list: ['x', 'y', 'z'] }],
    ['adds at the end by dash', [{ op: 'add', path: '/list/-', value: 'z' }], { ...document, list: ['x', 'y', 'z'] }],
    ['replaces the whole', [{ op: 'add', path: '', value: 5 }], 5],
    ['replaces the whole by replace', [{ op: 'replace', path: '', value: [] }], []],
    ['removes from a list', [{ op: 'remove', path: '/list/0' }], { ...document, list: ['y'] }],
    ['removes a null', [{ op: 'remove', path: '/n' }], { a: 1, list: ['x', 'y'], deep: { 'm~n': { 'a/b': true } } }],
    [
      'unescapes',
      [{ op: 'replace', path: '/deep/m~0n/a~1b', value: 0 }],
      { ...document, deep: { 'm~n': { 'a/b': 0 } } },
    ],
    ['replaces in a list', [{ op: 'replace', path: '/list/1', value: 'z' }], { ...document, list: ['x', 'z'] }],
    ['replaces what is not there', [{ op: 'replace', path: '/x', value: 1 }], { ...document, x: 1 }],
    ['finds null where nothing is', [{ op: 'test', path: '/x', value: null }], document],
    ['counts from the end', [{ op: 'replace', path: '/list/-1', value: 'z' }], { ...document, list: ['x', 'z'] }],
    ['moves', [{ op: 'move', from: '/list/0', path: '/list/1' }], { ...document, list: ['y', 'x'] }],
    ['moves onto itself', [{ op: 'move', from: '/a', path: '/a' }], document],
    [
      'copies',
      [
        { op: 'copy', from: '/list', path: '/b' },
        { op: 'add', path: '/b/0', value: 0 },
      ],
      { ...document, b: [0, 'x', 'y'] },
    ],
    [
      'tests',
      [
        { op: 'test', path: '/deep', value: { 'm~n': { 'a/b': true } } },
        { op: 'test', path: '/n', value: null },
      ],
      document,
    ],
    [
      'creates __proto__ as data',
      [{ op: 'add', path: '/deep/__proto__', value: 1 }],
      JSON.parse('{"a":1,"list":["x","y"],"deep":{"m~n":{"a/b":true},"__proto__":1},"n":null}') as Json,
    ],
    ['does nothing without operations', [], document],
  ])('%s', (_name, operations, result) => {
    const before = text(document)
    expect(applyJsonPatch(document, operations)).toEqual(result)
    expect(text(document)).toBe(before)
  })

  test.each<[string, unknown, PatchError['kind']]>([
    ['no array', { op: 'add' }, 'malformed'],
    ['no object', [5], 'malformed'],
    ['unknown op', [{ op: 'merge', path: '/a' }], 'malformed'],
    ['no path', [{ op: 'remove' }], 'malformed'],
    ['no value', [{ op: 'add', path: '/a' }], 'malformed'],
    ['no from', [{ op: 'move', path: '/a' }], 'malformed'],
    ['path without slash', [{ op: 'remove', path: 'a' }], 'malformed'],
    ['wrong escape', [{ op: 'remove', path: '/a~2' }], 'malformed'],
    ['remove of nothing', [{ op: 'remove', path: '/x' }], 'failed'],
    ['remove of the whole', [{ op: 'remove', path: '' }], 'failed'],
    ['inherited member', [{ op: 'remove', path: '/deep/toString' }], 'failed'],
    ['add below nothing', [{ op: 'add', path: '/x/y', value: 1 }], 'failed'],
    ['add below a number', [{ op: 'add', path: '/a/y', value: 1 }], 'failed'],
    ['index beyond the end', [{ op: 'add', path: '/list/3', value: 1 }], 'failed'],
    ['leading zero', [{ op: 'add', path: '/list/01', value: 1 }], 'failed'],
    ['index before the beginning', [{ op: 'remove', path: '/list/-9' }], 'failed'],
    ['replace below nothing', [{ op: 'replace', path: '/x/y', value: 1 }], 'failed'],
    ['dash where something must be', [{ op: 'remove', path: '/list/-' }], 'failed'],
    ['name in a list', [{ op: 'add', path: '/list/x', value: 1 }], 'failed'],
    ['move into itself', [{ op: 'move', from: '/deep', path: '/deep/x' }], 'failed'],
    ['failed test', [{ op: 'test', path: '/a', value: 2 }], 'failed'],
    ['test of an inherited member', [{ op: 'test', path: '/toString', value: 1 }], 'failed'],
  ])('refuses: %s', (_name, operations, kind) => {
    const before = text(document)
    const error = caught(() => applyJsonPatch(document, operations))
    expect(error).toBeInstanceOf(PatchError)
    expect((error as PatchError).kind).toBe(kind)
    expect(text(document)).toBe(before)
  })

  test('an error names the operation and the path', () => {
    const error = caught(() =>
      applyJsonPatch({}, [
        { op: 'add', path: '/a', value: 1 },
        { op: 'remove', path: '/b' },
      ]),
    )
    expect(error).toMatchObject({ operation: 1, path: '/b' })
  })

  test('add then remove is nothing; replace by what test confirms is nothing', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'b'), json(true), { noNullPrototype: true }),
        json(true),
        (object, value) => {
          expect(
            applyJsonPatch(object, [
              { op: 'add', path: '/fresh', value },
              { op: 'test', path: '/fresh', value },
              { op: 'remove', path: '/fresh' },
            ]),
          ).toEqual(object)
        },
      ),
    )
  })

  test('the result shares nothing with the patch', () => {
    const value = { inner: 1 }
    const result = applyJsonPatch({}, [{ op: 'add', path: '/a', value }]) as { a: { inner: number } }
    result.a.inner = 2
    expect(value.inner).toBe(1)
  })
})

function caught(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}

test('what copies add may be limited', () => {
  const document = { a: 'x'.repeat(98) }
  const copy = (path: string) => ({ op: 'copy', from: '/a', path })
  expect(applyJsonPatch(document, [copy('/b')], 100)).toEqual({ ...document, b: document.a })
  expect(() => applyJsonPatch(document, [copy('/b'), copy('/c')], 199)).toThrow(
    'operation 1 at "/c": Unable to complete the copy, the accumulated size increase of patch is 200, exceeding the limit 199',
  )
  expect(applyJsonPatch(document, [copy('/b'), copy('/c')])).toHaveProperty('c')
})
