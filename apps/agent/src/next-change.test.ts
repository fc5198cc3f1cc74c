import { CPO_IMAGE_ANNOTATION, IMAGE_OVERRIDES_ANNOTATION } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { annotationsFor, readChangeRecords, type ChangeRecord } from './change-record.ts'
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
  withRecords,
} from './testing/objects.ts'

const etcd = { ...wanted, component: 'etcd', image: 'registry.example/etcd@sha256:e', fix: 'fix-2', rollout: 'fix-2' }
const etcdApplied: ChangeRecord = { ...applied, component: 'etcd', image: etcd.image, fix: 'fix-2', rollout: 'fix-2' }

function annotated(annotations: Record<string, string>) {
  const cluster = hostedCluster()
  return { ...cluster, metadata: { ...cluster.metadata, annotations } }
}

describe('nextChange', () => {
  test('does nothing where nothing is wanted and nothing was done', () => {
    expect(nextChange(controlPlane(), observed(), START)).toEqual({})
  })

  test('writes a wanted override with the moment, the nodes and the absence of an earlier one', () => {
    expect(nextChange(controlPlane([wanted]), observed(), START)).toEqual({ records: [applied] })
  })

  test('has nothing more to do once its answer is written', () => {
    const seen = observed({ hostedCluster: withRecords(hostedCluster(), applied) })
    expect(nextChange(controlPlane([wanted]), seen, START + 5000)).toEqual({})
  })

  test('keeps the moment of the change when the same image comes under another rollout', () => {
    const seen = observed({ hostedCluster: withRecords(hostedCluster(), applied) })
    const again = { ...wanted, rollout: 'fix-1-2' }
    expect(nextChange(controlPlane([again]), seen, START + 5000)).toEqual({
      records: [{ ...applied, rollout: 'fix-1-2' }],
    })
  })

  test('goes back when the override is withdrawn, even where the control plane is down, and only once', () => {
    const down = withRecords(hostedCluster([condition('EtcdAvailable', 'False')]), applied)
    const { records = [] } = nextChange(controlPlane(), observed({ hostedCluster: down }), START + 9000)
    expect(records).toMatchObject([{ change: 'revert', image: FIXED, changedAt: START + 9000 }])
    expect(annotationsFor(records, down)).not.toHaveProperty([CPO_IMAGE_ANNOTATION])
    const back = observed({ hostedCluster: withRecords(hostedCluster(), ...records) })
    expect(nextChange(controlPlane(), back, START + 20_000)).toEqual({})
  })

  test('puts several components in place by one request, each with its record', () => {
    const third = { ...etcd, component: 'hyperkube', image: 'registry.example/hyperkube@sha256:d' }
    const { records = [], blocked } = nextChange(controlPlane([wanted, etcd, third]), observed(), START)
    expect(blocked).toBeUndefined()
    expect(records).toEqual([applied, etcdApplied, { ...etcdApplied, component: 'hyperkube', image: third.image }])
    expect(annotationsFor(records, hostedCluster())).toMatchObject({
      [CPO_IMAGE_ANNOTATION]: FIXED,
      [IMAGE_OVERRIDES_ANNOTATION]: `etcd=${etcd.image},hyperkube=${third.image}`,
    })
    const after = observed({ hostedCluster: withRecords(hostedCluster(), ...records) })
    expect(nextChange(controlPlane([wanted, etcd, third]), after, START + 1)).toEqual({})
  })

  test('adds a component, or takes one back, without touching the others', () => {
    const one = observed({ hostedCluster: withRecords(hostedCluster(), applied) })
    const two = nextChange(controlPlane([wanted, etcd]), one, START + 1000).records
    expect(two).toEqual([applied, { ...etcdApplied, changedAt: START + 1000 }])
    const both = withRecords(hostedCluster(), ...two!)
    const back = nextChange(controlPlane([etcd]), observed({ hostedCluster: both }), START + 2000).records
    expect(back).toEqual([{ ...applied, change: 'revert', changedAt: START + 2000 }, two![1]])
    const annotations = annotationsFor(back!, both)
    expect(annotations).not.toHaveProperty([CPO_IMAGE_ANNOTATION])
    expect(annotations[IMAGE_OVERRIDES_ANNOTATION]).toBe(`etcd=${etcd.image}`)
  })

  test('one component that is in the way does not keep the others', () => {
    const taken = annotated({ [CPO_IMAGE_ANNOTATION]: PAYLOAD })
    const { records, blocked } = nextChange(controlPlane([wanted, etcd]), observed({ hostedCluster: taken }), START)
    expect(records).toEqual([etcdApplied])
    expect(blocked).toMatchObject({
      reason: 'ForeignOverride',
      message: expect.stringContaining('control-plane-operator: somebody else'),
    })
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
    const change = nextChange(controlPlane([wanted]), observed({ hostedCluster: blocked }), START)
    expect(change).toMatchObject({ blocked: { reason } })
    expect(change.records).toBeUndefined()
  })

  test('does not start without etcd', () => {
    const cluster = hostedCluster([condition('EtcdAvailable', 'False')])
    const change = nextChange(controlPlane([wanted, etcd]), observed({ hostedCluster: cluster }), START)
    expect(change).toMatchObject({ blocked: { reason: 'EtcdUnavailable' } })
    expect(change.records).toBeUndefined()
  })
})

describe('the annotation that all components but the operator share', () => {
  const foreign = annotated({ [IMAGE_OVERRIDES_ANNOTATION]: 'hyperkube=mine' })

  test('keeps what others have put there, also when ours goes again', () => {
    const mixed = withRecords(foreign, etcdApplied)
    expect(mixed.metadata.annotations?.[IMAGE_OVERRIDES_ANNOTATION]).toBe(`hyperkube=mine,etcd=${etcd.image}`)
    const back = withRecords(mixed, { ...etcdApplied, change: 'revert' })
    expect(back.metadata.annotations?.[IMAGE_OVERRIDES_ANNOTATION]).toBe('hyperkube=mine')
  })

  test('is not touched for the operator alone', () => {
    expect(annotationsFor([applied], foreign)).not.toHaveProperty([IMAGE_OVERRIDES_ANNOTATION])
  })

  test('is blocked where another image of the component is there', () => {
    const hyperkube = { ...etcd, component: 'hyperkube' }
    const change = nextChange(controlPlane([hyperkube]), observed({ hostedCluster: foreign }), START)
    expect(change).toMatchObject({ blocked: { reason: 'ForeignOverride' } })
  })
})

describe('readChangeRecords', () => {
  test('reads back what annotationsFor wrote', () => {
    const records = [applied, { ...etcdApplied, change: 'revert' as const, previousImage: PAYLOAD }]
    expect(readChangeRecords(withRecords(hostedCluster(), ...records))).toEqual(records)
  })

  test.each(['', '{', 'null', '{}', '[null, 1, {"change":"apply"}]', '[{"change":"x","changedAt":"now"}]'])(
    'makes nothing of %s',
    (text) => {
      expect(readChangeRecords(annotated({ 'locktender.dev/changes': text }))).toEqual([])
    },
  )
})
