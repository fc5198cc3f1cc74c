import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clone, deepEqual } from './deep-equal.ts'

describe('deepEqual', () => {
  test('agrees with the canonical text of both', () => {
    const canonical = (value: unknown): string =>
      JSON.stringify(value, (_key, member: unknown) =>
        typeof member === 'object' && member !== null && !Array.isArray(member)
          ? Object.fromEntries(Object.entries(member).toSorted(([left], [right]) => (left < right ? -1 : 1)))
          : member,
      )
    // Few keys and values, so that equal and nearly equal pairs are frequent.
    const small = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, 0, 1, 'a', true),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), tie('value'), { maxKeys: 2 }),
      ),
    })).value
    fc.assert(
      fc.property(small, small, (left, right) => {
        expect(deepEqual(left, right)).toBe(canonical(left) === canonical(right))
        expect(deepEqual(left, JSON.parse(JSON.stringify(left)))).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })

  test.each<[unknown, unknown, boolean]>([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{ a: undefined, b: 1 }, { b: 1, c: undefined }, true],
    [{ a: undefined }, { b: 1 }, false],
    [{ a: 1 }, { a: 1, b: 1 }, false],
    [[], {}, false],
    [{}, [], false],
    [null, {}, false],
    [[1, 2], [2, 1], false],
    [{ toString: 1 }, {}, false],
    [{}, { toString: 1 }, false],
  ])('%j and %j: %s', (left, right, equal) => {
    expect(deepEqual(left, right)).toBe(equal)
  })
})

test('clone is equal, shares nothing, drops undefined and keeps a key called __proto__', () => {
  const source = JSON.parse('{"a":[{"b":1}],"__proto__":{"polluted":true}}') as { a: { b: number }[] }
  const copy = clone({ ...source, gone: undefined })
  expect(JSON.stringify(clone(source))).toBe(JSON.stringify(source))
  expect(Object.hasOwn(copy, 'gone')).toBe(false)
  expect((copy as unknown as { polluted?: boolean }).polluted).toBeUndefined()
  copy.a[0]!.b = 2
  expect(source.a[0]!.b).toBe(1)
})
