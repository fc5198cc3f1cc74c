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
      [45, 65],
    ])
    expect(end).toBe(65)
    expect(scheduled[0]?.batches).toEqual([
      { size: 2, at: 0 },
      { size: 2, at: 10 },
      { size: 2, at: 20 },
    ])
    expect(earliestSchedule(waves, limitsOf({ maxConcurrent: 1 })).end).toBe(60 + 15 + 40)
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

  test('a wave waits for the slowest of its last round, and for one that takes several', () => {
    const slowestMs = (operations: number) => 10 + 2 * operations
    const waves = [
      { groups: [group(5), group(1, 'b')], soakMs: 4 },
      { groups: [group(1)], soakMs: 0 },
    ]
    const { waves: scheduled, end } = earliestSchedule(waves, limitsOf({ slowestMs }))
    expect(scheduled.map(({ startsAt, endsAt }) => [startsAt, endsAt])).toEqual([
      [0, 30 + 2],
      [36, 46 + 2],
    ])
    expect(end).toBe(48)
    expect(earliestSchedule(waves, limitsOf({ slowestMs, maxConcurrent: 4 })).end).toBe(48)
    expect(earliestSchedule(waves, limitsOf({ slowestMs, maxConcurrent: 1 })).end).toBe(62 + 4 + 12)
    const long = (operations: number) => (operations > 5 ? 100 : 10)
    expect(earliestSchedule(waves, limitsOf({ slowestMs: long })).end).toBe(100 + 4 + 10)
    expect(earliestSchedule(waves, limitsOf({ slowestMs: () => 3 })).end).toBe(44)
  })

  test('goes in step with a window, not with the start, when that is earlier', () => {
    const calendars = new Map([['b', new Calendar({ open: [{ from: 7, to: 17 }] })]])
    const { waves, end } = earliestSchedule([{ groups: [group(2, 'a', 'b'), group(1)], soakMs: 0 }], {
      ...limitsOf({ calendars }),
      startAt: 1,
    })
    expect(end).toBe(27)
    expect(waves[0]).toMatchObject({ startsAt: 1, endsAt: 27 })
    expect(waves[0]?.batches).toEqual([
      { size: 2, at: 7 },
      { size: 1, at: 17 },
    ])
  })

  const works = (soakMs: fc.Arbitrary<number>, windowClass: fc.Arbitrary<string>) =>
    fc.array(
      fc.record({
        groups: fc.array(
          fc.record({ shard: fc.constantFrom('a', 'b'), windowClass, count: fc.integer({ min: 1, max: 2 }) }),
          { minLength: 1, maxLength: 3 },
        ),
        soakMs,
      }),
      { minLength: 1, maxLength: 2 },
    )
  const caps = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 }))

  test('ends when no schedule could end earlier, on small cases searched exhaustively', () => {
    const ranges = fc
      .array(fc.record({ from: fc.integer({ min: 0, max: 24 }), length: fc.integer({ min: 3, max: 12 }) }), {
        maxLength: 2,
      })
      .map((each) => each.map(({ from, length }) => ({ from, to: from + length })))
    let ended = 0
    let windows = 0
    fc.assert(
      fc.property(
        works(fc.integer({ min: 0, max: 5 }), fc.constantFrom('', 'x', 'y')),
        caps,
        fc.tuple(ranges, ranges),
        fc.boolean(),
        (waves, [perA, perB, whole], [x, y], spread) => {
          const limits = limitsOf({
            roundMs: 3,
            ...(spread ? { slowestMs: (operations: number) => 2 + operations } : {}),
            maxPerShard: (shard) => (shard === 'a' ? perA : perB),
            maxConcurrent: whole,
            calendars: new Map([
              ['x', new Calendar({ open: x })],
              ['y', new Calendar({ closed: y })],
            ]),
          })
          const { end } = earliestSchedule(waves, limits)
          expect(end).toBe(searched(waves, limits))
          if (!Number.isFinite(end)) return
          ended++
          if (end > earliestSchedule(waves, { ...limits, calendars: new Map() }).end) windows++
        },
      ),
      { seed: 1, numRuns: 300 },
    )
    expect(ended).toBeGreaterThan(100)
    expect(windows).toBeGreaterThan(50)
  })

  test('without windows no order of work ends earlier, in step or not', () => {
    fc.assert(
      fc.property(works(fc.constant(0), fc.constant('')), caps, ([wave], [perA, perB, whole]) => {
        const limits = limitsOf({
          roundMs: 2,
          maxPerShard: (shard) => (shard === 'a' ? perA : perB),
          maxConcurrent: whole,
        })
        const { end } = earliestSchedule([wave!], limits)
        expect(canEndBy(end, wave!, limits)).toBe(true)
        expect(canEndBy(end - 1, wave!, limits)).toBe(false)
      }),
      { seed: 2, numRuns: 200 },
    )
  })
})

