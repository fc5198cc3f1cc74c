import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bench, ids, MINUTE, target } from './bench.test-support.ts'
import { HOUR, ModelWorld, modelStrategy } from './model.test-support.ts'
import { persistedFrom } from './summary.ts'

const closed = (id: string, minute: number) => target(id, { notBefore: minute * MINUTE })

describe('a window', () => {
  test('keeps a target out of every wave until it opens, by time alone', () => {
    const bench = new Bench([target('a'), closed('b', 100)])
    expect(bench.at(0)).toEqual(['open first/1 1', 'apply a'])
    bench.applied('a', 10)
    expect(bench.at(10)).toEqual([])
    expect(bench.summary.gate).toMatchObject({ waitingFor: 'Soak', until: 40 * MINUTE })
    expect(bench.at(40)).toEqual(['close first/1'])
    expect(bench.summary.gate).toEqual({
      waitingFor: 'Window',
      until: 100 * MINUTE,
      message: '1 target waits for its window.',
    })
    expect(bench.dueMinute).toBe(100)
    expect(bench.at(99)).toEqual([])
    expect(bench.at(100)).toEqual(['open first/2 1', 'apply b'])
    bench.applied('b', 110)
    expect(bench.at(110)).toEqual([])
    expect(bench.at(170)).toEqual(['close first/2', 'Completed'])
  })

  test('of a later stage does not stop the stage in progress', () => {
    const bench = new Bench([target('a'), target('z', { stage: 'second', notBefore: 500 * MINUTE })])
    bench.at(0)
    bench.applied('a', 10)
    expect(bench.at(70)).toEqual(['close first/1'])
    expect(bench.summary).toMatchObject({ stage: 'second', gate: { waitingFor: 'Window', until: 500 * MINUTE } })
    expect(bench.at(500)).toEqual(['open second/1 1', 'apply z'])
  })

  test('that closes takes a target that nobody asked out of its open wave; who was asked goes on', () => {
    const bench = new Bench([target('a'), target('b', { customer: 'a' })], { maxPerShard: () => 1 })
    const [, first] = bench.at(0)
    const [asked, waits] = first === 'apply a' ? ['a', 'b'] : ['b', 'a']
    expect(bench.summary.gate.waitingFor).toBe('Operations')
    for (const id of [asked, waits]) bench.see(id, { notBefore: 300 * MINUTE })
    expect(bench.summary).toMatchObject({ inFlight: 1, stages: [{ waves: [{ size: 2 }] }, {}] })
    bench.applied(asked, 10)
    expect(bench.at(40)).toEqual(['close first/1'])
    expect(bench.summary).toMatchObject({ inFlight: 0, stages: [{ waves: [{ size: 1 }] }, {}] })
    // Changed again: opens earlier.
    bench.see(waits, { notBefore: 200 * MINUTE })
    expect(bench.dueMinute).toBe(200)
    expect(bench.at(200)).toEqual(['open first/2 1', `apply ${waits}`])
  })

  test('that is taken away opens at once', () => {
    const bench = new Bench([closed('a', 100)])
    expect(bench.at(0)).toEqual([])
    bench.see('a', { notBefore: 0 })
    expect(bench.at(1)).toEqual(['open first/1 1', 'apply a'])
  })

  test('does not matter to reverts, nor to those who leave', () => {
    const bench = new Bench([target('a'), closed('b', 100), closed('c', 200)])
    bench.at(0)
    bench.see('a', {
      phase: 'Failed',
      since: 0,
      completedAt: MINUTE,
      reason: 'EtcdQuorumLost',
      notBefore: 900 * MINUTE,
    })
    expect(bench.at(1)).toEqual(['halt Signal', 'revert a'])
    bench.see('a', { phase: 'Reverted', since: MINUTE, completedAt: 2 * MINUTE })
    expect(bench.at(2)).toEqual(['Reverted'])
    const other = new Bench([target('a'), closed('b', 100)])
    other.at(0)
    other.applied('a', 10)
    other.engine.apply({ type: 'remove', id: 'b' })
    expect(other.dueMinute).toBe(70)
    expect(other.at(70)).toEqual(['close first/1', 'Completed'])
  })

  test('counts for the expected end', () => {
    const bench = new Bench([target('a'), closed('b', 1000)])
    bench.at(0)
    bench.applied('a', 10)
    bench.at(40)
    const { eta, earliest } = bench.summary.eta
    expect(earliest).toBe((1000 + 60) * MINUTE)
    expect(eta).toBeGreaterThan(1060 * MINUTE)
    expect(bench.engine.forecast(bench.now)?.p50).toBeGreaterThan(1060 * MINUTE)
  })

  // Minutes at which the others open. A stage goes on with whoever is open, and waits when nobody is.
  test.each([
    ['at two times', [100, 100, 100, 400, 400]],
    ['each at another time', [100, 300, 310, 320, 900]],
    ['while others are treated', [15, 45, 47, 50, 52, 54, 90]],
    ['so many that they are brought together', Array.from({ length: 60 }, (_, index) => 100 + 3 * index)],
  ])('that differ are each waited for: %s', (_, minutes) => {
    const bench = new Bench([target('a'), ...minutes.map((minute, index) => closed(`t${index}`, minute))])
    bench.at(0)
    bench.applied('a', 10, 0)
    const asked = (words: readonly string[]) =>
      words.flatMap((word) => (word.startsWith('apply ') ? [word.slice(6)] : []))
    const finished = new Map([[50, asked(bench.at(40))]])
    const { eta = 0, earliest = 0 } = bench.summary.eta
    const { p50 = 0, p80 = 0 } = bench.engine.forecast(bench.now) ?? {}
    for (let minute = 41; bench.summary.phase === 'Progressing' && minute < 2000; minute++) {
      for (const id of finished.get(minute) ?? []) bench.applied(id, minute)
      finished.set(minute + 10, asked(bench.at(minute)))
    }
    // Times are brought together to the last of their group: the distance of 16 groups is what that may cost.
    const [coarse, wave] = [minutes.length > 16 ? (3 * minutes.length) / 15 : 0, 1]
    const end = bench.now / MINUTE
    for (const expected of [eta, p50, p80]) {
      expect(expected / MINUTE).toBeGreaterThan(end - wave)
      expect(expected / MINUTE).toBeLessThan(end + wave + coarse)
    }
    expect(earliest).toBeLessThanOrEqual(bench.now)
    expect(earliest).toBeGreaterThanOrEqual((Math.max(...minutes) + 60) * MINUTE)
  })
})

