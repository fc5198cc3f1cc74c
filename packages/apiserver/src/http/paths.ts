import { forbidden, methodNotServed, resourceNotFound } from '@locktender/kube'
import { openIdReply } from '../auth/openid.ts'
import { denial } from '../auth/rbac.ts'
import type { LogicalCluster } from '../cluster.ts'
import { discoveryReply } from '../discovery/discovery.ts'
import { openApiReply } from '../discovery/openapi.ts'
import { encodeJson } from '../objects/object.ts'
import { versionInfo } from '../version.ts'
import type { ApiRequest } from './handle-request.ts'
import { jsonReply, pageNotFound, textReply } from './reply.ts'
import type { Reply } from './reply.ts'

/** Paths anybody may read, even without credentials. */
const PUBLIC = /^\/(healthz|livez|readyz|version)(\/.*)?$/

export function isPublicPath(path: string): boolean {
  return PUBLIC.test(path)
}

/** Answers for paths that name no resource: health, version, discovery and OpenAPI. */
export function handlePath(cluster: LogicalCluster, request: ApiRequest, path: string, query: URLSearchParams): Reply {
  const { user, method } = request
  const attributes = { verb: method.toLowerCase(), path }
  if (!isPublicPath(path) && !cluster.authorizer.allows(user, attributes)) {
    throw forbidden({ group: '', resource: '' }, '', denial(user, attributes))
  }
  if (isPublicPath(path)) {
    if (method !== 'GET') throw methodNotServed()
    return publicReply(cluster.version, path, query)
  }
  const found =
    discoveryReply(cluster, path, request.headers) ??
    openApiReply(cluster, path, request.headers) ??
    openIdReply(cluster, path, request.headers)
  if (found === undefined) {
    const [, root, group = ''] = path.split('/')
    if (root === 'api' || (root === 'apis' && cluster.registry.isBuiltIn(group))) throw resourceNotFound()
    return pageNotFound()
  }
  if (method !== 'GET') throw methodNotServed()
  return found
}

/** Health and version, which are the same for every logical cluster. */
export function publicReply(version: string, path: string, query: URLSearchParams): Reply {
  if (/^\/(healthz|livez|readyz)\/.*/.test(path) && !/\/(ping|store|)$/.test(path)) return pageNotFound()
  if (path.startsWith('/version')) return jsonReply(200, encodeJson(versionInfo(version)))
  return textReply(200, healthText(path, query))
}

function healthText(path: string, query: URLSearchParams): string {
  if (!query.has('verbose')) return 'ok'
  return `[+]ping ok\n[+]store ok\n${path.split('/')[1]} check passed\n`
}