/** Windows of the test open before; from then on every moment is like the one before it. */
const LAST = 60

/** The earliest end, by trying every moment for every wave to begin at, and every assignment of its targets to rounds. */
function searched(waves: readonly WaveWork[], limits: ScheduleLimits): number {
  const { roundMs, maxConcurrent = 99, maxPerShard, slowestMs = () => roundMs, calendars } = limits
  const isOpen = (windowClass: string, from: number) =>
    (calendars.get(windowClass)?.openTime(from, from + roundMs) ?? roundMs) === roundMs
  const targetsOf = ({ groups }: WaveWork) => groups.flatMap((each) => Array.from({ length: each.count }, () => each))
  const fits = (wave: WaveWork, anchor: number, rounds: number): boolean => {
    const targets = targetsOf(wave)
    const used = new Map<string, number>()
    const place = (at: number): boolean => {
      const target = targets[at]
      if (!target) return true
      for (let round = 0; round < rounds; round++) {
        const mine = `${target.shard} ${round}`
        const whole = `* ${round}`
        if (!isOpen(target.windowClass, anchor + round * roundMs)) continue
        if ((used.get(mine) ?? 0) >= maxPerShard(target.shard) || (used.get(whole) ?? 0) >= maxConcurrent) continue
        for (const key of [mine, whole]) used.set(key, (used.get(key) ?? 0) + 1)
        if (place(at + 1)) return true
        for (const key of [mine, whole]) used.set(key, (used.get(key) ?? 0) - 1)
      }
      return false
    }
    const hasRoom = (windowClass: string) => {
      for (let round = 0; round < rounds; round++) if (isOpen(windowClass, anchor + round * roundMs)) return true
      return false
    }
    return targets.every(({ windowClass }) => hasRoom(windowClass)) && place(0)
  }
  const slowest = (wave: WaveWork) => {
    const targets = targetsOf(wave)
    const most = (shard: string) => (shard === '' ? maxConcurrent : maxPerShard(shard))
    const lines = ['', 'a', 'b'].map((name) => ({
      name,
      size: targets.filter(({ shard }) => name === '' || shard === name).length,
    }))
    let rounds = 0
    while (lines.some(({ name, size }) => size > rounds * most(name))) rounds++
    const [all, ...shards] = lines.map(({ name, size }) => Math.max(0, size - (rounds - 1) * most(name)))
    const last = Math.max(all!, shards[0]! + shards[1]!)
    return Math.max(0, slowestMs(last) - roundMs, slowestMs(targets.length) - rounds * roundMs)
  }
  const known = new Map<string, number>()
  const from = (index: number, start: number): number => {
    const wave = waves[index]
    if (!wave) return start
    const key = `${index} ${start}`
    let least = known.get(key)
    if (least !== undefined) return least
    least = Number.POSITIVE_INFINITY
    const most = targetsOf(wave).length + Math.ceil(LAST / 2 / roundMs)
    for (let anchor = start; anchor < Math.min(start + LAST / 2, least); anchor++) {
      for (let rounds = 1; rounds <= most && anchor + rounds * roundMs < least; rounds++) {
        if (!fits(wave, anchor, rounds)) continue
        least = Math.min(least, from(index + 1, anchor + rounds * roundMs + slowest(wave) + wave.soakMs))
        break
      }
    }
    known.set(key, least)
    return least
  }
  return from(0, 0)
}

/** Whether all targets of a wave can have ended by `end`, by trying every moment for every one of them. */
function canEndBy(end: number, { groups }: WaveWork, limits: ScheduleLimits): boolean {
  const { roundMs, maxConcurrent = 99, maxPerShard } = limits
  const targets = groups.flatMap(({ shard, count }) => Array.from({ length: count }, () => shard))
  const starts: { shard: string; at: number }[] = []
  const place = (index: number): boolean => {
    const shard = targets[index]
    if (shard === undefined) return true
    for (let at = 0; at + roundMs <= end; at++) {
      // Only who began less than a round before or after can be under way together with it; caps hold at every start.
      const together = [...starts, { shard, at }]
      const holds = together.every((each) => {
        const running = together.filter((other) => other.at <= each.at && each.at < other.at + roundMs)
        return (
          running.length <= maxConcurrent &&
          running.filter((other) => other.shard === each.shard).length <= maxPerShard(each.shard)
        )
      })
      if (!holds) continue
      starts.push({ shard, at })
      if (place(index + 1)) return true
      starts.pop()
    }
    return false
  }
  return place(0)
}