describe('in every world with windows', () => {
  /** A third opens at one of two times. */
  const windowOf = (world: ModelWorld, id: string) =>
    world.chance('window', id) < 1 / 3 ? (world.chance('night', id) < 0.5 ? 3 * HOUR : 9 * HOUR) : undefined

  function worldOf(options: { targets: number; seed: number; crashAt?: readonly number[]; bad?: number }): ModelWorld {
    const world = new ModelWorld({
      ...options,
      crashAt: new Set(options.crashAt),
      strategy: modelStrategy({ maxConcurrent: 6 }),
    })
    for (const id of world.observed.keys()) {
      const notBefore = windowOf(world, id)
      if (notBefore !== undefined) world.observe(id, { notBefore })
    }
    return world
  }

  const options = fc.record({
    targets: fc.integer({ min: 0, max: 120 }),
    seed: fc.nat(),
    bad: fc.constantFrom(0, 0, 0.3),
  })

  test('nobody is asked before its window, nobody is forgotten, and crashes change nothing', () => {
    fc.assert(
      fc.property(options, fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 20 }), (given, crashAt) => {
        const steady = worldOf(given)
        const { phase } = steady.run()
        for (const [id, at] of steady.askedAt) {
          expect(at).toBeGreaterThanOrEqual(steady.observed.get(id)?.notBefore ?? 0)
        }
        if (phase === 'Completed') expect(steady.requests.size).toBe(given.targets)
        const crashing = worldOf({ ...given, crashAt })
        expect(crashing.run().phase).toBe(phase)
        expect(crashing.waves).toEqual(steady.waves)
        expect(Object.fromEntries(crashing.requests)).toEqual(Object.fromEntries(steady.requests))
      }),
      { seed: 17, numRuns: 60 },
    )
  })
})

