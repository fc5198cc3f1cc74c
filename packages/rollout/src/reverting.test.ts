import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bench, MINUTE, ids, target } from './bench.test-support.ts'
import { persistedFrom } from './summary.ts'
import type { Decision, StrategyInput } from './types.ts'

describe('taking back', () => {
  const halted = (change: Partial<StrategyInput> = {}, count = 6) => {
    const stages = [{ name: 'first', canary: 10, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const bench = new Bench(
      ids(count).map((id) => target(id)),
      { stages, ...change },
    )
    bench.at(0)
    for (const id of ids(count)) bench.see(id, { requested: true })
    ids(count).forEach((id, index) => bench.applied(id, 10 + index))
    bench.see('t0', { reason: 'EtcdQuorumLost' })
    return bench
  }

  test('first where it did harm, then in reverse order of treatment, under the caps, until everybody is back', () => {
    const bench = halted({ maxPerShard: () => 2, maxConcurrent: 10 })
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t0', 'revert t5'])
    expect(bench.summary).toMatchObject({
      phase: 'Reverting',
      reason: 'EtcdQuorumLost',
      gate: { waitingFor: 'Reverts' },
    })
    bench.see('t5', { phase: 'Reverting', since: 20 * MINUTE })
    bench.see('t5', { phase: 'Reverted', completedAt: 30 * MINUTE })
    expect(bench.at(30)).toEqual(['revert t4'])
    for (const id of ids(6).reverse()) bench.see(id, { phase: 'Reverted', requested: false })
    expect(bench.at(40)).toEqual(['Reverted'])
    expect(bench.summary).toMatchObject({ phase: 'Reverted', reverted: 6, inFlight: 0 })
  })

  test('goes on when a revert hangs: it gives its slot back after the timeout', () => {
    const bench = halted({ maxPerShard: () => 1, maxConcurrent: 10 }, 2)
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t0'])
    bench.see('t0', { phase: 'Reverting', since: 20 * MINUTE })
    expect(bench.at(65)).toEqual([])
    expect(bench.at(66)).toEqual(['revert t1'])
  })

  test('also from those that left in the meantime and came back', () => {
    const bench = halted({}, 2)
    bench.engine.apply({ type: 'remove', id: 't1' })
    bench.see('t1', {})
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t0', 'revert t1'])
  })

  test('who is found late only after a restart waits for a slot as the others do', () => {
    const before = new Bench([target('a'), target('b')], { maxPerShard: () => 1 })
    const slow = before.at(0)[1]?.replace('apply ', '') as string
    before.see(slow, { phase: 'Applying', since: 0 })
    before.engine.revertNow('because')
    before.engine.acknowledge(before.engine.decide(0)[0] as Decision)
    const other = slow === 'a' ? 'b' : 'a'
    before.see(other, { phase: 'Applying', requested: true, since: 40 * MINUTE })
    const persisted = persistedFrom(before.summary)
    const after = new Bench([...before.targets.values()], { maxPerShard: () => 1 }, { persisted })
    expect(after.at(50)).toEqual([`revert ${other}`])
  })

  test('who falls ill while it waits goes before all that are well, behind those that were ill before', () => {
    const bench = halted({ maxPerShard: () => 1, maxConcurrent: 10 })
    bench.see('t2', { onsetAt: 18 * MINUTE })
    bench.see('t1', { phase: 'Failed', completedAt: 17 * MINUTE })
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t0'])
    bench.see('t3', { onsetAt: 21 * MINUTE })
    const order = ['t0']
    for (let minute = 21; bench.summary.phase === 'Reverting'; minute++) {
      bench.see(order.at(-1)!, { phase: 'Reverted', completedAt: minute * MINUTE })
      order.push(...bench.at(minute).map((words) => words.replace('revert ', '')))
    }
    expect(order).toEqual(['t0', 't1', 't2', 't3', 't5', 't4', 'Reverted'])
  })

  test('on every shard the harmed are all asked before any that is well', () => {
    const fleet = fc.array(fc.record({ shard: fc.nat(2), harm: fc.constantFrom('', '', 'failed', 'ill') }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(fleet, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 8 }), (members, cap, all) => {
        const targets = members.map(({ shard }, index) => target(`t${index}`, { shard: `mc-${shard}` }))
        const stages = [{ name: 'first', canary: 100, factor: 1, soakMs: 0, finalSoakMs: 0 }]
        const bench = new Bench(targets, { stages, maxPerShard: () => 100, maxConcurrent: 100 })
        bench.at(0)
        members.forEach(({ harm }, index) => {
          bench.applied(`t${index}`, 10 + index)
          if (harm === 'failed') bench.failed(`t${index}`, 10 + index)
          if (harm === 'ill') bench.see(`t${index}`, { onsetAt: (11 + index) * MINUTE })
        })
        const persisted = {
          ...persistedFrom(bench.summary),
          verdict: { outcome: 'Halt', rule: 'Gate', reason: 'Test', message: '', evidence: {}, at: 0 } as never,
        }
        // Restored with narrower limits, so that there is an order to speak of.
        const narrow = new Bench(
          [...bench.targets.values()],
          { stages, maxPerShard: () => cap, maxConcurrent: all },
          { persisted },
        )
        const asked = new Map<string, string[]>()
        for (let minute = 100; narrow.summary.phase === 'Reverting'; minute++) {
          const ids = narrow.at(minute).flatMap((words) => (words.startsWith('revert ') ? [words.slice(7)] : []))
          for (const id of ids) {
            const index = Number(id.slice(1))
            const shard = `mc-${members[index]!.shard}`
            asked.set(shard, [...(asked.get(shard) ?? []), members[index]!.harm === '' ? 'well' : 'harmed'])
            narrow.see(id, { phase: 'Reverted', completedAt: minute * MINUTE })
          }
        }
        for (const order of asked.values()) expect(order).toEqual(order.toSorted())
        expect([...asked.values()].flat()).toHaveLength(members.length)
      }),
      { seed: 17, numRuns: 100 },
    )
  })

  test('an operation under way is turned around in its own slot, and an unreachable target needs none', () => {
    const bench = new Bench(
      ids(4).map((id) => target(id)),
      {
        stages: [{ name: 'first', canary: 10, factor: 1, soakMs: 0, finalSoakMs: 0 }],
        maxPerShard: () => 4,
        maxConcurrent: 4,
      },
    )
    bench.at(0)
    bench.applied('t0', 5, 0)
    bench.see('t1', { phase: 'Unreachable', since: MINUTE })
    bench.see('t2', { phase: 'Applying', since: 2 * MINUTE })
    bench.see('t3', { phase: 'Applying', since: 3 * MINUTE, reason: 'UnexpectedNodeRollout' })
    expect(bench.at(6)).toEqual(['halt Signal', 'revert t3', 'revert t2', 'revert t1', 'revert t0'])
    expect(bench.summary.inFlight).toBe(3)
    for (const id of ['t0', 't2', 't3']) bench.see(id, { phase: 'Reverted' })
    expect(bench.at(7)).toEqual(['Reverted'])
  })

  test('a revert that fails or takes too long is not waited for and shows as a problem', () => {
    const bench = halted({ budget: { percent: 0, minimum: 100 } }, 2)
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t0', 'revert t1'])
    bench.see('t0', { phase: 'Failed', revert: true, reason: 'RevertFailed' })
    bench.see('t1', { phase: 'Reverting', revert: true, since: 20 * MINUTE })
    expect(bench.at(60)).toEqual([])
    expect(bench.at(66)).toEqual(['Reverted'])
    expect(bench.summary.reverted).toBe(0)
  })

  test('without automatic revert it stays halted until somebody asks', () => {
    const bench = halted({ autoRevert: false }, 1)
    expect(bench.engine.revert()).toBe(false)
    expect(bench.at(20)).toEqual(['halt Signal'])
    expect(bench.summary.phase).toBe('Halted')
    expect(bench.engine.revert()).toBe(true)
    expect(bench.at(21)).toEqual(['revert t0'])
  })

  test('a revert whose write failed is decided again', () => {
    const bench = halted({}, 1)
    const [halt] = bench.engine.decide(20 * MINUTE)
    bench.engine.acknowledge(halt as Decision)
    expect(bench.engine.decide(20 * MINUTE)).toEqual([{ type: 'revert', id: 't0' }])
    expect(bench.engine.decide(20 * MINUTE)).toEqual([])
    bench.engine.writeFailed('t0')
    expect(bench.engine.decide(20 * MINUTE)).toEqual([{ type: 'revert', id: 't0' }])
  })

  test('a target that somebody else took back is left alone', () => {
    const bench = new Bench(ids(2).map((id) => target(id)))
    bench.at(0)
    bench.applied('t0', 10)
    bench.applied('t1', 10)
    bench.see('t0', { requested: false })
    expect(bench.at(11)).toEqual([])
    bench.see('t0', { phase: 'Reverted' })
    expect(bench.at(70)).toEqual(['close first/1', 'Completed'])
  })
})

describe('restore', () => {
  test('a stored end stays the end', () => {
    for (const outcome of ['Completed', 'Reverted', 'Aborted'] as const) {
      const bench = new Bench([target('a')], {}, { persisted: { stages: [], outcome } })
      expect(bench.at(0)).toEqual([])
      expect(bench.summary.phase).toBe(outcome)
    }
  })

  test('a stored halt goes on with the revert and keeps what was reported', () => {
    const before = new Bench(ids(2).map((id) => target(id)))
    before.at(0)
    before.failed('t0', 10)
    before.failed('t1', 11)
    expect(before.at(11)).toEqual(['halt SequentialTest', 'revert t0', 'revert t1'])
    before.see('t1', { phase: 'Reverted' })
    const { stages, verdict, decisions } = before.summary
    const persisted = persistedFrom(before.summary)
    const after = new Bench([...before.targets.values()], {}, { persisted })
    expect(after.at(12)).toEqual([])
    expect(after.summary).toMatchObject({ phase: 'Reverting', verdict, decisions, reason: 'FailureRateTooHigh' })
    expect(after.summary.stages[0]?.waves).toEqual(stages[0]?.waves)
    after.see('t0', { phase: 'Reverted' })
    expect(after.at(13)).toEqual(['Reverted'])
  })

  test('a stored verdict that is not a halt does not halt', () => {
    const before = new Bench([target('a'), target('b')])
    before.at(0)
    before.applied('a', 10)
    const { verdict } = before.summary
    expect(verdict?.outcome).toBe('Clear')
    const persisted = { ...persistedFrom(before.summary), ...(verdict ? { verdict } : {}) }
    const after = new Bench([...before.targets.values()], {}, { persisted })
    expect(after.at(11)).toEqual([])
    expect(after.summary.phase).toBe('Progressing')
  })

  test('targets that were asked stay in their wave though others joined and left; the wave does not grow', () => {
    const first = new Bench(
      ids(12).map((id) => target(id)),
      { maxPerShard: () => 1 },
    )
    const asked = first.at(0)[1]?.replace('apply ', '') as string
    const left = ids(12).find((id) => id !== asked)
    const survivors = [...first.targets.values()].filter(({ id }) => id !== left)
    // So many that the one that was asked would not be picked again.
    const newcomers = ids(200, 'new').map((id) => target(id))
    const second = new Bench([...survivors, ...newcomers], {}, { persisted: persistedFrom(first.summary) })
    const words = second.at(5)
    expect(words).toHaveLength(1)
    expect(words[0]).not.toBe(`apply ${asked}`)
    expect(second.summary.stages[0]?.waves).toMatchObject([{ number: 1, size: 2, requested: 2, openedAt: 0 }])
  })

  test('a target asked outside of any wave counts and holds a slot', () => {
    const bench = new Bench([target('a', { requested: true }), target('b')], { maxPerShard: () => 1 })
    expect(bench.summary.inFlight).toBe(1)
    bench.applied('a', 10)
    expect(bench.at(40)).toEqual(['open first/1 1', 'apply b'])
  })
})
