import type { Clock } from '@locktender/kube'
import type { LogicalCluster } from '../cluster.ts'
import type { AnyObject } from '../objects/object.ts'
import { parseServiceAccount, serviceAccountGroups } from '../user.ts'
import type { UserInfo } from '../user.ts'
import { credentialId } from './client-certificates.ts'
import { looksLikeJwt } from './service-account-tokens.ts'
import type { NameAndUid, ServiceAccountTokens, TokenClaims } from './service-account-tokens.ts'
import type { TokenStore } from './tokens.ts'

/** Who a token stands for, and for which audiences it was made. */
export interface TokenIdentity {
  readonly user: UserInfo
  /** Undefined when it is good for every audience that is the server's. */
  readonly audiences: readonly string[] | undefined
}

/** How the server tells by tokens who somebody is. */
export interface Credentials {
  readonly serviceAccounts: ServiceAccountTokens
  readonly tokens: TokenAuthenticator
}

/** What a deleted object still vouches for, as in Kubernetes: requests that were under way are not cut off. */
const DELETION_LEEWAY_MS = 60_000

/** Who issues the tokens of a logical cluster; the server itself is also the audience they are for. */
export function issuerOf(cluster: LogicalCluster): string {
  return `https://kubernetes.default.svc${cluster.basePath}`
}

/** Tells users by their bearer tokens. */
export class TokenAuthenticator {
  readonly #tokens: TokenStore
  readonly #serviceAccounts: ServiceAccountTokens
  readonly #clock: Clock

  constructor(tokens: TokenStore, serviceAccounts: ServiceAccountTokens, clock: Clock) {
    this.#tokens = tokens
    this.#serviceAccounts = serviceAccounts
    this.#clock = clock
  }

  /** The user of a token for the API server itself; undefined when it is not valid, now and in this cluster. */
  userOf(token: string, cluster: LogicalCluster | undefined): UserInfo | Promise<UserInfo | undefined> | undefined {
    if (!looksLikeJwt(token)) return this.#tokens.userOf(token)
    if (cluster === undefined) return undefined
    return this.identify(token, cluster).then((identity) =>
      identity?.audiences?.includes(issuerOf(cluster)) === true ? identity.user : undefined,
    )
  }

  /** Who a token stands for, whatever audience it is for. */
  async identify(token: string, cluster: LogicalCluster): Promise<TokenIdentity | undefined> {
    if (!looksLikeJwt(token)) {
      const user = this.#tokens.userOf(token)
      return user === undefined ? undefined : { user, audiences: undefined }
    }
    const claims = await this.#serviceAccounts.verify(token, issuerOf(cluster))
    if (claims === undefined) return undefined
    const user = this.#serviceAccountOf(claims, cluster)
    return user === undefined ? undefined : { user, audiences: claims.aud }
  }

  /** The service account, unless it, or what its token is bound to, is gone. */
  #serviceAccountOf(claims: TokenClaims, cluster: LogicalCluster): UserInfo | undefined {
    const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io']
    const named = parseServiceAccount(claims.sub)
    if (named?.namespace !== namespace || named.name !== serviceaccount.name) return undefined
    const bound = [
      ['serviceaccounts', namespace, serviceaccount],
      ['pods', namespace, pod],
      ['secrets', namespace, secret],
      // The node of a pod is said for information only.
      ['nodes', undefined, pod === undefined ? node : undefined],
    ] as const
    for (const [plural, where, reference] of bound) {
      if (reference !== undefined && !this.#exists(cluster, plural, where, reference)) return undefined
    }
    const extra = (name: string, value: string | undefined): Record<string, string[]> =>
      value === undefined ? {} : { [`authentication.kubernetes.io/${name}`]: [value] }
    return {
      name: claims.sub,
      uid: serviceaccount.uid,
      groups: serviceAccountGroups(namespace),
      extra: {
        [credentialId]: [`JTI=${claims.jti}`],
        ...extra('node-name', node?.name),
        ...extra('node-uid', node?.uid),
        ...extra('pod-name', pod?.name),
        ...extra('pod-uid', pod?.uid),
      },
    }
  }

  #exists(
    { name, database }: LogicalCluster,
    plural: string,
    namespace: string | undefined,
    reference: NameAndUid,
  ): boolean {
    const object: AnyObject | undefined = database.read(
      database.key(name, { group: '', plural }, namespace, reference.name),
    )
    if (object?.metadata.uid !== reference.uid) return false
    const { deletionTimestamp } = object.metadata
    return deletionTimestamp === undefined || Date.parse(deletionTimestamp) >= this.#clock.now() - DELETION_LEEWAY_MS
  }
}
