import { describe, expect, test } from 'vitest'
import { annotationsFor } from './change-record.ts'
import type { HostedControlPlane } from './hypershift.ts'
import { judgeProgress } from './progress.ts'
import {
  applied,
  component,
  condition,
  FIXED,
  hostedCluster,
  MINUTE,
  nodePool,
  observed,
  operator,
  PAYLOAD,
  START,
} from './testing/objects.ts'

function complete(minutes: number) {
  return [
    component('etcd', condition('RolloutComplete', 'True', minutes)),
    component('kube-apiserver', condition('RolloutComplete', 'True', minutes)),
  ]
}

const rolling = (minutes: number) => [
  component('etcd', condition('RolloutComplete', 'False', minutes, 'WaitingForDependencies')),
  component('kube-apiserver', condition('RolloutComplete', 'False', minutes, 'WaitingForRolloutComplete')),
]

describe('judgeProgress', () => {
  test.each<[string, number, Partial<HostedControlPlane>, string, string | undefined]>([
    ['just written', 0, {}, 'Applying', undefined],
    ['not picked up in time', 5, {}, 'Failed', 'NotPickedUp'],
    ['operator rolling', 1, { operator: operator(FIXED, false) }, 'Applying', undefined],
    ['operator never ready', 10, { operator: operator(FIXED, false) }, 'Failed', 'OperatorFailed'],
    ['components rolling', 8, { operator: operator(FIXED), components: rolling(2) }, 'Applying', undefined],
    ['a component stuck', 22, { operator: operator(FIXED), components: rolling(2) }, 'Failed', 'ComponentFailed'],
    ['rolled out, not settled', 16, { operator: operator(FIXED), components: complete(14) }, 'Verifying', undefined],
    ['rolled out and settled', 17, { operator: operator(FIXED), components: complete(14) }, 'Applied', 'RolledOut'],
    [
      'rolled out but degraded',
      20,
      {
        operator: operator(FIXED),
        components: complete(14),
        hostedCluster: hostedCluster([condition('Degraded', 'True', 3)]),
      },
      'Verifying',
      undefined,
    ],
    [
      'degraded for good',
      29,
      {
        operator: operator(FIXED),
        components: complete(14),
        hostedCluster: hostedCluster([condition('Degraded', 'True', 3)]),
      },
      'Failed',
      'ControlPlaneDegraded',
    ],
    [
      'briefly unavailable',
      6,
      { operator: operator(FIXED), hostedCluster: hostedCluster([condition('Available', 'False', 5)]) },
      'Verifying',
      undefined,
    ],
    [
      'unavailable',
      7,
      { operator: operator(FIXED), hostedCluster: hostedCluster([condition('Available', 'False', 5)]) },
      'Failed',
      'ControlPlaneUnavailable',
    ],
    [
      'etcd gone',
      6,
      { hostedCluster: hostedCluster([condition('EtcdAvailable', 'False', 5)]) },
      'Failed',
      'EtcdQuorumLost',
    ],
    ['nodes rolling', 3, { nodePools: [nodePool('two')] }, 'Failed', 'UnexpectedNodeRollout'],
  ])('%s', (_name, minutes, parts, phase, reason) => {
    const progress = judgeProgress(applied, observed(parts), START + minutes * MINUTE)
    expect({ phase: progress.phase, reason: progress.reason }).toEqual({ phase, reason })
  })

  test('asks to be looked at again exactly when something may become wrong or done', () => {
    const waiting = judgeProgress(
      applied,
      observed({ operator: operator(FIXED), components: complete(14) }),
      START + 15 * MINUTE,
    )
    expect(waiting.lookAgainAt).toBe(START + 17 * MINUTE)
    expect(judgeProgress(applied, observed(), START).lookAgainAt).toBe(START + 5 * MINUTE)
  })

  test('going back is done when the operator runs another image and everything has settled', () => {
    const revert = { ...applied, change: 'revert' as const }
    expect(judgeProgress(revert, observed({ operator: operator(FIXED) }), START + MINUTE).phase).toBe('Reverting')
    const down = hostedCluster([condition('Available', 'False', -30)])
    expect(
      judgeProgress(revert, observed({ operator: operator(PAYLOAD), hostedCluster: down }), START + 30 * MINUTE).phase,
    ).toBe('Reverting')
    expect(
      judgeProgress(revert, observed({ operator: operator(PAYLOAD), hostedCluster: down }), START + 45 * MINUTE),
    ).toMatchObject({ phase: 'Failed', reason: 'TimedOut' })
    const back = observed({ operator: operator(PAYLOAD), components: complete(13) })
    expect(judgeProgress(revert, back, START + 15 * MINUTE).phase).toBe('Reverting')
    expect(judgeProgress(revert, back, START + 16 * MINUTE).phase).toBe('Reverted')
  })
})

describe('a component other than the operator', () => {
  const etcd = { ...applied, component: 'etcd', image: 'registry.example/etcd@sha256:e' }
  const flag = `hyperkube=h,etcd=${etcd.image}`

  test('is on its way only once the operator has been told of it', () => {
    const untold = observed({ operator: operator(PAYLOAD, true, 'hyperkube=h'), components: complete(4) })
    expect(judgeProgress(etcd, untold, START + 4 * MINUTE).phase).toBe('Applying')
    expect(judgeProgress(etcd, untold, START + 5 * MINUTE)).toMatchObject({ reason: 'NotPickedUp' })
    const told = observed({ operator: operator(PAYLOAD, true, flag), components: complete(4) })
    expect(judgeProgress(etcd, told, START + 6 * MINUTE).phase).toBe('Verifying')
    expect(judgeProgress(etcd, told, START + 7 * MINUTE).phase).toBe('Applied')
  })

  test('has its time again when the operator is taken back meanwhile: that rolls everything anew', () => {
    const records = [etcd, { ...applied, change: 'revert' as const, changedAt: START + 9 * MINUTE }]
    const annotations = annotationsFor(records, hostedCluster())
    const both = { ...hostedCluster(), metadata: { ...hostedCluster().metadata, annotations } }
    const parts = { operator: operator(PAYLOAD, false, flag), hostedCluster: both }
    expect(judgeProgress(etcd, observed(parts), START + 18 * MINUTE).phase).toBe('Applying')
    expect(judgeProgress(etcd, observed(parts), START + 19 * MINUTE)).toMatchObject({ reason: 'OperatorFailed' })
  })

  test('is back once the operator is told so', () => {
    const revert = { ...etcd, change: 'revert' as const }
    const still = observed({ operator: operator(PAYLOAD, true, flag), components: complete(4) })
    expect(judgeProgress(revert, still, START + 4 * MINUTE).phase).toBe('Reverting')
    const back = observed({ operator: operator(PAYLOAD, true, 'hyperkube=h'), components: complete(4) })
    expect(judgeProgress(revert, back, START + 8 * MINUTE).phase).toBe('Reverted')
  })
})
