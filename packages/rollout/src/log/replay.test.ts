import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bench, ids, MINUTE, target } from '../bench.test-support.ts'
import { ModelWorld, type ModelOptions } from '../model.test-support.ts'
import { happen, happening, smallWorld } from '../worlds.test-support.ts'
import { formatLogEntry, parseLog, redecide, replay, type LogEntry } from './index.ts'

const happenings = fc.array(happening, { maxLength: 40 })
const crashes = fc.uniqueArray(fc.nat({ max: 300 }), { maxLength: 6 })

/** Somebody who asks something of the rollout. */
const asking = fc.record({
  minute: fc.integer({ min: 0, max: 600 }),
  kind: fc.constantFrom('pause', 'expedite', 'caps', 'revert', 'abort'),
})

type Asking = typeof asking extends fc.Arbitrary<infer T> ? T : never

function ask(world: ModelWorld, { kind }: Asking): void {
  const { stage = '', wave = 1 } = world.engine.summary(world.now)
  if (kind === 'pause') {
    world.engine.pause('Lunch.')
    world.schedule(world.now + 30 * MINUTE, () => world.engine.resume())
  } else if (kind === 'expedite') world.engine.expedite(stage, wave)
  else if (kind === 'caps') world.engine.capsChanged()
  else if (kind === 'revert') world.engine.revertNow('Complaints.')
  else world.engine.abort('No longer wanted.')
}

function recorded(options: ModelOptions, before: (world: ModelWorld) => void = () => {}): LogEntry[] {
  const entries: LogEntry[] = []
  const world = new ModelWorld({ ...options, engineLog: (entry) => entries.push(entry) })
  before(world)
  world.run()
  return entries
}

const throughText = (entries: readonly LogEntry[]) => parseLog(entries.map(formatLogEntry).join('\n'))

describe('in every world', () => {
  const askings = fc.array(asking, { maxLength: 4 })

  test('a replay of the log decides everything again, wherever it is cut off (I19)', () => {
    fc.assert(
      fc.property(smallWorld, happenings, askings, crashes, fc.nat(), (options, events, asked, crashAt, cut) => {
        const strategy = { ...options.strategy, history: () => ({ treated: 400, failed: 3 }) }
        const entries = recorded({ ...options, strategy, crashAt: new Set(crashAt), recordsWave: true }, (world) => {
          for (const event of events) world.schedule(event.minute * MINUTE, () => happen(world, event))
          for (const each of asked) world.schedule(each.minute * MINUTE, () => ask(world, each))
        })
        const { mismatches, lives, decisions, summary } = replay(throughText(entries))
        expect(mismatches).toEqual([])
        expect(lives).toBe(entries.filter(({ type }) => type === 'begin').length)
        const decided = entries.flatMap((entry) => (entry.type === 'decide' ? entry.decisions : []))
        expect(decisions).toBe(decided.length)
        if (options.targets > 0) expect(summary?.decisions).toBeGreaterThan(0)
        expect(replay(entries.slice(0, cut % (entries.length + 1))).mismatches).toEqual([])
      }),
      { seed: 17, numRuns: 120 },
    )
  })

  test('a decision that was left out, added or changed is found, where it is (I19)', () => {
    fc.assert(
      fc.property(smallWorld, fc.nat(), fc.constantFrom('left out', 'twice', 'later'), (options, which, how) => {
        const entries = recorded({ ...options, targets: options.targets + 1, shareOffline: 0 })
        const deciding = entries.flatMap((entry, index) =>
          entry.type === 'decide' && entry.decisions.length > 0 ? [{ entry, index }] : [],
        )
        const { entry, index } = deciding[which % deciding.length]!
        const [first, ...others] = entry.decisions
        const later = 'at' in first! ? { ...first, at: first.at + 1 } : { ...first!, id: 'nobody' }
        const changed = { 'left out': others, twice: [first!, first!, ...others], later: [later, ...others] }[how]
        const tampered = entries.with(index, { ...entry, decisions: changed as typeof entry.decisions })
        expect(replay(tampered).mismatches).toEqual([{ index, expected: changed, actual: entry.decisions }])
      }),
      { seed: 17, numRuns: 60 },
    )
  })

  test('an observation that was left out is found when anything was decided for it (I19)', () => {
    fc.assert(
      fc.property(smallWorld, fc.nat(), (options, which) => {
        const entries = recorded({ ...options, targets: options.targets + 1, shareOffline: 0, bad: 0, background: 0 })
        // The rollout waits for each target, so without its end no wave after it is opened and nothing is completed.
        const ends = entries.flatMap((entry, index) =>
          entry.type === 'see' && entry.phase === 'Applied' ? [index] : [],
        )
        const left = ends[which % ends.length]!
        expect(replay(entries.filter((_, index) => index !== left)).mismatches.length).toBeGreaterThan(0)
      }),
      { seed: 17, numRuns: 40 },
    )
  })
})

