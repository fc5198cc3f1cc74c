import { describe, expect, test } from 'vitest'
import { RolloutEngine, type EngineOptions } from './engine.ts'
import { persistedFrom } from './summary.ts'
import type { Decision, StrategyInput, TargetInput } from './types.ts'

const MINUTE = 60_000

function target(id: string, change: Partial<TargetInput> = {}): TargetInput {
  return {
    id,
    stage: 'first',
    stratum: 's',
    shard: 'mc',
    customer: id,
    phase: 'Pending',
    requested: false,
    ...change,
  }
}

function strategy(change: Partial<StrategyInput> = {}): StrategyInput {
  return {
    stages: [
      { name: 'first', canary: 2, factor: 2, soakMs: 30 * MINUTE, finalSoakMs: 60 * MINUTE },
      { name: 'second', canary: 2, factor: 2, soakMs: 30 * MINUTE, finalSoakMs: 60 * MINUTE },
    ],
    maxPerShard: () => 10,
    budget: { percent: 0, minimum: 100 },
    sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
    operationTimeoutMs: 45 * MINUTE,
    autoRevert: true,
    ...change,
  }
}

/** An engine whose caller persists at once; targets change only when the test says so. */
class Bench {
  readonly engine: RolloutEngine
  readonly targets = new Map<string, TargetInput>()
  now = 0

  constructor(targets: readonly TargetInput[], change: Partial<StrategyInput> = {}, more: Partial<EngineOptions> = {}) {
    for (const each of targets) this.targets.set(each.id, each)
    this.engine = RolloutEngine.create({
      strategy: strategy(change),
      seed: 1,
      targets,
      startedAt: 0,
      deadline: 24 * 60 * MINUTE,
      ...more,
    })
  }

  see(id: string, change: Partial<TargetInput>): void {
    const next = { ...(this.targets.get(id) ?? target(id)), ...change }
    this.targets.set(id, next)
    this.engine.apply({ type: 'upsert', target: next })
  }

  /** Decides at `minute`, carries decisions out until there are no more, and gives them in short. */
  at(minute: number): string[] {
    this.now = minute * MINUTE
    const words: string[] = []
    for (;;) {
      const decisions = this.engine.decide(this.now)
      if (decisions.length === 0) return words
      for (const decision of decisions) words.push(this.#carryOut(decision))
    }
  }

  applied(id: string, minute: number, since = minute - 10): void {
    this.see(id, { phase: 'Applied', since: since * MINUTE, completedAt: minute * MINUTE })
  }

  failed(id: string, minute: number, reason = 'RolloutFailed'): void {
    this.see(id, { phase: 'Failed', since: (minute - 10) * MINUTE, completedAt: minute * MINUTE, reason })
  }

  get summary() {
    return this.engine.summary(this.now)
  }

  get dueMinute() {
    const due = this.engine.nextDue(this.now)
    return due === undefined ? undefined : due / MINUTE
  }

  #carryOut(decision: Decision): string {
    this.engine.acknowledge(decision)
    switch (decision.type) {
      case 'open-wave':
        return `open ${decision.stage}/${decision.wave} ${decision.size}`
      case 'close-wave':
        return `close ${decision.stage}/${decision.wave}`
      case 'apply':
        this.see(decision.id, { requested: true })
        return `apply ${decision.id}`
      case 'revert':
        this.see(decision.id, { requested: false })
        return `revert ${decision.id}`
      case 'halt':
        return `halt ${decision.verdict.rule}`
      case 'complete':
        return decision.outcome
    }
  }
}

