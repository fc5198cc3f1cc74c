import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allowedFailures } from './evidence/budget.ts'
import { seededHash } from './hash.ts'
import { nextPhase, PHASE_TABLE, type RolloutTrigger } from './phase-table.ts'
import { STANDING_TABLE, type StandingCell } from './standing-table.ts'
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

describe('SPEC.md has, cell by cell,', () => {
  const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')

  /** The rows of the table with this head. */
  function tableOf(head: readonly string[]): string[][] {
    const rows = spec.split('\n').map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    const start = rows.findIndex((row) => row.join('|') === head.join('|'))
    const table = rows.slice(start + 2)
    return table.slice(
      0,
      table.findIndex((row) => row.length === 0),
    )
  }

  test('what every trigger does in every phase', () => {
    const triggers: RolloutTrigger[] = ['pause', 'resume', 'abort', 'halt', 'revert', 'reverted', 'complete', 'recall']
    expect(tableOf(['from', ...triggers])).toEqual(
      Object.keys(PHASE_TABLE).map((phase) => [
        phase,
        ...triggers.map((trigger) => nextPhase(phase as RolloutPhase, trigger) ?? '–'),
      ]),
    )
  })

  test('how a target stands in every phase', () => {
    const words: Readonly<Record<StandingCell, string>> = {
      idle: 'idle',
      closed: 'closed',
      busy: 'busy',
      done: 'done',
      excluded: 'excluded',
      waiting: 'idle; closed before its window; excluded when skipped',
      retry: 'idle; closed before its window; busy once decided',
      timed: 'busy; done when timed out',
      unseen: 'busy; done once the spec is seen without the change',
      stuck: 'busy; done when it is the revert that failed',
      never: '–',
    }
    expect(tableOf(['phase', 'not touched', 'touched', 'again', 'taken back'])).toEqual(
      Object.entries(STANDING_TABLE).map(([phase, { untouched, touched, again, takenBack }]) => [
        phase,
        words[untouched],
        words[touched],
        words[again],
        words[takenBack],
      ]),
    )
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
