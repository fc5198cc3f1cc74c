import { describe, expect, test } from 'vitest'
import { Bench, MINUTE, ids, target } from './bench.test-support.ts'
import { seededHash } from './hash.ts'
import type { Decision } from './types.ts'

describe('waves and gates', () => {
  test('a rollout without targets is completed at once', () => {
    expect(new Bench([]).at(0)).toEqual(['Completed'])
  })

  test('a whole rollout: waves, soaks, stages, completion', () => {
    const bench = new Bench([...ids(3).map((id) => target(id)), target('u', { stage: 'second' })])
    const first = bench.at(0)
    expect(first[0]).toBe('open first/1 2')
    const inFirst = first.slice(1).map((word) => word.replace('apply ', ''))
    expect(inFirst).toHaveLength(2)
    for (const id of inFirst) bench.applied(id, 10)
    expect(bench.at(39)).toEqual([])
    expect(bench.summary.gate).toMatchObject({ waitingFor: 'Soak', until: 40 * MINUTE })
    expect(bench.dueMinute).toBe(40)
    const second = bench.at(40)
    const last = ids(3).find((id) => !inFirst.includes(id)) as string
    expect(second).toEqual(['close first/1', 'open first/2 1', `apply ${last}`])
    bench.applied(last, 60)
    expect(bench.at(119)).toEqual([])
    expect(bench.at(120)).toEqual(['close first/2', 'open second/1 1', 'apply u'])
    bench.applied('u', 130)
    expect(bench.at(190)).toEqual(['close second/1', 'Completed'])
    expect(bench.at(500)).toEqual([])
    expect(bench.summary).toMatchObject({ phase: 'Completed', requested: 4, finished: 4, failures: 0, decisions: 11 })
    expect(bench.summary.stages[0]?.waves).toEqual([
      { number: 1, size: 2, openedAt: 0, closedAt: 40 * MINUTE, requested: 2, applied: 2, failed: 0, broken: 0 },
      {
        number: 2,
        size: 1,
        openedAt: 40 * MINUTE,
        closedAt: 120 * MINUTE,
        requested: 1,
        applied: 1,
        failed: 0,
        broken: 0,
      },
    ])
  })

  test('an opened wave is announced until acknowledged, and nobody is asked before', () => {
    const { engine } = new Bench([target('t')])
    const [first] = engine.decide(0)
    expect(first?.type).toBe('open-wave')
    expect(engine.decide(5)).toEqual([first])
    expect(engine.summary(5).gate.waitingFor).toBe('Acknowledgement')
    engine.acknowledge(first as Decision)
    expect(engine.decide(6)).toEqual([{ type: 'apply', id: 't', stage: 'first', wave: 1 }])
    expect(engine.decide(7)).toEqual([])
    expect(engine.summary(7).decisions).toBe(2)
  })

  test('a request whose write failed is decided again, one that is only not seen yet is not', () => {
    const bench = new Bench([target('t')])
    bench.engine.acknowledge(bench.engine.decide(0)[0] as Decision)
    expect(bench.engine.decide(0)).toHaveLength(1)
    bench.see('t', { message: 'something else changed' })
    expect(bench.engine.decide(1)).toEqual([])
    expect(bench.summary.inFlight).toBe(1)
    bench.engine.writeFailed('t')
    expect(bench.summary.inFlight).toBe(0)
    expect(bench.engine.decide(2)).toEqual([{ type: 'apply', id: 't', stage: 'first', wave: 1 }])
  })

  test('caps bind per shard and altogether, and can be raised', () => {
    let cap = 1
    const stages = [{ name: 'first', canary: 10, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const targets = ids(6).map((id, index) => target(id, { shard: `mc-${index % 3}` }))
    const bench = new Bench(targets, { stages, maxPerShard: () => cap, maxConcurrent: 4 })
    expect(bench.at(0)).toHaveLength(1 + 3)
    cap = 2
    expect(bench.at(1)).toHaveLength(0)
    bench.engine.capsChanged()
    expect(bench.at(2)).toHaveLength(1)
    expect(bench.summary).toMatchObject({ inFlight: 4, gate: { waitingFor: 'Operations' } })
  })

  test('a closed shard is named as what is waited for', () => {
    const bench = new Bench([target('t')], { maxPerShard: () => 0 })
    expect(bench.summary.eta).toMatchObject({ deadlineAtRisk: true })
    expect(bench.summary.eta.eta).toBeUndefined()
    bench.at(0)
    expect(bench.summary.gate.waitingFor).toBe('Slots')
  })
})

describe('membership', () => {
  test('who moves while its request fails is treated where it is then', () => {
    const bench = new Bench([target('a')])
    const opened = bench.engine.decide(0)
    bench.engine.acknowledge(opened[0] as Decision)
    expect(bench.engine.decide(0)).toMatchObject([{ type: 'apply', id: 'a', stage: 'first' }])
    bench.see('a', { stage: 'second' })
    bench.engine.writeFailed('a')
    expect(bench.at(1)).toEqual(['close first/1', 'open second/1 1', 'apply a'])
  })

  test('who joins a stage that had nobody when it was passed is treated there wave by wave, before the rollout goes on', () => {
    const bench = new Bench([target('z', { stage: 'second' })])
    expect(bench.at(0)).toEqual(['open second/1 1', 'apply z'])
    for (const id of ids(3)) bench.see(id, {})
    bench.applied('z', 10)
    const [opened, ...asked] = bench.at(70)
    expect(opened).toBe('open first/1 2')
    expect(asked).toHaveLength(2)
    expect(bench.summary.gate.waitingFor).toBe('Operations')
    for (const word of asked) bench.applied(word.replace('apply ', ''), 80)
    expect(bench.at(80)).toEqual([])
    expect(bench.dueMinute).toBe(110)
    expect(bench.at(110).slice(0, 2)).toEqual(['close first/1', 'open first/2 1'])
  })

  test('the unreachable and the held are not waited for, and treated when they are back', () => {
    const bench = new Bench([target('a'), target('b'), target('c', { phase: 'Unreachable' })])
    expect(bench.at(0)).toEqual(['open first/1 2', expect.any(String), expect.any(String)])
    bench.applied('a', 10)
    bench.see('b', { phase: 'Unreachable' })
    expect(bench.summary.inFlight).toBe(0)
    expect(bench.at(69)).toEqual([])
    // Nothing else is left in the stage, so the final soak of 60 minutes counts from the only completion.
    expect(bench.at(70)).toEqual(['close first/1', 'Completed'])
    expect(bench.summary.finished).toBe(1)

    const held = new Bench([target('a', { phase: 'Held' }), target('b')])
    expect(held.at(0)).toEqual(['open first/1 1', 'apply b'])
    held.see('a', { phase: 'Pending' })
    held.applied('b', 10)
    expect(held.at(40)).toEqual(['close first/1', 'open first/2 1', 'apply a'])
  })

  test('a member that was away when its wave closed comes with a later wave', () => {
    const bench = new Bench(
      ids(3).map((id) => target(id)),
      { maxConcurrent: 1 },
    )
    const [, applied] = bench.at(0)
    const asked = applied?.replace('apply ', '') as string
    const wave = bench.engine.summary(0).stages[0]?.waves[0]
    expect(wave).toMatchObject({ size: 2, requested: 1 })
    for (const id of ids(3)) if (id !== asked) bench.see(id, { phase: 'Unreachable' })
    bench.applied(asked, 10)
    for (const id of ids(3)) if (id !== asked) bench.see(id, { phase: 'Unreachable', message: 'still' })
    bench.at(20)
    for (const id of ids(3)) if (id !== asked) bench.see(id, { phase: 'Pending' })
    const words = bench.at(21)
    expect(words.filter((word) => word.startsWith('apply'))).toHaveLength(1)
  })

  test('who joins the stage in progress comes with its next wave; who joins one that is past comes at once', () => {
    const bench = new Bench([target('a'), target('z', { stage: 'second' })])
    expect(bench.at(0)).toEqual(['open first/1 1', 'apply a'])
    bench.see('b', {})
    expect(bench.at(1)).toEqual([])
    bench.applied('a', 10)
    expect(bench.at(40)).toEqual(['close first/1', 'open first/2 1', 'apply b'])
    bench.applied('b', 50)
    expect(bench.at(110)).toEqual(['close first/2', 'open second/1 1', 'apply z'])
    bench.see('c', {})
    expect(bench.at(111)).toEqual(['apply c'])
    bench.applied('z', 120)
    expect(bench.at(180)).toEqual(['close second/1'])
    bench.applied('c', 181)
    expect(bench.at(240)).toEqual([])
    expect(bench.at(241)).toEqual(['Completed'])
  })

  test('who joins a past stage that had nobody opens its first wave', () => {
    const bench = new Bench([target('z', { stage: 'second' })])
    expect(bench.at(0)).toEqual(['open second/1 1', 'apply z'])
    bench.see('a', {})
    bench.applied('z', 10)
    expect(bench.at(70)).toEqual(['open first/1 1', 'apply a', 'close second/1'])
    bench.applied('a', 80)
    expect(bench.at(140)).toEqual(['close first/1', 'Completed'])
  })

  test('who leaves frees its slot and is not waited for', () => {
    const bench = new Bench([target('a'), target('b')], { maxPerShard: () => 1 })
    const asked = bench.at(0)[1]?.replace('apply ', '') as string
    bench.engine.apply({ type: 'remove', id: asked })
    expect(bench.at(1)).toEqual([`apply ${asked === 'a' ? 'b' : 'a'}`])
    expect(bench.summary).toMatchObject({ targets: 1, requested: 2, inFlight: 1 })
  })

  describe('a stratum whose only target of the first wave is gone comes next as if it had had none', () => {
    const stages = [{ name: 'first', canary: 1, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const members = ['a', 'b'].flatMap((stratum) => ids(3, stratum).map((id) => target(id, { stratum })))
    const byHash = (seed: number, gone: string) =>
      members
        .map(({ id }) => id)
        .filter((id) => id !== gone)
        .sort((left, right) => seededHash(seed, left) - seededHash(seed, right))[0]

    test('when it left', () => {
      for (let seed = 0; seed < 20; seed++) {
        const bench = new Bench(members, { stages }, { seed })
        const asked = bench.at(0)[1]?.replace('apply ', '') as string
        bench.engine.apply({ type: 'remove', id: asked })
        expect(bench.at(1).at(-1)).toBe(`apply ${byHash(seed, asked)}`)
      }
    })

    test('when it could not be asked before its wave closed', () => {
      for (let seed = 0; seed < 20; seed++) {
        let cap = 0
        const bench = new Bench(members, { stages, maxPerShard: () => cap }, { seed })
        bench.at(0)
        const picked = byHash(seed, '') as string
        bench.see(picked, { phase: 'Unreachable' })
        cap = 1
        expect(bench.at(1).at(-1)).toBe(`apply ${byHash(seed, picked)}`)
      }
    })
  })

  test('who moves to another stage before it was asked is treated there', () => {
    const bench = new Bench([target('a'), target('b')], { maxPerShard: () => 1 })
    const asked = bench.at(0)[1]?.replace('apply ', '') as string
    const other = asked === 'a' ? 'b' : 'a'
    bench.see(other, { stage: 'second' })
    bench.see(asked, { stage: 'second', phase: 'Applied', since: 0, completedAt: 10 * MINUTE })
    expect(bench.at(70)).toEqual(['close first/1', 'open second/1 1', `apply ${other}`])
    expect(bench.summary.stages.map(({ targets }) => targets)).toEqual([1, 1])
  })

  test('a target in no stage is counted and never touched', () => {
    const bench = new Bench([target('a', { stage: '' })])
    expect(bench.at(0)).toEqual(['Completed'])
    expect(bench.summary.counts.Pending).toBe(1)
  })

  test('a finished target that leaves and comes back is in the evidence once', () => {
    const bench = new Bench(ids(2).map((id) => target(id)))
    bench.at(0)
    bench.failed('t0', 10)
    bench.engine.apply({ type: 'remove', id: 't0' })
    bench.see('t0', {})
    expect(bench.at(11)).toEqual([])
    expect(bench.summary).toMatchObject({ phase: 'Progressing', finished: 1, failures: 1 })
  })
})

describe('pause, resume, abort', () => {
  test('while paused nothing starts; what runs goes on', () => {
    const bench = new Bench(
      ids(4).map((id) => target(id)),
      { maxPerShard: () => 1 },
    )
    const asked = bench.at(0)[1]?.replace('apply ', '') as string
    expect(bench.engine.pause('Friday')).toBe(true)
    expect(bench.engine.pause('again')).toBe(false)
    bench.applied(asked, 10)
    expect(bench.at(100)).toEqual([])
    expect(bench.dueMinute).toBeUndefined()
    expect(bench.summary).toMatchObject({ phase: 'Paused', reason: 'Friday', gate: { waitingFor: 'Resume' } })
    expect(bench.summary.eta.eta).toBeUndefined()
    expect(bench.engine.resume()).toBe(true)
    expect(bench.at(101)).toHaveLength(1)
    expect(bench.summary.reason).toBeUndefined()
  })

  test('an abort ends it where it is', () => {
    const bench = new Bench([target('a')])
    bench.at(0)
    expect(bench.engine.abort('wrong image')).toBe(true)
    bench.applied('a', 10)
    expect(bench.at(1000)).toEqual([])
    expect(bench.summary).toMatchObject({ phase: 'Aborted', reason: 'wrong image', counts: { Applied: 1 } })
    expect(bench.engine.resume()).toBe(false)
  })
})

describe('forecast', () => {
  test('narrows as the rollout goes on, and ends with it', () => {
    const bench = new Bench(ids(12).map((id) => target(id)))
    const before = bench.engine.forecast(0)
    expect(before && before.p50 <= before.p80 && before.p80 <= before.p95).toBe(true)
    let minute = 0
    const widths: number[] = []
    for (; minute < 1000 && bench.engine.phase === 'Progressing'; minute += 10) {
      for (const word of bench.at(minute)) {
        if (word.startsWith('apply ')) bench.applied(word.slice(6), minute + 10, minute)
      }
      const forecast = bench.engine.forecast(minute * MINUTE)
      if (forecast) widths.push(forecast.p95 - forecast.p50)
    }
    expect(bench.engine.phase).toBe('Completed')
    expect(widths.at(-1)).toBeLessThan((before?.p95 ?? 0) - (before?.p50 ?? 0))
    expect(bench.engine.forecast(minute * MINUTE)).toBeUndefined()
  })
})
