import { badRequest, methodNotAllowed, notFound } from '@locktender/kube'
import { parseObject } from '../write/decode.ts'
import { isYamlBody } from '../present/media-types.ts'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import { parseWriteOptions } from '../request-options.ts'
import { groupResourceOf } from '../served-resource.ts'
import { bindToUrl, checkKind, checkPreconditions } from '../objects/object-checks.ts'
import { finalizeObject } from '../write/write-pipeline.ts'
import type { Answer } from './answer.ts'
import { keyOf } from './context.ts'
import type { RequestContext } from './context.ts'
import { retryOnRace } from './retry.ts'
import { writeContextOf } from './write-context.ts'

/** PUT of `spec.finalizers` of a namespace, the way to let go of an emptied one. */
export async function handleFinalize(context: RequestContext): Promise<Answer> {
  const { cluster, served, request, query, headers, body } = context
  if (request.verb !== 'update') throw methodNotAllowed(groupResourceOf(served), request.verb)
  const write = writeContextOf(context, parseWriteOptions('UpdateOptions', query, headers['user-agent']))
  const decoded = parseObject(body, isYamlBody(headers['content-type']), served).object
  checkKind(write, decoded)
  bindToUrl(write, decoded, request.name)
  return retryOnRace(served, request.name!, async () => {
    const stored = cluster.database.store.get(keyOf(context))
    if (stored === undefined) throw notFound(groupResourceOf(served), request.name!)
    const live = cluster.database.objectAs(served, stored)
    checkPreconditions(write, live, decoded.metadata)
    return { kind: 'object', code: 200, view: await finalizeObject(write, stored, live, finalizersOf(decoded)) }
  })
}

/** @throws ApiError BadRequest when the finalizers are no list */
function finalizersOf({ spec }: AnyObject): readonly unknown[] {
  const finalizers = isRecord(spec) ? (spec['finalizers'] ?? []) : []
  if (Array.isArray(finalizers)) return finalizers
  throw badRequest('Namespace in version "v1" cannot be handled as a Namespace: spec.finalizers is not a list')
}
