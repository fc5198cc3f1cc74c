import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { burnAt } from './eta-burn.ts'
import { forecastEnd, type ForecastWave } from './eta-forecast.ts'
import { makespans, normal, seededUniform, at, type QueueLoad, type Uniform } from './eta-makespan.ts'
import { DurationSketch } from './eta-sketch.ts'
import { Heap } from './heap.ts'
import { Calendar } from './planner/calendar.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** 20 min in the middle, some much longer. */
const operation = (uniform: Uniform) => 20 * MINUTE * Math.exp(0.45 * normal(uniform))

describe('DurationSketch', () => {
  const values = fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 200 })

  test('quantiles are right within 1 %', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
        const exact = [...all].sort((left, right) => left - right)[Math.ceil(share * all.length) - 1] as number
        const ratio = DurationSketch.of(all).quantile(share) / exact
        expect(ratio).toBeGreaterThan(1 - 1e-9)
        expect(ratio).toBeLessThan(1.0101)
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  test('a merged sketch is the sketch of both', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const merged = DurationSketch.of(left)
        const doubled = new DurationSketch()
        doubled.merge(DurationSketch.of(right), 2)
        expect(doubled.quantile(0.5) / DurationSketch.of(right).quantile(0.5)).toBeCloseTo(2, 1)
        merged.merge(DurationSketch.of(right))
        const both = DurationSketch.of([...left, ...right])
        expect(merged.count).toBe(both.count)
        expect(merged.mean / both.mean).toBeCloseTo(1, 9)
        expect(merged.table(64)).toEqual(both.table(64))
      }),
      { seed: 2, numRuns: 100 },
    )
  })

  test('nothing seen', () => {
    const empty = new DurationSketch()
    expect([empty.count, empty.mean, empty.quantile(0.5), empty.squaredVariation]).toEqual([0, 0, 0, 0])
    expect(empty.table(2)).toEqual(new Float64Array(2))
  })

  test('knows the spread, and counts many at once', () => {
    const sketch = DurationSketch.of([10 * MINUTE, 30 * MINUTE])
    expect(sketch.squaredVariation).toBeCloseTo(0.5, 1)
    const many = new DurationSketch()
    many.add(10 * MINUTE, 3)
    many.add(0.5)
    expect(many.count).toBe(4)
    expect(many.quantile(0.25)).toBeCloseTo(1, 1)
  })
})

/** Plays every operation: each slot takes the next when it is free. */
function played({ count, atOnce }: QueueLoad, draw: () => number): number {
  const free = new Heap<number>((left, right) => left < right)
  let end = 0
  for (let index = 0; index < count; index++) {
    const start = index < atOnce ? 0 : (free.pop() as number)
    const done = start + draw()
    free.push(done)
    end = Math.max(end, done)
  }
  return end
}

describe('makespans', () => {
  test.each([
    [1, 4],
    [10, 10],
    [200, 200],
    [30, 4],
    [80, 4],
    [60, 20],
    [700, 50],
    [2000, 10],
  ])('%i operations, %i at once, as when each is played', (count, atOnce) => {
    const uniform = seededUniform(5)
    const table = DurationSketch.of(Array.from({ length: 20_000 }, () => operation(uniform))).table(512)
    const draws = makespans({ count, atOnce }, table, uniform)
    const truth = Array.from({ length: 300 }, () => played({ count, atOnce }, () => operation(uniform)))
    truth.sort((left, right) => left - right)
    for (const share of [0.2, 0.5, 0.8]) {
      const expected = truth[Math.floor(share * truth.length)] as number
      expect(Math.abs(at(draws, share) / expected - 1)).toBeLessThan(count === 1 ? 0.1 : 0.05)
    }
  })

  test('nothing to do takes no time', () => {
    expect(at(makespans({ count: 0, atOnce: 4 }, new Float64Array(4).fill(1), seededUniform(1)), 0.9)).toBe(0)
  })
})

