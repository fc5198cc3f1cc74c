import { CPO_IMAGE_ANNOTATION } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { annotationsFor, readChangeRecord } from './change-record.ts'
import { nextChange } from './next-change.ts'
import {
  applied,
  condition,
  controlPlane,
  FIXED,
  hostedCluster,
  observed,
  PAYLOAD,
  START,
  wanted,
  withRecord,
} from './testing/objects.ts'

describe('nextChange', () => {
  test('does nothing where nothing is wanted and nothing was done', () => {
    expect(nextChange(controlPlane(), observed(), START)).toEqual({ kind: 'none' })
  })

  test('writes a wanted override with the moment, the nodes and the absence of an earlier one', () => {
    expect(nextChange(controlPlane([wanted]), observed(), START)).toEqual({ kind: 'write', record: applied })
  })

  test('has nothing more to do once its answer is written', () => {
    const seen = observed({ hostedCluster: withRecord(hostedCluster(), applied) })
    expect(nextChange(controlPlane([wanted]), seen, START + 5000)).toEqual({ kind: 'none' })
  })

  test('keeps the moment of the change when the same image comes under another rollout', () => {
    const seen = observed({ hostedCluster: withRecord(hostedCluster(), applied) })
    const again = { ...wanted, rollout: 'fix-1-2' }
    expect(nextChange(controlPlane([again]), seen, START + 5000)).toEqual({
      kind: 'write',
      record: { ...applied, rollout: 'fix-1-2' },
    })
  })

  test('goes back when the override is withdrawn, even where the control plane is down, and only once', () => {
    const down = hostedCluster([condition('EtcdAvailable', 'False')])
    const change = nextChange(controlPlane(), observed({ hostedCluster: withRecord(down, applied) }), START + 9000)
    expect(change).toMatchObject({ kind: 'write', record: { change: 'revert', image: FIXED, changedAt: START + 9000 } })
    if (change.kind !== 'write') return
    expect(annotationsFor(change.record)).not.toHaveProperty([CPO_IMAGE_ANNOTATION])
    const back = observed({ hostedCluster: withRecord(hostedCluster(), change.record) })
    expect(nextChange(controlPlane(), back, START + 20_000)).toEqual({ kind: 'none' })
  })

  test.each([
    ['Deleting', { metadata: { deletionTimestamp: '2026-01-05T08:00:00Z' } }],
    ['Paused', { spec: { pausedUntil: 'true' } }],
    ['ForeignOverride', { metadata: { annotations: { [CPO_IMAGE_ANNOTATION]: PAYLOAD } } }],
  ])('does not start when %s', (reason, parts: { metadata?: object; spec?: object }) => {
    const cluster = hostedCluster()
    const blocked = {
      ...cluster,
      metadata: { ...cluster.metadata, ...parts.metadata },
      spec: { ...cluster.spec, ...parts.spec },
    }
    expect(nextChange(controlPlane([wanted]), observed({ hostedCluster: blocked }), START)).toMatchObject({
      kind: 'blocked',
      reason,
    })
  })

  test('does not start without etcd', () => {
    const cluster = hostedCluster([condition('EtcdAvailable', 'False')])
    expect(nextChange(controlPlane([wanted]), observed({ hostedCluster: cluster }), START)).toMatchObject({
      kind: 'blocked',
      reason: 'EtcdUnavailable',
    })
  })
})

describe('readChangeRecord', () => {
  test('reads back what annotationsFor wrote', () => {
    for (const record of [applied, { ...applied, change: 'revert' as const, previousImage: PAYLOAD }]) {
      expect(readChangeRecord(withRecord(hostedCluster(), record))).toEqual(record)
    }
  })
})
