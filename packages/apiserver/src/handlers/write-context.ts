import type { WriteOptions } from '../request-options.ts'
import { writeDeadline } from '../write/write-context.ts'
import type { WriteContext } from '../write/write-context.ts'
import { namespaceOf } from './context.ts'
import type { RequestContext } from './context.ts'

/** The part of a request that the write pipeline works with. */
export function writeContextOf(context: RequestContext, options: WriteOptions): WriteContext {
  const { cluster, served, user, request, warnings } = context
  return {
    cluster,
    served,
    user,
    namespace: namespaceOf(context),
    subresource: request.subresource,
    options,
    warnings,
    deadline: writeDeadline(cluster.database.clock),
  }
}
