import type { TransportRequest } from '@locktender/kube'
import type { Identity } from './scenario.ts'

/** Between the names of several groups, as the API server takes a header that was sent several times. */
const SEPARATOR = '\n'

/** A request as a user sends it; without one, whoever may do anything does. */
export function sentBy(user: Identity | undefined, request: TransportRequest): TransportRequest {
  if (user === undefined) return request
  const { name, groups = [] } = user
  const headers = {
    ...request.headers,
    'impersonate-user': name,
    ...(groups.length > 0 && { 'impersonate-group': groups.join(SEPARATOR) }),
  }
  return { ...request, headers }
}
