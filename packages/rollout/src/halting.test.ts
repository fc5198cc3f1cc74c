import { describe, expect, test } from 'vitest'
import { Bench, MINUTE, ids, target } from './bench.test-support.ts'

describe('halting', () => {
  test('two early failures halt by the sequential test, with the evidence', () => {
    const bench = new Bench(ids(6).map((id) => target(id)))
    const asked = bench
      .at(0)
      .slice(1)
      .map((word) => word.replace('apply ', ''))
    bench.failed(asked[0] as string, 10)
    expect(bench.at(10)).toEqual([])
    bench.failed(asked[1] as string, 12)
    expect(bench.at(12)[0]).toBe('halt SequentialTest')
    expect(bench.summary.verdict).toEqual({
      outcome: 'Halt',
      rule: 'SequentialTest',
      reason: 'FailureRateTooHigh',
      message: '2 of 2 treated targets failed: a bad change explains that better than chance.',
      evidence: { treated: 2, failed: 2, llr: '7.22', limit: '4.60' },
      bounds: { lower: '0.2236', upper: '1.0000' },
      at: 12 * MINUTE,
    })
  })

  test('failures in one stratum halt though the fleet as a whole looks good', () => {
    const stages = [{ name: 'first', canary: 200, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const good = ids(60).map((id) => target(id, { stratum: 'common' }))
    const rare = ids(3, 'r').map((id) => target(id, { stratum: 'rare' }))
    const bench = new Bench([...good, ...rare], { stages, maxPerShard: () => 100 })
    bench.at(0)
    for (const { id } of good) bench.applied(id, 10)
    bench.failed('r0', 10)
    bench.failed('r1', 10)
    expect(bench.at(10)[0]).toBe('halt StratumSequentialTest')
    expect(bench.summary.verdict?.evidence).toMatchObject({ treated: 2, failed: 2, stratum: 'rare' })
  })

  test('the budget halts on the failure that exceeds it', () => {
    const stages = [{ name: 'first', canary: 200, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const lenient = { goodRate: 0.3, badRate: 0.9, alpha: 0.0001, beta: 0.0001 }
    const bench = new Bench(
      ids(20).map((id) => target(id)),
      { stages, maxPerShard: () => 100, sequentialTest: lenient, budget: { percent: 10, minimum: 1 } },
    )
    bench.at(0)
    for (const id of ['t0', 't1']) bench.failed(id, 10)
    expect(bench.at(10)).toEqual([])
    bench.failed('t2', 11)
    expect(bench.at(11)[0]).toBe('halt FailureBudget')
    expect(bench.summary.verdict?.evidence).toEqual({ treated: 3, failed: 3, limit: '2', stage: 'first' })
  })

  test.each(['UnexpectedNodeRollout', 'EtcdQuorumLost'])('%s halts at once, even on a change in progress', (reason) => {
    const bench = new Bench([target('a'), target('b')])
    bench.at(0)
    bench.see('a', { phase: 'Verifying', since: 0, reason })
    expect(bench.at(1)).toEqual(['halt Signal', expect.stringMatching(/^revert/), expect.stringMatching(/^revert/)])
    expect(bench.summary.verdict).toMatchObject({ reason, evidence: { target: 'a' } })
  })

  test('the same reason on a target that was never touched does not', () => {
    const bench = new Bench([target('a'), target('b', { phase: 'Held', reason: 'EtcdQuorumLost' })])
    expect(bench.at(0)).toEqual(['open first/1 1', 'apply a'])
  })

  test('an operation that takes too long counts as failed, gives its slot back, and stays failed', () => {
    const bench = new Bench([target('a'), target('b')], { maxPerShard: () => 1 })
    const slow = bench.at(0)[1]?.replace('apply ', '') as string
    bench.see(slow, { phase: 'Applying', since: 0 })
    expect(bench.at(45)).toEqual([])
    expect(bench.dueMinute).toBe(45 + 1 / MINUTE)
    expect(bench.at(46)).toEqual([`apply ${slow === 'a' ? 'b' : 'a'}`])
    expect(bench.summary.problems).toEqual([{ id: slow, phase: 'Applying', reason: 'OperationTimeout', message: '' }])
    bench.applied(slow, 50, 0)
    expect(bench.summary).toMatchObject({ failures: 1, finished: 1 })
    expect(bench.summary.stages[0]).toMatchObject({ applied: 0, failed: 1 })
  })

  test('an operation that was out of sight for a while still takes too long', () => {
    const bench = new Bench([target('a'), target('b')], { maxPerShard: () => 1 })
    const slow = bench.at(0)[1]?.replace('apply ', '') as string
    bench.see(slow, { phase: 'Applying', since: 0 })
    bench.see(slow, { phase: 'Unreachable' })
    bench.at(1)
    bench.see(slow, { phase: 'Applying' })
    bench.at(2)
    expect(bench.dueMinute).toBe(45 + 1 / MINUTE)
    bench.see(slow, { phase: 'Unreachable' })
    bench.at(50)
    bench.see(slow, { phase: 'Applying' })
    bench.at(51)
    expect(bench.summary.failures).toBe(1)
  })

  test('an operation known only by its end is judged by its duration', () => {
    const bench = new Bench([target('a', { phase: 'Applied', requested: true, since: 0, completedAt: 46 * MINUTE })])
    expect(bench.summary.failures).toBe(1)
  })

  test('a late onset turns a success into a failure, once', () => {
    const bench = new Bench(ids(2).map((id) => target(id)))
    bench.at(0)
    bench.applied('t0', 10)
    bench.applied('t1', 10)
    expect(bench.summary.stages[0]).toMatchObject({ applied: 2, broken: 0 })
    bench.see('t0', { onsetAt: 30 * MINUTE })
    bench.see('t0', { onsetAt: 31 * MINUTE })
    expect(bench.at(31)).toEqual([])
    expect(bench.summary).toMatchObject({ finished: 2, failures: 1 })
    expect(bench.summary.stages[0]).toMatchObject({ applied: 1, broken: 1 })
    bench.see('t1', { onsetAt: 32 * MINUTE })
    expect(bench.at(32)[0]).toBe('halt SequentialTest')
  })

  test('with a grace, an onset is undecided, keeps the gate shut, and counts only if it lasts', () => {
    const bench = new Bench(
      ids(3).map((id) => target(id)),
      { onsetGraceMs: 5 * MINUTE },
    )
    const [one = '', two = ''] = bench
      .at(0)
      .slice(1)
      .map((word) => word.replace('apply ', ''))
    bench.applied(one, 10)
    bench.applied(two, 10)
    bench.see(one, { onsetAt: 38 * MINUTE })
    expect(bench.at(41)).toEqual([])
    expect(bench.summary).toMatchObject({ failures: 0, gate: { waitingFor: 'Onsets' } })
    bench.engine.apply({
      type: 'upsert',
      target: target(one, { phase: 'Applied', requested: true, since: 0, completedAt: 10 * MINUTE }),
    })
    expect(bench.at(42)[0]).toBe('close first/1')
    bench.see(two, { onsetAt: 43 * MINUTE })
    bench.at(47)
    expect(bench.summary.failures).toBe(0)
    bench.at(48)
    expect(bench.summary.failures).toBe(1)
  })

  test('an onset that is out of sight for a while is still decided', () => {
    const bench = new Bench([target('a')], { onsetGraceMs: 5 * MINUTE })
    bench.at(0)
    const verifying = target('a', { phase: 'Verifying', requested: true, since: 0 })
    const ill = { ...verifying, onsetAt: 10 * MINUTE }
    for (const target of [ill, verifying, ill]) {
      bench.engine.apply({ type: 'upsert', target })
      expect(bench.at(11)).toEqual([])
    }
    bench.at(15)
    expect(bench.summary).toMatchObject({ failures: 1 })
  })

  test('of several reasons seen before one decision, the order in which they were heard of does not matter', () => {
    const stages = [{ name: 'first', canary: 200, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const verdictAfter = (told: readonly string[], reason: string) => {
      const good = ids(200).map((id) => target(id))
      const rare = ids(4, 'r').map((id, index) => target(id, { stratum: index < 2 ? 'rare' : 'other' }))
      const bench = new Bench([...good, ...rare], { stages, maxPerShard: () => 1000 })
      bench.at(0)
      for (const { id } of good) bench.applied(id, 10)
      for (const id of told) bench.failed(id, 10, reason)
      bench.at(10)
      return bench.summary.verdict
    }
    for (const reason of ['RolloutFailed', 'EtcdQuorumLost']) {
      const verdict = verdictAfter(['r0', 'r1', 'r2', 'r3'], reason)
      expect(verdict?.outcome).toBe('Halt')
      expect(verdictAfter(['r3', 'r2', 'r1', 'r0'], reason)).toEqual(verdict)
    }
  })

  test('evidence is judged while paused', () => {
    const bench = new Bench(ids(4).map((id) => target(id)))
    const asked = bench
      .at(0)
      .slice(1)
      .map((word) => word.replace('apply ', ''))
    bench.engine.pause('lunch')
    for (const id of asked) bench.failed(id, 10)
    expect(bench.at(10)[0]).toBe('halt SequentialTest')
  })
})
