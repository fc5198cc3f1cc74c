import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bench, MINUTE, target } from '../bench.test-support.ts'
import { ModelWorld, type ModelOptions } from '../model.test-support.ts'
import type { Decision, StageStrategy, StrategyInput, TargetInput } from '../types.ts'
import { happen, happening, smallWorld } from '../worlds.test-support.ts'
import { redecide, type LogEntry, type RedecideOptions, type StrategyData } from './index.ts'

/** Decisions by their time: at one time they may come in one answer or in several. */
function byTime(decided: Iterable<readonly [number, readonly Decision[]]>): Record<number, string[]> {
  const times: Record<number, string[]> = {}
  for (const [at, decisions] of decided) {
    for (const decision of decisions) (times[at] ??= []).push(JSON.stringify(decision))
  }
  for (const each of Object.values(times)) each.sort()
  return times
}

function decidedIn(entries: readonly LogEntry[]): (readonly [number, readonly Decision[]])[] {
  return entries.flatMap((entry) =>
    entry.type === 'decide' && entry.decisions.length > 0 ? [[entry.at, entry.decisions] as const] : [],
  )
}

function again(entries: readonly LogEntry[], options: RedecideOptions = {}) {
  const decided: (readonly [number, readonly Decision[]])[] = []
  const result = redecide(entries, { ...options, onDecide: (at, decisions) => decided.push([at, decisions]) })
  return { ...result, decided }
}

function recorded(options: ModelOptions, before: (world: ModelWorld) => void = () => {}): LogEntry[] {
  const entries: LogEntry[] = []
  const world = new ModelWorld({ ...options, engineLog: (entry) => entries.push(entry) })
  before(world)
  world.run()
  return entries
}

describe('the same strategy', () => {
  const happenings = fc.array(happening, { maxLength: 30 })

  test('decides the same again, with the same figures and nothing unknown (I20)', () => {
    fc.assert(
      fc.property(smallWorld, happenings, (options, events) => {
        const entries = recorded(options, (world) => {
          for (const event of events) world.schedule(event.minute * MINUTE + 7, () => happen(world, event))
        })
        const { record, again: made, unknown, unplaced, decided } = again(entries)
        expect(byTime(decided)).toEqual(byTime(decidedIn(entries)))
        expect(made).toEqual(record)
        expect(unknown).toEqual({ treated: 0, reverted: 0, caps: 0 })
        expect(unplaced).toBe(0)
      }),
      { seed: 17, numRuns: 150 },
    )
  })
})

