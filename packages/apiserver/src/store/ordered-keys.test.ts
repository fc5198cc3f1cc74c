import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OrderedKeys, prefixEnd } from './ordered-keys.ts'

function contents(keys: OrderedKeys, start = ''): string[] {
  const found: string[] = []
  keys.visitFrom(start, (key) => found.push(key) > 0)
  return found
}

describe('ordered keys', () => {
  test('hold what a sorted set holds, over many splits and merges', () => {
    const key = fc.integer({ min: 0, max: 3000 }).map((number) => `/k/${number.toString(36)}`)
    const step = fc.record({ add: fc.boolean(), first: fc.integer({ min: 0, max: 3000 }), count: fc.nat(700) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), key, (steps, probe) => {
        const keys = new OrderedKeys()
        const model = new Set<string>()
        for (const { add, first, count } of steps) {
          for (let number = first; number < first + count; number++) {
            const name = `/k/${number.toString(36)}`
            if (add) keys.insert(name)
            else keys.delete(name)
            if (add) model.add(name)
            else model.delete(name)
          }
        }
        const sorted = [...model].sort()
        expect(keys.size).toBe(sorted.length)
        expect(contents(keys)).toEqual(sorted)
        expect(contents(keys, probe)).toEqual(sorted.filter((name) => name >= probe))
        expect(keys.countBefore(probe)).toBe(sorted.filter((name) => name < probe).length)
        expect(keys.countBefore(undefined)).toBe(sorted.length)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  test('stop visiting when told', () => {
    const keys = new OrderedKeys()
    for (const key of ['c', 'a', 'b']) keys.insert(key)
    const found: string[] = []
    keys.visitFrom('a', (key) => found.push(key) < 2)
    expect(found).toEqual(['a', 'b'])
  })

  test('the end of a prefix lies after all strings with it and before all others', () => {
    expect(prefixEnd('/a/')).toBe('/a0')
    expect(prefixEnd('a\uffff')).toBe('b')
    expect(prefixEnd('')).toBeUndefined()
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (prefix, rest) => {
        const end = prefixEnd(prefix)
        expect(end === undefined || (prefix + rest < end && !end.startsWith(prefix))).toBe(true)
      }),
      { seed: 1 },
    )
  })
})
