import { describe, expect, test } from 'vitest'
import { Bench, ids, MINUTE, target } from './bench.test-support.ts'
import { persistedFrom } from './summary.ts'

const stages = [{ name: 'first', canary: 10, factor: 1, soakMs: 0, finalSoakMs: 30 * MINUTE }]

describe('who is left out', () => {
  test('is in no wave, is waited for by nobody, and is shown', () => {
    const bench = new Bench(
      ids(3).map((id) => target(id)),
      { stages },
    )
    expect(bench.engine.skip('t1')).toBe(true)
    expect(bench.engine.skip('t1')).toBe(false)
    expect(bench.at(0)).toEqual(['open first/1 2', expect.any(String), expect.any(String)])
    expect(bench.summary.skipped).toEqual(['t1'])
    expect(bench.summary.problems).toEqual([{ id: 't1', phase: 'Pending', reason: 'Skipped', message: '' }])
    for (const id of ['t0', 't2']) bench.applied(id, 10)
    expect(bench.at(40)).toEqual(['close first/1', 'Completed'])
  })

  test('leaves its wave when nobody asked it yet; who was asked goes on', () => {
    const bench = new Bench(
      ids(2).map((id) => target(id)),
      { stages, maxConcurrent: 1 },
    )
    const [, asked = ''] = bench.at(0)
    const one = asked.slice('apply '.length)
    expect(bench.engine.skip(one)).toBe(false)
    expect(bench.engine.skip(one === 't0' ? 't1' : 't0')).toBe(true)
    bench.applied(one, 10)
    expect(bench.at(10)).toEqual([])
    expect(bench.at(40)).toEqual(['close first/1', 'Completed'])
  })

  test('stays out when it comes later, and after a restart', () => {
    const bench = new Bench([target('a')], { stages })
    expect(bench.engine.skip('late')).toBe(true)
    bench.at(0)
    bench.see('late', {})
    expect(bench.at(1)).toEqual([])
    const again = new Bench([...bench.targets.values()], { stages }, { persisted: persistedFrom(bench.summary) })
    again.applied('a', 10)
    expect(again.at(10)).toEqual([])
    expect(again.at(40)).toEqual(['close first/1', 'Completed'])
  })

  test('cannot be when the rollout is over', () => {
    const bench = new Bench([target('a')], { stages })
    bench.engine.abort('no')
    expect(bench.engine.skip('a')).toBe(false)
  })
})

