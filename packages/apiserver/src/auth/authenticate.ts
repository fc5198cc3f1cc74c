import { forbidden, unauthorized } from '@locktender/kube'
import type { PeerCertificate } from 'node:tls'
import type { LogicalCluster } from '../cluster.ts'
import { anonymousUser, authenticated } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { denial } from './rbac.ts'
import type { TokenStore } from './tokens.ts'

/** What a connection says about its client. */
export interface PeerIdentity {
  /** Undefined when the client sent no certificate. */
  readonly certificate: Pick<PeerCertificate, 'subject'> | undefined
  /** Whether the certificate is signed by our authority and valid now. */
  readonly trusted: boolean
}

/**
 * Who makes a request: the client certificate goes before the bearer token; without either it is the anonymous user.
 * @throws ApiError Unauthorized when what was presented is not valid
 */
export function authenticate(peer: PeerIdentity, authorization: string | undefined, tokens: TokenStore): UserInfo {
  if (peer.certificate !== undefined) {
    if (!peer.trusted) throw unauthorized()
    const { CN, O = [] } = peer.certificate.subject as { CN?: string | string[]; O?: string | string[] }
    if (typeof CN !== 'string' || CN === '') throw unauthorized()
    return authenticated({ name: CN, groups: typeof O === 'string' ? [O] : O })
  }
  if (authorization === undefined) return anonymousUser
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  const user = token === undefined ? undefined : tokens.userOf(token)
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
