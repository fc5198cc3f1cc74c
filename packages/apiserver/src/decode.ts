import { apiVersionOf, badRequest, fieldInvalid, invalid } from '@locktender/kube'
import { parse as parseYaml } from 'yaml'
import { TypeMismatch } from './builtins/type-mismatch.ts'
import type { AnyObject } from './object.ts'
import { isRecord } from './object.ts'
import { duplicateFields } from './schema/duplicate-fields.ts'
import type { ServedResource } from './served-resource.ts'
import type { WriteContext } from './write-context.ts'

/** A body as it came and as it reads. */
export interface ParsedBody {
  readonly text: string
  readonly value: unknown
}

/**
 * The JSON value of a body; YAML is a superset, so it is tried when the text does not look like JSON.
 * @throws ApiError BadRequest
 */
export function parseBody(text: string, yaml: boolean): ParsedBody {
  try {
    return { text, value: !yaml || /^\s*[{[]/.test(text) ? JSON.parse(text) : parseYaml(text) }
  } catch (error) {
    throw badRequest(`the body of the request cannot be read as ${yaml ? 'YAML' : 'JSON'}: ${(error as Error).message}`)
  }
}

/**
 * Makes sure that `value` is an object of some kind with metadata of the right types.
 * @throws ApiError BadRequest
 */
export function asObject(value: unknown, { resource, custom }: ServedResource): AnyObject {
  const refuse = (why: string): Error =>
    badRequest(`${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`)
  if (!isRecord(value)) throw refuse('the body is not an object')
  // A built-in kind can be told from the URL.
  if (!custom) {
    value['apiVersion'] ??= apiVersionOf(resource)
    value['kind'] ??= resource.kind
  }
  const metadata = value['metadata'] ?? {}
  if (!isRecord(metadata)) throw refuse('metadata is not an object')
  for (const field of ['name', 'namespace', 'generateName', 'uid', 'resourceVersion'] as const) {
    if (metadata[field] === null) delete metadata[field]
    else if (metadata[field] !== undefined && typeof metadata[field] !== 'string') {
      throw refuse(`metadata.${field} is not a string`)
    }
  }
  for (const field of ['labels', 'annotations'] as const) {
    if (metadata[field] === null) delete metadata[field]
    const map = metadata[field]
    if (map === undefined) continue
    if (!isRecord(map)) throw refuse(`metadata.${field} is not a map`)
    for (const [key, text] of Object.entries(map)) {
      if (text === null) map[key] = ''
      else if (typeof text !== 'string') throw refuse(`metadata.${field}[${JSON.stringify(key)}] is not a string`)
    }
  }
  for (const field of ['finalizers', 'ownerReferences', 'managedFields'] as const) {
    if (metadata[field] === null) delete metadata[field]
    else if (metadata[field] !== undefined && !Array.isArray(metadata[field])) {
      throw refuse(`metadata.${field} is not a list`)
    }
  }
  value['metadata'] = metadata
  return value as unknown as AnyObject
}

/**
 * Brings a decoded object into the form of its schema: unknown fields away, defaults in. What was unknown or said
 * twice is refused, warned about or ignored, as the request wants.
 * @throws ApiError BadRequest, or Invalid when the body is a patch
 */
export function ingest(context: WriteContext, object: AnyObject, body: ParsedBody, patch: boolean): AnyObject {
  const { served, options } = context
  const { value, pruned } = prune(context, object, (why) => refusal(context, object, why, body.text, patch))
  if (options.fieldValidation !== 'Ignore') {
    const problems = [
      ...unknownMetadata(object).map((path) => `unknown field "${path}"`),
      ...pruned.map((path) => `unknown field "${path}"`),
      ...repeated(body).map((path) => `duplicate field "${path}"`),
    ]
    if (problems.length > 0) {
      if (options.fieldValidation === 'Strict')
        throw refusal(context, object, `strict decoding error: ${problems.join(', ')}`, body.text, patch)
      context.warnings.push(...problems)
    }
  }
  return served.compiled?.applyDefaults(value) ?? value
}

/**
 * What applying has made, in the form of its schema. Unknown fields have been refused before.
 * @throws ApiError Invalid when a value has a type its field cannot take
 */
export function ingestApplied(context: WriteContext, object: AnyObject): AnyObject {
  const { served } = context
  // Defined kinds have one form only; those compiled into other servers spell some values in one way.
  const value = served.custom ? object : prune(context, object, (why) => refusal(context, object, why, '', true)).value
  return served.compiled?.applyDefaults(value) ?? value
}

function prune(
  { served }: WriteContext,
  object: AnyObject,
  refuse: (why: string) => Error,
): { value: AnyObject; pruned: string[] } {
  try {
    return served.compiled?.prune(object) ?? { value: object, pruned: [] }
  } catch (error) {
    if (error instanceof TypeMismatch) throw refuse(error.message)
    throw error
  }
}

function refusal(context: WriteContext, object: AnyObject, why: string, text: string, patch: boolean): Error {
  const { group, version, kind } = context.served.resource
  if (!patch) return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
  return invalid({ group, kind }, object.metadata.name ?? '', [fieldInvalid('patch', text, why)])
}

const METADATA_FIELDS = new Set([
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
])

function unknownMetadata(object: AnyObject): string[] {
  const unknown: string[] = []
  for (const field in object.metadata) if (!METADATA_FIELDS.has(field)) unknown.push(`metadata.${field}`)
  return unknown
}

/** Fields said more than once. YAML with such fields cannot be read at all, so only JSON is searched. */
function repeated({ text, value }: ParsedBody): string[] {
  if (!/^\s*\{/.test(text)) return []
  // Texts written by a machine are as long as their value written again, unless something is said twice.
  return JSON.stringify(value).length === text.length ? [] : duplicateFields(text)
}
