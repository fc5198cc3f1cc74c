import type { Approval, Rollout } from '@locktender/fleet'
import fc from 'fast-check'
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

describe('after any approvals that were given and deleted', () => {
  const PEOPLE = ['alice', 'bob', 'carol', 'dave', 'erin'] as const
  const PLANS = { own: rollout.spec.plan.hash, other: `sha256:${'b'.repeat(64)}` }
  const step = fc.record({
    kind: fc.constantFrom('give', 'give', 'give', 'delete'),
    who: fc.constantFrom(...PEOPLE, undefined),
    plan: fc.constantFrom('own', 'own', 'own', 'other'),
    rollout: fc.constantFrom('one', 'one', 'follow-up', 'two'),
    which: fc.nat(),
  })

  interface Given {
    readonly who: string | undefined
    readonly plan: string
    readonly rollout: string
    readonly minute: number
    readonly approval: Approval
  }

  /** Who counts, by the words of the rule: somebody else, of this rollout and its very plan, oldest first. */
  function consenting(given: readonly Given[], of: string, requester: string): string[] {
    const valid = given.filter(({ who, plan, rollout }) => who && who !== requester && plan === 'own' && rollout === of)
    return [...new Set(valid.map(({ who }) => who as string))]
  }

  test('those count who consented to this plan and did not ask for it, each once; a follow-up counts both', () => {
    const steps = fc.array(step, { maxLength: 25 })
    fc.assert(
      fc.property(steps, fc.constantFrom(...PEOPLE), fc.boolean(), (all, requester, isComplete) => {
        let given: Given[] = []
        for (const [minute, { kind, who, plan, rollout: of, which }] of all.entries()) {
          if (kind === 'delete') {
            const gone = which % Math.max(1, given.length)
            given = given.filter((_, index) => index !== gone)
          } else {
            const time = new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString()
            const planHash = PLANS[plan as 'own' | 'other']
            const each = approval(`approval-${minute}`, who, time, { rollout: of, planHash })
            given.push({ who, plan, rollout: of, minute, approval: each })
          }
          const followed: Rollout = {
            ...rollout,
            status: {
              phase: isComplete ? 'Completed' : 'Halted',
              approvals: [],
              stages: [],
              counts: {},
              problems: [],
              decisions: 1,
            },
          }
          const followUp: Rollout = {
            ...rollout,
            metadata: { name: 'follow-up' },
            spec: { ...rollout.spec, followUpOf: 'one' },
          }
          const approvals = given.map((each) => each.approval)
          const first = consenting(given, 'one', requester)
          expect(countApprovals([...approvals].reverse(), rollout, requester).map(({ user }) => user)).toEqual(first)
          const own = consenting(given, 'follow-up', requester)
          const both = isComplete ? [...new Set([...first, ...own])] : own
          expect(approvalsFor(followUp, followed, approvals, requester).map(({ user }) => user)).toEqual(both)
          expect(countApprovals(approvals, rollout, undefined)).toEqual([])
        }
      }),
      { seed: 17, numRuns: 1000 },
    )
  })
})
