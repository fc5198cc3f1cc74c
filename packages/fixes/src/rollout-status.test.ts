import type { RolloutStatus } from '@locktender/fleet'
import { RolloutEngine } from '@locktender/rollout'
import type { TargetInput } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { hasInFlight, isOver, persistedOf, runningStatus, waitingStatus } from './rollout-status.ts'
import type { StatusInput } from './rollout-status.ts'
import { strategyInput } from './strategy-input.ts'
import { rolloutOf } from './test-objects.ts'

const rollout = rolloutOf('one')
const now = Date.parse('2026-01-05T08:00:00Z')
const strategy = strategyInput(rollout.spec.strategy, () => 8)
const target = (id: string): TargetInput => ({
  id,
  stage: 'production',
  stratum: 's',
  shard: 'mc-1',
  customer: id,
  phase: 'Pending',
  requested: false,
})
const create = () =>
  RolloutEngine.create({
    strategy,
    seed: 1,
    targets: ['mc-1/a', 'mc-1/b', 'mc-1/c'].map(target),
    startedAt: now,
    deadline: now + 86_400_000,
  })
const input = { rollout, previous: undefined, approvals: [], counts: { Pending: 3 }, now }

describe('the status of a rollout under way', () => {
  test('shows a wave as open before anything in it is touched', () => {
    const engine = create()
    const opening = engine.decide(now).find((decision) => decision.type === 'open-wave')
    const status = runningStatus(input, engine.summary(now), () => 'Pending', opening)
    expect(status.stages.find(({ name }) => name === 'production')?.waves).toEqual([
      { number: 1, size: 2, openedAt: '2026-01-05T08:00:00Z', applied: 0, failed: 0, broken: 0 },
    ])
    expect(status).toMatchObject({
      phase: 'Progressing',
      stage: 'production',
      wave: 1,
      startTime: '2026-01-05T08:00:00Z',
    })
  })

  test('is at risk when one forecast in five ends after the deadline', () => {
    const late = new Date(Date.parse(rollout.spec.deadline) + 1000).toISOString()
    const at = (p80: string) => {
      const expected = { forecast: { time: rollout.spec.deadline, p50: rollout.spec.deadline, p80, p95: late } }
      return runningStatus({ ...input, expected }, create().summary(now), () => 'Pending')
    }
    expect(at(rollout.spec.deadline)).toMatchObject({ deadlineAtRisk: false })
    const status = at(late)
    expect(status.deadlineAtRisk).toBe(true)
    expect(status.conditions?.[0]?.message).toContain(`one in five it ends after ${late}`)
  })

  test('does not show a wave whose opening was never stored', () => {
    const engine = create()
    engine.decide(now)
    expect(runningStatus(input, engine.summary(now), () => 'Pending').stages.flatMap(({ waves }) => waves)).toEqual([])
  })

  test('is enough to go on from: the same wave is asked for after a restart', () => {
    const engine = create()
    const opening = engine.decide(now).find((decision) => decision.type === 'open-wave')!
    const status = runningStatus(input, engine.summary(now), () => 'Pending', opening)
    engine.acknowledge(opening)
    const restarted = RolloutEngine.create({
      strategy,
      seed: 1,
      targets: ['mc-1/a', 'mc-1/b', 'mc-1/c'].map(target),
      startedAt: now,
      deadline: now + 86_400_000,
      persisted: persistedOf(status),
    })
    const ids = (which: RolloutEngine) =>
      which.decide(now + 1).map((decision) => (decision.type === 'apply' ? decision.id : decision.type))
    expect(ids(restarted)).toEqual(ids(engine))
  })

  test('says until when it soaks, and nothing once it is paused', () => {
    const engine = create()
    engine.acknowledge(engine.decide(now)[0]!)
    for (const decision of engine.decide(now)) {
      if (decision.type !== 'apply') continue
      const times = { since: now, completedAt: now + 60_000 }
      engine.apply({ type: 'upsert', target: { ...target(decision.id), phase: 'Applied', requested: true, ...times } })
    }
    engine.decide(now + 60_000)
    const statusNow = () => runningStatus(input, engine.summary(now + 60_000), () => 'Applied')
    expect(statusNow().conditions?.[0]?.reason).toBe('Soak')
    expect(statusNow().waitsUntil).toBe('2026-01-05T08:31:00Z')
    engine.pause('lunch')
    expect(statusNow().waitsUntil).toBeUndefined()
  })

  test('says what kinds have earned and what is asked of them, where hours are asked', () => {
    const stages = rollout.spec.strategy.stages.map((stage) => ({ ...stage, earned: { hours: 10, atMost: '24h' } }))
    const engine = RolloutEngine.create({
      strategy: strategyInput({ ...rollout.spec.strategy, stages }, () => 8),
      seed: 1,
      targets: ['mc-1/a', 'mc-1/b', 'mc-1/c'].map(target),
      startedAt: now,
      deadline: now + 86_400_000,
    })
    engine.acknowledge(engine.decide(now)[0]!)
    for (const decision of engine.decide(now)) {
      if (decision.type !== 'apply') continue
      const times = { since: now, completedAt: now }
      engine.apply({ type: 'upsert', target: { ...target(decision.id), phase: 'Applied', requested: true, ...times } })
    }
    const later = now + 3_600_000
    engine.decide(later)
    const status = runningStatus(input, engine.summary(later), () => 'Applied')
    expect(status.waitsUntil).toBe('2026-01-05T13:00:00Z')
    expect(status.credit).toEqual([{ stratum: 's', treated: 2, healthy: 2, hours: '2.0', asked: '10.0' }])
    expect(status.conditions?.[0]?.message).toContain('earned 2 of 10 healthy control-plane hours in stratum s, until')
    expect(runningStatus(input, create().summary(later), () => 'Applied')).not.toHaveProperty('credit')
  })

  test('says that its log has gaps, and when it has none any more', () => {
    const summary = create().summary(now)
    const stored = { pieces: 3, digest: `sha256:${'a'.repeat(64)}` }
    const statusWith = (log: StatusInput['log'], previous?: RolloutStatus) =>
      runningStatus({ ...input, previous, ...(log && { log }) }, summary, () => 'Pending')
    const logged = (status: RolloutStatus) => status.conditions?.find(({ type }) => type === 'Logged')
    const well = statusWith({ stored })
    expect([well.log, logged(well)]).toEqual([stored, undefined])
    const problem = { reason: 'WriteFailed', message: 'tried again' }
    const ill = statusWith({ stored, problem }, well)
    expect(logged(ill)).toMatchObject({ status: 'False', ...problem })
    expect(logged(statusWith({ stored }, ill))).toMatchObject({ status: 'True', reason: 'Written' })
  })

  test('a halt survives with its evidence', () => {
    const engine = create()
    const opening = engine.decide(now).find((decision) => decision.type === 'open-wave')!
    engine.acknowledge(opening)
    const [first] = engine.decide(now)
    const id = first?.type === 'apply' ? first.id : ''
    engine.apply({
      type: 'upsert',
      target: {
        ...target(id),
        requested: true,
        phase: 'Failed',
        since: now,
        completedAt: now,
        reason: 'EtcdQuorumLost',
      },
    })
    engine.decide(now)
    const status = runningStatus(input, engine.summary(now), () => 'Failed')
    expect(status).toMatchObject({
      phase: 'Halted',
      verdict: { outcome: 'Halt', rule: 'Signal', time: '2026-01-05T08:00:00Z' },
      problems: [{ controlPlane: id, state: 'Failed', reason: 'EtcdQuorumLost' }],
    })
    expect(persistedOf(status).verdict).toEqual(engine.summary(now).verdict)
  })

  test('a wave whose soak was ended early stays so', () => {
    const engine = create()
    const opening = engine.decide(now).find((decision) => decision.type === 'open-wave')!
    engine.acknowledge(opening)
    expect(engine.expedite(opening.stage, opening.wave)).toBe(true)
    const status = runningStatus(input, engine.summary(now), () => 'Pending')
    const waves = (all: readonly { readonly waves: readonly object[] }[]) => all.flatMap((stage) => stage.waves)
    expect(waves(status.stages)).toMatchObject([{ number: 1, expedited: true }])
    expect(waves(persistedOf(status).stages)).toMatchObject([{ expedited: true }])
  })

  test('tells what was earned and who is suspected beside what the engine says', () => {
    const evidence = {
      exposure: { hours: '12.5', onsets: 1 },
      suspects: [{ signature: 'KASDown', onsets: 3, guilty: 'other', message: 'It raises the rate.' }],
    }
    const status = runningStatus({ ...input, evidence }, create().summary(now), () => 'Pending')
    expect(status).toMatchObject(evidence)
  })

  test('the same judgement keeps its time', () => {
    const engine = create()
    engine.acknowledge(engine.decide(now).find((decision) => decision.type === 'open-wave')!)
    engine.apply({
      type: 'upsert',
      target: { ...target('mc-1/a'), requested: true, phase: 'Applied', since: now, completedAt: now },
    })
    const first = runningStatus(input, engine.summary(now), () => undefined)
    const later = runningStatus(
      { ...input, previous: first, now: now + 60_000 },
      engine.summary(now + 60_000),
      () => undefined,
    )
    expect(first.verdict).toMatchObject({
      outcome: 'Clear',
      bounds: { lower: '0.0000', upper: '0.9500' },
      outlook: expect.stringContaining('more failures within the next'),
    })
    expect(later.verdict).toEqual(first.verdict)
  })
})

