import { notFound, resourceNotFound } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import type { LogicalCluster } from './cluster.ts'
import type { ObjectRef, ObjectWriter } from './controllers/object-writer.ts'
import { deleteObject } from './write/delete-object.ts'
import type { AnyObject } from './objects/object.ts'
import { isRecord } from './objects/object.ts'
import { retryOnRace } from './handlers/retry.ts'
import type { ServedResource } from './served-resource.ts'
import { systemUser } from './user.ts'
import { writeDeadline } from './write/write-context.ts'
import type { WriteContext } from './write/write-context.ts'
import { createObject, finalizeObject, updateObject } from './write/write-pipeline.ts'

const OPTIONS = { dryRun: false, fieldValidation: 'Ignore', fieldManager: 'apiserver', force: false } as const

/** Lets the server's own controllers write through the steps every client's writes go through. */
export function systemWriter(clusterOf: (name: string) => LogicalCluster | undefined): ObjectWriter {
  const find = (ref: ObjectRef, subresource?: string): Target => {
    const cluster = clusterOf(ref.cluster)
    const served = cluster?.registry.findStored(ref.group, ref.plural)
    const namespace = ref.namespace === '' ? undefined : ref.namespace
    if (cluster === undefined || served === undefined)
      throw notFound({ group: ref.group, resource: ref.plural }, ref.name)
    const { database } = cluster
    const stored = database.store.get(database.key(ref.cluster, served.storedAs, namespace, ref.name))
    if (stored === undefined) throw notFound({ group: ref.group, resource: ref.plural }, ref.name)
    const deadline = writeDeadline(database.clock)
    const about = { cluster, served, user: systemUser, namespace, subresource, options: OPTIONS }
    const context: WriteContext = { ...about, warnings: [], deadline }
    return { context, served, stored, live: database.objectAs(served, stored) }
  }
  return {
    async create(ref, object) {
      const cluster = clusterOf(ref.cluster)
      const served = cluster?.registry.findStored(ref.group, ref.plural)
      if (cluster === undefined || served === undefined) throw resourceNotFound()
      const namespace = ref.namespace === '' ? undefined : ref.namespace
      const context = { cluster, served, user: systemUser, namespace, subresource: undefined, options: OPTIONS }
      const deadline = writeDeadline(cluster.database.clock)
      await createObject({ ...context, warnings: [], deadline }, object as AnyObject)
    },
    async delete(ref, { uid, propagationPolicy }) {
      await retryOnRace(find(ref).served, ref.name, async () => {
        const { context, stored, live } = find(ref)
        await deleteObject(context, stored, live, { preconditions: { uid }, propagationPolicy })
      })
    },
    async update(ref, change, subresource) {
      await retryOnRace(find(ref, subresource).served, ref.name, async () => {
        const { context, stored, live } = find(ref, subresource)
        const next = change(live as KubeObject) as AnyObject | undefined
        if (next === undefined) return
        if (subresource === 'finalize') {
          await finalizeObject(context, stored, live, isRecord(next['spec']) ? next['spec']['finalizers'] : undefined)
        } else {
          await updateObject(context, stored, live, next)
        }
      })
    },
  }
}

interface Target {
  readonly context: WriteContext
  readonly served: ServedResource
  readonly stored: { readonly key: string; readonly value: Uint8Array; readonly revision: number }
  readonly live: AnyObject
}