const ids = (count: number, prefix = 't') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

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
      evidence: { treated: 2, failed: 2, llr: '4.61', limit: '4.60' },
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

  test('in reverse order of treatment, under the caps, until everybody is back', () => {
    const bench = halted({ maxPerShard: () => 2, maxConcurrent: 10 })
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t5', 'revert t4'])
    expect(bench.summary).toMatchObject({
      phase: 'Reverting',
      reason: 'EtcdQuorumLost',
      gate: { waitingFor: 'Reverts' },
    })
    bench.see('t5', { phase: 'Reverting', since: 20 * MINUTE })
    bench.see('t5', { phase: 'Reverted', completedAt: 30 * MINUTE })
    expect(bench.at(30)).toEqual(['revert t3'])
    for (const id of ids(6).reverse()) bench.see(id, { phase: 'Reverted', requested: false })
    expect(bench.at(40)).toEqual(['Reverted'])
    expect(bench.summary).toMatchObject({ phase: 'Reverted', reverted: 6, inFlight: 0 })
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
    expect(bench.at(20)).toEqual(['halt Signal', 'revert t1', 'revert t0'])
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
    expect(before.at(11)).toEqual(['halt SequentialTest', 'revert t1', 'revert t0'])
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
    const left = ids(12).filter((id) => id !== asked)[0]
    const survivors = [...first.targets.values()].filter(({ id }) => id !== left)
    const persisted = { stages: [{ name: 'first', waves: [{ size: 2, openedAt: 0 }] }] }
    const second = new Bench([...survivors, ...ids(5, 'new').map((id) => target(id))], {}, { persisted })
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

describe('ETA', () => {
  test('before anything ran it rests on the expected duration', () => {
    const bench = new Bench(
      ids(6).map((id) => target(id)),
      { expectedOperationMs: 20 * MINUTE },
    )
    // Waves of 2 and 4: two times the slowest of 20 minutes (30), a soak of 30 and a final one of 60.
    expect(bench.summary.eta).toEqual({
      eta: 150 * MINUTE,
      earliest: 90 * MINUTE,
      deadlineAtRisk: false,
      infeasible: false,
      message: '2 waves to come, 1.5 h of soak, 1.0 h of operations.',
    })
  })

  test('caps make rounds', () => {
    const bench = new Bench(
      ids(6).map((id) => target(id)),
      { expectedOperationMs: 20 * MINUTE, maxPerShard: () => 1 },
    )
    expect(bench.summary.eta.eta).toBe((150 + 20 + 60) * MINUTE)
  })

  test('follows what is observed, and ends where the rollout ends', () => {
    const bench = new Bench(ids(6).map((id) => target(id)))
    for (const word of bench.at(0).slice(1)) bench.applied(word.replace('apply ', ''), 5, 0)
    bench.now = 5 * MINUTE
    const { eta = 0 } = bench.summary.eta
    expect(eta).toBeGreaterThanOrEqual(100 * MINUTE)
    expect(eta).toBeLessThan(101 * MINUTE)
    for (const word of bench.at(35).slice(2)) bench.applied(word.replace('apply ', ''), 40, 35)
    bench.now = 40 * MINUTE
    expect(bench.summary.eta.eta).toBe(100 * MINUTE)
    expect(bench.at(100)).toEqual(['close first/2', 'Completed'])
  })

  test('says when the deadline is at risk and when it cannot be met at all', () => {
    const at = (minutes: number) => {
      const more = { deadline: minutes * MINUTE }
      return new Bench(
        ids(6).map((id) => target(id)),
        { expectedOperationMs: 20 * MINUTE },
        more,
      ).summary.eta
    }
    expect(at(150)).toMatchObject({ deadlineAtRisk: false, infeasible: false })
    expect(at(149)).toMatchObject({ deadlineAtRisk: true, infeasible: false })
    expect(at(89)).toMatchObject({ deadlineAtRisk: true, infeasible: true })
  })
})

test('at most ten problems are listed, failures before the unreachable', () => {
  const stages = [{ name: 'first', canary: 100, factor: 1, soakMs: 0, finalSoakMs: 0 }]
  const away = ids(15, 'away').map((id) => target(id, { phase: 'Unreachable', reason: 'HeartbeatLost', message: 'm' }))
  const bench = new Bench([...away, target('t'), target('u')], { stages })
  bench.at(0)
  bench.failed('t', 10)
  const { problems } = bench.summary
  expect(problems).toHaveLength(10)
  expect(problems[0]).toEqual({ id: 't', phase: 'Failed', reason: 'RolloutFailed', message: '' })
  expect(problems[1]).toEqual({ id: 'away0', phase: 'Unreachable', reason: 'HeartbeatLost', message: 'm' })
})