describe('the status of a rollout that waits', () => {
  test('says how many approvals are missing', () => {
    expect(waitingStatus(input)).toMatchObject({
      phase: 'AwaitingApproval',
      conditions: [{ type: 'Progressing', status: 'False', message: expect.stringContaining('0 of 2 approvals') }],
    })
  })

  test('says which other one it waits for, until it is aborted', () => {
    const waitsFor = { rollout: 'earlier', message: 'one waits: almost the same.' }
    expect(waitingStatus({ ...input, waitsFor })).toMatchObject({
      phase: 'AwaitingApproval',
      waitsFor,
      conditions: [{ type: 'Progressing', status: 'False', reason: 'WaitsForRollout', message: waitsFor.message }],
    })
    const aborted = waitingStatus({ ...input, waitsFor }, { reason: 'Aborted', message: 'not needed' })
    expect(aborted).toMatchObject({ phase: 'Aborted', conditions: [{ message: 'not needed' }] })
    expect(aborted).not.toHaveProperty('waitsFor')
  })

  test('is aborted with the reason, and stays ended at the same time', () => {
    const aborted = waitingStatus(input, { reason: 'Aborted', message: 'not needed' })
    expect(aborted).toMatchObject({ phase: 'Aborted', completionTime: '2026-01-05T08:00:00Z' })
    const again = waitingStatus(
      { ...input, previous: aborted, now: now + 5000 },
      { reason: 'Aborted', message: 'not needed' },
    )
    expect(again).toEqual(aborted)
  })
})

test('over and in flight', () => {
  expect([isOver('Completed'), isOver('Halted'), isOver(undefined)]).toEqual([true, false, false])
  expect([hasInFlight({ Applying: 1 }), hasInFlight({ Applied: 1, Failed: 2 })]).toEqual([true, false])
})
