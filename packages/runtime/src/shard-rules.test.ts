import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mayWork, ownerOf } from './shard-rules.ts'

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 })
const keys = Array.from({ length: 2000 }, (_, index) => `namespace-${index % 7}/name-${index}`)

describe('ownerOf', () => {
  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(members, fc.string(), (all, key) => {
        expect(ownerOf(key, all.toReversed())).toBe(ownerOf(key, all))
      }),
      { seed: 1 },
    )
  })

  test('moves only the keys of the member that goes', () => {
    fc.assert(
      fc.property(members, fc.string(), fc.nat(), (all, key, pick) => {
        const gone = all[pick % all.length]!
        const left = all.filter((member) => member !== gone)
        const before = ownerOf(key, all)
        expect(before === gone || before === ownerOf(key, left)).toBe(true)
      }),
      { seed: 2 },
    )
  })

  test('gives everybody about as many', () => {
    const all = Array.from({ length: 5 }, (_, index) => `manager-${index}_0b7e`)
    const counts = new Map<string, number>()
    for (const key of keys) counts.set(ownerOf(key, all)!, (counts.get(ownerOf(key, all)!) ?? 0) + 1)
    for (const member of all) {
      expect(counts.get(member)).toBeGreaterThan(320)
      expect(counts.get(member)).toBeLessThan(480)
    }
  })

  test('is nobody without members', () => {
    expect(ownerOf('k', [])).toBeUndefined()
  })
})

describe('mayWork', () => {
  const key = 'k'
  const owner = ownerOf(key, ['a', 'b'])!
  const other = owner === 'a' ? 'b' : 'a'

  test.each([
    ['alone', { published: [[owner]], wanted: [owner], others: [], otherNames: [] }, true],
    ['before it has published', { published: [[]], wanted: [owner], others: [], otherNames: [] }, false],
    [
      'with both agreed',
      { published: [['a', 'b']], wanted: ['a', 'b'], others: [['a', 'b']], otherNames: [other] },
      true,
    ],
    [
      'while the other still claims it',
      { published: [['a', 'b']], wanted: ['a', 'b'], others: [[other]], otherNames: [other] },
      false,
    ],
    [
      'while it is not sure what is stored',
      { published: [['a', 'b'], []], wanted: ['a', 'b'], others: [[]], otherNames: [other] },
      false,
    ],
  ] as const)('%s', (_name, state, expected) => {
    expect(mayWork(key, { identity: owner, ...state })).toBe(expected)
  })

  test('not the other one when both agree', () => {
    const state = { published: [['a', 'b']], wanted: ['a', 'b'], others: [['a', 'b']], otherNames: [owner] }
    expect(mayWork(key, { identity: other, ...state })).toBe(false)
  })
})
