import {
  apiVersionOf,
  ApplyConflictError,
  ApplyTypeError,
  applyConfiguration,
  applyJsonPatch,
  applyMergePatch,
  conflict,
  notFound,
  PatchError,
  patchRejected,
  requestEntityTooLarge,
  unsupportedMediaType,
  unsupportedPatchType,
} from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { messageOfKind } from '../builtins/field-table.ts'
import { asObject, ingest, ingestApplied, kindProblem, patchedInvalid } from '../write/decode.ts'
import { mediaType } from '../present/media-types.ts'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import { parseWriteOptions } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import { applyStrategicMergePatch } from '../write/strategic-merge.ts'
import type { WriteContext } from '../write/write-context.ts'
import { bindToUrl, checkAppliedKind, checkKind, checkPreconditions, unversioned } from '../objects/object-checks.ts'
import { createObject, trackingOf, updateObject } from '../write/write-pipeline.ts'
import { readApplied } from '../write/yaml-body.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH } from './patch-types.ts'
import { readPatch } from './read-patch.ts'
import { createMissing, retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

/** Most operations of a JSON patch, as in apiserver. */
const MAX_OPERATIONS = 10_000
/** Most bytes the copies of a JSON patch may add, as in apiserver. */
const MAX_COPIED_BYTES = 3 * 1024 * 1024

/** What a patch does to an object. */
export type Change = (live: Json, patch: Json) => Json

/** PATCH in any of its forms. */
export function handlePatch(context: RequestContext): Promise<Answer> {
  const change = changeOf(context)
  return change === 'apply' ? handleApply(context) : handleChange(context, change)
}

/**
 * What the patch of a request does by its media type.
 * @throws ApiError UnsupportedMediaType
 */
export function changeOf({ headers, served }: RequestContext): Change | 'apply' {
  switch (mediaType(headers['content-type'])) {
    case APPLY_PATCH:
      return 'apply'
    case MERGE_PATCH:
      return applyMergePatch
    case JSON_PATCH:
      return (live, patch) => {
        if (Array.isArray(patch) && patch.length > MAX_OPERATIONS) {
          throw requestEntityTooLarge(
            `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
          )
        }
        return applyJsonPatch(live, patch, MAX_COPIED_BYTES)
      }
    case STRATEGIC_MERGE_PATCH:
      // Which lists merge is known of built-in kinds only.
      if (!served.custom) return strategicMerge(served)
      throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY_PATCH])
    default:
      if (!served.custom) throw unsupportedPatchType()
      throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, APPLY_PATCH])
  }
}

function strategicMerge({ resource }: ServedResource): Change {
  const message = messageOfKind(apiVersionOf(resource), resource.kind)!
  return (live, patch) => applyStrategicMergePatch(live, patch, message)
}

async function handleChange(context: RequestContext, change: Change): Promise<Answer> {
  const { cluster, served, request, query, headers, body } = context
  const write = writeContextOf(context, parseWriteOptions('PatchOptions', query, headers['user-agent']))
  return retryOnRace(served, request.name!, async () => {
    const stored = cluster.database.store.get(keyOf(context))
    if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
    const patch = readPatch(headers, body)
    const live = cluster.database.objectAs(served, stored)
    const result = runChange(live, patch.value as Json, change)
    const refuse = (why: string): Error => patchedInvalid(result, why)
    const problem = kindProblem(result, () => JSON.stringify(result), served.custom)
    if (problem !== undefined) throw refuse(problem)
    const patched = asObject(result, served, refuse)
    checkKind(write, patched, true)
    bindToUrl(write, patched, request.name)
    const { resourceVersion = '' } = patched.metadata
    if (resourceVersion === '' && !served.unconditionalUpdate) throw unversioned(write, request.name!)
    checkPreconditions(write, live, { resourceVersion })
    const candidate = ingest(write, patched, patch, refuse)
    return { kind: 'object', code: 200, view: await updateObject(write, stored, live, candidate, { patched: true }) }
  })
}

/**
 * The patched object, which shares unchanged parts with the live one.
 * @throws ApiError
 */
export function runChange(live: AnyObject, patch: Json, change: Change): unknown {
  try {
    const result = change(live as unknown as Json, patch)
    // The patch functions share unchanged parts with the live object, and metadata is completed in place later.
    return isRecord(result) && isRecord(result['metadata'])
      ? { ...result, metadata: { ...result['metadata'] } }
      : result
  } catch (error) {
    if (!(error instanceof PatchError)) throw error
    throw patchRejected()
  }
}

async function handleApply(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query, headers, body } = context
  const { database } = cluster
  const write = writeContextOf(context, parseWriteOptions('PatchOptions', query, headers['user-agent'], true))
  const { fieldValidation } = write.options
  const { value, warnings } = readApplied(body, fieldValidation === 'Strict')
  if (fieldValidation === 'Warn') write.warnings.push(...warnings)
  const configuration = asConfiguration(write, value)
  return retryOnRace(served, request.name!, async () => {
    const stored = database.store.get(keyOf(context))
    const live = stored === undefined ? undefined : database.objectAs(served, stored)
    if (live === undefined && request.subresource !== undefined) {
      throw notFound(groupResourceOf(served), request.name!)
    }
    const object = asObject(runApply(write, live, configuration), served)
    if (live === undefined) {
      const { uid = '' } = configuration.metadata
      if (uid !== '') {
        const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
        throw conflict(groupResourceOf(served), request.name!, why)
      }
      bindToUrl(write, object, undefined)
      bindToUrl(write, object, request.name)
    } else {
      bindToUrl(write, asObject(configuration, served), request.name)
      checkPreconditions(write, live, configuration.metadata)
    }
    const candidate = ingestApplied(write, object)
    if (stored === undefined || live === undefined) {
      const view = await createMissing(context, () => createObject(write, candidate, true))
      return { kind: 'object', code: 201, view }
    }
    const options = { tracked: true, patched: true }
    return { kind: 'object', code: 200, view: await updateObject(write, stored, live, candidate, options) }
  })
}

/** What is applied, of which so far only the kind is sure: its types are checked against the schema. */
function asConfiguration(write: WriteContext, value: unknown): AnyObject {
  checkAppliedKind(write, value)
  const object = value as Partial<AnyObject>
  return { ...object, metadata: object.metadata ?? {} } as AnyObject
}

function runApply(write: WriteContext, live: AnyObject | undefined, configuration: AnyObject): AnyObject {
  try {
    const { object } = applyConfiguration({
      ...trackingOf(write, write.cluster.database.now()),
      live,
      configuration,
      force: write.options.force,
    })
    return object as AnyObject
  } catch (error) {
    if (error instanceof ApplyConflictError || error instanceof ApplyTypeError) throw error.toApiError()
    throw error
  }
}

/** Whether creating through an apply needs a second permission: only when there is nothing to patch yet. */
export function appliesNewObject(context: RequestContext): boolean {
  return (
    mediaType(context.headers['content-type']) === APPLY_PATCH &&
    context.request.subresource === undefined &&
    context.cluster.database.store.get(keyOf(context)) === undefined
  )
}
