import { fixMatcher } from '@locktender/fleet'
import type { ControlPlane, ControlPlaneOperation } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { defaultStrategy } from './default-strategy.ts'
import { observe } from './rollout-inputs.ts'
import { controlPlaneOf, fixOf, image } from './test-objects.ts'
import type { ControlPlaneOptions } from './test-objects.ts'

const matcher = fixMatcher(fixOf('one'))
const override = { component: 'control-plane-operator', image: image('f'), fix: 'one', rollout: 'one' }
const requested: ControlPlaneOptions['spec'] = { overrides: [override] }
const inPlace = [{ component: 'control-plane-operator', image: image('f'), origin: 'annotation' as const, fix: 'one' }]
const operation: ControlPlaneOperation = {
  component: 'control-plane-operator',
  image: image('f'),
  fix: 'one',
  rollout: 'one',
  phase: 'Applied',
  startTime: '2026-01-05T08:10:00Z',
  completionTime: '2026-01-05T08:26:00Z',
}
const sick = { state: 'Unavailable', since: '2026-01-05T08:40:00Z', reason: 'KASDown', message: 'no answer' } as const

function see(controlPlane: ControlPlane, reachable = true, compareUntreated = false) {
  const { status, input } = observe(controlPlane, {
    compareUntreated,
    matcher,
    rollout: 'one',
    strategy: { ...defaultStrategy(), tiersNotFirst: ['platinum'] },
    now: Date.parse('2026-01-05T09:00:00Z'),
    reachable,
  })
  return { state: status.state, ...input }
}