describe('who failed', () => {
  function failed(change: ConstructorParameters<typeof Bench>[1] = {}): Bench {
    const bench = new Bench([target('a'), target('b', { stage: 'second' })], {
      stages: [...stages, { ...stages[0]!, name: 'second' }],
      ...change,
    })
    bench.at(0)
    bench.failed('a', 10)
    bench.at(10)
    return bench
  }

  test('is tried again when somebody wants that, and keeps the gate shut until it is through and has soaked', () => {
    const bench = failed()
    expect(bench.engine.retry('a')).toBe(true)
    expect(bench.engine.retry('a')).toBe(false)
    expect(bench.at(20)).toEqual(['apply a again (2)'])
    expect(bench.summary).toMatchObject({ inFlight: 1, gate: { waitingFor: 'Operations' } })
    expect(bench.at(40)).toEqual([])
    bench.applied('a', 41)
    expect(bench.at(70)).toEqual([])
    expect(bench.at(71)).toEqual(['close first/1', 'open second/1 1', 'apply b'])
  })

  test('stays in the evidence, and is a problem no longer', () => {
    const bench = failed()
    expect(bench.summary.problems).toHaveLength(1)
    bench.engine.retry('a')
    bench.at(20)
    bench.applied('a', 30)
    bench.at(30)
    expect(bench.summary).toMatchObject({ finished: 1, failures: 1, problems: [], counts: { Applied: 1 } })
    const again = new Bench([...bench.targets.values()], { stages }, { persisted: persistedFrom(bench.summary) })
    expect(again.summary).toMatchObject({ finished: 1, failures: 1, problems: [] })
  })

  test('can be tried as often as somebody wants, each failure counted once', () => {
    const bench = failed()
    bench.engine.retry('a')
    bench.at(11)
    bench.failed('a', 21)
    bench.at(21)
    expect(bench.engine.retry('a')).toBe(true)
    expect(bench.at(22)).toEqual(['apply a again (3)'])
    expect(bench.summary).toMatchObject({ finished: 1, failures: 1 })
  })

  test('waits for its window, for a slot and for the end of a pause', () => {
    const bench = failed({ maxPerShard: () => 1 })
    bench.see('a', { notBefore: 60 * MINUTE })
    bench.engine.retry('a')
    expect(bench.at(20)).toEqual(['close first/1'])
    expect(bench.at(59)).toEqual([])
    expect(bench.dueMinute).toBe(60)
    bench.see('x', { phase: 'Applying', requested: true, since: 59 * MINUTE })
    expect(bench.at(60)).toEqual([])
    bench.applied('x', 65, 59)
    bench.engine.pause('Lunch.')
    expect(bench.at(66)).toEqual([])
    bench.engine.resume()
    expect(bench.at(67)).toEqual(['apply a again (2)'])
  })

  test('is asked again when the write failed', () => {
    const bench = failed()
    bench.engine.retry('a')
    const decision = { type: 'apply', id: 'a', stage: 'first', wave: 1, attempt: 2 }
    expect(bench.engine.decide(11 * MINUTE)).toEqual([decision])
    expect(bench.engine.decide(12 * MINUTE)).toEqual([])
    bench.engine.writeFailed('a')
    expect(bench.engine.decide(13 * MINUTE)).toEqual([decision])
  })

  test('is taken back, not tried again, when the rollout is halted first', () => {
    const bench = failed({ maxPerShard: () => 1 })
    bench.see('a', { notBefore: 60 * MINUTE })
    bench.engine.retry('a')
    bench.engine.revertNow('bad')
    bench.see('x', { phase: 'Applying', requested: true, since: 10 * MINUTE })
    expect(bench.at(11)).toEqual(['halt Operator', 'revert x'])
    bench.see('x', { phase: 'Reverted', revert: true, completedAt: 12 * MINUTE })
    expect(bench.at(12)).toEqual(['revert a'])
    expect(bench.engine.retry('a')).toBe(false)
    bench.see('a', { phase: 'Reverted', revert: true, completedAt: 20 * MINUTE })
    expect(bench.at(20)).toEqual(['Reverted'])
    expect(bench.engine.retry('a')).toBe(false)
  })

  test('only then: who waits, is at it or has the change is not tried again', () => {
    const bench = new Bench([target('a'), target('b', { stage: 'second' })])
    expect(bench.engine.retry('a')).toBe(false)
    bench.at(0)
    expect(bench.engine.retry('a')).toBe(false)
    bench.applied('a', 10)
    expect(bench.engine.retry('a')).toBe(false)
    expect(bench.engine.retry('nobody')).toBe(false)
  })
})

describe('a completed rollout', () => {
  function completed(): Bench {
    const bench = new Bench([target('a'), target('b')], { stages, autoRevert: false })
    bench.at(0)
    bench.applied('a', 10)
    bench.applied('b', 12)
    expect(bench.at(42)).toContain('Completed')
    return bench
  }

  test('is taken back when somebody says so, latest treated first, also after a restart', () => {
    const { targets, summary } = completed()
    const bench = new Bench([...targets.values()], { stages, maxConcurrent: 1 }, { persisted: persistedFrom(summary) })
    expect(bench.engine.phase).toBe('Completed')
    expect(bench.engine.revertNow('It leaks.')).toBe(true)
    expect(bench.engine.revertNow('It leaks.')).toBe(false)
    expect(bench.at(2000)).toEqual(['halt Operator', 'revert b'])
    const next = new Bench([...bench.targets.values()], { stages }, { persisted: persistedFrom(bench.summary) })
    expect(next.engine.phase).toBe('Reverting')
    expect(next.at(2001)).toEqual(['revert a'])
    for (const id of ['a', 'b']) next.see(id, { phase: 'Reverted', revert: true, completedAt: 2010 * MINUTE })
    expect(next.at(2010)).toEqual(['Reverted'])
  })

  test('also before its end is stored', () => {
    const bench = completed()
    const { engine } = new Bench([...bench.targets.values()], { stages }, { persisted: persistedFrom(bench.summary) })
    engine.revertNow('bad')
    expect(engine.decide(50 * MINUTE)).toMatchObject([{ type: 'halt', verdict: { rule: 'Operator' } }])
  })

  test('is not halted by anything else, nor taken back where something else has its place', () => {
    const bench = completed()
    bench.see('a', { reason: 'EtcdQuorumLost' })
    expect(bench.at(50)).toEqual([])
    bench.see('b', { phase: 'NotAffected', requested: false })
    bench.engine.revertNow('bad')
    expect(bench.at(51)).toEqual(['halt Operator', 'revert a'])
    bench.see('a', { phase: 'Reverted', revert: true, completedAt: 60 * MINUTE })
    expect(bench.at(60)).toEqual(['Reverted'])
  })
})
