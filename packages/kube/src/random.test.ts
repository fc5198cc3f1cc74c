import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forkRandom, hash32, randomUuid, seededRandom } from './random.ts'

function take(random: { next(): number }, count: number): number[] {
  return Array.from({ length: count }, () => random.next())
}

describe('seededRandom', () => {
  test('gives the same numbers for the same seed, always in [0, 1)', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const numbers = take(seededRandom(seed), 50)
        expect(take(seededRandom(seed), 50)).toEqual(numbers)
        expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
      }),
    )
  })

  test('is even: a hundred bins of a hundred thousand numbers stay within five standard deviations', () => {
    const bins = Array.from({ length: 100 }, () => 0)
    for (const number of take(seededRandom(1), 100_000)) bins[Math.floor(number * 100)]!++
    for (const bin of bins) expect(Math.abs(bin - 1000)).toBeLessThan(5 * Math.sqrt(990))
  })

  test('neighbouring seeds are not alike', () => {
    const first = new Set(Array.from({ length: 1000 }, (_, seed) => seededRandom(seed).next()))
    expect(first.size).toBe(1000)
  })
})

test('hash32 is FNV-1a', () => {
  // Published test vectors of the 32-bit variant.
  expect(hash32('')).toBe(0x811c9dc5)
  expect(hash32('a')).toBe(0xe40c292c)
  expect(hash32('foobar')).toBe(0xbf9cf968)
})

test('forks with different names are independent, with equal names equal', () => {
  expect(take(forkRandom(7, 'agent'), 5)).toEqual(take(forkRandom(7, 'agent'), 5))
  expect(take(forkRandom(7, 'agent'), 5)).not.toEqual(take(forkRandom(7, 'manager'), 5))
  expect(take(forkRandom(7, 'agent'), 5)).not.toEqual(take(forkRandom(8, 'agent'), 5))
})

test('randomUuid gives version 4 UUIDs that differ', () => {
  const random = seededRandom(3)
  const uuids = Array.from({ length: 1000 }, () => randomUuid(random))
  for (const uuid of uuids)
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(uuids).size).toBe(1000)
})
