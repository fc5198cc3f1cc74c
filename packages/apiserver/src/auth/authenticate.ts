import type { X509Certificate } from 'node:crypto'
import { unauthorized } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import { anonymousUser, authenticated } from '../user.ts'
import type { UserInfo } from '../user.ts'
import type { TokenAuthenticator } from './authenticator.ts'
import type { ClientCertificates } from './client-certificates.ts'

/** What a connection says about its client. */
export interface PeerIdentity {
  /** Undefined when the client sent no certificate. It has proven that it holds the key, and nothing else. */
  readonly certificate: X509Certificate | undefined
}

/** Everything a listening server knows its clients by. */
export interface Authenticators {
  readonly certificates: ClientCertificates
  readonly tokens: TokenAuthenticator
}

/** Longest token that is looked at. */
const MAX_TOKEN_LENGTH = 16 * 1024

/**
 * Who makes a request to `cluster`, if there is such a cluster: the client certificate goes before the bearer token;
 * without either it is the anonymous user.
 * @throws ApiError Unauthorized when nothing of what was presented is valid
 */
export async function authenticate(
  { certificates, tokens }: Authenticators,
  { certificate }: PeerIdentity,
  authorization: string | undefined,
  cluster: LogicalCluster | undefined,
): Promise<UserInfo> {
  if (certificate === undefined && authorization === undefined) return anonymousUser
  let user = certificate === undefined ? undefined : certificates.userOf(certificate, cluster?.name ?? '')
  if (user === undefined && authorization !== undefined) {
    const token = bearerToken(authorization)
    user = token === undefined ? undefined : await tokens.userOf(token, cluster)
  }
  if (user === undefined) throw unauthorized()
  return authenticated(user)
}

function bearerToken(authorization: string): string | undefined {
  if (authorization.length > MAX_TOKEN_LENGTH) return undefined
  return /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1]
}
