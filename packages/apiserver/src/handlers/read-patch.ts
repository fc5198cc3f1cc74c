import { badRequest } from '@locktender/kube'
import { parseBody } from '../write/decode.ts'
import type { ParsedBody } from '../write/decode.ts'
import { jsonTypeOf } from '../write/json-problems.ts'
import { isRecord } from '../objects/object.ts'
import { mediaType } from '../present/media-types.ts'
import { JSON_PATCH, STRATEGIC_MERGE_PATCH } from './patch-types.ts'

/**
 * The patch in the body of a request, of the form its media type promises. A patch that is null changes nothing.
 * @throws ApiError BadRequest
 */
export function readPatch(headers: Readonly<Record<string, string>>, text: string): ParsedBody {
  const type = mediaType(headers['content-type'])
  const refuse = (why: string): Error =>
    badRequest(type === STRATEGIC_MERGE_PATCH ? why : `error decoding patch: ${why}`)
  const { value } = parseBody(text, false, refuse)
  const unfit = (part: unknown, wanted: string): Error =>
    refuse(`json: cannot unmarshal ${jsonTypeOf(part)} into Go value of type ${wanted}`)
  if (type === JSON_PATCH) {
    if (value === null) return { text, value: [], repeated: [] }
    if (!Array.isArray(value)) throw unfit(value, '[]handlers.jsonPatchOp')
    const operation = value.find((item) => !isRecord(item))
    if (operation !== undefined) throw unfit(operation, 'handlers.jsonPatchOp')
    return { text, value, repeated: [] }
  }
  if (isRecord(value)) return { text, value, repeated: [] }
  if (value !== null) throw unfit(value, 'map[string]interface {}')
  if (type === STRATEGIC_MERGE_PATCH) return { text, value: {}, repeated: [] }
  throw badRequest('Invalid JSON Patch')
}