describe('a control plane is to a rollout', () => {
  test('pending while nothing was asked of it', () => {
    expect(see(controlPlaneOf('a'))).toEqual({
      state: 'Pending',
      id: 'mc-1/a',
      stage: 'production',
      stratum: '4.20/AWS/amd64/HighlyAvailable/eu-1',
      shard: 'mc-1',
      customer: 'acme',
      phase: 'Pending',
      requested: false,
    })
  })

  test('one of a pair as its HostedCluster says, and kept from first waves by its tier', () => {
    const { status } = controlPlaneOf('a')
    const identity = { ...status!.identity, tier: 'platinum', pair: 'shop' }
    expect(see(controlPlaneOf('a', { status: { identity } }))).toMatchObject({ pair: 'shop', notFirst: true })
    expect(see(controlPlaneOf('a'))).not.toHaveProperty('notFirst')
  })

  test('earning healthy time since its change or its last illness, while it is known to be healthy', () => {
    const earns = (health: NonNullable<ControlPlane['status']>['health'], reachable = true) => {
      const treated = controlPlaneOf('a', {
        spec: requested,
        status: { images: inPlace, operations: [operation], health },
      })
      const context = { matcher, rollout: 'one', strategy: defaultStrategy(), now: Date.parse('2026-01-05T09:00:00Z') }
      const { input } = observe(treated, { ...context, reachable, earnsHours: true })
      return { phase: input.phase, since: input.healthySince, nothing: input.earnsNothing }
    }
    const early = { state: 'Healthy', since: '2026-01-05T08:00:00Z' } as const
    const late = { state: 'Healthy', since: '2026-01-05T08:50:00Z' } as const
    expect(earns(early)).toEqual({ phase: 'Applied', since: undefined, nothing: undefined })
    expect(earns(late)).toEqual({ phase: 'Applied', since: Date.parse(late.since), nothing: undefined })
    expect(earns(sick)).toMatchObject({ nothing: true })
    expect(earns({ ...late, state: 'Unknown' })).toMatchObject({ nothing: true })
    expect(earns(late, false)).toMatchObject({ phase: 'Unreachable' })
    expect(
      see(controlPlaneOf('a', { spec: requested, status: { images: inPlace, operations: [operation] } })),
    ).not.toHaveProperty('earnsNothing')
  })

  test('the wave that was recorded with the request, as long as it is ours', () => {
    const recorded = { overrides: [{ ...override, wave: 3 }] }
    expect(see(controlPlaneOf('a', { spec: recorded }))).toMatchObject({ requested: true, wave: 3 })
    const earlier = { overrides: [{ ...override, rollout: 'earlier', wave: 3 }] }
    expect(see(controlPlaneOf('a', { spec: earlier }))).not.toHaveProperty('wave')
  })

  test('pending and requested until the agent begins', () => {
    expect(see(controlPlaneOf('a', { spec: requested }))).toMatchObject({
      state: 'Scheduled',
      phase: 'Pending',
      requested: true,
    })
  })

  test.each(['Applying', 'Verifying', 'Failed'] as const)('what the agent says it is: %s', (phase) => {
    const { completionTime: _, ...running } = operation
    const seen = see(controlPlaneOf('a', { spec: requested, status: { operations: [{ ...running, phase }] } }))
    expect(seen).toMatchObject({ state: phase, phase, requested: true, since: Date.parse(operation.startTime) })
    expect(seen).not.toHaveProperty('completedAt')
  })

  test('applied with the times of the operation', () => {
    const seen = see(controlPlaneOf('a', { spec: requested, status: { operations: [operation], images: inPlace } }))
    expect(seen).toMatchObject({ state: 'Applied', phase: 'Applied', completedAt: Date.parse('2026-01-05T08:26:00Z') })
    expect(seen).not.toHaveProperty('onsetAt')
  })

  test('ill since after the change, with the reason of its illness', () => {
    const status = { operations: [operation], images: inPlace, health: sick }
    expect(see(controlPlaneOf('a', { spec: requested, status }))).toMatchObject({
      onsetAt: Date.parse(sick.since),
      reason: 'KASDown',
      message: 'no answer',
    })
  })

  test('not a victim of the change when it was ill before', () => {
    const status = { operations: [operation], images: inPlace, health: { ...sick, since: '2026-01-05T08:09:59Z' } }
    expect(see(controlPlaneOf('a', { spec: requested, status }))).not.toHaveProperty('onsetAt')
  })

  test.each<[string, Partial<ControlPlaneOperation>, boolean]>([
    ['is under way since before', { phase: 'Applying', startTime: '2026-01-05T08:39:00Z' }, false],
    ['began after it', { phase: 'Verifying', startTime: '2026-01-05T08:41:00Z' }, true],
    ['failed', { phase: 'Failed', startTime: '2026-01-05T08:39:00Z' }, false],
    ['failed later', { phase: 'Failed', startTime: '2026-01-05T08:41:00Z' }, true],
    ['went well', { phase: 'Applied', startTime: '2026-01-05T08:39:00Z' }, true],
    ['is being taken back', { phase: 'Reverting', startTime: '2026-01-05T08:50:00Z' }, false],
    ['was taken back', { phase: 'Reverted', startTime: '2026-01-05T08:50:00Z' }, true],
  ])(
    'its victim or not when the change of another component %s: that decides who fell ill with what',
    (_, other, isOurs) => {
      const { image: before, ...rest } = operation
      const another = { ...rest, ...(other.phase?.startsWith('Revert') ? {} : { image: before }), component: 'etcd' }
      const status = {
        operations: [operation, { ...another, ...other } as ControlPlaneOperation],
        images: inPlace,
        health: sick,
      }
      const seen = see(controlPlaneOf('a', { spec: requested, status }))
      expect('onsetAt' in seen).toBe(isOurs)
    },
  )

  test('ill without the change when the untreated are compared, by the same standard', () => {
    const untreated = controlPlaneOf('a', { status: { health: sick } })
    expect(see(untreated, true, true)).toMatchObject({ phase: 'Pending', onsetAt: Date.parse(sick.since) })
    expect(see(untreated, true, true)).not.toHaveProperty('reason')
    expect(see(untreated)).not.toHaveProperty('onsetAt')
    const unknown = controlPlaneOf('a', { status: { health: { ...sick, state: 'Unknown' } } })
    expect(see(unknown, true, true)).not.toHaveProperty('onsetAt')
    // Asked, it is no longer untreated; what it suffers from is not held against a change that it does not have yet.
    const asked = controlPlaneOf('a', { spec: requested, status: { health: sick } })
    expect(see(asked, true, true)).not.toHaveProperty('onsetAt')
  })

  test('held when the agent cannot begin, with its reason', () => {
    const conditions = [
      {
        type: 'Changeable',
        status: 'False' as const,
        reason: 'EtcdUnavailable',
        message: 'no quorum',
        lastTransitionTime: '2026-01-05T08:00:00Z',
      },
    ]
    expect(see(controlPlaneOf('a', { spec: requested, status: { conditions } }))).toMatchObject({
      state: 'Blocked',
      phase: 'Held',
      requested: true,
      reason: 'EtcdUnavailable',
    })
  })

  test('blocked when no stage is for it', () => {
    expect(see(controlPlaneOf('a', { sector: 'lab' }))).toMatchObject({
      state: 'Blocked',
      phase: 'Held',
      reason: 'NoStage',
    })
  })

  test.each<[string, Partial<ControlPlaneOperation>, string]>([
    ['blocked while it suffers from the failed change of another component', {}, 'OtherChangeFailed'],
    ['not blocked by one after which it fell ill', { startTime: '2026-01-05T08:41:00Z' }, ''],
    ['not blocked by one that went well', { phase: 'Applied' }, ''],
    ['not blocked by an earlier change of the same component', { component: 'control-plane-operator' }, ''],
  ])('%s', (_, change, reason) => {
    const failed = { ...operation, component: 'etcd', fix: 'other', rollout: 'other', phase: 'Failed' as const }
    const status = { operations: [{ ...failed, ...change }], health: sick }
    const seen = see(controlPlaneOf('a', { status }))
    expect(seen).toMatchObject(reason === '' ? { phase: 'Pending' } : { state: 'Blocked', phase: 'Held', reason })
    const { health: _health, ...well } = status
    expect(see(controlPlaneOf('a', { status: well }))).toMatchObject({ phase: 'Pending' })
  })

  test('unreachable when its agent is silent', () => {
    expect(see(controlPlaneOf('a'), false)).toMatchObject({ state: 'Unknown', phase: 'Unreachable' })
  })

  test('none of its business when it runs the image anyway', () => {
    const images = [{ component: 'control-plane-operator', image: image('f'), origin: 'payload' as const }]
    expect(see(controlPlaneOf('a', { status: { images } }))).toMatchObject({ state: 'Native', phase: 'NotAffected' })
  })
})

