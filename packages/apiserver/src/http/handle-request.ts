import { ApiError, badRequest, errorText, internalError } from '@locktender/kube'
import type { HttpMethod } from '@locktender/kube'
import { impersonate } from '../auth/impersonate.ts'
import type { LogicalCluster } from '../cluster.ts'
import { RevisionMismatch, StoreStoppedError } from '../store/store-types.ts'
import type { UserInfo } from '../user.ts'
import { errorReply } from './reply.ts'
import type { Reply } from './reply.ts'
import { handlePath } from './paths.ts'
import { handleResource } from './resources.ts'
import { parseResourceRequest } from '../request-info.ts'

/** A request of an authenticated user to one logical cluster, however it came. */
export interface ApiRequest {
  readonly method: HttpMethod
  /** Path with query, below the prefix of the logical cluster. */
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes only when it is protobuf. */
  readonly body: string | Uint8Array
  readonly user: UserInfo
  readonly signal: AbortSignal | undefined
}

const NO_QUERY = new URLSearchParams()

/** Answers one request; never rejects. */
export async function handleRequest(cluster: LogicalCluster, request: ApiRequest): Promise<Reply> {
  try {
    const mark = request.path.indexOf('?')
    const path = mark === -1 ? request.path : request.path.slice(0, mark)
    const query = mark === -1 ? NO_QUERY : new URLSearchParams(request.path.slice(mark + 1))
    const resource = parseResourceRequest(request.method, segmentsOf(path), query)
    const user = impersonate(cluster, request.user, request.headers)
    const acting = user === request.user ? request : { ...request, user }
    if (resource !== undefined) return await handleResource(cluster, acting, resource, query)
    return handlePath(cluster, acting, path, query)
  } catch (error) {
    return errorReply(asApiError(error))
  }
}

/** Refuses with what was thrown; anything that is not meant for the client becomes an internal error. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof RevisionMismatch) return internalError(`the write raced with another: ${error.message}`)
  if (error instanceof StoreStoppedError) return internalError(error.message)
  // The only thing that is as deep as a stack is an object somebody has sent, and writes read all of it before they store.
  if (error instanceof RangeError && error.message.startsWith('Maximum call stack')) {
    return badRequest('json: exceeded max depth')
  }
  return internalError(errorText(error))
}

/** @throws ApiError BadRequest when an escape is broken */
function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1)
  if (!path.includes('%')) return segments
  try {
    return segments.map(decodeURIComponent)
  } catch {
    throw badRequest(`the path ${path} is not encoded correctly`)
  }
}
