import { unknownError } from '@locktender/kube'
import { ingest, parseObject } from '../decode.ts'
import { isYamlBody } from '../media-types.ts'
import { parseWriteOptions } from '../request-options.ts'
import { bindToUrl, checkKind } from '../object-checks.ts'
import { createObject } from '../write-pipeline.ts'
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
  bindToUrl(write, decoded, undefined)
  const { resourceVersion } = decoded.metadata
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== '0') {
    throw unknownError('resourceVersion should not be set on objects to be created')
  }
  return { kind: 'object', code: 201, view: await createObject(write, ingest(write, decoded, parsed)) }
}
