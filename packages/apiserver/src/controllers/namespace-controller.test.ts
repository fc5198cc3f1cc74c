import { configMaps, namespaces, secrets } from '@locktender/kube'
import type { Condition, KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await TestCluster.start()
  await cluster.create(namespaces, 'doomed')
  await cluster.create(configMaps, 'free', { namespace: 'doomed' })
  await cluster.create(secrets, 'free', { namespace: 'doomed' })
})

afterEach(() => cluster.stop())

interface Namespace extends KubeObject {
  status: { phase: string; conditions?: Condition[] }
}

describe('deletion of a namespace', () => {
  test('takes everything in it along, and nothing else', async () => {
    await cluster.create(configMaps, 'neighbour')
    await cluster.client.delete(namespaces, { name: 'doomed' })
    await cluster.settle()
    expect(await cluster.find(namespaces, 'doomed')).toBeUndefined()
    expect(await cluster.names(configMaps)).toEqual(['neighbour'])
    expect(await cluster.names(secrets)).toEqual([])
  })

  test('of an empty namespace is immediate', async () => {
    await cluster.create(namespaces, 'empty')
    await cluster.client.delete(namespaces, { name: 'empty' })
    await cluster.settle()
    expect(await cluster.find(namespaces, 'empty')).toBeUndefined()
  })

  test('waits for finalizers and says which, refusing new content meanwhile', async () => {
    const finalizers = ['example.com/hold']
    await cluster.create(configMaps, 'held', { namespace: 'doomed', finalizers })
    await cluster.create(secrets, 'held', { namespace: 'doomed', finalizers })
    await cluster.client.delete(namespaces, { name: 'doomed' })
    await cluster.settle()
    const namespace = (await cluster.find(namespaces, 'doomed')) as Namespace
    expect(namespace.status.phase).toBe('Terminating')
    const messages = Object.fromEntries(namespace.status.conditions!.map(({ type, message }) => [type, message]))
    expect(messages).toMatchObject({
      NamespaceContentRemaining:
        'Some resources are remaining: configmaps has 1 resource instances, secrets has 1 resource instances',
      NamespaceFinalizersRemaining:
        'Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances',
    })
    expect(await cluster.find(configMaps, 'free', 'doomed')).toBeUndefined()
    await expect(cluster.create(configMaps, 'late', { namespace: 'doomed' })).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
    })

    await cluster.dropFinalizers(configMaps, 'held', 'doomed')
    await cluster.settle()
    const later = (await cluster.find(namespaces, 'doomed')) as Namespace
    expect(later.status.conditions!.find(({ type }) => type === 'NamespaceContentRemaining')?.message).toBe(
      'Some resources are remaining: secrets has 1 resource instances',
    )
    await cluster.dropFinalizers(secrets, 'held', 'doomed')
    await cluster.settle()
    expect(await cluster.find(namespaces, 'doomed')).toBeUndefined()
  })

  test('leaves the name free to be used again', async () => {
    await cluster.client.delete(namespaces, { name: 'doomed' })
    await cluster.settle()
    await cluster.create(namespaces, 'doomed')
    await cluster.create(configMaps, 'new', { namespace: 'doomed' })
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['new'])
  })
})
