import { expect, test } from 'vitest'
import { foldStatus } from './fold-status.ts'
import {
  applied,
  component,
  condition,
  controlPlane,
  FIXED,
  hostedCluster,
  MINUTE,
  observed,
  operator,
  PAYLOAD,
  START,
  withRecords,
} from './testing/objects.ts'

const place = { name: 'mc-1', environment: 'stage', sector: 'stage', region: 'eu-1' } as const
const etcd = { ...applied, component: 'etcd', image: 'registry.example/etcd@sha256:e', fix: 'fix-2', rollout: 'fix-2' }
const later = { ...etcd, changedAt: START + 60 * MINUTE }
const flag = `etcd=${etcd.image}`

test('several components report an operation each, the newest first, and the images that replace those of the release', () => {
  const seen = observed({
    hostedCluster: withRecords(hostedCluster(), applied, later),
    operator: operator(FIXED, true, flag),
    components: [component('etcd', condition('RolloutComplete', 'False', 62, 'WaitingForRolloutComplete'))],
  })
  const before = controlPlane()
  const ended = { component: applied.component, image: FIXED, fix: 'fix-1', rollout: 'fix-1-1' }
  const times = { startTime: '2026-01-05T08:00:00Z', completionTime: '2026-01-05T08:16:00Z' }
  const first = { ...ended, ...times, phase: 'Applied' as const, reason: 'RolledOut', message: 'done' }
  const { status } = foldStatus(before, seen, place, undefined, START + 16 * MINUTE)
  const reported = { ...before, status: { ...status, operations: [first] } }
  const folded = foldStatus(reported, seen, place, undefined, START + 63 * MINUTE).status
  expect(folded.operations).toEqual([
    {
      component: 'etcd',
      image: etcd.image,
      fix: 'fix-2',
      rollout: 'fix-2',
      phase: 'Applying',
      startTime: '2026-01-05T09:00:00Z',
    },
    first,
  ])
  expect(folded.images).toEqual([
    { component: 'control-plane-operator', image: FIXED, origin: 'annotation', fix: 'fix-1' },
    { component: 'etcd', image: etcd.image, origin: 'annotation', fix: 'fix-2' },
  ])
})

test('labels of the HostedCluster say whose it is, of which tier, and who stands in for it', () => {
  const identityOf = (labels: Readonly<Record<string, string>>) => {
    const { metadata, ...rest } = hostedCluster()
    const seen = observed({ hostedCluster: { ...rest, metadata: { ...metadata, labels } } })
    return foldStatus(controlPlane(), seen, place, undefined, START).status.identity
  }
  const labels = { 'locktender.dev/customer': 'acme', 'locktender.dev/tier': 'gold', 'locktender.dev/pair': 'shop' }
  expect(identityOf(labels)).toMatchObject({ customer: 'acme', tier: 'gold', pair: 'shop' })
  const unnamed = identityOf({ 'locktender.dev/pair': '' })
  expect(unnamed).toMatchObject({ customer: 'unknown', tier: 'standard' })
  expect(unnamed).not.toHaveProperty('pair')
})

test('changes of Degraded are counted, however short they are, and the count is in the status itself', () => {
  const at = (minute: number, status: 'True' | 'False') => condition('Degraded', status, minute, 'Rolling')
  const fold = (before: ReturnType<typeof controlPlane>, degraded: ReturnType<typeof condition>, minute: number) => {
    const cluster = hostedCluster()
    const others = cluster.status!.conditions!.filter(({ type }) => type !== 'Degraded')
    const seen = observed({
      hostedCluster: { ...cluster, status: { ...cluster.status, conditions: [...others, degraded] } },
    })
    const { status } = foldStatus(before, seen, place, undefined, START + minute * MINUTE)
    return { ...before, status }
  }
  const first = fold(controlPlane(), at(0, 'False'), 1)
  const counted = { name: 'DegradedChanges', value: 0, at: new Date(START).toISOString() }
  expect(first.status.signals).toEqual([counted])
  const unwell = fold(first, at(5, 'True'), 5)
  expect(unwell.status).toMatchObject({
    health: { state: 'Healthy' },
    signals: [{ ...counted, value: 1, at: new Date(START + 5 * MINUTE).toISOString() }],
  })
  // The same change seen again counts once.
  expect(fold(unwell, at(5, 'True'), 6).status.signals).toEqual(unwell.status.signals)
  expect(fold(unwell, at(6, 'False'), 7).status.signals?.[0]?.value).toBe(2)
})

test('changes begun together end together, each in its own right', () => {
  const seen = observed({
    hostedCluster: withRecords(hostedCluster(), applied, etcd),
    operator: operator(FIXED, true, flag),
    components: [component('etcd', condition('RolloutComplete', 'True', 13))],
  })
  const { operations } = foldStatus(controlPlane(), seen, place, undefined, START + 16 * MINUTE).status
  expect(operations).toMatchObject([
    { component: 'control-plane-operator', phase: 'Applied', fix: 'fix-1' },
    { component: 'etcd', phase: 'Applied', fix: 'fix-2' },
  ])
})

test('a component that was taken back has no image of its own any more', () => {
  const back = { ...etcd, change: 'revert' as const, changedAt: START + 60 * MINUTE }
  const seen = observed({ hostedCluster: withRecords(hostedCluster(), back), operator: operator(PAYLOAD) })
  const { images, operations } = foldStatus(controlPlane(), seen, place, undefined, START + 61 * MINUTE).status
  expect(images).toEqual([{ component: 'control-plane-operator', image: PAYLOAD, origin: 'payload' }])
  expect(operations).toMatchObject([{ component: 'etcd', phase: 'Reverting' }])
  expect(operations?.[0]).not.toHaveProperty('image')
})