describe('forecastEnd', () => {
  const history = (seed: number, waves = 8, between = 0) => {
    const uniform = seededUniform(seed)
    return Array.from({ length: waves }, () => {
      const factor = Math.exp(between * normal(uniform))
      return DurationSketch.of(Array.from({ length: 60 }, () => factor * operation(uniform)))
    })
  }
  const queue = (count: number, atOnce = 4): ForecastWave => ({
    parts: [{ queues: [{ count, atOnce }] }],
    soakMs: 30 * MINUTE,
  })

  test('is ordered, the same for the same seed, and near for another', () => {
    const options = { now: 7 * HOUR, waves: [queue(10), queue(40)], history: history(1), seed: 1 }
    const { p50, p80, p95 } = forecastEnd(options)
    expect(p50).toBeGreaterThan(7 * HOUR + HOUR)
    expect(p80).toBeGreaterThan(p50)
    expect(p95).toBeGreaterThan(p80)
    expect(forecastEnd(options)).toEqual({ p50, p80, p95 })
    expect(Math.abs(forecastEnd({ ...options, seed: 2 }).p80 - p80)).toBeLessThan(0.05 * (p80 - 7 * HOUR))
  })

  test('nothing to come ends now; what can never run never ends', () => {
    expect(forecastEnd({ now: 5, waves: [], history: [], seed: 1 })).toEqual({ p50: 5, p80: 5, p95: 5 })
    expect(forecastEnd({ now: 5, waves: [queue(3, 0)], history: history(1), seed: 1 }).p50).toBe(
      Number.POSITIVE_INFINITY,
    )
    expect(forecastEnd({ now: 5, waves: [queue(0)], history: history(1), seed: 1 }).p95).toBe(5 + 30 * MINUTE)
  })

  test('waits for windows', () => {
    const calendar = new Calendar({ open: [{ from: 10 * HOUR, to: 30 * HOUR }] })
    const waves = [{ parts: [{ queues: [{ count: 1, atOnce: 1 }], calendar }], soakMs: 0 }]
    const { p50 } = forecastEnd({ now: 0, waves, history: history(1), seed: 1 })
    expect(p50 - 10 * HOUR).toBeGreaterThan(15 * MINUTE)
    expect(p50 - 10 * HOUR).toBeLessThan(25 * MINUTE)
  })

  test('waves that differed in the past widen it', () => {
    const width = (between: number) => {
      const { p50, p95 } = forecastEnd({ now: 0, waves: [queue(40)], history: history(3, 12, between), seed: 1 })
      return p95 - p50
    }
    expect(width(0.3)).toBeGreaterThan(2 * width(0))
  })

  // The promise is 75-85 % of runs; each scenario has 400 of them, all chance included: history, operations, waves.
  test.each([
    ['one shard', [[10], [20], [40], [80]], 4, 0],
    [
      'many shards',
      [
        [2, 2, 1, 1, 2, 2],
        [9, 11, 8, 12, 10, 10],
        [40, 42, 38, 41, 39, 40],
      ],
      4,
      0,
    ],
    [
      'waves that differ',
      [
        [10, 5],
        [20, 30],
        [60, 60],
        [90, 100],
      ],
      5,
      0.15,
    ],
    [
      'everybody at once',
      [
        [3, 4],
        [30, 40],
        [90, 80],
      ],
      100,
      0.1,
    ],
  ] as const)('%s: the p80 holds in 75-85 %% of runs', (_, sizes, atOnce, between) => {
    let held = 0
    const runs = 400
    for (let run = 0; run < runs; run++) {
      const uniform = seededUniform(1000 + run)
      const past = history(50_000 + run, 12, between)
      const waves = sizes.map((shards) => ({
        parts: [{ queues: shards.map((count) => ({ count, atOnce })) }],
        soakMs: 30 * MINUTE,
      }))
      const { p80 } = forecastEnd({ now: 0, waves, history: past, seed: run, samples: 500 })
      let now = 0
      for (const shards of sizes) {
        const factor = Math.exp(between * normal(uniform))
        const ends = shards.map((count) => played({ count, atOnce }, () => factor * operation(uniform)))
        now += Math.max(...ends) + 30 * MINUTE
      }
      if (now <= p80) held++
    }
    expect(held / runs).toBeGreaterThan(0.75)
    expect(held / runs).toBeLessThan(0.85)
  })
})

describe('burnAt', () => {
  const waves = [
    { size: 10, startsAt: 0, endsAt: HOUR, soakMs: HOUR },
    { size: 40, startsAt: 2 * HOUR, endsAt: 4 * HOUR, soakMs: HOUR },
  ]

  test.each([
    [0, 0, 0],
    [0, 0.5, 30],
    [5, 0.5, 0],
    [5, 1, 30],
    [10, 1.5, 0],
    [10, 3, 60],
    [10, 0.5, -30],
    [30, 3, 0],
    [50, 4.5, 0],
    [50, 6, 60],
  ])('%i finished after %d h is %i min behind', (finished, hours, minutes) => {
    expect(burnAt(waves, finished, hours * HOUR).minutesBehind).toBe(minutes)
  })

  test('standing still loses an hour an hour', () => {
    expect(burnAt(waves, 0, 3 * HOUR)).toEqual({ plannedAt: 0, minutesBehind: 180, minutesLostPerHour: 60 })
    expect(burnAt([], 0, 3 * HOUR)).toEqual({ plannedAt: 3 * HOUR, minutesBehind: 0, minutesLostPerHour: 0 })
  })
})
