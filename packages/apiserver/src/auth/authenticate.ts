import type { X509Certificate } from 'node:crypto'
import { forbidden, unauthorized } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import { anonymousUser, authenticated } from '../user.ts'
import type { UserInfo } from '../user.ts'
import type { ClientCertificates } from './client-certificates.ts'
import { denial } from './rbac.ts'
import type { TokenStore } from './tokens.ts'

/** What a connection says about its client. */
export interface PeerIdentity {
  /** Undefined when the client sent no certificate. It has proven that it holds the key, and nothing else. */
  readonly certificate: X509Certificate | undefined
}

/** Everything the server knows its clients by. */
export interface Credentials {
  readonly certificates: ClientCertificates
  readonly tokens: TokenStore
}

/**
 * Who makes a request: the client certificate goes before the bearer token; without either it is the anonymous user.
 * @throws ApiError Unauthorized when nothing of what was presented is valid
 */
export function authenticate(
  { certificates, tokens }: Credentials,
  { certificate }: PeerIdentity,
  authorization: string | undefined,
): UserInfo {
  if (certificate === undefined && authorization === undefined) return anonymousUser
  let user = certificate === undefined ? undefined : certificates.userOf(certificate)
  if (user === undefined && authorization !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    user = token === undefined ? undefined : tokens.userOf(token)
  }
  if (user === undefined) throw unauthorized()
  return authenticated(user)
}

/**
 * The user a request wants to act as, with the impersonation headers of Kubernetes; the user itself without them.
 * @throws ApiError Forbidden
 */
export function impersonate(
  cluster: LogicalCluster,
  user: UserInfo,
  headers: Readonly<Record<string, string>>,
): UserInfo {
  const name = headers['impersonate-user']
  const groups = (headers['impersonate-group'] ?? '').split(',').flatMap((group) => group.trim() || [])
  if (name === undefined && groups.length === 0) return user
  for (const [resource, wanted] of [
    ...(name === undefined ? [] : [['users', name] as const]),
    ...groups.map((group) => ['groups', group] as const),
  ]) {
    const attributes = { verb: 'impersonate', group: '', resource, name: wanted }
    if (!cluster.authorizer.allows(user, attributes)) {
      throw forbidden({ group: '', resource }, wanted, denial(user, attributes))
    }
  }
  return authenticated({ name: name ?? user.name, groups })
}