describe('another strategy', () => {
  const stage = fc.record({
    canary: fc.integer({ min: 1, max: 30 }),
    factor: fc.constantFrom(1, 2, 10),
    soakMs: fc.constantFrom(0, 10 * MINUTE, 90 * MINUTE),
    finalSoakMs: fc.constantFrom(0, 60 * MINUTE),
  })
  const names = ['integration', 'stage', 'canary', 'production']

  test('decides what the same fleet would have shown it, from the record of one that halts for nothing (I20)', () => {
    fc.assert(
      fc.property(smallWorld, fc.array(stage, { minLength: 4, maxLength: 4 }), fc.nat(), (options, shapes, seed) => {
        const patient = { haltBy: 'Budget', budget: { percent: 100, minimum: 0 } } as const
        const entries = recorded({ ...options, strategy: { ...options.strategy, ...patient } })
        const stages = names.map((name, index): StageStrategy => ({ name, ...shapes[index]! }))
        const truth: LogEntry[] = []
        const other = { ...options, strategy: { ...options.strategy, stages }, planSeed: seed }
        new ModelWorld({ ...other, engineLog: (entry) => truth.push(entry) }).run()
        const { strategy } = truth[0] as Extract<LogEntry, { type: 'begin' }>
        const { again: made, unknown, decided } = again(entries, { strategy, seed })
        const untilHalt = (all: readonly (readonly [number, readonly Decision[]])[]) =>
          byTime(all.filter(([at]) => at <= (made.haltedAt ?? Number.POSITIVE_INFINITY)))
        expect(untilHalt(decided)).toEqual(untilHalt(decidedIn(truth)))
        expect(unknown.treated).toBe(0)
        expect(unknown.caps).toBe(0)
      }),
      { seed: 17, numRuns: 80 },
    )
  })

  interface Fate {
    /** Minutes from the request to the end. */
    readonly takes: number
    readonly reason?: string
    /** Minutes from the request on. */
    readonly illAfter?: number
  }

  /** A stage of these targets, each with its fate, under the given shape: plays by the minute until nothing is left. */
  function play(fates: Readonly<Record<string, Fate>>, change: Partial<StrategyInput>, more: Fleet = {}): LogEntry[] {
    const entries: LogEntry[] = []
    const targets = Object.keys(fates).map((id) => target(id, more[id]))
    const bench = new Bench(targets, change, { log: (entry) => entries.push(entry) })
    const asked = new Map<string, number>()
    const reverted = new Map<string, number>()
    for (let minute = 0; minute < 400; minute++) {
      for (const [id, start] of asked) {
        const { takes, reason, illAfter } = fates[id]!
        if (minute === start + takes) {
          if (reason === undefined) bench.applied(id, minute, start)
          else bench.see(id, { phase: 'Failed', since: start * MINUTE, completedAt: minute * MINUTE, reason })
        }
        if (minute === start + (illAfter ?? -1)) bench.see(id, { onsetAt: minute * MINUTE })
      }
      for (const [id, start] of reverted) {
        if (minute !== start + 8) continue
        bench.see(id, { phase: 'Reverted', revert: true, since: start * MINUTE, completedAt: minute * MINUTE })
      }
      for (const words of bench.at(minute)) {
        const [what, id = ''] = words.split(' ')
        if (what === 'apply') {
          asked.set(id, minute)
          bench.see(id, { phase: 'Applying', since: minute * MINUTE })
        } else if (what === 'revert') {
          asked.delete(id)
          reverted.set(id, minute)
        }
      }
    }
    return entries
  }

  type Fleet = Readonly<Record<string, Partial<TargetInput>>>

  function shaped(canary: number, factor: number, soak: number, more: Partial<StrategyData> = {}): StrategyData {
    const shape: StageStrategy = { name: 'first', canary, factor, soakMs: soak * MINUTE, finalSoakMs: 60 * MINUTE }
    return {
      stages: [shape],
      sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
      operationTimeoutMs: 45 * MINUTE,
      autoRevert: true,
      customerShare: 100,
      ...more,
    }
  }

  test('one wave instead of three ends when its slowest has soaked', () => {
    const entries = play({ a: { takes: 10 }, b: { takes: 20 }, c: { takes: 15 } }, shaped(1, 1, 30))
    const { record, again: made, unknown } = redecide(entries, { strategy: shaped(3, 1, 30) })
    expect(record.waves.map(({ size }) => size)).toEqual([1, 1, 1])
    // Three operations, two soaks, and the final one.
    expect(record.endedAt).toBe((10 + 20 + 15 + 2 * 30 + 60) * MINUTE)
    expect(made).toMatchObject({ phase: 'Completed', treated: 3, failed: 0, endedAt: (20 + 60) * MINUTE })
    expect(made.waves).toEqual([{ stage: 'first', wave: 1, size: 3, openedAt: 0, closedAt: 80 * MINUTE }])
    expect(unknown).toEqual({ treated: 0, reverted: 0, caps: 0 })
  })

  test('a slower start would have exposed fewer', () => {
    const fates = { a: { takes: 10 }, b: { takes: 5, reason: 'EtcdQuorumLost' }, c: { takes: 15 } }
    const entries = play(fates, shaped(3, 1, 30))
    const { record, again: made, unknown } = redecide(entries, { strategy: shaped(1, 1, 30) })
    expect(record).toMatchObject({ phase: 'Reverted', exposedAtHalt: 3, failed: 1, haltedAt: 5 * MINUTE })
    expect(record.endedAt).toBe((5 + 8) * MINUTE)
    // In the order of the plan, of which a and c were turned round after five minutes: how they would have ended is not known.
    const order = Array.from(play({ a: { takes: 1 }, b: { takes: 1 }, c: { takes: 1 } }, shaped(1, 1, 1)), (entry) =>
      entry.type === 'decide' ? entry.decisions : [],
    ).flatMap((decisions) => decisions.flatMap((decision) => (decision.type === 'apply' ? [decision.id] : [])))
    const before = order.indexOf('b')
    expect(made).toMatchObject({ phase: 'Reverted', exposedAtHalt: before + 1, treated: before + 1, failed: 1 })
    expect(unknown.treated).toBe(before)
  })

  test('what the halt forestalled takes the median time, succeeds, and is counted', () => {
    const fates = { a: { takes: 10 }, b: { takes: 10 }, c: { takes: 10 }, d: { takes: 10 } }
    const [first, second] = play(fates, shaped(1, 1, 30)).flatMap((entry) =>
      entry.type === 'decide' ? entry.decisions.flatMap((each) => (each.type === 'apply' ? [each.id] : [])) : [],
    )
    // The first one takes 12 minutes, the second one halts it.
    const mixed = { ...fates, [first!]: { takes: 12 }, [second!]: { takes: 3, reason: 'EtcdQuorumLost' } }
    const entries = play(mixed, shaped(1, 1, 30))
    const { record, again: made, unknown } = redecide(entries, { strategy: shaped(1, 1, 30, { haltReasons: [] }) })
    expect(record).toMatchObject({ phase: 'Reverted', treated: 2, exposedAtHalt: 2, haltedAt: (12 + 30 + 3) * MINUTE })
    expect(made).toMatchObject({ phase: 'Completed', treated: 4, failed: 1, reverted: 0 })
    expect(made.endedAt).toBe((12 + 30 + 3 + 30 + 12 + 30 + 12 + 60) * MINUTE)
    expect(unknown).toEqual({ treated: 2, reverted: 0, caps: 0 })
  })

  test('who fell ill 25 minutes after it was treated does so again, which a short soak does not see in time', () => {
    const fates = { a: { takes: 10, illAfter: 25 }, b: { takes: 10, illAfter: 25 }, c: { takes: 10, illAfter: 25 } }
    const entries = play(fates, shaped(1, 1, 30))
    const { record, again: made } = redecide(entries, { strategy: shaped(1, 1, 5) })
    // The test halts at the second onset: of two treated, or of three, as the third was treated 5 minutes after the second ended.
    expect(record).toMatchObject({ broken: 2, exposedAtHalt: 2, haltedAt: (25 + 15 + 25) * MINUTE })
    expect(made).toMatchObject({ broken: 2, exposedAtHalt: 3, haltedAt: (15 + 25) * MINUTE })
  })

  test('windows, and what operators ask, come when they came', () => {
    const fates = { a: { takes: 10 }, b: { takes: 10 } }
    const entries = play(fates, shaped(2, 1, 30), { b: { notBefore: 100 * MINUTE } })
    const { again: made } = redecide(entries, { strategy: shaped(1, 1, 0) })
    expect(made.waves.map(({ openedAt }) => openedAt / MINUTE)).toEqual([0, 100])
    const paused: LogEntry[] = []
    const bench = new Bench([target('a'), target('b')], shaped(1, 1, 30), { log: (entry) => paused.push(entry) })
    const [, apply = ''] = bench.at(0)
    bench.applied(apply.slice(6), 10, 0)
    bench.at(10)
    bench.engine.pause('Lunch.')
    bench.at(20)
    bench.engine.resume()
    bench.at(70)
    const { again: held } = redecide(paused, { strategy: shaped(1, 1, 15) })
    // Its soak is over at 25, in the pause.
    expect(held.waves.map(({ openedAt }) => openedAt / MINUTE)).toEqual([0, 70])
  })

  test('who failed, and was tried again, fails again and is mended by the other attempt when that is asked', () => {
    const entries: LogEntry[] = []
    const bench = new Bench([target('a'), target('b')], shaped(2, 1, 30), { log: (entry) => entries.push(entry) })
    bench.at(0)
    bench.applied('b', 10, 0)
    bench.failed('a', 10)
    bench.at(10)
    bench.engine.retry('a')
    bench.at(20)
    bench.see('a', { phase: 'Applying', since: 21 * MINUTE })
    bench.at(21)
    bench.applied('a', 33, 21)
    bench.at(33)
    bench.at(93)
    const { record, again: made, unknown, decided } = again(entries)
    expect(record).toMatchObject({ phase: 'Completed', failed: 1, endedAt: 93 * MINUTE })
    expect(made).toEqual(record)
    expect(unknown).toEqual({ treated: 0, reverted: 0, caps: 0 })
    expect(byTime(decided)).toEqual(byTime(decidedIn(entries)))
    // With a soak it is begun later, so that it has not failed by the time that somebody asks.
    const { again: later } = redecide(entries, { strategy: shaped(1, 1, 30) })
    expect(later).toMatchObject({ phase: 'Completed', failed: 1 })
  })

  test('targets whose stage it does not know are counted, and a deadline is one of its own', () => {
    const entries = play({ a: { takes: 10 } }, shaped(1, 1, 30))
    const { stages } = shaped(1, 1, 30)
    const strategy = { ...shaped(1, 1, 30), stages: [{ ...stages[0]!, name: 'other' }] }
    expect(redecide(entries, { strategy })).toMatchObject({ unplaced: 1, again: { treated: 0, phase: 'Completed' } })
    expect(() => redecide([])).toThrow('nothing to decide again')
  })
})