describe('taking back', () => {
  test('the operation before speaks until the agent begins, so that its age is not held against the revert', () => {
    const seen = see(controlPlaneOf('a', { status: { operations: [operation], images: inPlace } }))
    expect(seen).toMatchObject({ state: 'Reverting', phase: 'Applied', requested: false })
    expect(seen).not.toHaveProperty('revert')
  })

  test.each(['Reverting', 'Reverted'] as const)('is told as the agent tells it: %s', (phase) => {
    const { image: _, ...back } = operation
    expect(see(controlPlaneOf('a', { status: { operations: [{ ...back, phase }] } }))).toMatchObject({
      state: phase,
      phase,
      requested: false,
      revert: true,
    })
  })

  test('that failed is a failed revert and not a failed change', () => {
    const { image: _, ...back } = operation
    const failed = { ...back, phase: 'Failed' as const, reason: 'Timeout' }
    expect(see(controlPlaneOf('a', { status: { operations: [failed], images: inPlace } }))).toMatchObject({
      state: 'Failed',
      phase: 'Failed',
      revert: true,
      reason: 'Timeout',
    })
  })
})

test('what an earlier rollout of a fix of the same name wrote is left alone', () => {
  const earlier = { overrides: [{ ...override, rollout: 'earlier' }] }
  const status = { operations: [{ ...operation, rollout: 'earlier' }], images: inPlace }
  expect(see(controlPlaneOf('a', { spec: earlier, status }))).toMatchObject({ phase: 'NotAffected', requested: false })
  expect(see(controlPlaneOf('a', { spec: earlier }))).toMatchObject({ phase: 'Held', requested: false })
})