describe('a log', () => {
  test('says in lines what was known, asked and decided', () => {
    const entries: LogEntry[] = []
    const bench = new Bench([target('a')], { maxPerShard: () => 3 }, { log: (entry) => entries.push(entry) })
    bench.at(0)
    bench.engine.pause('Lunch.')
    bench.engine.pause('No effect.')
    expect(entries.map(formatLogEntry)).toEqual([
      '{"type":"begin","version":1,"strategy":{"stages":[{"name":"first","canary":2,"factor":2,"soakMs":1800000,"finalSoakMs":3600000},{"name":"second","canary":2,"factor":2,"soakMs":1800000,"finalSoakMs":3600000}],"budget":{"percent":0,"minimum":100},"sequentialTest":{"goodRate":0.005,"badRate":0.05,"alpha":0.01,"beta":0.01},"operationTimeoutMs":2700000,"autoRevert":true},"seed":1,"startedAt":0,"deadline":86400000,"targets":1}',
      '{"type":"target","target":{"id":"a","stage":"first","stratum":"s","shard":"mc","customer":"a","phase":"Pending","requested":false}}',
      '{"type":"decide","at":0,"decisions":[{"type":"open-wave","stage":"first","wave":1,"size":1,"at":0}]}',
      '{"type":"cap","shard":"mc","limit":3}',
      '{"type":"acknowledge","decision":{"type":"open-wave","stage":"first","wave":1,"size":1,"at":0}}',
      '{"type":"decide","at":0,"decisions":[{"type":"apply","id":"a","stage":"first","wave":1}]}',
      '{"type":"see","id":"a","phase":"Pending","requested":true}',
      '{"type":"decide","at":0,"decisions":[]}',
      '{"type":"pause","reason":"Lunch."}',
    ])
  })

  test('knows caps that change and caps without a limit', () => {
    const entries: LogEntry[] = []
    let cap = 0
    const log = (entry: LogEntry) => void entries.push(entry)
    const bench = new Bench([target('a'), target('b', { customer: 'a' })], { maxPerShard: () => cap }, { log })
    expect(bench.at(0)).toEqual(['open first/1 2'])
    cap = Number.POSITIVE_INFINITY
    bench.engine.capsChanged()
    expect(bench.at(1)).toHaveLength(2)
    expect(entries.flatMap((entry) => (entry.type === 'cap' ? [entry.limit] : []))).toEqual([0, null])
    expect(replay(throughText(entries))).toMatchObject({ decisions: 3, mismatches: [] })
  })

  test('gives the figures of the run', () => {
    const entries: LogEntry[] = []
    const bench = new Bench([target('a')], {}, { log: (entry) => entries.push(entry) })
    bench.at(0)
    bench.failed('a', 10, 'EtcdQuorumLost')
    bench.at(10)
    bench.see('a', { phase: 'Reverted', revert: true, since: 10 * MINUTE, completedAt: 20 * MINUTE })
    bench.at(20)
    const { figures, summary } = replay(entries)
    expect(summary).toEqual(bench.summary)
    expect(figures).toMatchObject({
      phase: 'Reverted',
      verdict: { rule: 'Signal' },
      waves: [{ stage: 'first', wave: 1, size: 1, openedAt: 0 }],
      treated: 1,
      failed: 1,
      broken: 0,
      reverted: 1,
      exposedAtHalt: 1,
      haltedAt: 10 * MINUTE,
      endedAt: 20 * MINUTE,
    })
  })

  describe('of many decisions at once', () => {
    const stages = [{ name: 'first', canary: 2500, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const some = ids(2500).map((id) => target(id))
    const entries: LogEntry[] = []
    const bench = new Bench(some, { stages, maxPerShard: () => 2500 }, { log: (entry) => entries.push(entry) })
    bench.at(0)
    const first = entries.findIndex((entry) => entry.type === 'decide' && entry.decisions.length > 1)

    test('has them in several entries, and they are made again', () => {
      expect(
        entries
          .slice(first, first + 3)
          .map((entry) => ('decisions' in entry ? [entry.type, entry.decisions.length] : [])),
      ).toEqual([
        ['decide', 1000],
        ['decided', 1000],
        ['decided', 500],
      ])
      expect(replay(throughText(entries))).toMatchObject({ decisions: 2501, mismatches: [] })
      const last = entries[first + 2] as Extract<LogEntry, { type: 'decided' }>
      const changed = { ...last, decisions: last.decisions.with(499, { type: 'revert', id: 't0' }) }
      expect(replay(entries.with(first + 2, changed)).mismatches.map(({ index }) => index)).toEqual([first])
    })

    test('may be cut off among them, at its end or where the next life begins', () => {
      const cut = entries.slice(0, first + 2)
      expect(replay(cut)).toMatchObject({ lives: 1, decisions: 1, mismatches: [] })
      expect(replay([...cut, ...entries])).toMatchObject({ lives: 2, decisions: 2502, mismatches: [] })
      expect(redecide(cut)?.record.treated).toBe(0)
    })

    test('is refused when some of them are missing', () => {
      const without = (index: number) => entries.filter((_, each) => each !== index)
      expect(() => replay(without(first))).toThrow('goes on with decisions that no entry before it begins')
      expect(() => replay(without(first + 1))).toThrow('(see) comes before all decisions of entry')
      const extra = [...entries.slice(0, first + 3), entries[first + 2]!]
      expect(() => replay(extra)).toThrow('goes on with decisions that no entry before it begins')
    })
  })

  test('of nothing has no summary', () => {
    expect(replay([])).toEqual({ lives: 0, decisions: 0, mismatches: [] })
  })

  test('that makes no sense is refused with what to do', () => {
    const entries: LogEntry[] = []
    new Bench([target('a'), target('b')], {}, { log: (entry) => entries.push(entry) }).at(0)
    expect(() => replay(entries.slice(1))).toThrow('Entry 1 of the log (target) belongs to nothing')
    expect(() => replay(entries.filter((_, index) => index !== 1))).toThrow('should have 2 targets and has 1')
    expect(() => replay([...entries, { type: 'see', id: 'x', phase: 'Held', requested: false }])).toThrow('about x')
    expect(replay(entries.slice(0, 2))).toMatchObject({ lives: 0 })
    const [begin, ...others] = entries
    const strategy = { ...(begin as { strategy: object }).strategy, sequentialTest: { goodRate: 1 } }
    expect(() => replay([{ ...begin, strategy } as LogEntry, ...others])).toThrow('Life 1 of the log cannot begin')
  })

  test.each([
    ['nothing', 'Line 1 of the log is not JSON: nothing.'],
    ['{"type":"capsChanged"}\n\n{"typ', 'Line 3 of the log is not JSON: {"typ.'],
    ['3', 'Line 1 of the log is of no known type: 3.'],
    ['{"type":"toString"}', 'is of no known type'],
    ['{"type":"see","id":"a","phase":"Lost","requested":true}', 'has no usable "phase"'],
    ['{"type":"decide","at":1}', 'has no usable "decisions"'],
    ['{"type":"decide","at":1,"decisions":[],"more":"2"}', 'has no usable "more"'],
    ['{"type":"cap","shard":"mc","limit":"3"}', 'has no usable "limit"'],
  ])('%j is refused', (text, message) => {
    expect(() => parseLog(text)).toThrow(message)
  })

  test('of another version is refused', () => {
    const entries: LogEntry[] = []
    new Bench([target('a')], {}, { log: (entry) => entries.push(entry) }).at(0)
    const text = formatLogEntry(entries[0]!).replace('"version":1', '"version":2')
    expect(() => parseLog(text)).toThrow('Line 1 of the log is of version 2, not 1')
  })
})
