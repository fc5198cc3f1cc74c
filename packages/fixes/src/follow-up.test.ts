import type { Rollout } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { inOrder, nextFollowUpAt, nextFollowUpName, notSuperseded } from './follow-up.ts'
import { controlPlaneOf, fixOf, image, rolloutOf } from './test-objects.ts'

const hour = 3_600_000
const completionTime = '2026-01-05T20:00:00Z'

function followUp(number: number, applied: number): Rollout {
  const rollout = rolloutOf('one')
  const wave = { number: 1, size: 1, applied, failed: 0, broken: 0 }
  return {
    ...rollout,
    metadata: { ...rollout.metadata, name: `one-follow-up-${number}` },
    spec: { ...rollout.spec, followUpOf: 'one' },
    status: {
      phase: 'Completed',
      approvals: [],
      completionTime,
      stages: [{ name: 'production', phase: 'Passed', waves: [wave] }],
      counts: {},
      problems: [],
      decisions: 3,
    },
  }
}

test('follow-ups are numbered, and the first rollout comes first', () => {
  const first = rolloutOf('one')
  expect(nextFollowUpName([first])).toBe('one-follow-up-1')
  const all = inOrder([followUp(10, 1), followUp(9, 1), first])
  expect(all.map(({ metadata }) => metadata.name)).toEqual(['one', 'one-follow-up-9', 'one-follow-up-10'])
  expect(nextFollowUpName(all)).toBe('one-follow-up-11')
})

test('one that could treat nobody is not repeated for six hours', () => {
  expect(nextFollowUpAt(followUp(1, 1))).toBe(0)
  expect(nextFollowUpAt(followUp(1, 0))).toBe(Date.parse(completionTime) + 6 * hour)
  const { followUpOf: _, ...spec } = followUp(1, 0).spec
  expect(nextFollowUpAt({ ...followUp(1, 0), spec })).toBe(0)
})

describe('a control plane is left to a fix that supersedes', () => {
  const old = fixOf('old')
  const planes = [controlPlaneOf('a'), controlPlaneOf('b', { version: '4.20.1' })]
  const newer = (phase: 'Delivered' | 'Reverted' | 'AwaitingApproval', component = old.spec.component) => ({
    ...fixOf('new', {
      component,
      supersedes: ['old'],
      targets: [{ platforms: ['AWS'], versions: { from: '4.20.6', to: '4.20.9' }, image: image('e') }],
    }),
    status: { phase, affected: 0, counts: {} },
  })
  const names = (...fixes: Parameters<typeof notSuperseded>[0][]) =>
    notSuperseded(old, planes, fixes).map(({ metadata }) => metadata.name)

  test('when that one concerns it and is in charge', () => expect(names(old, newer('Delivered'))).toEqual(['b']))
  test('not while that one waits, nor when it was taken back', () => {
    expect(names(newer('AwaitingApproval'), newer('Reverted'))).toEqual(['a', 'b'])
  })
  test('not when that one replaces another component', () => {
    expect(names(newer('Delivered', 'etcd'))).toEqual(['a', 'b'])
  })
})
