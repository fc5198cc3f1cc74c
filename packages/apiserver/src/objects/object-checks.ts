import {
  apiVersionOf,
  badRequest,
  conflict,
  fieldInvalid,
  internalError,
  invalid,
  unknownError,
} from '@locktender/kube'
import type { FieldError, Resource } from '@locktender/kube'
import { messageOfKind } from '../builtins/field-table.ts'
import { patchedInvalid } from '../write/decode.ts'
import { isRecord } from './object.ts'
import type { AnyObject } from './object.ts'
import { groupResourceOf } from '../served-resource.ts'
import type { WriteContext } from '../write/write-context.ts'

/** 422 for an object of the context's kind. */
export function invalidObject(context: WriteContext, object: AnyObject, errors: readonly FieldError[]): Error {
  const { resource, conversion, storedAs } = context.served
  // Another view of a kind is checked, and spoken of, as the kind itself.
  const group = conversion === undefined ? resource.group : storedAs.group
  return invalid({ group, kind: resource.kind }, object.metadata.name ?? '', errors)
}

/**
 * Checks what a client says about the state it has seen.
 * @throws ApiError Conflict
 */
export function checkPreconditions(
  context: WriteContext,
  live: AnyObject,
  claimed: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined },
): void {
  const target = groupResourceOf(context.served)
  const { uid, resourceVersion } = live.metadata
  if (claimed.uid !== undefined && claimed.uid !== '' && claimed.uid !== uid) {
    const { group, resource } = target
    const place = [context.served.custom ? group : '', resource, context.namespace ?? '', live.metadata.name]
    const why =
      `StorageError: invalid object, Code: 4, Key: /registry/${place.filter((part) => part !== '').join('/')}, ` +
      'ResourceVersion: 0, AdditionalErrorMsg: ' +
      `Precondition failed: UID in precondition: ${claimed.uid}, UID in object meta: ${uid}`
    throw conflict(target, live.metadata.name, why)
  }
  if (!/^\d*$/.test(claimed.resourceVersion ?? '')) {
    throw unknownError(`strconv.ParseUint: parsing ${JSON.stringify(claimed.resourceVersion)}: invalid syntax`)
  }
  if (
    claimed.resourceVersion !== undefined &&
    claimed.resourceVersion !== '' &&
    claimed.resourceVersion !== resourceVersion
  ) {
    throw conflict(
      target,
      live.metadata.name,
      'the object has been modified; please apply your changes to the latest version and try again',
    )
  }
}

/** 422 for an update that does not say which state it is of; it names the resource instead of the kind. */
export function unversioned({ served }: WriteContext, name: string): Error {
  const { group, plural } = served.resource
  const why = fieldInvalid('metadata.resourceVersion', 0, 'must be specified for an update')
  return invalid({ group, kind: plural }, name, [why])
}

/**
 * The kind in the body must be the kind of the URL. `patched` says that a patch made it so.
 * @throws ApiError BadRequest or Invalid
 */
export function checkKind({ served }: WriteContext, object: AnyObject, patched = false): void {
  const { apiVersion, kind } = object
  const expected = apiVersionOf(served.resource)
  if (apiVersion === expected && kind === served.resource.kind) return
  if (served.custom) {
    checkCustomKind(served.resource, object, patched)
    return
  }
  const why = whyNotConverted(served.resource, apiVersion, kind)
  if (why === undefined) throw badVersion(apiVersion, expected)
  if (patched) throw patchedInvalid(object, why)
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${served.resource.kind}: ${why}`)
}

function badVersion(apiVersion: string, expected: string): Error {
  return badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected})`)
}

function checkCustomKind(resource: Resource, { apiVersion, kind, metadata }: AnyObject, patched: boolean): void {
  const expected = apiVersionOf(resource)
  if (patched && apiVersion === '') {
    throw internalError("Object 'apiVersion' is missing in 'object has no apiVersion field'")
  }
  if (!patched && apiVersion !== expected) throw badVersion(apiVersion, expected)
  const errors: FieldError[] = []
  if (kind !== resource.kind) errors.push(fieldInvalid('kind', kind, `must be ${resource.kind}`))
  if (apiVersion !== expected) errors.push(fieldInvalid('apiVersion', apiVersion, `must be ${expected}`))
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  throw invalid({ group, kind }, metadata.name ?? '', errors)
}

/** How Kubernetes names the place where it knows all built-in kinds. */
const SCHEME = 'pkg/runtime/scheme.go:111'

/** Why an object of another kind cannot become one of the resource; undefined when it is another version of it. */
function whyNotConverted(resource: Resource, apiVersion: string, kind: string): string | undefined {
  if (messageOfKind(apiVersion, kind) === undefined) {
    return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme ${JSON.stringify(SCHEME)}`
  }
  if (kind === resource.kind) return undefined
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
  const library = resource.group === '' ? 'core' : resource.group.split('.', 1)[0]
  return `converting (${version}.${kind}) to (${library}.${resource.kind}): unknown conversion`
}

/**
 * What is applied must say its kind, which must be that of the URL.
 * @throws ApiError BadRequest
 */
export function checkAppliedKind({ served }: WriteContext, value: unknown): void {
  const { apiVersion, kind }: Record<string, unknown> = isRecord(value) ? value : {}
  const [version, said] = [apiVersion, kind].map((text) => (typeof text === 'string' ? text : ''))
  if (version === apiVersionOf(served.resource) && said === served.resource.kind) return
  const parts = version!.split('/')
  const shown = parts.length === 1 && version !== '' ? `/${version}` : parts.length === 2 ? version : '/'
  throw badRequest(`invalid object type: ${shown}, Kind=${parts.length > 2 ? '' : said}`)
}

/**
 * Refuses another name or namespace than that of the URL, and fills in the namespace.
 * @throws ApiError BadRequest
 */
export function bindToUrl(context: WriteContext, object: AnyObject, name: string | undefined): void {
  const { metadata } = object
  const { namespace } = context
  if (name !== undefined) {
    if (metadata.name === undefined || metadata.name === '') {
      throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
    }
    if (metadata.name !== name) {
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
    }
  }
  if (namespace === undefined) {
    delete metadata.namespace
  } else if (metadata.namespace === undefined || metadata.namespace === '') {
    metadata.namespace = namespace
  } else if (metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}
