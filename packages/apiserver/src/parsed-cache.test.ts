import { expect, test } from 'vitest'
import { ParsedCache } from './parsed-cache.ts'

test('keeps what is used and lets go of the rest, never over its capacity', () => {
  const cache = new ParsedCache<string>(30)
  for (const key of ['a', 'b', 'c']) cache.set(key, 1, key, 10)
  expect(cache.get('a', 1)).toBe('a')
  cache.set('d', 1, 'd', 10)
  expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key, 1))).toEqual(['a', undefined, 'c', 'd'])
  // All three have been used now: the one that was passed over first goes.
  cache.set('e', 1, 'e', 10)
  expect(['a', 'c', 'd', 'e'].filter((key) => cache.get(key, 1) !== undefined)).toHaveLength(3)
  expect(cache.get('e', 1)).toBe('e')
})

test('knows revisions, and keeps the newest', () => {
  const cache = new ParsedCache<string>(100)
  cache.set('a', 2, 'two', 10)
  cache.set('a', 1, 'one', 10)
  expect(cache.get('a', 2)).toBe('two')
  expect(cache.get('a', 1)).toBeUndefined()
  cache.set('a', 3, 'three', 10)
  expect([cache.get('a', 2), cache.get('a', 3)]).toEqual([undefined, 'three'])
})

test('holds a value that is larger than its capacity until the next', () => {
  const cache = new ParsedCache<string>(10)
  cache.set('a', 1, 'a', 5)
  cache.set('large', 1, 'large', 50)
  expect([cache.get('a', 1), cache.get('large', 1)]).toEqual([undefined, 'large'])
  cache.set('b', 1, 'b', 5)
  expect([cache.get('large', 1), cache.get('b', 1)]).toEqual([undefined, 'b'])
})
