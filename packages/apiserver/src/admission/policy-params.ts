import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { namespaceOf } from './attributes.ts'
import type { AdmissionAttributes } from './attributes.ts'
import { selectorFrom } from './matching.ts'
import type { ParamKind, Policy, PolicyBinding } from './policy.ts'

/**
 * The objects a policy is evaluated with, one after the other; `undefined` stands for none.
 * @throws Error with what is wrong with the binding
 */
export function paramsOf(
  { paramKind }: Policy,
  { paramRef }: PolicyBinding,
  attributes: AdmissionAttributes,
): (AnyObject | undefined)[] {
  if (paramKind === undefined || paramRef === undefined) return [undefined]
  const { cluster } = attributes.context
  const { resource } = servedKind(paramKind, attributes)
  const { name = '', namespace = '', selector, parameterNotFoundAction } = paramRef
  if (!resource.namespaced && namespace !== '') {
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  }
  const where = resource.namespaced ? namespace || namespaceOf(attributes) : undefined
  if (where === '') {
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  }
  let found: AnyObject[]
  if (name === '') {
    const wanted = selectorFrom(selector)
    found = cluster.listObjects(resource, where).filter(({ metadata }) => wanted.matches(metadata.labels))
  } else {
    const object = cluster.readObject(resource, name, where)
    found = object === undefined ? [] : [object]
  }
  if (found.length === 0 && parameterNotFoundAction === 'Deny') {
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
  }
  return found
}

function servedKind({ apiVersion, kind }: ParamKind, { context }: AdmissionAttributes): ServedResource {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const served = context.cluster.registry
    .all()
    .find(({ resource }) => resource.kind === kind && resource.group === group && resource.version === version)
  if (served !== undefined) return served
  throw new Error(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`)
}
