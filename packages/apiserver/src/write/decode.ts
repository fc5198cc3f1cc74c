import { apiVersionOf, badRequest, fieldInvalid, invalid } from '@locktender/kube'
import { TypeMismatch } from '../builtins/type-mismatch.ts'
import type { AnyObject } from '../objects/object.ts'
import { isRecord } from '../objects/object.ts'
import { jsonProblem, jsonTypeOf, summaryOf } from './json-problems.ts'
import { checkMetadataTypes } from './metadata-types.ts'
import { duplicateFields } from '../schema/duplicate-fields.ts'
import type { ServedResource } from '../served-resource.ts'
import type { WriteContext } from './write-context.ts'
import { readYaml } from './yaml-body.ts'

/** A body as it came and as it reads. */
export interface ParsedBody {
  readonly text: string
  readonly value: unknown
  /** What YAML says twice, in words; JSON is searched for it when somebody wants to know. */
  readonly repeated: readonly string[]
}

/**
 * The JSON value of a body; YAML is a superset, so it is tried when the text does not look like JSON.
 * @throws what `refuse` makes of the reason why it cannot be read
 */
export function parseBody(text: string, yaml: boolean, refuse: (why: string) => Error = unreadable): ParsedBody {
  const asYaml = yaml && !/^\s*[{[]/.test(text)
  try {
    return asYaml ? { text, ...readYaml(text) } : { text, value: JSON.parse(text), repeated: [] }
  } catch (error) {
    const why = (error as Error).message
    throw refuse(asYaml ? why : (jsonProblem(text) ?? why))
  }
}

function unreadable(why: string): Error {
  return badRequest(`couldn't get version/kind; json parse error: ${why}`)
}

/**
 * The object of some kind that the body of a POST or PUT holds.
 * @throws ApiError BadRequest
 */
export function parseObject(
  text: string,
  yaml: boolean,
  served: ServedResource,
): { body: ParsedBody; object: AnyObject } {
  const unrecognized = (why: string): Error =>
    badRequest(
      `the object provided is unrecognized (must be of type ${served.resource.kind}): ${why} (${summaryOf(text)})`,
    )
  const body = parseBody(text, yaml, (why) => {
    return unrecognized(why.startsWith('yaml: ') ? why : `couldn't get version/kind; json parse error: ${why}`)
  })
  const problem = kindProblem(body.value, () => text, served.custom)
  if (problem !== undefined) throw unrecognized(problem)
  return { body, object: asObject(body.value, served) }
}

const KIND_AND_VERSION =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** Why the kind of an object cannot be told. */
export function kindProblem(value: unknown, text: () => string, custom: boolean): string | undefined {
  const start = "couldn't get version/kind; json parse error: json: cannot unmarshal"
  if (value !== null && !isRecord(value))
    return `${start} ${jsonTypeOf(value)} into Go value of type ${KIND_AND_VERSION}`
  for (const field of ['apiVersion', 'kind']) {
    const word = value?.[field] ?? ''
    if (typeof word !== 'string') return `${start} ${jsonTypeOf(word)} into Go struct field .${field} of type string`
  }
  // A built-in kind can be told from the URL.
  return custom && (value?.['kind'] ?? '') === '' ? `Object 'Kind' is missing in '${text().trim()}'` : undefined
}

/** Makes the refusal of a body of this kind and version. */
export type Refuse = (why: string, kind: string, version: string) => Error

/**
 * Makes sure that `value` is an object of some kind with metadata of the right types.
 * @throws what `refuse` makes
 */
export function asObject(
  value: unknown,
  { resource, custom }: ServedResource,
  refuse: Refuse = (why, kind, version) =>
    badRequest(`${kind} in version "${version}" cannot be handled as a ${resource.kind}: ${why}`),
): AnyObject {
  const object = value ?? {}
  if (!isRecord(object)) throw refuse('the body is not an object', resource.kind, resource.version)
  if (custom) {
    object['apiVersion'] ??= ''
    object['kind'] ??= ''
  } else {
    object['apiVersion'] ||= apiVersionOf(resource)
    object['kind'] ||= resource.kind
  }
  const { kind, apiVersion } = object as { kind: string; apiVersion: string }
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  const metadata = object['metadata'] ?? {}
  if (!isRecord(metadata)) {
    const where = custom ? 'Go value' : `Go struct field ${kind}.metadata`
    throw refuse(`json: cannot unmarshal ${jsonTypeOf(metadata)} into ${where} of type v1.ObjectMeta`, kind, version)
  }
  try {
    checkMetadataTypes(metadata, custom ? '' : 'metadata.')
  } catch (error) {
    if (error instanceof TypeMismatch) throw refuse(error.message, kind, version)
    throw error
  }
  object['metadata'] = metadata
  return object as unknown as AnyObject
}

/**
 * Brings a decoded object into the form of its schema: unknown fields away, defaults in. What was unknown or said
 * twice is refused, warned about or ignored, as the request wants.
 * @throws ApiError BadRequest, or Invalid when the body is a patch
 */
export function ingest(
  context: WriteContext,
  object: AnyObject,
  body: ParsedBody,
  refuse: (why: string) => Error = (why) => refusal(context, why),
): AnyObject {
  const { served, options } = context
  const { value, pruned } = prune(context, object, refuse)
  if (options.fieldValidation !== 'Ignore') {
    const unknown = [
      ...unknownMetadata(object).map((path) => `unknown field "${path}"`),
      ...pruned.map((path) => `unknown field "${path}"`),
    ]
    const twice = Array.isArray(body.value) ? operationProblems(body, body.value) : repeated(body).map(duplicate)
    const inYaml = body.repeated.map((line) => `  ${line}`)
    if (options.fieldValidation === 'Strict') {
      const yaml = inYaml.length === 0 ? [] : [['yaml: unmarshal errors:', ...inYaml].join('\n')]
      const problems = [...yaml, ...twice, ...unknown]
      if (problems.length > 0) throw refuse(`strict decoding error: ${problems.join(', ')}`)
    } else {
      context.warnings.push(...body.repeated, ...twice, ...unknown)
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
  const value = served.custom ? object : prune(context, object, (why) => patchedInvalid(object, why)).value
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

function refusal({ served }: WriteContext, why: string): Error {
  const { version, kind } = served.resource
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
}

/** 422: what a patch has made is no object of its kind. */
export function patchedInvalid(patched: unknown, why: string): Error {
  return invalid({ group: '', kind: '' }, '', [fieldInvalid('patch', JSON.stringify(patched), why)])
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

function duplicate(path: string): string {
  return `duplicate field "${path}"`
}

const OPERATION_FIELDS = new Set(['op', 'path', 'from', 'value'])

/** What a JSON patch says twice, or what means nothing in it. */
function operationProblems(body: ParsedBody, operations: readonly object[]): string[] {
  const unknown = operations.flatMap((operation, index) =>
    Object.keys(operation)
      .filter((field) => !OPERATION_FIELDS.has(field))
      .map((field) => `json patch unknown field "[${index}].${field}"`),
  )
  return [...repeated(body).map((path) => `json patch ${duplicate(path)}`), ...unknown]
}

function unknownMetadata(object: AnyObject): string[] {
  const unknown: string[] = []
  for (const field in object.metadata) if (!METADATA_FIELDS.has(field)) unknown.push(`metadata.${field}`)
  return unknown
}

/** Fields said more than once. YAML with such fields cannot be read at all, so only JSON is searched. */
function repeated({ text, value }: ParsedBody): string[] {
  if (!/^\s*[{[]/.test(text)) return []
  // Texts written by a machine are as long as their value written again, unless something is said twice.
  return JSON.stringify(value).length === text.length ? [] : duplicateFields(text)
}
