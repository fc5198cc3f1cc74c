import {
  ApplyConflictError,
  ApplyTypeError,
  applyConfiguration,
  badRequest,
  entriesAfterScaling,
  internalError,
  methodNotAllowed,
  notFound,
  scaleEntries,
  trackUpdate,
} from '@locktender/kube'
import type { Json, Resource, StructuralSchema } from '@locktender/kube'
import { compileBuiltIn } from '../builtins/compiled.ts'
import type { Stored } from '../database.ts'
import { asObject, ingest, parseObject, patchedInvalid } from '../write/decode.ts'
import type { ParsedBody } from '../write/decode.ts'
import { isYamlBody } from '../present/media-types.ts'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import { bindToUrl, checkKind, checkPreconditions } from '../objects/object-checks.ts'
import { parseWriteOptions } from '../request-options.ts'
import { integerAt, ScaleError, scaleOf, withInteger } from '../write/scaling.ts'
import type { Scaling } from '../write/scaling.ts'
import { compileSchema } from '../schema/compile.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import { View } from '../present/view.ts'
import type { WriteContext } from '../write/write-context.ts'
import { updateObject } from '../write/write-pipeline.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { changeOf, runChange } from './patch.ts'
import { readPatch } from './read-patch.ts'
import { retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

const schema: StructuralSchema = {
  type: 'object',
  properties: {
    spec: { type: 'object', properties: { replicas: { type: 'integer', format: 'int32' } } },
    status: {
      type: 'object',
      properties: { replicas: { type: 'integer', format: 'int32' }, selector: { type: 'string' } },
    },
  },
}

const types = compileBuiltIn('autoscaling/v1', 'Scale')
const rules = compileSchema(schema)
const compiled: typeof rules = {
  ...rules,
  prune(scale) {
    types.prune(scale)
    return rules.prune(scale)
  },
}

/** Stands for a number that is not there, so that a patch cannot leave it out unnoticed. */
const NO_REPLICAS = -2_147_483_648

/** GET, PUT and PATCH of the number of replicas of an object, as autoscaling/v1 Scale. */
export function handleScale(context: RequestContext): Promise<Answer> {
  const { served, request } = context
  switch (request.verb) {
    case 'get':
      return readScale(context)
    case 'update': {
      const write = writeContextOf(
        context,
        parseWriteOptions('UpdateOptions', context.query, context.headers['user-agent']),
      )
      const scaled = scaleResource(served)
      const { body, object } = parseObject(context.body, isYamlBody(context.headers['content-type']), scaled)
      const sent = readSent(context, { ...write, served: scaled }, object, body)
      return writeScale(context, write, () => sent)
    }
    case 'patch':
      return patchScale(context)
    default:
      throw methodNotAllowed(groupResourceOf(served), request.verb)
  }
}

async function readScale(context: RequestContext): Promise<Answer> {
  const { cluster, served, request } = context
  const { store } = cluster.database
  const stored = store.get(keyOf(context))
  await store.settled()
  if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
  const object = cluster.database.objectAs(served, stored)
  const scaling = served.scaling!
  const scale = readable(() => {
    if (served.custom && integerAt(object, scaling.specPath) === undefined) {
      throw new ScaleError(`the spec replicas field ${JSON.stringify(scaling.specPath)} does not exist`)
    }
    return scaleOf(object, scaling)
  })
  return { kind: 'object', code: 200, view: View.ofObject(scale) }
}

function readable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ScaleError) throw internalError(error.message)
    throw error
  }
}

/** The Scale of a kind, as the functions see it that read and check what clients send. */
function scaleResource(served: ServedResource): ServedResource {
  const resource: Resource = { ...served.resource, group: 'autoscaling', version: 'v1', kind: 'Scale' }
  return { ...served, resource, custom: false, schema, compiled, status: false, strategy: {}, scaling: undefined }
}

