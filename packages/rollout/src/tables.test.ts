import { describe, expect, test } from 'vitest'
import { allowedFailures } from './evidence/budget.ts'
import { seededHash } from './hash.ts'
import { nextPhase, type RolloutTrigger } from './phase-table.ts'
import type { RolloutPhase } from './types.ts'

test.each([
  [{ percent: 2, minimum: 2 }, 50, 2],
  [{ percent: 2, minimum: 2 }, 149, 2],
  [{ percent: 2, minimum: 2 }, 150, 3],
  [{ percent: 0, minimum: 0 }, 1000, 0],
  [{ percent: 100, minimum: 0 }, 7, 7],
])('budget %j allows in a stage of %i: %i', (budget, targets, allowed) => {
  expect(allowedFailures(budget, targets)).toBe(allowed)
})

describe('phases', () => {
  const triggers: RolloutTrigger[] = ['pause', 'resume', 'abort', 'halt', 'revert', 'reverted', 'complete']

  test.each<[RolloutPhase, string]>([
    ['Progressing', 'Paused - Aborted Halted - - Completed'],
    ['Paused', '- Progressing Aborted Halted - - -'],
    ['Halted', '- - Aborted - Reverting - -'],
    ['Reverting', '- - - - - Reverted -'],
    ['Reverted', '- - - - - - -'],
    ['Completed', '- - - - - - -'],
    ['Aborted', '- - - - - - -'],
  ])('from %s', (phase, expected) => {
    expect(triggers.map((trigger) => nextPhase(phase, trigger) ?? '-').join(' ')).toBe(expected)
  })
})

describe('seededHash', () => {
  test('spreads ids that differ in one character evenly', () => {
    const buckets = Array.from({ length: 10 }, () => 0)
    for (let index = 0; index < 10_000; index++) {
      const bucket = Math.floor((seededHash(7, `cp-${index}`) / 2 ** 32) * 10)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
    }
    for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  test('orders the same ids differently for each seed', () => {
    const order = (seed: number) =>
      ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
        .sort((left, right) => seededHash(seed, left) - seededHash(seed, right))
        .join('')
    expect(new Set([1, 2, 3, 4, 5].map(order)).size).toBe(5)
    expect(order(1)).toBe(order(1))
  })
})
