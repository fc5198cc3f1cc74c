import { forbidden, unknownError } from '@locktender/kube'
import { ingest, parseObject } from '../write/decode.ts'
import { isYamlBody } from '../present/media-types.ts'
import { parseWriteOptions } from '../request-options.ts'
import { bindToUrl, checkKind } from '../objects/object-checks.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { ServedResource } from '../served-resource.ts'
import { createObject } from '../write/write-pipeline.ts'
import type { Answer } from './answer.ts'
import type { RequestContext } from './context.ts'
import { writeContextOf } from './write-context.ts'

/** POST of a new object. */
export async function handleCreate(context: RequestContext): Promise<Answer> {
  const { served, query, headers, body } = context
  const options = parseWriteOptions('CreateOptions', query, headers['user-agent'])
  const write = writeContextOf(context, options)
  const { body: parsed, object: decoded } = parseObject(body, isYamlBody(headers['content-type']), served)
  checkKind(write, decoded)
  if (!served.verbs.includes('create')) throw terminating(served, decoded.metadata.name)
  bindToUrl(write, decoded, undefined)
  const { resourceVersion } = decoded.metadata
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0') {
    throw unknownError('resourceVersion should not be set on objects to be created')
  }
  return { kind: 'object', code: 201, view: await createObject(write, ingest(write, decoded, parsed)) }
}

/** A definition that is being deleted takes no new objects. */
export function terminating(served: ServedResource, name = ''): Error {
  return forbidden(groupResourceOf(served), name, 'create not allowed while custom resource definition is terminating')
}
