import { badRequest, fieldInvalid, fieldNotSupported, invalid, isNotFound, notFound } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { parseBody } from '../write/decode.ts'
import { deletedStatus, deleteObject } from '../write/delete-object.ts'
import type { DeleteOptions, PropagationPolicy } from '../write/delete-object.ts'
import { isYamlBody } from '../present/media-types.ts'
import { isRecord } from '../objects/object.ts'
import { parseDryRun } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { View } from '../present/view.ts'
import type { WriteContext } from '../write/write-context.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { readAll } from './list.ts'
import { retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

const POLICIES: readonly PropagationPolicy[] = ['Foreground', 'Background', 'Orphan']

/** DELETE of one object. */
export async function handleDelete(context: RequestContext): Promise<Answer> {
  const { cluster, served, request } = context
  const { write, options, waits } = parseOptions(context)
  return retryOnRace(served, request.name!, async () => {
    const stored = cluster.database.store.get(keyOf(context))
    if (stored === undefined) {
      await cluster.database.store.settled()
      throw notFound(groupResourceOf(served), request.name!)
    }
    const { gone, view } = await deleteObject(write, stored, cluster.database.objectAs(served, stored), options)
    if (gone && served.answersDeleted !== true) return { kind: 'status', status: deletedStatus(served, view.object) }
    return { kind: 'object', code: waits ? 202 : 200, view }
  })
}

/** DELETE of everything a list with the same query would show. */
export async function handleDeleteCollection(context: RequestContext): Promise<Answer> {
  const { cluster, served } = context
  const { write, options } = parseOptions(context)
  const deleted: View[] = []
  for (const { stored } of await readAll(context)) {
    try {
      const view = await retryOnRace(served, nameOf(stored.key), async () => {
        const current = cluster.database.store.get(stored.key)
        if (current === undefined) return undefined
        const live = cluster.database.objectAs(served, current)
        const namespaced = served.resource.namespaced ? { ...write, namespace: live.metadata.namespace } : write
        return (await deleteObject(namespaced, current, live, options)).view
      })
      if (view !== undefined) deleted.push(view)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  return { kind: 'list', list: { items: deleted, resourceVersion: String(cluster.database.store.revision) } }
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

interface ParsedOptions {
  readonly write: WriteContext
  readonly options: DeleteOptions
  /** Whether the client asked, in the old way, for an answer only after dependents are gone. */
  readonly waits: boolean
}

/** A body says everything; without one the query does. */
function parseOptions(context: RequestContext): ParsedOptions {
  const { query } = context
  const given = parseOptionsBody(context) ?? {
    dryRun: query.getAll('dryRun'),
    propagationPolicy: query.get('propagationPolicy') ?? undefined,
    orphanDependents: flag(query.get('orphanDependents')),
    gracePeriodSeconds: query.has('gracePeriodSeconds') ? Number(query.get('gracePeriodSeconds')) : undefined,
  }
  const policy = typed(given, 'propagationPolicy', 'string') as PropagationPolicy | undefined
  const orphan = typed(given, 'orphanDependents', 'boolean') as boolean | undefined
  const gracePeriodSeconds = typed(given, 'gracePeriodSeconds', 'number') as number | undefined
  const errors: FieldError[] = []
  if (policy !== undefined && orphan !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    errors.push(fieldInvalid('propagationPolicy', policy, why))
  }
  if (policy !== undefined && !POLICIES.includes(policy)) {
    errors.push(fieldNotSupported('propagationPolicy', policy, [...POLICIES, 'nil']))
  }
  const dryRun = parseDryRun(strings(given['dryRun']), errors)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  const legacy = orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background'
  const write = writeContextOf(context, { dryRun, fieldValidation: 'Ignore', fieldManager: '', force: false })
  return {
    write,
    options: {
      propagationPolicy: policy ?? legacy,
      preconditions: preconditionsOf(given['preconditions']),
      gracePeriodSeconds,
    },
    waits: orphan === false,
  }
}

function parseOptionsBody({ body, headers }: RequestContext): Record<string, unknown> | undefined {
  if (body.length === 0) return undefined
  const { value } = parseBody(body, isYamlBody(headers['content-type']))
  if (!isRecord(value)) throw badRequest('the delete options are not an object')
  if (value['kind'] !== undefined && value['kind'] !== 'DeleteOptions') {
    const { kind, apiVersion = '' } = value
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    )
  }
  return value
}

function flag(text: string | null): boolean | undefined {
  // As in apimachinery: whatever is not "false" or "0" is true, even nothing.
  return text === null ? undefined : text.toLowerCase() !== 'false' && text !== '0'
}

const GO_TYPES = { string: 'v1.DeletionPropagation', boolean: 'bool', number: 'int64' }

function typed(given: Record<string, unknown>, field: string, type: 'string' | 'boolean' | 'number'): unknown {
  const value = given[field] ?? undefined
  if (value === undefined) return undefined
  if (typeof value === type && !Number.isNaN(value)) return value
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  throw badRequest(
    `json: cannot unmarshal ${found} into Go struct field DeleteOptions.${field} of type ${GO_TYPES[type]}`,
  )
}

function strings(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw badRequest('dryRun of the delete options is not a list of strings')
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined || value === null) return undefined
  if (!isRecord(value)) throw badRequest('the preconditions of the delete options are not an object')
  const { uid, resourceVersion } = value
  for (const part of [uid, resourceVersion]) {
    if (part !== undefined && part !== null && typeof part !== 'string') {
      throw badRequest('the preconditions of the delete options are not strings')
    }
  }
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
  }
}
