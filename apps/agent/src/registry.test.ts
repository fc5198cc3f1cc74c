import type { KubeObject } from '@locktender/kube'
import type { ObjectEvent } from '@locktender/runtime'
import { expect, test } from 'vitest'
import { Registry } from './registry.ts'
import { controlPlane, hostedCluster } from './testing/objects.ts'

function event(type: ObjectEvent['type'], key: string, object: KubeObject): ObjectEvent {
  return { type, key, object: () => object as never, previous: () => undefined }
}

const plane = (name: string) => ({ ...controlPlane(), spec: { hostedCluster: { namespace: 'clusters', name } } })

test('tells which HostedClusters nobody registered, in whatever order they are seen', () => {
  const registry = new Registry()
  registry.onControlPlane(event('ADDED', 'mc-1/a', plane('a')))
  for (const name of ['g', 'f', 'e', 'd', 'c', 'b', 'a']) {
    registry.onHostedCluster(event('ADDED', `clusters/${name}`, hostedCluster()))
  }
  const first = ['b', 'c', 'd', 'e', 'f'].map((name) => `clusters/${name}`)
  expect(registry.unregistered()).toEqual({ count: 6, first })
  registry.onHostedCluster(event('DELETED', 'clusters/g', hostedCluster()))
  for (const name of ['b', 'c', 'd', 'e']) registry.onControlPlane(event('ADDED', `mc-1/${name}`, plane(name)))
  expect(registry.unregistered()).toEqual({ count: 1, first: ['clusters/f'] })
  const leaving = hostedCluster()
  const metadata = { ...leaving.metadata, deletionTimestamp: '2026-01-05T08:00:00Z' }
  registry.onHostedCluster(event('MODIFIED', 'clusters/f', { ...leaving, metadata }))
  expect(registry.unregistered().count).toBe(0)
})

test('follows a ControlPlane that goes, or speaks of another HostedCluster', () => {
  const registry = new Registry()
  registry.onHostedCluster(event('ADDED', 'clusters/a', hostedCluster()))
  registry.onControlPlane(event('ADDED', 'mc-1/one', plane('a')))
  expect(registry.controlPlaneOf('clusters/a')).toBe('mc-1/one')
  expect(registry.ownerOf('clusters-a')).toBe('mc-1/one')
  registry.onControlPlane(event('MODIFIED', 'mc-1/one', plane('b')))
  expect(registry.controlPlaneOf('clusters/a')).toBeUndefined()
  expect(registry.ownerOf('clusters-a')).toBeUndefined()
  expect(registry.controlPlaneOf('clusters/b')).toBe('mc-1/one')
  registry.onControlPlane(event('DELETED', 'mc-1/one', plane('b')))
  expect(registry.controlPlaneOf('clusters/b')).toBeUndefined()
})
