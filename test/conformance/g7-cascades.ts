import type { Obj } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly, not, timestamp } from './match.ts'

const UID = '11111111-2222-3333-4444-555555555555'

function ownerOf({ apiVersion, kind, metadata: { name, uid } }: Obj, more: object = {}): object {
  return { ownerReferences: [{ apiVersion, kind, name, uid, ...more }] }
}

/** Waits until the server has done away with an object. */
async function gone(t: T, path: string): Promise<void> {
  await t.eventually(async () => (await t.get(path)).refuses(404, 'NotFound'), 40_000)
}

export const cascades = group('G7', (add) => {
  add('F12', 'dependents go with their owner', async (t) => {
    const owner = await t.create(t.CM, configMap('owner'))
    const other = await t.create(t.CM, configMap('other'))
    const child = await t.create(t.CM, configMap('child', {}, ownerOf(owner)))
    await t.create(t.CM, configMap('grandchild', {}, ownerOf(child)))
    const { ownerReferences } = ownerOf(owner) as { ownerReferences: object[] }
    const two = [...ownerReferences, ...(ownerOf(other) as { ownerReferences: object[] }).ownerReferences]
    await t.create(t.CM, configMap('shared', {}, { ownerReferences: two }))
    // Somebody else with the name of the owner is not the owner.
    await t.create(t.CM, configMap('stray', {}, ownerOf({ ...owner, metadata: { ...owner.metadata, uid: UID } })))
    ;(await t.delete(`${t.CM}/owner`, { propagationPolicy: 'Background' })).is(200, { status: 'Success' })
    ;(await t.get(`${t.CM}/owner`)).refuses(404, 'NotFound')
    await Promise.all(['child', 'grandchild', 'stray'].map((name) => gone(t, `${t.CM}/${name}`)))
    await t.eventually(async () =>
      (await t.get(`${t.CM}/shared`)).is(200, { metadata: { ownerReferences: [{ name: 'other' }] } }),
    )
  })

  add('F13', 'dependents go before their owner', async (t) => {
    const owner = await t.create(t.CM, configMap('owner'))
    t.after(() => t.patch(`${t.CM}/blocking`, 'merge', { metadata: { finalizers: null } }))
    const blocking = { ...ownerOf(owner, { blockOwnerDeletion: true }), finalizers: ['example.com/f'] }
    await t.create(t.CM, configMap('blocking', {}, blocking))
    const free = await t.create(t.CM, configMap('free', {}, ownerOf(owner)))
    const watch = await t.watch(t.CM, { query: { resourceVersion: free.metadata.resourceVersion } })
    ;(await t.delete(`${t.CM}/owner`, { propagationPolicy: 'Foreground' })).is(200, {
      kind: 'ConfigMap',
      metadata: { deletionTimestamp: timestamp, finalizers: exactly(['foregroundDeletion']) },
    })
    await t.eventually(async () =>
      (await t.get(`${t.CM}/blocking`)).is(200, { metadata: { deletionTimestamp: timestamp } }),
    )
    await t.read(`${t.CM}/owner`)
    ;(await t.patch(`${t.CM}/blocking`, 'merge', { metadata: { finalizers: null } })).is(200)
    await gone(t, `${t.CM}/owner`)
    await gone(t, `${t.CM}/free`)
    const deleted: string[] = []
    while (!deleted.includes('owner')) {
      const { type, object } = await watch.any()
      if (type === 'DELETED') deleted.push(object.metadata.name)
    }
    t.check(deleted.indexOf('blocking') < deleted.indexOf('owner'), `the order must not be ${deleted.join(', ')}`)
  })

  add('F14', 'orphans', async (t) => {
    const owner = await t.create(t.CM, configMap('owner'))
    const child = await t.create(t.CM, configMap('child', { a: '1' }, ownerOf(owner, { blockOwnerDeletion: true })))
    ;(await t.delete(`${t.CM}/owner`, { propagationPolicy: 'Orphan' })).is(200, {
      metadata: { deletionTimestamp: timestamp, finalizers: exactly(['orphan']) },
    })
    await gone(t, `${t.CM}/owner`)
    t.match(
      await t.read(`${t.CM}/child`),
      { data: { a: '1' }, metadata: { uid: child.metadata.uid, ownerReferences: absent, deletionTimestamp: absent } },
      'the orphan',
    )
    // As older clients say it.
    const second = await t.create(t.CM, configMap('second'))
    await t.create(t.CM, configMap('next', {}, ownerOf(second)))
    ;(await t.delete(`${t.CM}/second`, { orphanDependents: true })).is(200, {
      metadata: { finalizers: exactly(['orphan']) },
    })
    await gone(t, `${t.CM}/second`)
    t.match((await t.read(`${t.CM}/next`)).metadata.ownerReferences, absent, 'owners')
  })

  const unhurried = { timeoutMs: 90_000 }
  const namespaceGoes = async (t: T): Promise<void> => {
    const name = t.unique('ns')
    const path = `/api/v1/namespaces/${name}`
    const W = `/apis/example.com/v1/namespaces/${name}/widgets`
    const CM = `${path}/configmaps`
    await t.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    t.after(() => t.patch(`${W}/held`, 'merge', { metadata: { finalizers: null } }))
    t.after(() => t.delete(path))
    await t.create(W, widget('held', {}, { finalizers: ['example.com/f'] }))
    await t.create(W, widget('free'))
    await t.create(CM, configMap('c'))
    ;(await t.delete(path)).is(200, {
      kind: 'Namespace',
      metadata: { deletionTimestamp: timestamp },
      spec: exactly({ finalizers: ['kubernetes'] }),
      status: { phase: 'Terminating' },
    })
    ;(await t.post(CM, configMap('new'))).refuses(403, 'Forbidden', {
      message: `configmaps "new" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
      details: exactly({
        name: 'new',
        kind: 'configmaps',
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${name} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      }),
    })
    await Promise.all([gone(t, `${W}/free`), gone(t, `${CM}/c`)])
    const finalizing = await t.eventually(async () =>
      (await t.get(path)).is(200, { status: { phase: 'Terminating', conditions: not([]) } }),
    )
    const conditions = finalizing.status?.['conditions'] as { type: string; status: string }[]
    t.match(
      Object.fromEntries(conditions.map(({ type, status }) => [type, status])),
      exactly({
        NamespaceDeletionDiscoveryFailure: 'False',
        NamespaceDeletionGroupVersionParsingFailure: 'False',
        NamespaceDeletionContentFailure: 'False',
        NamespaceContentRemaining: 'True',
        NamespaceFinalizersRemaining: 'True',
      }),
      'conditions',
    )
    // What is left can still be changed, and released.
    ;(await t.patch(`${W}/held`, 'merge', { spec: { size: 4 } })).is(200, {
      metadata: { deletionTimestamp: timestamp },
    })
    ;(await t.patch(`${W}/held`, 'merge', { metadata: { finalizers: null } })).is(200)
    await gone(t, path)
    for (const kept of ['default', 'kube-system', 'kube-public']) {
      ;(await t.delete(`/api/v1/namespaces/${kept}`, undefined, { query: { dryRun: 'All' } })).refuses(
        403,
        'Forbidden',
        {
          message: `namespaces "${kept}" is forbidden: this namespace may not be deleted`,
          details: exactly({ name: kept, kind: 'namespaces' }),
        },
      )
    }
  }
  add('F16', 'a namespace goes with all that is in it', namespaceGoes, unhurried)
})
