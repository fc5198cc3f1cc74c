import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Calendar } from './calendar.ts'
import { earliestSchedule, type ScheduleLimits, type WaveWork, type WorkGroup } from './schedule.ts'

const limitsOf = (change: Partial<ScheduleLimits> = {}): ScheduleLimits => ({
  startAt: 0,
  roundMs: 10,
  maxPerShard: () => 2,
  calendars: new Map(),
  ...change,
})
const group = (count: number, shard = 'a', windowClass = ''): WorkGroup => ({ shard, windowClass, count })

describe('Calendar', () => {
  const calendar = new Calendar(
    {
      open: [
        { from: 50, to: 60 },
        { from: 0, to: 20 },
        { from: 10, to: 30 },
        { from: 5, to: 5 },
      ],
      closed: [{ from: 8, to: 12 }],
    },
    [{ from: 25, to: 52 }],
  )

  test('is open minus closed minus freezes', () => {
    expect(calendar.intervals).toEqual([
      { from: 0, to: 8 },
      { from: 12, to: 25 },
      { from: 52, to: 60 },
    ])
  })

  test('counts and passes open time only', () => {
    expect(calendar.openTime(4, 54)).toBe(4 + 13 + 2)
    expect([0, 4, 5, 17, 18, 25, 26].map((work) => calendar.advance(4, work))).toEqual([
      4,
      8,
      13,
      25,
      53,
      60,
      Number.POSITIVE_INFINITY,
    ])
    expect(Calendar.always.advance(7, 100)).toBe(107)
  })
})

describe('earliestSchedule', () => {
  test('waves take the rounds that caps force, then soak', () => {
    const waves = [
      { groups: [group(5), group(1, 'b')], soakMs: 15 },
      { groups: [group(4, 'b')], soakMs: 0 },
    ]
    const { waves: scheduled, end } = earliestSchedule(waves, limitsOf())
    expect(scheduled.map(({ startsAt, endsAt }) => [startsAt, endsAt])).toEqual([
      [0, 30],
      [50, 70],
    ])
    expect(end).toBe(70)
    expect(scheduled[0]?.batches).toEqual([
      { size: 2, at: 0 },
      { size: 2, at: 10 },
      { size: 2, at: 20 },
    ])
    expect(earliestSchedule(waves, limitsOf({ maxConcurrent: 1 })).end).toBe(60 + 20 + 40)
  })

  test('whoever has few rounds left takes them', () => {
    // b can only go in the first round; a must leave it room.
    const calendars = new Map([['b', new Calendar({ open: [{ from: 0, to: 10 }] })]])
    const { end } = earliestSchedule([{ groups: [group(2), group(2, 'a', 'b')], soakMs: 0 }], limitsOf({ calendars }))
    expect(end).toBe(20)
  })

  test('never ends when a class never opens or a shard allows nothing', () => {
    const calendars = new Map([['b', new Calendar({ open: [{ from: 0, to: 9 }] })]])
    const waves = [{ groups: [group(1, 'a', 'b')], soakMs: 0 }]
    expect(earliestSchedule(waves, limitsOf({ calendars })).end).toBe(Number.POSITIVE_INFINITY)
    expect(earliestSchedule(waves, limitsOf({ maxPerShard: () => 0 })).end).toBe(Number.POSITIVE_INFINITY)
  })

  test('ends when no schedule could end earlier, on small cases searched exhaustively', () => {
    const ranges = fc
      .array(fc.record({ from: fc.integer({ min: 0, max: 7 }), length: fc.integer({ min: 1, max: 4 }) }), {
        maxLength: 2,
      })
      .map((each) => each.map(({ from, length }) => ({ from: from * 10 - 3, to: (from + length) * 10 + 3 })))
    const wave = fc.record({
      groups: fc.array(
        fc.record({
          shard: fc.constantFrom('a', 'b'),
          windowClass: fc.constantFrom('', 'x', 'y'),
          count: fc.integer({ min: 1, max: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      soakMs: fc.integer({ min: 0, max: 15 }),
    })
    let ended = 0
    fc.assert(
      fc.property(
        fc.array(wave, { minLength: 1, maxLength: 2 }),
        fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
        fc.tuple(ranges, ranges),
        (waves, [perA, perB, whole], [x, y]) => {
          const limits = limitsOf({
            maxPerShard: (shard) => (shard === 'a' ? perA : perB),
            maxConcurrent: whole,
            calendars: new Map([
              ['x', new Calendar({ open: x })],
              ['y', new Calendar({ closed: y })],
            ]),
          })
          const { end } = earliestSchedule(waves, limits)
          expect(end / 10).toBe(searched(waves, limits))
          if (Number.isFinite(end)) ended++
        },
      ),
      { seed: 1, numRuns: 300 },
    )
    expect(ended).toBeGreaterThan(100)
  })
})

const LAST_ROUND = 40

/** The earliest end in rounds, by trying every assignment of targets to rounds and every end of every wave. */
function searched(waves: readonly WaveWork[], limits: ScheduleLimits): number {
  const fits = (windowClass: string, round: number) =>
    limits.calendars.get(windowClass)?.openTime(round * 10, round * 10 + 10) !== 0 &&
    (limits.calendars.get(windowClass)?.openTime(round * 10, round * 10 + 10) ?? 10) === 10
  const from = (index: number, start: number): number => {
    const wave = waves[index]
    if (!wave) return start
    const targets = wave.groups.flatMap((each) => Array.from({ length: each.count }, () => each))
    for (let end = start; end <= LAST_ROUND; end++) {
      const used = new Map<string, number>()
      const place = (at: number): boolean => {
        const target = targets[at]
        if (!target) return true
        for (let round = start; round < end; round++) {
          const mine = `${target.shard} ${round}`
          const whole = `* ${round}`
          if (!fits(target.windowClass, round)) continue
          if ((used.get(mine) ?? 0) >= limits.maxPerShard(target.shard)) continue
          if ((used.get(whole) ?? 0) >= (limits.maxConcurrent ?? 99)) continue
          for (const key of [mine, whole]) used.set(key, (used.get(key) ?? 0) + 1)
          if (place(at + 1)) return true
          for (const key of [mine, whole]) used.set(key, (used.get(key) ?? 0) - 1)
        }
        return false
      }
      if (targets.every(({ windowClass }) => hasRoom(windowClass, start, end)) && place(0)) {
        return from(index + 1, end + Math.ceil(wave.soakMs / 10))
      }
    }
    return Number.POSITIVE_INFINITY
  }
  const hasRoom = (windowClass: string, start: number, end: number) => {
    for (let round = start; round < end; round++) if (fits(windowClass, round)) return true
    return false
  }
  return from(0, 0)
}
