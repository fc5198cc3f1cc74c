import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DurationSketch } from '../eta-sketch.ts'
import { modelMeta, modelStrategy } from '../model.test-support.ts'
import { assess, forecastWave, guessedDurations, plannedDurations, type Scenario } from './assess.ts'
import { Calendar } from './calendar.ts'
import { whatIf } from './what-if.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 10, 21)
const targets = Array.from({ length: 300 }, (_, index) => modelMeta(index, 300, 1, 4))

const scenarioOf = (change: Partial<Scenario> = {}): Scenario => ({
  targets,
  strategy: modelStrategy(),
  stakes: { hazard: 0.001, prior: 0.1 },
  startAt: START,
  deadline: START + 40 * HOUR,
  seed: 3,
  history: [DurationSketch.of([15, 18, 20, 22, 30].map((minutes) => minutes * MINUTE))],
  ...change,
})
const base = assess(scenarioOf())
const to = (change: Partial<Scenario>) => whatIf(base, assess(scenarioOf(change)))

describe('whatIf', () => {
  test('nothing changed', () => {
    expect(to({})).toEqual({
      waves: [],
      joined: 0,
      left: 0,
      moved: 0,
      eta: { p50: 0, p80: 0, p95: 0 },
      harm: { total: 0, waiting: 0, defect: 0 },
      exposed: 0,
      hurt: 0,
      feasible: { before: true, after: true },
    })
  })

  test('a strategy with larger waves: who moves, how much earlier, what it costs', () => {
    const stages = modelStrategy().stages.map((stage) => ({ ...stage, factor: 4 }))
    const change = to({ strategy: modelStrategy({ stages }) })
    expect(change.moved).toBeGreaterThan(0)
    expect(change).toMatchObject({ joined: 0, left: 0 })
    expect(change.eta.p50).toBeLessThan(-HOUR / 2)
    expect(change.harm.waiting).toBeLessThan(0)
    expect(change.harm.defect).toBeGreaterThan(0)
    const second = change.waves.find(({ stage, wave }) => stage === 'production' && wave === 2)
    expect(second).toMatchObject({ before: 40, after: 80 })
    expect(second?.added.length).toBe(40 + (second?.removed.length ?? 0))
    const last = change.waves.findLast(({ stage }) => stage === 'production')
    expect(last).toMatchObject({ after: 0, added: [] })
  })

  test('a fleet with more, and one with fewer', () => {
    const more = to({ targets: [...targets, { ...modelMeta(7, 300, 2, 4), id: 'new', stage: 'production' }] })
    expect(more).toMatchObject({ joined: 1, left: 0 })
    expect(more.waves.flatMap(({ added }) => added)).toContain('new')
    const fewer = to({ targets: targets.slice(1) })
    expect(fewer).toMatchObject({ joined: 0, left: 1 })
    expect(fewer.waves.flatMap(({ removed }) => removed)).toContain(targets[0]?.id)
    expect(fewer.harm.waiting).toBeLessThan(0)
  })

  test('an exempted target is in no wave but goes on without the fix', () => {
    const until = START + 1000 * HOUR
    const change = to({ exemptions: [{ id: targets[200]?.id ?? '', owner: 'ana', reason: 'fair', until }] })
    expect(change.left).toBe(1)
    expect(change.harm.waiting).toBeGreaterThan(0.9)
  })

  test('another fix: riskier, slower, too slow', () => {
    expect(to({ stakes: { hazard: 0.001, prior: 0.3 } }).harm.defect).toBeCloseTo(2 * base.harm.defect, 6)
    const slower = to({ history: [DurationSketch.of([HOUR, HOUR, 1.5 * HOUR])] })
    expect(slower.waves).toEqual([])
    expect(slower.eta.p50).toBeGreaterThan(5 * HOUR)
    expect(slower.harm.waiting).toBeGreaterThan(0)
    expect(to({ deadline: START + 5 * HOUR }).feasible).toEqual({ before: true, after: false })
    const never = to({ strategy: modelStrategy({ maxPerShard: () => 0 }) })
    expect(never.eta.p50).toBe(Number.POSITIVE_INFINITY)
  })

  test('added and removed are the differences of the waves, whatever changes', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(targets, { minLength: 1 }),
        fc.shuffledSubarray(targets, { minLength: 1 }),
        fc.integer({ min: 1, max: 3 }),
        (one, two, factor) => {
          const stages = modelStrategy().stages.map((stage) => ({ ...stage, factor }))
          const before = assess(scenarioOf({ targets: one }))
          const after = assess(scenarioOf({ targets: two, strategy: modelStrategy({ stages }) }))
          const change = whatIf(before, after)
          for (const { before: was, after: is, added, removed } of change.waves) {
            expect(was + added.length - removed.length).toBe(is)
            expect(added.filter((id) => removed.includes(id))).toEqual([])
          }
          const sum = (key: 'added' | 'removed') => change.waves.reduce((total, wave) => total + wave[key].length, 0)
          expect(sum('added')).toBe(change.joined + change.moved)
          expect(sum('removed')).toBe(change.left + change.moved)
          expect(two.length - one.length).toBe(change.joined - change.left)
        },
      ),
      { seed: 1, numRuns: 15 },
    )
  })
})

