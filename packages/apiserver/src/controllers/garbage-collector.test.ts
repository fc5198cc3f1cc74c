import type { KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clusterRoles, configMaps, namespaces, ownedBy, secrets, TestCluster } from './test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await TestCluster.start()
})

afterEach(() => cluster.stop())

const remove = (name: string, propagationPolicy?: 'Background' | 'Foreground' | 'Orphan') =>
  cluster.client.delete(
    configMaps,
    { name, namespace: 'default' },
    propagationPolicy === undefined ? {} : { propagationPolicy },
  )

const create = (name: string, owners: KubeObject[] = [], finalizers: string[] = []) =>
  cluster.create(configMaps, name, {
    ...(owners.length === 0 ? {} : { ownerReferences: owners.map((owner) => ownedBy(owner)) }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
  })

describe('garbage collection', () => {
  test('deletes what an owner leaves behind, down to the last generation', async () => {
    const owner = await create('owner')
    const child = await create('child', [owner])
    await create('grandchild', [child])
    await cluster.create(secrets, 'other-kind', { ownerReferences: [ownedBy(owner)] })
    await create('stranger')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toContain('grandchild')
    await remove('owner')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['stranger'])
    expect(await cluster.names(secrets)).toEqual([])
  })

  test('keeps an object while one of its owners lives, and forgets the others', async () => {
    const [first, second] = [await create('first'), await create('second')]
    await create('child', [first, second])
    await remove('first')
    await cluster.settle()
    const child = await cluster.find(configMaps, 'child')
    expect(child?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['second'])
    await remove('second')
    await cluster.settle()
    expect(await cluster.find(configMaps, 'child')).toBeUndefined()
  })

  test('deletes an object that is made after its owner is gone', async () => {
    const owner = await create('owner')
    await remove('owner')
    await create('late', [owner])
    await cluster.settle()
    expect(await cluster.find(configMaps, 'late')).toBeUndefined()
  })

  test('does not mistake a new object of the same name for the owner', async () => {
    const owner = await create('owner')
    await create('child', [owner])
    await remove('owner')
    await create('owner')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['owner'])
  })

  test('does not take an object of another kind or name for the owner, even with its uid', async () => {
    const owner = await create('owner')
    const references = [ownedBy(owner, { kind: 'Secret' }), ownedBy(owner, { name: 'else' })]
    for (const [index, reference] of references.entries()) {
      await cluster.create(configMaps, `liar-${index}`, { ownerReferences: [reference] })
    }
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['owner'])
  })

  test('accepts cluster-scoped owners, but none of another namespace', async () => {
    const role = await cluster.create(clusterRoles, 'role')
    await cluster.create(namespaces, 'elsewhere')
    const foreign = await cluster.create(configMaps, 'foreign', { namespace: 'elsewhere' })
    await create('of-role', [role])
    await create('of-foreign', [foreign])
    await cluster.create(clusterRoles, 'of-namespaced', { ownerReferences: [ownedBy(foreign)] })
    await cluster.settle()
    expect(await cluster.find(configMaps, 'of-role')).toBeDefined()
    expect(await cluster.find(configMaps, 'of-foreign')).toBeUndefined()
    expect(await cluster.find(clusterRoles, 'of-namespaced')).toBeUndefined()
    await cluster.client.delete(clusterRoles, { name: 'role' })
    await cluster.settle()
    expect(await cluster.find(configMaps, 'of-role')).toBeUndefined()
  })

  test('respects finalizers of dependents', async () => {
    const owner = await create('owner')
    await create('child', [owner], ['example.com/hold'])
    await remove('owner')
    await cluster.settle()
    expect((await cluster.find(configMaps, 'child'))?.metadata.deletionTimestamp).toBeDefined()
    await cluster.dropFinalizers(configMaps, 'child')
    expect(await cluster.find(configMaps, 'child')).toBeUndefined()
  })

  test('orphans on request: dependents stay and lose the owner', async () => {
    const [owner, other] = [await create('owner'), await create('other')]
    await create('child', [owner])
    await create('shared', [owner, other])
    await remove('owner', 'Orphan')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['child', 'other', 'shared'])
    expect((await cluster.find(configMaps, 'child'))?.metadata.ownerReferences).toBeUndefined()
    expect((await cluster.find(configMaps, 'shared'))?.metadata.ownerReferences?.map(({ name }) => name)).toEqual([
      'other',
    ])
  })

  test('in the foreground the owner goes after the dependents that block it', async () => {
    const owner = await create('owner')
    await cluster.create(configMaps, 'blocking', {
      ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })],
      finalizers: ['example.com/hold'],
    })
    await create('other', [owner])
    await remove('owner', 'Foreground')
    await cluster.settle()
    expect((await cluster.find(configMaps, 'owner'))?.metadata.finalizers).toEqual(['foregroundDeletion'])
    expect((await cluster.find(configMaps, 'blocking'))?.metadata.deletionTimestamp).toBeDefined()
    expect((await cluster.find(configMaps, 'other'))?.metadata.deletionTimestamp).toBeUndefined()
    await cluster.dropFinalizers(configMaps, 'blocking')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual([])
  })

  test('in the foreground goes down through the generations', async () => {
    const owner = await create('owner')
    const blocks = (above: KubeObject) => ({ ownerReferences: [ownedBy(above, { blockOwnerDeletion: true })] })
    const child = await cluster.create(configMaps, 'child', blocks(owner))
    await cluster.create(configMaps, 'grandchild', { ...blocks(child), finalizers: ['example.com/hold'] })
    await remove('owner', 'Foreground')
    await cluster.settle()
    expect((await cluster.find(configMaps, 'child'))?.metadata.finalizers).toEqual(['foregroundDeletion'])
    await cluster.dropFinalizers(configMaps, 'grandchild')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual([])
  })

  test('in the foreground an owner waits no more for a dependent that stops blocking it', async () => {
    const owner = await create('owner')
    await cluster.create(configMaps, 'child', {
      ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })],
      finalizers: ['example.com/hold'],
    })
    await remove('owner', 'Foreground')
    await cluster.settle()
    const child = { name: 'child', namespace: 'default' }
    await cluster.client.patch(configMaps, child, { metadata: { ownerReferences: null } }, { type: 'merge' })
    await cluster.settle()
    expect(await cluster.find(configMaps, 'owner')).toBeUndefined()
  })
})
