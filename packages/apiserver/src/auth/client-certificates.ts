import { X509Certificate } from 'node:crypto'
import type { Clock } from '@locktender/kube'
import type { UserInfo } from '../user.ts'
import { clientAuthentication, isGoodIn, isIssuedBy } from './certificates.ts'

/** Key of the extra field that says by which credential a user came. */
export const credentialId = 'authentication.kubernetes.io/credential-id'

interface KnownCertificate {
  readonly user: UserInfo
  readonly notBefore: number
  readonly notAfter: number
}

/** Tells users by their client certificates. That a client has the key of its certificate, TLS makes sure. */
export class ClientCertificates {
  readonly #authority: X509Certificate
  readonly #clock: Clock
  /** Undefined for certificates that are good for nobody, whatever the time. */
  readonly #known = new WeakMap<X509Certificate, KnownCertificate | undefined>()

  /** Trusts what `authority`, PEM, has signed. */
  constructor(authority: string, clock: Clock) {
    this.#authority = new X509Certificate(authority)
    this.#clock = clock
  }

  /**
   * The user of a certificate in a logical cluster; undefined when it is foreign, for another cluster or purpose, or
   * not valid now.
   */
  userOf(certificate: X509Certificate, cluster: string): UserInfo | undefined {
    if (!this.#known.has(certificate)) this.#known.set(certificate, this.#examine(certificate))
    const known = this.#known.get(certificate)
    const now = this.#clock.now()
    if (known === undefined || now < known.notBefore || known.notAfter < now) return undefined
    return isGoodIn(certificate, cluster) ? known.user : undefined
  }

  #examine(certificate: X509Certificate): KnownCertificate | undefined {
    if (certificate.ca || !isIssuedBy(certificate, this.#authority)) return undefined
    if (!certificate.keyUsage?.includes(clientAuthentication)) return undefined
    const { CN, O = [] } = certificate.toLegacyObject().subject as { CN?: string | string[]; O?: string | string[] }
    if (typeof CN !== 'string' || CN === '') return undefined
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    return {
      user: {
        name: CN,
        groups: typeof O === 'string' ? [O] : O,
        extra: { [credentialId]: [`X509SHA256=${fingerprint}`] },
      },
      notBefore: Date.parse(certificate.validFrom),
      notAfter: Date.parse(certificate.validTo),
    }
  }
}
