import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Calendar } from './calendar.ts'
import { checkFeasibility } from './feasibility.ts'
import type { ScheduleLimits, WaveWork } from './schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 10, 21)

const limitsOf = (change: Partial<ScheduleLimits> = {}): ScheduleLimits => ({
  startAt: START,
  roundMs: 33 * MINUTE,
  maxPerShard: () => 4,
  calendars: new Map(),
  ...change,
})
const wave = (count: number, change: Partial<WaveWork['groups'][number]> = {}, soakMs = 0): WaveWork => ({
  groups: [{ shard: 'mc-east-1', windowClass: '', count, ...change }],
  soakMs,
})
const messages = (waves: readonly WaveWork[], hours: number, change: Partial<ScheduleLimits> = {}) =>
  checkFeasibility(waves, limitsOf(change), START + hours * HOUR).blockers.map(
    ({ kind, message }) => `${kind}: ${message}`,
  )

describe('what stands against a deadline', () => {
  test('nothing', () => {
    expect(checkFeasibility([wave(80)], limitsOf(), START + 11 * HOUR)).toEqual({
      feasible: true,
      earliestEnd: START + 11 * HOUR,
      blockers: [],
    })
    expect(checkFeasibility([wave(80)], limitsOf(), undefined).feasible).toBe(true)
  })

  test('a shard', () => {
    expect(messages([wave(80)], 10)).toEqual(['Shard: mc-east-1 allows 4 at once: 11 h for its 80, soaks leave 10 h.'])
    expect(messages([wave(80)], 10, { maxPerShard: () => 0 })).toEqual([
      'ClosedShard: mc-east-1 allows no operation; 80 control planes wait there.',
    ])
  })

  test('many shards: the worst by name', () => {
    const groups = Array.from({ length: 8 }, (_, index) => ({
      shard: `mc-${index}`,
      windowClass: '',
      count: 80 + index,
    }))
    const said = messages([{ groups, soakMs: 0 }], 10)
    expect(said).toHaveLength(6)
    expect(said[0]).toContain('mc-5 allows 4 at once: 12 h for its 85')
    expect(said[5]).toBe('Shard: The same holds for 3 more management clusters with 247 control planes.')
  })

  test('soaks', () => {
    const waves = Array.from({ length: 2 }, () => wave(1, {}, 13.2 * HOUR))
    expect(messages(waves, 24)).toEqual([
      'Soaks: Soaks alone need 26 h; the deadline leaves 24 h.',
      'Shard: mc-east-1 allows 4 at once: 66 min for its 2, soaks leave no time.',
    ])
  })

  test('a shard, with the slowest that each wave waits for', () => {
    const slowestMs = () => HOUR
    expect(messages([wave(40), wave(40)], 11, { slowestMs })).toEqual([
      'Shard: mc-east-1 allows 4 at once: 12 h for its 80, soaks leave 11 h.',
    ])
  })

  test('windows', () => {
    const open = [{ from: START + 30 * HOUR, to: START + 40 * HOUR }]
    const calendars = new Map([['weekend', new Calendar({ open })]])
    const waves = [wave(1), wave(61, { windowClass: 'weekend' })]
    expect(messages(waves, 24, { calendars, maxPerShard: () => 100 })).toEqual([
      'Windows: 61 control planes have windows outside the time there is; theirs ("weekend") opens at 2026-11-22 06:00 UTC.',
    ])
    const never = new Map([['weekend', new Calendar({ open: [] })]])
    expect(messages(waves, 24, { calendars: never, maxPerShard: () => 100 })).toEqual([
      'Windows: 61 control planes have windows outside the time there is; theirs ("weekend") never opens for a whole operation.',
    ])
    expect(checkFeasibility(waves, limitsOf({ calendars: never }), undefined).earliestEnd).toBeUndefined()
  })

  test('the cap of the whole rollout', () => {
    expect(messages([wave(40), wave(40, { shard: 'mc-2' })], 10, { maxConcurrent: 4 })).toEqual([
      'Concurrency: The rollout allows 4 at once: 11 h for 80, soaks leave 10 h.',
    ])
  })

  test('only all of it together, with what giving up each would gain', () => {
    const open = [{ from: START + 5.5 * HOUR, to: START + 20 * HOUR }]
    const calendars = new Map([['late', new Calendar({ open })]])
    const waves = [wave(8, { windowClass: 'late' }, 4.4 * HOUR), wave(8)]
    expect(messages(waves, 11, { calendars })).toEqual([
      'Together: Waves, soaks, windows and caps together end at 2026-11-21 12:06 UTC, 66 min after the deadline ' +
        '(without soaks at 2026-11-21 07:42 UTC, without windows at 2026-11-21 06:36 UTC, without caps at 2026-11-21 11:00 UTC).',
    ])
  })

  test('is said exactly when there is no time', () => {
    const groups = fc.array(
      fc.record({
        shard: fc.constantFrom('a', 'b'),
        windowClass: fc.constantFrom('', 'late'),
        count: fc.integer({ min: 1, max: 9 }),
      }),
      { minLength: 1, maxLength: 4 },
    )
    const works = fc.array(fc.record({ groups, soakMs: fc.integer({ min: 0, max: 3 * HOUR }) }), {
      minLength: 1,
      maxLength: 3,
    })
    const limits = limitsOf({
      calendars: new Map([['late', new Calendar({ open: [{ from: START + HOUR, to: START + 9 * HOUR }] })]]),
    })
    fc.assert(
      fc.property(works, fc.integer({ min: 1, max: 20 }), (waves, hours) => {
        const { feasible, earliestEnd, blockers } = checkFeasibility(waves, limits, START + hours * HOUR)
        expect(feasible).toBe(earliestEnd !== undefined && earliestEnd <= START + hours * HOUR)
        expect(blockers.length === 0).toBe(feasible)
      }),
      { seed: 1, numRuns: 200 },
    )
  })
})
