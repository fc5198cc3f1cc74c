import type { ControlPlaneOperation, Rollout } from '@locktender/fleet'
import { MAX_STRATA } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { historyOf, operationHistory } from './operation-history.ts'
import { controlPlaneOf, fixOf, image, rolloutOf } from './test-objects.ts'

const fix = fixOf('new')
const ended = (name: string, phase: 'Completed' | 'Reverted'): Rollout => ({
  ...rolloutOf(name),
  status: { phase, approvals: [], stages: [], counts: {}, problems: [], decisions: 0 },
})
const rollouts = [ended('good', 'Completed'), ended('bad', 'Reverted'), rolloutOf('waiting')]
const operation = (change: Partial<ControlPlaneOperation> = {}): ControlPlaneOperation => ({
  component: 'control-plane-operator',
  image: image('e'),
  fix: 'good',
  rollout: 'good',
  phase: 'Applied',
  startTime: '2026-01-04T08:00:00Z',
  ...change,
})
const treated = (name: string, change: Partial<ControlPlaneOperation> = {}, version = '4.20.6') =>
  controlPlaneOf(name, { version, status: { operations: [operation(change)] } })
const at420 = '4.20/AWS/amd64/HighlyAvailable/eu-1'

describe('the history of a component', () => {
  test('counts by kind how operations of completed rollouts ended', () => {
    const fleet = [
      treated('a'),
      treated('b'),
      treated('c', { phase: 'Failed' }),
      treated('d', { phase: 'Failed' }, '4.21.0'),
      treated('e', {}, '4.19.1'),
      controlPlaneOf('f'),
    ]
    const expected = [
      { stratum: at420, treated: 3, failed: 1 },
      { stratum: at420.replace('4.20', '4.21'), treated: 1, failed: 1 },
    ]
    expect(operationHistory(fleet, fix, rollouts)).toEqual(expected)
    expect(operationHistory(fleet.toReversed(), fix, rollouts)).toEqual(expected)
  })

  test.each<[string, Partial<ControlPlaneOperation>]>([
    ['of the fix itself', { fix: 'new' }],
    ['of a rollout that was taken back', { rollout: 'bad' }],
    ['of a rollout that has not ended', { rollout: 'waiting' }],
    ['of a rollout that is gone', { rollout: 'forgotten' }],
    ['of another component', { component: 'etcd' }],
    ['that have not ended', { phase: 'Applying' }],
  ])('does not count operations %s', (_, change) => {
    const fleet = [treated('a', { phase: 'Failed', ...change }), treated('b', { phase: 'Failed' })]
    expect(operationHistory(fleet, fix, rollouts)).toEqual([{ stratum: at420, treated: 1, failed: 1 }])
  })

  test('does not count reverts that failed', () => {
    const { image: _, ...revert } = operation({ phase: 'Failed' })
    const fleet = [controlPlaneOf('a', { status: { operations: [revert] } })]
    expect(operationHistory(fleet, fix, rollouts)).toEqual([])
  })

  test('keeps as many kinds as the API takes, those with most failures', () => {
    const fleet = Array.from({ length: MAX_STRATA + 2 }, (_, index) =>
      treated(`cp-${index}`, { phase: 'Failed' }, `4.${index}.0`),
    )
    const twice = treated('twice', { phase: 'Failed' }, '4.999.0')
    const kept = operationHistory([...fleet, twice, twice], fix, rollouts)
    expect(kept).toHaveLength(MAX_STRATA)
    expect(kept).toContainEqual({ stratum: at420.replace('4.20', '4.999'), treated: 2, failed: 2 })
    expect(kept.map(({ stratum }) => stratum)).toEqual(kept.map(({ stratum }) => stratum).toSorted())
  })
})

test('the engine gets what was frozen with the rollout', () => {
  const rollout = rolloutOf('one')
  expect(historyOf(rollout)).toBeUndefined()
  const history = [{ stratum: at420, treated: 10, failed: 2 }]
  const asked = historyOf({ ...rollout, spec: { ...rollout.spec, history } })
  expect(asked?.(at420)).toEqual({ treated: 10, failed: 2 })
  expect(asked?.('other')).toBeUndefined()
})
