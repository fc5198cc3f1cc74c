import { customResourceDefinitions } from '@locktender/kube'
import type { Resource } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

const widgets: Resource = { group: 'example.com', version: 'v1', plural: 'widgets', kind: 'Widget', namespaced: true }

let cluster: TestCluster

beforeEach(async () => {
  cluster = await TestCluster.start()
})

afterEach(() => cluster.stop())

async function define(): Promise<void> {
  await cluster.create(
    customResourceDefinitions,
    'widgets.example.com',
    {},
    {
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
  )
}

test('a definition goes after its instances, and they come not back with it', async () => {
  await define()
  await cluster.create(widgets, 'free')
  await cluster.create(widgets, 'held', { finalizers: ['example.com/hold'] })
  await cluster.client.delete(customResourceDefinitions, { name: 'widgets.example.com' })
  await cluster.settle()
  expect(await cluster.names(widgets)).toEqual(['held'])
  expect(
    (await cluster.find(customResourceDefinitions, 'widgets.example.com'))?.metadata.deletionTimestamp,
  ).toBeDefined()
  await cluster.dropFinalizers(widgets, 'held')
  await cluster.settle()
  expect(await cluster.find(customResourceDefinitions, 'widgets.example.com')).toBeUndefined()
  await define()
  expect(await cluster.names(widgets)).toEqual([])
})
