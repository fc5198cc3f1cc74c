import type { LogicalCluster } from '../cluster.ts'
import { jsonReply } from '../http/reply.ts'
import type { Reply } from '../http/reply.ts'
import { encodeJson } from '../objects/object.ts'
import { issuerOf } from './authenticator.ts'

const KEYS = '/openid/v1/jwks'
/** Both documents change only with the key. */
const CACHED = { 'cache-control': 'public, max-age=3600' }

/** How others check the tokens of service accounts by themselves (OpenID Connect Discovery 1.0); undefined elsewhere. */
export function openIdReply(
  cluster: LogicalCluster,
  path: string,
  headers: Readonly<Record<string, string>>,
): Reply | undefined {
  switch (path) {
    case '/.well-known/openid-configuration': {
      const issuer = issuerOf(cluster)
      const { host } = headers
      const document = {
        issuer,
        jwks_uri: host === undefined ? `${issuer}${KEYS}` : `https://${host}${cluster.basePath}${KEYS}`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      }
      return jsonReply(200, encodeJson(document), CACHED)
    }
    case KEYS: {
      const keys = cluster.credentials.serviceAccounts.keySet()
      return jsonReply(200, encodeJson(keys), { ...CACHED, 'content-type': 'application/jwk-set+json' })
    }
    default:
      return undefined
  }
}
