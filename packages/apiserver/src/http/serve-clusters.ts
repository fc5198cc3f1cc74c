import { resourceNotFound, unauthorized } from '@locktender/kube'
import { authenticate } from '../auth/authenticate.ts'
import type { Authenticators } from '../auth/authenticate.ts'
import type { LogicalCluster } from '../cluster.ts'
import { anonymousUser } from '../user.ts'
import { asApiError, handleRequest } from './handle-request.ts'
import type { IncomingRequest } from './listener.ts'
import { isPublicPath, publicReply } from './paths.ts'
import { errorReply } from './reply.ts'
import type { Reply } from './reply.ts'

const PREFIX = /^\/clusters\/([^/?]+)(\/.*|\?.*|$)/

export interface ServedClusters {
  readonly clusterOf: (name: string) => LogicalCluster | undefined
  /** Name of the cluster that is served without a prefix too. */
  readonly rootCluster: string | undefined
  readonly authenticators: Authenticators
  /** Whether requests without credentials get as far as authorization. */
  readonly anonymous: boolean
  readonly version: string
}

/** Finds out who asks and which logical cluster, and lets that one answer. */
export async function serveClusters(clusters: ServedClusters, request: IncomingRequest): Promise<Reply> {
  try {
    const match = PREFIX.exec(request.path)
    const below = match === null ? request.path : match[2]!.startsWith('/') ? match[2]! : `/${match[2]}`
    const [path = '/', query] = below.split('?', 2)
    const name = match === null ? clusters.rootCluster : match[1]!
    const cluster = name === undefined ? undefined : clusters.clusterOf(name)
    const user = await authenticate(clusters.authenticators, request.peer, request.headers['authorization'], cluster)
    if (user === anonymousUser && !clusters.anonymous && !isPublicPath(path)) throw unauthorized()
    if (cluster === undefined) {
      if (match === null && isPublicPath(path)) return publicReply(clusters.version, path, new URLSearchParams(query))
      throw resourceNotFound()
    }
    const { method, headers, readBody, signal } = request
    return await handleRequest(cluster, { method, path: below, headers, body: await readBody(), user, signal })
  } catch (error) {
    return errorReply(asApiError(error))
  }
}
