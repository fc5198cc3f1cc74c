import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
})
afterEach(() => cluster.server.close())

const PODS = '/api/v1/namespaces/default/pods'
const CLAIMS = '/api/v1/namespaces/default/persistentvolumeclaims'
const VOLUMES = '/api/v1/persistentvolumes'

async function isThere(path: string): Promise<boolean> {
  return (await cluster.send('GET', path)).code === 200
}

async function goes(path: string): Promise<void> {
  await expect.poll(() => isThere(path)).toBe(false)
}

const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }

test('a claim stays as long as a pod on a node uses it', async () => {
  await cluster.send('POST', CLAIMS, { body: { metadata: { name: 'free' }, spec: claim } })
  await cluster.send('DELETE', `${CLAIMS}/free`)
  await goes(`${CLAIMS}/free`)

  await cluster.send('POST', CLAIMS, { body: { metadata: { name: 'used' }, spec: claim } })
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'used' } }]
  const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }], volumes }
  await cluster.send('POST', PODS, { body: { metadata: { name: 'p' }, spec } })
  const deleted = await cluster.send('DELETE', `${CLAIMS}/used`)
  expect(deleted.json()).toMatchObject({ metadata: { finalizers: ['kubernetes.io/pvc-protection'] } })
  // Whatever is deleted later is gone by then.
  await cluster.send('POST', CLAIMS, { body: { metadata: { name: 'later' }, spec: claim } })
  await cluster.send('DELETE', `${CLAIMS}/later`)
  await goes(`${CLAIMS}/later`)
  expect(await isThere(`${CLAIMS}/used`)).toBe(true)
  await cluster.send('DELETE', `${PODS}/p`)
  await goes(`${CLAIMS}/used`)
})

test('a volume stays as long as a claim has it', async () => {
  const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } }
  await cluster.send('POST', VOLUMES, { body: { metadata: { name: 'v' }, spec } })
  const phase = (word: string): Promise<unknown> =>
    cluster.send('PATCH', `${VOLUMES}/v/status`, {
      body: { status: { phase: word } },
      type: 'application/merge-patch+json',
    })
  await phase('Bound')
  await cluster.send('DELETE', `${VOLUMES}/v`)
  expect(await isThere(`${VOLUMES}/v`)).toBe(true)
  await phase('Released')
  await goes(`${VOLUMES}/v`)
})

test('a class of attributes stays as long as a claim names it', async () => {
  const CLASSES = '/apis/storage.k8s.io/v1/volumeattributesclasses'
  const body = { metadata: { name: 'fast' }, driverName: 'd', parameters: { a: 'b' } }
  await cluster.send('POST', CLASSES, { body })
  const named = { ...claim, volumeAttributesClassName: 'fast' }
  await cluster.send('POST', CLAIMS, { body: { metadata: { name: 'c' }, spec: named } })
  await cluster.send('DELETE', `${CLASSES}/fast`)
  expect(await isThere(`${CLASSES}/fast`)).toBe(true)
  await cluster.send('DELETE', `${CLAIMS}/c`)
  await goes(`${CLASSES}/fast`)
})