describe('expedite', () => {
  test('ends a soak, but waits for what is under way', () => {
    const bench = new Bench(ids(6).map((id) => target(id)))
    bench.at(0)
    expect(bench.engine.expedite('first', 1)).toBe(true)
    expect(bench.engine.expedite('first', 1)).toBe(false)
    bench.applied(idOf(bench, 0), 10)
    expect(bench.at(10)).toEqual([])
    bench.applied(idOf(bench, 1), 12)
    expect(bench.at(12).slice(0, 2)).toEqual(['close first/1', 'open first/2 4'])
    expect(bench.summary.stages[0]?.waves[0]).toMatchObject({ number: 1, expedited: true })
  })

  test('ends a final soak, and who comes into the wave later soaks all the same', () => {
    const bench = new Bench([target('a')])
    bench.at(0)
    bench.applied('a', 10)
    expect(bench.at(11)).toEqual([])
    expect(bench.engine.expedite('first', 1)).toBe(true)
    expect(bench.at(11)).toEqual(['close first/1', 'Completed'])
    const late = new Bench([target('a'), target('z', { stage: 'second' })])
    late.at(0)
    late.applied('a', 10)
    late.engine.expedite('first', 1)
    expect(late.at(11)).toEqual(['close first/1', 'open second/1 1', 'apply z'])
    late.see('b', {})
    expect(late.at(12)).toEqual(['apply b'])
    late.applied('b', 100)
    late.applied('z', 20)
    expect(late.at(120)).toEqual(['close second/1'])
    expect(late.dueMinute).toBe(160)
    expect(late.at(160)).toEqual(['Completed'])
  })

  test('has no effect on other waves, on closed ones, or when it is over', () => {
    const bench = new Bench([target('a')])
    expect(bench.engine.expedite('first', 1)).toBe(false)
    bench.at(0)
    expect([bench.engine.expedite('first', 2), bench.engine.expedite('none', 1)]).toEqual([false, false])
    bench.applied('a', 10)
    bench.at(70)
    expect(bench.engine.expedite('first', 1)).toBe(false)
  })

  test('is remembered: a restarted engine does not soak again', () => {
    const bench = new Bench([target('a'), target('b', { customer: 'a' }), target('c'), target('d')])
    bench.at(0)
    bench.engine.expedite('first', 1)
    const persisted = persistedFrom(bench.summary)
    expect(persisted.stages[0]?.waves[0]).toMatchObject({ size: 2, expedited: true })
    const restarted = new Bench([...bench.targets.values()], {}, { persisted })
    for (const { id, requested } of bench.targets.values()) if (requested) restarted.applied(id, 10)
    expect(restarted.at(10).slice(0, 2)).toEqual(['close first/1', 'open first/2 2'])
  })
})

describe('revertNow', () => {
  test('halts and takes everything back, also without autoRevert', () => {
    const bench = new Bench([target('a')], { autoRevert: false })
    bench.at(0)
    bench.applied('a', 10)
    expect(bench.engine.revertNow('Customers complain.')).toBe(true)
    expect(bench.engine.revertNow('Again.')).toBe(false)
    expect(bench.at(11)).toEqual(['halt Operator', 'revert a'])
    expect(bench.summary.verdict).toMatchObject({
      outcome: 'Halt',
      rule: 'Operator',
      reason: 'RevertRequested',
      message: 'Customers complain.',
      evidence: { treated: 1, failed: 0 },
      at: 11 * MINUTE,
    })
    const restarted = new Bench(
      [...bench.targets.values()],
      { autoRevert: false },
      { persisted: persistedFrom(bench.summary) },
    )
    expect(restarted.engine.phase).toBe('Reverting')
    expect(restarted.engine.revertNow('No effect.')).toBe(false)
  })

  test('works while paused, and after a halt that did not revert', () => {
    const paused = new Bench([target('a')])
    paused.at(0)
    paused.engine.pause('Friday')
    expect(paused.engine.revertNow('Bad.')).toBe(true)
    expect(paused.at(1)).toEqual(['halt Operator', 'revert a', 'Reverted'])
    const halted = new Bench([target('a')], { autoRevert: false })
    halted.at(0)
    halted.failed('a', 10, 'EtcdQuorumLost')
    expect(halted.at(10)).toEqual(['halt Signal'])
    expect(halted.engine.revertNow('Bad.')).toBe(true)
    expect(halted.at(11)).toEqual(['revert a'])
    expect(halted.summary.verdict?.rule).toBe('Signal')
  })

  test('has no effect on a rollout that was aborted', () => {
    const bench = new Bench([target('a')])
    bench.at(0)
    bench.applied('a', 10)
    bench.engine.abort('No.')
    expect(bench.engine.revertNow('Late.')).toBe(false)
    expect(bench.at(80)).toEqual([])
  })
})

/** The index-th of those that were asked. */
function idOf(bench: Bench, index: number): string {
  return [...bench.targets.values()].filter(({ requested }) => requested)[index]?.id ?? ''
}
