import { timeoutError } from '@locktender/kube'
import type { Clock } from '@locktender/kube'
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
  /** When it must be over, however many webhooks there are to ask, in milliseconds since the Unix epoch. */
  readonly deadline: number
}

/** How long a write may take: kube-apiserver gives none more time. */
const WRITE_MS = 34_000

/** The {@link WriteContext.deadline} of a write that begins now. */
export function writeDeadline(clock: Clock): number {
  return clock.now() + WRITE_MS
}

/** @throws ApiError Timeout when the write has taken too long */
export function checkInTime({ cluster, deadline }: WriteContext): void {
  if (cluster.database.clock.now() < deadline) return
  throw timeoutError('request did not complete within requested timeout - context deadline exceeded')
}
