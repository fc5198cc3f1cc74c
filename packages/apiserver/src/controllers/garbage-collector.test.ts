import { clusterRoles, configMaps, namespaces, secrets } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownedBy, TestCluster } from './test-cluster.ts'

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

interface EventObject extends KubeObject {
  involvedObject: { name: string }
  type: string
  reason: string
  message: string
}

const events: Resource = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true }

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
    // An owner that is namespaced cannot even be looked for: the object stays, and an Event says so.
    expect(await cluster.find(clusterRoles, 'of-namespaced')).toBeDefined()
    const { items } = await cluster.client.list<EventObject>(events)
    expect(
      items.map(({ involvedObject, reason, type, message }) => [involvedObject.name, type, reason, message]),
    ).toEqual(
      [
        ['of-foreign', 'default'],
        ['of-namespaced', ''],
      ].map(([name, namespace]) => [
        name,
        'Warning',
        'OwnerRefInvalidNamespace',
        `ownerRef [v1/ConfigMap, namespace: ${namespace}, name: foreign, uid: ${foreign.metadata.uid}] does not exist in namespace "${namespace}"`,
      ]),
    )
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
    // Deleted too, but nobody waits for it.
    expect(await cluster.find(configMaps, 'other')).toBeUndefined()
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

  test('in the foreground owners that own each other do not wait for ever', async () => {
    const first = await create('first')
    const second = await cluster.create(configMaps, 'second', {
      ownerReferences: [ownedBy(first, { blockOwnerDeletion: true })],
    })
    await cluster.client.patch(
      configMaps,
      { name: 'first', namespace: 'default' },
      { metadata: { ownerReferences: [ownedBy(second, { blockOwnerDeletion: true })] } },
      { type: 'merge' },
    )
    await cluster.settle()
    await remove('first', 'Foreground')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual([])
  })

  test('keeps what names an owner of a kind that is not served', async () => {
    const owner = { apiVersion: 'example.com/v1', kind: 'Unknown', name: 'x', uid: 'u' }
    await cluster.create(configMaps, 'child', { ownerReferences: [owner] })
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual(['child'])
  })

  test('remembers owners that go before it gets to their dependents, whatever is served then', async () => {
    const owner = await create('owner')
    await create('child', [owner], ['example.com/hold'])
    await remove('owner')
    await create('owner')
    await cluster.settle()
    expect((await cluster.find(configMaps, 'child'))?.metadata.deletionTimestamp).toBeDefined()
  })

  test('goes on after a restart where it was', async () => {
    const owner = await create('owner')
    await cluster.create(configMaps, 'blocking', {
      ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })],
      finalizers: ['example.com/hold'],
    })
    await create('kept', [await create('other')])
    await remove('owner', 'Foreground')
    await cluster.settle()
    await cluster.restart()
    expect(await cluster.names(configMaps)).toEqual(['blocking', 'kept', 'other', 'owner'])
    await cluster.dropFinalizers(configMaps, 'blocking')
    await remove('other')
    await cluster.settle()
    expect(await cluster.names(configMaps)).toEqual([])
  })
})
