import type { LogicalCluster } from '../cluster.ts'
import { addComponents } from '../builtins/openapi-components.ts'
import { messageOf, messageOfKind } from '../builtins/field-table.ts'
import { cachedDocument, documentReply, makeDocument } from './discovery.ts'
import type { CachedDocument } from './discovery.ts'
import type { Reply } from '../http/reply.ts'
import { pathsOf } from './openapi-paths.ts'
import { schemasOf } from './openapi-schemas.ts'
import { toVersion2 } from './openapi-v2.ts'
import { encodeVersion2 } from './openapi-v2-protobuf.ts'
import type { ServedResource } from '../served-resource.ts'
import { describeSubresource, subresourcesOf } from '../subresources.ts'

/** The content type of the answer must be exactly this one, without the `@` clients ask for. */
const V2_CONTENT_TYPE = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** OpenAPI documents; undefined for other paths. */
export function openApiReply(
  cluster: LogicalCluster,
  path: string,
  headers: Readonly<Record<string, string>>,
): Reply | undefined {
  if (path === '/openapi/v2') return version2Reply(cluster, headers)
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

/** As protobuf for kubectl, as JSON for everybody else. */
function version2Reply(cluster: LogicalCluster, headers: Readonly<Record<string, string>>): Reply {
  const { accept = '' } = headers
  if (!/protobuf/.test(accept) || /json/.test(accept)) {
    return documentReply(
      cachedDocument(cluster, 'openapi v2', () => version2(cluster)),
      headers,
    )
  }
  const document = cachedDocument(cluster, 'openapi v2 protobuf', () => encodeVersion2(version2(cluster)))
  return documentReply(document, headers, { 'content-type': V2_CONTENT_TYPE })
}

function version2(cluster: LogicalCluster): object {
  const groups = [...groupVersions(cluster)].map(([groupVersion, resources]) => describe(groupVersion, resources))
  return toVersion2({
    paths: Object.assign({}, ...groups.map(({ paths }) => paths)) as Record<string, unknown>,
    schemas: Object.assign({}, ...groups.map(({ components }) => components.schemas)) as Record<string, unknown>,
  })
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

/** Documents of versions without any definition, which are the same for all logical clusters and never change. */
const builtInDocuments = new Map<string, CachedDocument>()

function groupDocument(cluster: LogicalCluster, groupVersion: string): CachedDocument {
  const resources = groupVersions(cluster).get(groupVersion) ?? []
  const make = (): object => describe(groupVersion, resources)
  if (resources.some(({ custom }) => custom)) return cachedDocument(cluster, `openapi ${groupVersion}`, make)
  let document = builtInDocuments.get(groupVersion)
  if (document === undefined) {
    document = makeDocument(0, make())
    builtInDocuments.set(groupVersion, document)
  }
  return document
}

/** Resources by the path of their version: `api/v1`, `apis/apps/v1`. */
function groupVersions(cluster: LogicalCluster): Map<string, ServedResource[]> {
  return Map.groupBy(cluster.registry.all(), ({ resource: { group, version } }) =>
    group === '' ? `api/${version}` : `apis/${group}/${version}`,
  )
}

interface Document {
  readonly paths: Record<string, object>
  readonly components: { readonly schemas: Record<string, unknown> }
}

function describe(groupVersion: string, resources: readonly ServedResource[]): Document & object {
  const paths: Record<string, object> = {}
  const schemas = schemasOf(resources)
  addComponents(messageOf('meta/v1.Status'), schemas)
  for (const served of resources) {
    Object.assign(paths, pathsOf(groupVersion, served))
    for (const subresource of subresourcesOf(served)) {
      const { kind } = describeSubresource(subresource)
      if (kind === undefined) continue
      const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`
      addComponents(messageOfKind(apiVersion, kind.kind)!, schemas)
    }
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths,
    components: { schemas },
  } as Document
}
