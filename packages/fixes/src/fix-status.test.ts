import { expect, test } from 'vitest'
import { fixStatusOf, fixStatusWithout, isClosed } from './fix-status.ts'
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

test('a fix that was refused, or that everybody has, is closed', () => {
  expect(isClosed(fixStatusWithout('Refused', 'nothing matches'))).toBe(true)
  expect(isClosed(fixStatusWithout('Delivered', 'all have it'))).toBe(true)
  expect(isClosed(fixStatusWithout('Pending', 'no strategy'))).toBe(false)
  expect(isClosed({ phase: 'Delivered', rollout: 'one', affected: 1, counts: {} })).toBe(false)
})
