import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StagePool, type Candidate } from './stage-pool.ts'

const candidates = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 6 }),
    stratum: fc.constantFrom('a', 'b', 'c', 'd'),
    customer: fc.constantFrom('x', 'y', 'z'),
    hash: fc.nat({ max: 50 }),
  }),
  { selector: ({ id }) => id, maxLength: 60 },
)

function poolOf(items: Iterable<Candidate>): StagePool<Candidate> {
  const pool = new StagePool<Candidate>()
  for (const item of items) pool.add(item)
  return pool
}

function countBy(items: readonly Candidate[], key: 'stratum' | 'customer'): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(item[key], (counts.get(item[key]) ?? 0) + 1)
  return counts
}

const everything = () => Number.POSITIVE_INFINITY

describe('StagePool', () => {
  test('every stratum has one before any has two, and so on', () => {
    fc.assert(
      fc.property(candidates, fc.nat({ max: 60 }), (items, count) => {
        const pool = poolOf(items)
        const picked = countBy(pool.pick(count, everything), 'stratum')
        const available = countBy(items, 'stratum')
        const most = Math.max(0, ...picked.values())
        for (const [stratum, total] of available) {
          expect(picked.get(stratum) ?? 0).toBeGreaterThanOrEqual(Math.min(total, most - 1))
        }
      }),
      { seed: 1 },
    )
  })

  test('what is picked does not depend on the order of adding, nor on what came and went', () => {
    fc.assert(
      fc.property(candidates, candidates, fc.nat({ max: 30 }), (items, passing, count) => {
        const plain = poolOf(items)
        const busy = new StagePool<Candidate>()
        const others = items.map((item) => ({ ...item, pool: undefined }))
        const known = new Set(items.map(({ id }) => id))
        for (const item of passing) if (!known.has(item.id)) busy.add(item)
        for (const item of others.toReversed()) busy.add(item)
        for (const item of passing) if (!known.has(item.id)) busy.delete(item)
        for (const item of others.slice(0, 5)) busy.delete(item)
        for (const item of others.slice(0, 5)) busy.add(item)
        expect(busy.size).toBe(plain.size)
        expect(busy.pick(count, () => 2)).toEqual(plain.pick(count, () => 2))
        expect(busy.pick(60, () => 2)).toEqual(plain.pick(60, () => 2))
        expect(busy.size).toBe(0)
      }),
      { seed: 1 },
    )
  })

  test('a customer gets more than its share only when nobody below its share is left', () => {
    fc.assert(
      fc.property(candidates, fc.nat({ max: 60 }), fc.integer({ min: 1, max: 4 }), (items, count, share) => {
        const picked = poolOf(items).pick(count, () => share)
        expect(picked.length).toBe(Math.min(count, items.length))
        const got = countBy(picked, 'customer')
        const most = Math.max(0, ...got.values())
        if (most <= share) return
        const rounds = Math.ceil(most / share)
        for (const [customer, total] of countBy(items, 'customer')) {
          expect(got.get(customer) ?? 0).toBeGreaterThanOrEqual(Math.min(total, (rounds - 1) * share))
        }
      }),
      { seed: 1 },
    )
  })

  test('targets that got into waves otherwise count for their stratum', () => {
    const pool = poolOf([
      { id: '1', stratum: 'a', customer: '', hash: 1 },
      { id: '2', stratum: 'b', customer: '', hash: 2 },
      { id: '3', stratum: 'b', customer: '', hash: 3 },
    ])
    pool.adjustTaken('a', 2)
    expect(pool.pick(2, everything).map(({ id }) => id)).toEqual(['2', '3'])
  })
})
