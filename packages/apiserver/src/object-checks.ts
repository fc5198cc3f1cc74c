import { apiVersionOf, badRequest, conflict, invalid } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { isRecord } from './object.ts'
import type { AnyObject } from './object.ts'
import { groupResourceOf } from './served-resource.ts'
import type { WriteContext } from './write-context.ts'

/** 422 for an object of the context's kind. */
export function invalidObject(context: WriteContext, object: AnyObject, errors: readonly FieldError[]): Error {
  const { group, kind } = context.served.resource
  return invalid({ group, kind }, object.metadata.name ?? '', errors)
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
    const why = `Precondition failed: UID in precondition: ${claimed.uid}, UID in object meta: ${uid}`
    throw conflict(target, live.metadata.name, why)
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

/**
 * The kind in the body must be the kind of the URL.
 * @throws ApiError BadRequest
 */
export function checkKind({ served }: WriteContext, object: AnyObject): void {
  const expected = apiVersionOf(served.resource)
  if (object.apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${expected})`,
    )
  }
  if (object.kind !== served.resource.kind) {
    const { kind, version } = served.resource
    const why = `the kind in the data (${object.kind}) does not match the expected kind (${kind})`
    throw badRequest(`${object.kind} in version "${version}" cannot be handled as a ${kind}: ${why}`)
  }
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
    throw badRequest(
      name === undefined
        ? 'the namespace of the provided object does not match the namespace sent on the request'
        : `the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
    )
  }
}
