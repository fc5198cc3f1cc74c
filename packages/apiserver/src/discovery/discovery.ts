import { createHash } from 'node:crypto'
import type { LogicalCluster } from '../cluster.ts'
import { jsonReply } from '../http/reply.ts'
import type { Reply } from '../http/reply.ts'
import { negotiateDiscovery } from '../present/media-types.ts'
import { encodeJson } from '../objects/object.ts'
import { compareVersions } from '../resource-registry.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource, subresourcesOf } from '../subresources.ts'

type Headers = Readonly<Record<string, string>>

export interface CachedDocument {
  readonly generation: number
  readonly bytes: Uint8Array
  readonly etag: string
}

const documents = new WeakMap<LogicalCluster, Map<string, CachedDocument>>()

/** A document that depends on nothing but the registry, kept until that changes. */
export function cachedDocument(cluster: LogicalCluster, name: string, make: () => unknown): CachedDocument {
  let cached = documents.get(cluster)
  if (cached === undefined) {
    cached = new Map()
    documents.set(cluster, cached)
  }
  const { generation } = cluster.registry
  let document = cached.get(name)
  if (document === undefined || document.generation !== generation) {
    document = makeDocument(generation, make())
    cached.set(name, document)
  }
  return document
}

/** A document made from `value`, as JSON unless it is bytes already, which is up to date in the given generation of the registry. */
export function makeDocument(generation: number, value: unknown): CachedDocument {
  const bytes = value instanceof Uint8Array ? value : encodeJson(value)
  return { generation, bytes, etag: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
}

/** 304 when the client has the document already. */
export function documentReply(document: CachedDocument, headers: Headers, extra: Record<string, string> = {}): Reply {
  const etag = `"${document.etag}"`
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag, ...extra }, body: new Uint8Array() }
  return jsonReply(200, document.bytes, { etag, vary: 'Accept', ...extra })
}

/** Paths that are served beside those of groups. */
const OTHER_PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  '/healthz',
  '/livez',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
]

function rootPaths(cluster: LogicalCluster): object {
  const groups = [...byGroup(cluster)].filter(([group]) => group !== '')
  const below = groups.flatMap(([group, served]) => [
    `/apis/${group}`,
    ...versionsOf(served).map((version) => `/apis/${group}/${version}`),
  ])
  return { paths: [...OTHER_PATHS, ...below].toSorted() }
}

/** The list of paths, of groups, of versions, or of the resources of a version; undefined for other paths. */
export function discoveryReply(cluster: LogicalCluster, path: string, headers: Headers): Reply | undefined {
  if (path === '/')
    return documentReply(
      cachedDocument(cluster, path, () => rootPaths(cluster)),
      headers,
    )
  const [, root, ...rest] = path.replace(/\/$/, '').split('/')
  if (root !== 'api' && root !== 'apis') return undefined
  const core = root === 'api'
  if (rest.length === 0) {
    const version = negotiateDiscovery(headers['accept'])
    if (version !== undefined) {
      const document = cachedDocument(cluster, `aggregated ${root} ${version}`, () =>
        aggregated(cluster, core, version),
      )
      const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`
      return documentReply(document, headers, { 'content-type': contentType })
    }
    return documentReply(
      cachedDocument(cluster, `legacy ${root}`, () => (core ? apiVersions() : groupList(cluster))),
      headers,
    )
  }
  const group = core ? '' : rest[0]!
  const version = core ? rest[0] : rest[1]
  if (rest.length > (core ? 1 : 2)) return undefined
  const served = cluster.registry.all().filter(({ resource }) => resource.group === group)
  if (version === undefined) {
    if (served.length === 0) return undefined
    return documentReply(
      cachedDocument(cluster, path, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group, served) })),
      headers,
    )
  }
  const ofVersion = served.filter(({ resource }) => resource.version === version)
  if (ofVersion.length === 0) return undefined
  return documentReply(
    cachedDocument(cluster, path, () => resourceList(group, version, ofVersion)),
    headers,
  )
}

function apiVersions(): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1' }],
  }
}

/** Resources by group, in the order in which the groups came. */
function byGroup(cluster: LogicalCluster): Map<string, ServedResource[]> {
  return Map.groupBy(cluster.registry.all(), ({ resource }) => resource.group)
}

function groupList(cluster: LogicalCluster): object {
  const groups = [...byGroup(cluster)].filter(([group]) => group !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(([group, served]) => apiGroup(group, served)) }
}

function apiGroup(group: string, served: readonly ServedResource[]): object {
  const versions = versionsOf(served).map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions, preferredVersion: versions[0] }
}

function versionsOf(served: readonly ServedResource[]): string[] {
  return [...new Set(served.map(({ resource }) => resource.version))].toSorted(compareVersions)
}

function resourceList(group: string, version: string, served: readonly ServedResource[]): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: served.flatMap((one) => [
      {
        name: one.resource.plural,
        singularName: one.singular,
        namespaced: one.resource.namespaced,
        kind: one.resource.kind,
        verbs: one.verbs,
        ...names(one),
      },
      ...subresourcesOf(one).map((subresource) => ({
        name: `${one.resource.plural}/${subresource}`,
        singularName: '',
        namespaced: one.resource.namespaced,
        kind: one.resource.kind,
        ...describeSubresource(subresource).kind,
        verbs: describeSubresource(subresource).verbs,
      })),
    ]),
  }
}

function aggregated(cluster: LogicalCluster, core: boolean, version: 'v2' | 'v2beta1'): object {
  const groups = [...byGroup(cluster)].filter(([group]) => (group === '') === core)
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map(([group, served]) => ({
      metadata: { name: group === '' ? null : group, creationTimestamp: null },
      versions: versionsOf(served).map((name) => ({
        version: name,
        freshness: 'Current',
        resources: served.filter(({ resource }) => resource.version === name).map(aggregatedResource),
      })),
    })),
  }
}

function aggregatedResource(served: ServedResource): object {
  const { group, version, kind, plural, namespaced } = served.resource
  const responseKind = { group, version, kind }
  const subresources = subresourcesOf(served)
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: served.singular,
    verbs: served.verbs,
    ...names(served),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((subresource) => ({
            subresource,
            responseKind: describeSubresource(subresource).kind ?? responseKind,
            verbs: describeSubresource(subresource).verbs,
          })),
        }),
  }
}

function names({ shortNames, categories }: ServedResource): object {
  return {
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
  }
}
