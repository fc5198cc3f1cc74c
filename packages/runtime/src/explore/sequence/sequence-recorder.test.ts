import { configMaps, deployments, type KubeObject } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { parseSequence } from './event-sequence.ts'
import { SequenceRecorder } from './sequence-recorder.ts'

const BEGIN = Date.UTC(2026, 0, 5)

function object(name: string, more: object = {}): KubeObject {
  const metadata = { name, namespace: 'shop', uid: '7', resourceVersion: '9', managedFields: [] }
  return { metadata, ...more } as unknown as KubeObject
}

describe('a recorded sequence', () => {
  test('has the objects of the beginning, and then each change with the time before it', () => {
    const recorder = new SequenceRecorder({ name: 'story' })
    recorder.start(configMaps, [object('a', { data: { x: '1', y: '1' } }), object('kube-root-ca.crt')], BEGIN)
    recorder.start(deployments, [], BEGIN)
    const add = (seconds: number, type: 'ADDED' | 'MODIFIED' | 'DELETED', given: KubeObject) =>
      recorder.add(configMaps, { type, object: given, atMs: BEGIN + seconds * 1000 })
    add(0.2, 'MODIFIED', object('a', { data: { x: '2' } }))
    add(0.3, 'MODIFIED', object('a', { data: { x: '2' }, status: { seen: true } }))
    add(95, 'ADDED', object('b'))
    add(95.5, 'DELETED', object('a'))
    add(96, 'DELETED', object('never seen'))
    expect(parseSequence(recorder.text(), 'recorded.yaml')).toEqual({
      name: 'story',
      clusters: {
        main: {
          files: [],
          objects: [
            {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              metadata: { name: 'a', namespace: 'shop' },
              data: { x: '1', y: '1' },
            },
          ],
        },
      },
      steps: [
        {
          change: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'shop' },
          to: { data: { x: '2', y: null } },
        },
        { advance: 95_000 },
        { create: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b', namespace: 'shop' } } },
        { delete: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', namespace: 'shop' } },
      ],
    })
    expect(recorder.steps).toBe(4)
  })

  test('has the status when it is asked for', () => {
    const recorder = new SequenceRecorder({ name: 'story', status: true })
    recorder.start(deployments, [object('web', { spec: { replicas: 1 }, status: { replicas: 0 } })], BEGIN)
    const given = object('web', { spec: { replicas: 1 }, status: { replicas: 1 } })
    recorder.add(deployments, { type: 'MODIFIED', object: given, atMs: BEGIN })
    expect(parseSequence(recorder.text(), 'recorded.yaml').steps).toEqual([
      {
        change: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'shop' },
        to: { status: { replicas: 1 } },
        subresource: 'status',
      },
    ])
  })
})
