import type { Approval } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { countApprovals } from './approvals.ts'
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
