import { notFound } from '@locktender/kube'
import { ingest, parseObject } from '../write/decode.ts'
import { isYamlBody } from '../present/media-types.ts'
import { parseWriteOptions } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import { bindToUrl, checkKind, checkPreconditions, unversioned } from '../objects/object-checks.ts'
import { createObject, updateObject } from '../write/write-pipeline.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { createMissing, retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

/** PUT of a whole object, or of the part a subresource writes. */
export async function handleUpdate(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query, headers, body } = context
  const { database } = cluster
  const write = writeContextOf(context, parseWriteOptions('UpdateOptions', query, headers['user-agent']))
  const { body: parsed, object: decoded } = parseObject(body, isYamlBody(headers['content-type']), served)
  checkKind(write, decoded)
  bindToUrl(write, decoded, request.name)
  const { resourceVersion } = decoded.metadata
  const conditional = resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0'
  const candidate = ingest(write, decoded, parsed)
  return retryOnRace(served, request.name!, async () => {
    const stored = database.store.get(keyOf(context))
    if (stored === undefined) {
      if (!served.createOnUpdate || request.subresource !== undefined) {
        throw notFound(groupResourceOf(served), request.name!)
      }
      return { kind: 'object', code: 201, view: await createMissing(context, () => createObject(write, candidate)) }
    }
    const live = database.objectAs(served, stored)
    if (conditional) checkPreconditions(write, live, decoded.metadata)
    else if (served.unconditionalUpdate) checkPreconditions(write, live, { uid: decoded.metadata.uid })
    else throw unversioned(write, request.name!)
    return { kind: 'object', code: 200, view: await updateObject(write, stored, live, candidate) }
  })
}

/** Whether a PUT would create the object: only of kinds that can be made so, and when there is none yet. */
export function updatesNewObject(context: RequestContext): boolean {
  const { cluster, served, request } = context
  return (
    served.createOnUpdate &&
    request.subresource === undefined &&
    cluster.database.store.get(keyOf(context)) === undefined
  )
}