describe('assess', () => {
  test('the schedule and the forecast agree', () => {
    const end = base.feasibility.earliestEnd ?? 0
    expect(base.eta.p50).toBeLessThan(end)
    expect(base.eta.p95).toBeGreaterThan(START + 0.6 * (end - START))
  })

  test('without observations durations are guessed, and less is known than from many', () => {
    const guess = guessedDurations({ operationTimeoutMs: HOUR })
    const many = new DurationSketch()
    for (let times = 0; times < 40; times++) many.merge(guess)
    const width = (history: readonly DurationSketch[]) => {
      const { p50, p95 } = assess(scenarioOf({ strategy: modelStrategy({ operationTimeoutMs: HOUR }), history })).eta
      return p95 - p50
    }
    expect(width([])).toBe(width([guess]))
    expect(width([])).toBeGreaterThan(2 * width([many]))
    const short = { expectedOperationMs: 28 * MINUTE, operationTimeoutMs: 30 * MINUTE }
    expect(guessedDurations(short).quantile(1)).toBeLessThan(31 * MINUTE)
  })

  test('operations are planned with their mean, and waves with their slowest', () => {
    const { operationMs, slowestMs } = plannedDurations([
      DurationSketch.of(Array.from({ length: 90 }, () => 20 * MINUTE)),
      DurationSketch.of(Array.from({ length: 10 }, () => 40 * MINUTE)),
    ])
    expect(operationMs).toBe(22 * MINUTE)
    expect(slowestMs(1) / MINUTE).toBeCloseTo(20, 0)
    expect(slowestMs(50) / MINUTE).toBeCloseTo(40, 0)
    expect(plannedDurations([]).operationMs).toBe(1)
  })
})

describe('forecastWave', () => {
  const groups = [
    { shard: 'a', windowClass: '', count: 8 },
    { shard: 'a', windowClass: 'unknown', count: 2 },
    { shard: 'b', windowClass: 'nights', count: 40 },
  ]
  const calendars = new Map([['nights', new Calendar({ open: [{ from: 0, to: 9 }] })]])
  const limits = { startAt: 0, roundMs: 1, maxPerShard: () => 4, calendars }

  test('a queue for each shard, apart by windows', () => {
    expect(forecastWave({ groups, soakMs: 5 }, limits)).toEqual({
      soakMs: 5,
      parts: [
        { queues: [{ count: 10, atOnce: 4 }] },
        { queues: [{ count: 40, atOnce: 4 }], calendar: calendars.get('nights') },
      ],
    })
  })

  test('the cap of the whole decides, decides with the shards, or does not matter', () => {
    const queues = (maxConcurrent: number) =>
      forecastWave({ groups: groups.slice(0, 1), soakMs: 0 }, { ...limits, maxConcurrent }).parts[0]?.queues
    expect(queues(1)).toEqual([{ count: 8, atOnce: 1 }])
    expect(queues(4)).toEqual([
      { count: 8, atOnce: 4 },
      { count: 8, atOnce: 4 },
    ])
    expect(queues(7)).toEqual([{ count: 8, atOnce: 4 }])
  })
})
