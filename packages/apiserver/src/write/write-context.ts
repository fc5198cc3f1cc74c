import type { LogicalCluster } from '../cluster.ts'
import type { WriteOptions } from '../request-options.ts'
import type { ServedResource } from '../served-resource.ts'
import type { UserInfo } from '../user.ts'

/** Everything one write is decided by, beside the object itself. */
export interface WriteContext {
  readonly cluster: LogicalCluster
  readonly served: ServedResource
  readonly user: UserInfo
  /** Absent for cluster-scoped resources. */
  readonly namespace: string | undefined
  readonly subresource: string | undefined
  readonly options: WriteOptions
  /** Texts for `Warning` headers; the write adds to them. */
  readonly warnings: string[]
}
