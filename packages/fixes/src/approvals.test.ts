import type { Approval, Rollout } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { approvalsFor, countApprovals } from './approvals.ts'
import { rolloutOf } from './test-objects.ts'

const rollout = rolloutOf('one')

function approval(
  name: string,
  approver: string | undefined,
  time: string,
  spec: Partial<Approval['spec']> = {},
): Approval {
  return {
    apiVersion: 'locktender.dev/v1alpha1',
    kind: 'Approval',
    metadata: { name, creationTimestamp: time },
    spec: {
      rollout: 'one',
      planHash: rollout.spec.plan.hash,
      ...(approver === undefined ? {} : { approver }),
      ...spec,
    },
  }
}

const users = (approvals: readonly Approval[], requester: string | undefined = 'alice') =>
  countApprovals(approvals, rollout, requester).map(({ user }) => user)

describe('approvals that count', () => {
  test('are listed from the oldest, with when they were given', () => {
    const given = [approval('b', 'carol', '2026-01-05T09:00:00Z'), approval('a', 'bob', '2026-01-05T08:30:00Z')]
    expect(countApprovals(given, rollout, 'alice')).toEqual([
      { user: 'bob', time: '2026-01-05T08:30:00Z' },
      { user: 'carol', time: '2026-01-05T09:00:00Z' },
    ])
  })

  test('do not include another plan, another rollout, the requester, or a nobody', () => {
    expect(
      users([
        approval('a', 'bob', '2026-01-05T08:00:00Z', { planHash: `sha256:${'b'.repeat(64)}` }),
        approval('b', 'carol', '2026-01-05T08:00:00Z', { rollout: 'two' }),
        approval('c', 'alice', '2026-01-05T08:00:00Z'),
        approval('d', undefined, '2026-01-05T08:00:00Z'),
        approval('e', 'dave', '2026-01-05T08:00:00Z'),
      ]),
    ).toEqual(['dave'])
  })

  test('count each person once, however often they approve', () => {
    const twice = [approval('a', 'bob', '2026-01-05T09:00:00Z'), approval('b', 'bob', '2026-01-05T08:00:00Z')]
    expect(countApprovals(twice, rollout, 'alice')).toEqual([{ user: 'bob', time: '2026-01-05T08:00:00Z' }])
  })

  test('are none when it is not known who asked', () => {
    expect(countApprovals([approval('a', 'bob', '2026-01-05T08:00:00Z')], rollout, undefined)).toEqual([])
  })
})

describe('approvals of a rollout that follows a completed one', () => {
  const complete: Rollout = {
    ...rollout,
    status: { phase: 'Completed', approvals: [], stages: [], counts: {}, problems: [], decisions: 1 },
  }
  const later: Rollout = {
    ...rollout,
    metadata: { name: 'one-follow-up-1' },
    spec: { ...rollout.spec, followUpOf: 'one', plan: { ...rollout.spec.plan, hash: `sha256:${'c'.repeat(64)}` } },
  }
  const given = [
    approval('a', 'bob', '2026-01-05T08:00:00Z'),
    approval('b', 'bob', '2026-01-09T08:00:00Z', { rollout: 'one-follow-up-1', planHash: later.spec.plan.hash }),
    approval('c', 'dave', '2026-01-09T08:00:00Z', { rollout: 'one-follow-up-1', planHash: later.spec.plan.hash }),
  ]
  const users = (followUp: Rollout, followed: Rollout | undefined) =>
    approvalsFor(followUp, followed, given, 'alice').map(({ user }) => user)

  test('are those of both, each person once', () => expect(users(later, complete)).toEqual(['bob', 'dave']))

  test.each([
    ['it is gone', later, undefined],
    ['it is not complete', later, rollout],
    ['it delivers another fix', { ...later, spec: { ...later.spec, fixUid: 'other' } }, complete],
    [
      'the strategy is another one',
      { ...later, spec: { ...later.spec, strategy: { ...later.spec.strategy, autoRevert: false } } },
      complete,
    ],
    ['it is another one', { ...later, spec: { ...later.spec, followUpOf: 'two' } }, complete],
    ['it follows one itself', later, { ...complete, spec: { ...complete.spec, followUpOf: 'zero' } }],
  ])('are only its own when %s', (_name, followUp, followed) => {
    const own = approvalsFor(followUp, followed, given, 'alice')
    expect(own.every(({ time }) => time === '2026-01-09T08:00:00Z')).toBe(true)
    expect(own).toHaveLength(2)
  })
})
