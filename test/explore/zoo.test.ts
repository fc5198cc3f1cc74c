import { describe, expect, test } from 'vitest'
import { bugs } from './bugs/index.ts'

describe('the zoo', () => {
  test('has six bugs at least of each class, each from a report of its own', () => {
    for (const kind of ['intermediate', 'stale', 'unobserved', 'indirect'] as const) {
      expect(bugs.filter((bug) => bug.class === kind).length).toBeGreaterThanOrEqual(6)
    }
    expect(new Set(bugs.map(({ report }) => report)).size).toBe(bugs.length)
    expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length)
  })
})
