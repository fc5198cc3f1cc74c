import { expect, test } from 'vitest'
import type { Rollout } from '@locktender/fleet'
import { deliveredStatusOf, fixStatusOf } from './fix-status.ts'
import { rolloutOf } from './test-objects.ts'

test('a fix tells what its rollout does', () => {
  expect(fixStatusOf(rolloutOf('one'))).toEqual({ phase: 'AwaitingApproval', rollout: 'one', affected: 1, counts: {} })
  const counts = { Applied: 3, Failed: 1, Native: 7 }
  const conditions = [
    { type: 'Progressing', status: 'True' as const, reason: 'Soak', message: 'Soaks.', lastTransitionTime: '' },
  ]
  const status = {
    phase: 'Progressing' as const,
    approvals: [],
    stages: [],
    counts,
    problems: [],
    decisions: 4,
    conditions,
  }
  expect(fixStatusOf({ ...rolloutOf('one'), status })).toEqual({
    phase: 'Delivering',
    rollout: 'one',
    affected: 4,
    counts,
    message: 'Soaks.',
  })
})

test('a fix that was delivered counts the whole fleet, whichever rollout is the latest', () => {
  const first = rolloutOf('one')
  const followUp: Rollout = {
    ...first,
    metadata: { ...first.metadata, name: 'one-follow-up-1' },
    spec: { ...first.spec, followUpOf: 'one' },
  }
  const counts = { Applied: 9, Pending: 1, Native: 7 }
  expect(deliveredStatusOf(followUp, counts)).toEqual({
    phase: 'AwaitingApproval',
    rollout: 'one-follow-up-1',
    affected: 10,
    counts,
  })
  const complete = { phase: 'Completed' as const, approvals: [], stages: [], counts: {}, problems: [], decisions: 4 }
  expect(deliveredStatusOf({ ...first, status: complete }, counts)).toEqual({
    phase: 'Delivered',
    rollout: 'one',
    affected: 10,
    counts,
  })
})
