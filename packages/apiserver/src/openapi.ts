import type { StructuralSchema } from '@locktender/kube'
import type { LogicalCluster } from './cluster.ts'
import { cachedDocument, documentReply } from './discovery.ts'
import type { Reply } from './http/reply.ts'
import { metadataSchemas } from './openapi-metadata.ts'
import type { ServedResource } from './served-resource.ts'

/** An empty document is enough for clients that fall back to version 2; the content type must be exactly this one. */
const V2_CONTENT_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

const META_PREFIX = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** OpenAPI documents; undefined for other paths. */
export function openApiReply(
  cluster: LogicalCluster,
  path: string,
  headers: Readonly<Record<string, string>>,
): Reply | undefined {
  if (path === '/openapi/v2') {
    return { status: 200, headers: { 'content-type': V2_CONTENT_TYPE }, body: new Uint8Array() }
  }
  if (path === '/openapi/v3' || path === '/openapi/v3/') {
    return documentReply(
      cachedDocument(cluster, 'openapi', () => index(cluster)),
      headers,
    )
  }
  if (!path.startsWith('/openapi/v3/')) return undefined
  const groupVersion = path.slice('/openapi/v3/'.length)
  if (!groupVersions(cluster).has(groupVersion)) return undefined
  return documentReply(groupDocument(cluster, groupVersion), headers)
}

function index(cluster: LogicalCluster): object {
  const paths: Record<string, object> = {}
  for (const groupVersion of groupVersions(cluster).keys()) {
    const { etag } = groupDocument(cluster, groupVersion)
    // Clients keep a document for ever under its hash.
    paths[groupVersion] = { serverRelativeURL: `${cluster.basePath}/openapi/v3/${groupVersion}?hash=${etag}` }
  }
  return { paths }
}

function groupDocument(cluster: LogicalCluster, groupVersion: string): ReturnType<typeof cachedDocument> {
  return cachedDocument(cluster, `openapi ${groupVersion}`, () =>
    describe(groupVersion, groupVersions(cluster).get(groupVersion) ?? []),
  )
}

/** Resources by the path of their version: `api/v1`, `apis/apps/v1`. */
function groupVersions(cluster: LogicalCluster): Map<string, ServedResource[]> {
  return Map.groupBy(cluster.registry.all(), ({ resource: { group, version } }) =>
    group === '' ? `api/${version}` : `apis/${group}/${version}`,
  )
}

function describe(groupVersion: string, resources: readonly ServedResource[]): object {
  const paths: Record<string, object> = {}
  const schemas: Record<string, object> = { ...metadataSchemas(META_PREFIX) }
  for (const served of resources) {
    const name = schemaName(served)
    schemas[name] = schemaOf(served)
    schemas[`${name}List`] = listSchema(served, name)
    Object.assign(paths, pathsOf(groupVersion, served, name))
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.34.0' },
    paths,
    components: { schemas },
  }
}

function schemaName({ resource: { group, version, kind } }: ServedResource): string {
  const reversed = group === '' ? 'io.k8s.api.core' : group.split('.').toReversed().join('.')
  return `${reversed}.${version}.${kind}`
}

function gvk({ resource: { group, version, kind } }: ServedResource): { group: string; version: string; kind: string } {
  return { group, version, kind }
}

function reference(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` }
}

const TYPE_META = {
  apiVersion: {
    type: 'string',
    description: 'Version of the schema of this object. Servers convert to the newest one and may refuse unknown ones.',
  },
  kind: { type: 'string', description: 'The kind of this object, in CamelCase. It cannot be changed.' },
}

function schemaOf(served: ServedResource): object {
  const { schema } = served
  const metadata = {
    description: 'Standard metadata of an object.',
    allOf: [reference(`${META_PREFIX}.ObjectMeta`)],
  }
  return {
    type: 'object',
    ...(served.description === '' ? {} : { description: served.description }),
    ...(schema?.required === undefined ? {} : { required: schema.required }),
    properties: { ...TYPE_META, ...withoutMeta(schema?.properties), metadata },
    // Without a schema every field is allowed.
    ...(schema === undefined ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    'x-kubernetes-group-version-kind': [gvk(served)],
  }
}

function withoutMeta(properties: StructuralSchema['properties']): Record<string, StructuralSchema> {
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = properties ?? {}
  return rest
}

function listSchema(served: ServedResource, itemName: string): object {
  return {
    type: 'object',
    description: `A list of ${served.resource.kind}.`,
    required: ['items'],
    properties: {
      ...TYPE_META,
      items: { type: 'array', items: { allOf: [reference(itemName)] } },
      metadata: { allOf: [reference(`${META_PREFIX}.ListMeta`)] },
    },
    'x-kubernetes-group-version-kind': [{ ...gvk(served), kind: served.listKind }],
  }
}

/** Parameters of writes; kubectl looks for `fieldValidation` before it leaves validation to the server. */
const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}))

const FORCE = { name: 'force', in: 'query', schema: { type: 'boolean', uniqueItems: true } }

const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json']

function pathsOf(groupVersion: string, served: ServedResource, name: string): Record<string, object> {
  const { plural, namespaced } = served.resource
  const collection = `/${groupVersion}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`
  const single = `${collection}/{name}`
  const operation = (action: string, extra: object): object => ({
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: reference(name) } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(served),
    ...extra,
  })
  const body = { content: { 'application/json': { schema: reference(name) } } }
  const has = (verb: string): boolean => served.verbs.includes(verb)
  const paths: Record<string, object> = {
    [collection]: {
      ...(has('list') ? { get: operation('list', {}) } : {}),
      ...(has('create') ? { post: operation('post', { parameters: WRITE_PARAMETERS, requestBody: body }) } : {}),
    },
  }
  if (!has('get')) return paths
  const patchBody = { content: Object.fromEntries(PATCH_TYPES.map((type) => [type, { schema: { type: 'object' } }])) }
  const item = {
    get: operation('get', {}),
    put: operation('put', { parameters: WRITE_PARAMETERS, requestBody: body }),
    patch: operation('patch', { parameters: [...WRITE_PARAMETERS, FORCE], requestBody: patchBody }),
  }
  paths[single] = { ...item, delete: operation('delete', {}) }
  if (served.status) paths[`${single}/status`] = item
  return paths
}
