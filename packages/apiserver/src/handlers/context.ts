import type { LogicalCluster } from '../cluster.ts'
import type { ResourceRequest } from '../request-info.ts'
import type { ServedResource } from '../served-resource.ts'
import type { UserInfo } from '../user.ts'

/** One authorized request for a resource. */
export interface RequestContext {
  readonly cluster: LogicalCluster
  readonly served: ServedResource
  readonly request: ResourceRequest
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly user: UserInfo
  readonly signal: AbortSignal | undefined
  /** Texts for `Warning` headers. */
  readonly warnings: string[]
}

/** Namespace of the key of the request's objects; absent for cluster-scoped resources. */
export function namespaceOf({ served, request }: RequestContext): string | undefined {
  return served.resource.namespaced ? request.namespace : undefined
}

export function keyOf(context: RequestContext): string {
  const { cluster, served, request } = context
  return cluster.database.key(cluster.name, served.storedAs, namespaceOf(context), request.name!)
}
