import { componentName, reference } from '../builtins/openapi-components.ts'
import { kindOf, schemaName } from './openapi-schemas.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource, subresourcesOf } from '../subresources.ts'

interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path'
  readonly required?: true
  readonly schema: { readonly type: string; readonly uniqueItems: true }
}

function parameter(name: string, place: 'query' | 'path' = 'query', type = 'string'): Parameter {
  return { name, in: place, ...(place === 'path' ? { required: true } : {}), schema: { type, uniqueItems: true } }
}

/** Parameters of writes; kubectl looks for `fieldValidation` before it leaves validation to the server. */
const WRITE = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => parameter(name))
const FORCE = parameter('force', 'query', 'boolean')
const LIST = [
  parameter('allowWatchBookmarks', 'query', 'boolean'),
  parameter('continue'),
  parameter('fieldSelector'),
  parameter('labelSelector'),
  parameter('limit', 'query', 'integer'),
  parameter('resourceVersion'),
  parameter('resourceVersionMatch'),
  parameter('sendInitialEvents', 'query', 'boolean'),
  parameter('timeoutSeconds', 'query', 'integer'),
  parameter('watch', 'query', 'boolean'),
]
const DELETE = [
  parameter('dryRun'),
  parameter('gracePeriodSeconds', 'query', 'integer'),
  parameter('orphanDependents', 'query', 'boolean'),
  parameter('propagationPolicy'),
]

const STRATEGIC = 'application/strategic-merge-patch+json'
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json']

/** The operations on a resource, by path. `groupVersion` is `api/v1` or `apis/<group>/<version>`. */
export function pathsOf(groupVersion: string, served: ServedResource): Record<string, object> {
  const { plural, namespaced } = served.resource
  const collection = `/${groupVersion}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
  const single = `${collection}/{name}`
  const inNamespace = namespaced ? [parameter('namespace', 'path')] : []
  const inObject = { parameters: [parameter('name', 'path'), ...inNamespace] }
  const name = schemaName(served)
  const kind = kindOf(served)
  const operations = operationsOf(served, name, kind)
  const has = (verb: string): boolean => served.verbs.includes(verb)
  const list = operation('list', kind, `${name}List`, { parameters: LIST })
  const paths: Record<string, object> = {
    [collection]: {
      ...(has('list') ? { get: list } : {}),
      ...(has('create') ? { post: operations.post } : {}),
      ...(has('deletecollection')
        ? { delete: operation('deletecollection', kind, STATUS, { parameters: DELETE }) }
        : {}),
      ...(inNamespace.length === 0 ? {} : { parameters: inNamespace }),
    },
  }
  if (namespaced && has('list')) paths[`/${groupVersion}/${plural}`] = { get: list }
  if (has('get')) {
    const { get, put, patch } = operations
    paths[single] = { get, put, patch, delete: operation('delete', kind, STATUS, { parameters: DELETE }), ...inObject }
  }
  for (const subresource of subresourcesOf(served)) {
    paths[`${single}/${subresource}`] = { ...subresourcePaths(served, subresource), ...inObject }
  }
  return paths
}

const STATUS = componentName('meta/v1.Status')

type Kind = ReturnType<typeof kindOf>

function operation(action: string, kind: Kind, answer: string, extra: object): object {
  return {
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(answer) } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    ...extra,
  }
}

function operationsOf(
  served: ServedResource,
  schema: string,
  kind: Kind,
): Readonly<Record<'get' | 'put' | 'patch' | 'post', object>> {
  const requestBody = { required: true, content: { '*/*': { schema: reference(schema) } } }
  const types = served.custom ? PATCH_TYPES : [...PATCH_TYPES, STRATEGIC]
  const patchBody = {
    required: true,
    content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'object' } }])),
  }
  return {
    get: operation('get', kind, schema, {}),
    put: operation('put', kind, schema, { parameters: WRITE, requestBody }),
    patch: operation('patch', kind, schema, { parameters: [...WRITE, FORCE], requestBody: patchBody }),
    post: operation('post', kind, schema, { parameters: WRITE, requestBody }),
  }
}

function subresourcePaths(served: ServedResource, subresource: string): object {
  const { verbs, kind } = describeSubresource(subresource)
  const schema = kind === undefined ? schemaName(served) : subresourceSchema(kind)
  const { get, put, patch, post } = operationsOf(served, schema, kind ?? kindOf(served))
  return {
    ...(verbs.includes('get') ? { get } : {}),
    ...(verbs.includes('update') ? { put } : {}),
    ...(verbs.includes('patch') ? { patch } : {}),
    ...(verbs.includes('create') ? { post } : {}),
  }
}

/** Subresources of another kind are of a built-in one, whose group is the first part of its name. */
function subresourceSchema({ group, version, kind }: Kind): string {
  return componentName(`${group === '' ? 'core' : group.split('.')[0]!}/${version}.${kind}`)
}