function readSent(
  context: RequestContext,
  scaled: WriteContext,
  decoded: AnyObject,
  body: ParsedBody,
  refuse?: (why: string) => Error,
): AnyObject {
  checkKind(scaled, decoded, refuse !== undefined)
  bindToUrl(scaled, decoded, context.request.name)
  return ingest(scaled, decoded, body, refuse)
}

function patchScale(context: RequestContext): Promise<Answer> {
  const { query, headers, body } = context
  const change = changeOf(context)
  const apply = change === 'apply'
  const write = writeContextOf(context, parseWriteOptions('PatchOptions', query, headers['user-agent'], apply))
  const scaled: WriteContext = { ...write, served: scaleResource(write.served) }
  if (!apply) {
    return writeScale(context, write, (live) => {
      const patch = readPatch(headers, body)
      const result = runChange(live, patch.value as Json, change)
      const refuse = (why: string): Error => patchedInvalid(result, why)
      return readSent(context, scaled, asObject(result, scaled.served, refuse), patch, refuse)
    })
  }
  const parsed = parseObject(body, true, scaled.served)
  const configuration = readSent(context, scaled, parsed.object, parsed.body)
  return writeScale(
    context,
    write,
    (live) => {
      try {
        return applyConfiguration({ ...trackingOf(write), live, configuration, force: write.options.force })
          .object as AnyObject
      } catch (error) {
        if (error instanceof ApplyConflictError || error instanceof ApplyTypeError) throw error.toApiError()
        throw error
      }
    },
    true,
  )
}

function trackingOf(write: WriteContext): {
  schema: StructuralSchema
  manager: string
  subresource: string
  now: string
} {
  return { schema, manager: write.options.fieldManager, subresource: 'scale', now: write.cluster.database.now() }
}

/** Writes the number of replicas of the Scale that `next` makes of the present one. */
function writeScale(
  context: RequestContext,
  write: WriteContext,
  next: (live: AnyObject) => AnyObject,
  tracked = false,
): Promise<Answer> {
  const { cluster, served, request } = context
  return retryOnRace(served, request.name!, async () => {
    const stored = cluster.database.store.get(keyOf(context))
    if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
    return scale(context, write, stored, next, tracked)
  })
}

async function scale(
  { cluster, served }: RequestContext,
  write: WriteContext,
  stored: Stored,
  next: (live: AnyObject) => AnyObject,
  tracked: boolean,
): Promise<Answer> {
  const scaling = served.scaling!
  const live = cluster.database.objectAs(served, stored)
  const entries = live.metadata.managedFields ?? []
  const before = presentScale(live, scaling)
  let after = next(before)
  checkPreconditions(write, live, after.metadata)
  if (!tracked) after = trackUpdate({ ...trackingOf(write), live: before, updated: after, operation: 'Update' })
  const replicas = replicasOf(after)
  if (replicas === NO_REPLICAS) {
    throw badRequest(`the spec replicas field ${JSON.stringify(scaling.specPath)} cannot be empty`)
  }
  const owners = entriesAfterScaling(entries, after.metadata.managedFields ?? [], live.apiVersion, scaling.paths)
  const { managedFields: _before, ...metadata } = live.metadata
  const candidate = withInteger(live, scaling.specPath, replicas)
  candidate.metadata = owners.length === 0 ? metadata : { ...metadata, managedFields: [...owners] }
  const view = await updateObject(write, stored, live, candidate, { tracked: true })
  return { kind: 'object', code: 200, view: View.ofObject(readable(() => scaleOf(view.object, scaling))) }
}

function presentScale(live: AnyObject, scaling: Scaling): AnyObject {
  return readable(() => {
    const scale = scaleOf(live, scaling)
    const managedFields = scaleEntries(live.metadata.managedFields ?? [], scaling.paths)
    const replicas = integerAt(live, scaling.specPath) ?? NO_REPLICAS
    return { ...scale, metadata: { ...scale.metadata, managedFields }, spec: { replicas } }
  })
}

function replicasOf(scale: AnyObject): number {
  const spec = scale['spec']
  const replicas = isRecord(spec) ? spec['replicas'] : undefined
  return typeof replicas === 'number' ? replicas : 0
}
