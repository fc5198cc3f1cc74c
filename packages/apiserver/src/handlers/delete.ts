import { badRequest, fieldForbidden, fieldNotSupported, invalid, isNotFound, notFound } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { deletedStatus, deleteObject } from '../delete-object.ts'
import type { DeleteOptions, PropagationPolicy } from '../delete-object.ts'
import { isRecord } from '../object.ts'
import { parseDryRun } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { View } from '../view.ts'
import type { WriteContext } from '../write-context.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { readAll } from './list.ts'
import { writeContextOf } from './write-context.ts'

const POLICIES: readonly PropagationPolicy[] = ['Foreground', 'Background', 'Orphan']

/** DELETE of one object. */
export async function handleDelete(context: RequestContext): Promise<Answer> {
  const { cluster, served, request } = context
  const { write, options } = parseOptions(context)
  const stored = cluster.database.store.get(keyOf(context))
  if (stored === undefined) {
    await cluster.database.store.settled()
    throw notFound(groupResourceOf(served), request.name!)
  }
  const { gone, view } = await deleteObject(write, stored, cluster.database.objectAs(served, stored), options)
  if (gone) return { kind: 'status', status: deletedStatus(served, view.object) }
  return { kind: 'object', code: 200, view }
}

/** DELETE of everything a list with the same query would show. */
export async function handleDeleteCollection(context: RequestContext): Promise<Answer> {
  const { cluster, served } = context
  const { write, options } = parseOptions(context)
  const deleted: View[] = []
  for (const { stored } of readAll(context)) {
    const current = cluster.database.store.get(stored.key)
    if (current === undefined) continue
    const live = cluster.database.objectAs(served, current)
    const namespaced = served.resource.namespaced ? { ...write, namespace: live.metadata.namespace } : write
    try {
      const { view } = await deleteObject(namespaced, current, live, options)
      deleted.push(view)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  return { kind: 'list', list: { items: deleted, resourceVersion: String(cluster.database.store.revision) } }
}

function parseOptions(context: RequestContext): { write: WriteContext; options: DeleteOptions } {
  const { query } = context
  const body = parseBody(context.body)
  const errors: FieldError[] = []
  const dryRunValues = [
    ...query.getAll('dryRun'),
    ...(Array.isArray(body['dryRun']) ? (body['dryRun'] as string[]) : []),
  ]
  const dryRun = parseDryRun(dryRunValues, errors)
  const policy = body['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined
  const orphan = body['orphanDependents'] ?? query.get('orphanDependents') ?? undefined
  if (policy !== undefined && !POLICIES.includes(policy as PropagationPolicy)) {
    errors.push(fieldNotSupported('propagationPolicy', policy as string, [...POLICIES]))
  }
  if (policy !== undefined && orphan !== undefined) {
    errors.push(fieldForbidden('propagationPolicy', 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  const legacy = orphan === undefined ? undefined : orphan === true || orphan === 'true' ? 'Orphan' : 'Background'
  const { preconditions } = body
  const write = writeContextOf(context, { dryRun, fieldValidation: 'Ignore', fieldManager: '', force: false })
  return {
    write,
    options: {
      propagationPolicy: (policy as PropagationPolicy | undefined) ?? legacy,
      preconditions: isRecord(preconditions) ? preconditions : undefined,
    },
  }
}

function parseBody(text: string): Record<string, unknown> {
  if (text === '') return {}
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    throw badRequest(`the delete options cannot be read as JSON: ${(error as Error).message}`)
  }
  if (!isRecord(body)) throw badRequest('the delete options are not an object')
  return body
}
