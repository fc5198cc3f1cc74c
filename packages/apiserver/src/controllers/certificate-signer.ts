import { holding } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import { waitsForSignature } from '../auth/certificate-requests.ts'
import type { CertificateRequest } from '../auth/certificate-requests.ts'
import type { CertificateAuthority } from '../auth/certificates.ts'
import { signers } from '../auth/signers.ts'
import { parseSigningRequest, usagesOf } from '../auth/signing-request.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** As kube-controller-manager has them: how long certificates last, and how far back they begin. */
const YEAR_SECONDS = 365 * 24 * 60 * 60
const BACKDATE_MS = 5 * 60 * 1000
/** Certificates that last longer than that end so much earlier as they begin. */
const SHORT_SECONDS = 8 * 60 * 60

export interface CertificateSignerOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly authority: CertificateAuthority
}

/** Signs approved requests for the signers of Kubernetes, or says why not. */
export class CertificateSigner {
  readonly #clock: Clock
  readonly #writer: ObjectWriter
  readonly #authority: CertificateAuthority
  readonly #queue: WorkQueue
  /** Requests that wait, by key. */
  readonly #waiting = new Map<string, { readonly ref: ObjectRef; readonly request: CertificateRequest }>()

  constructor({ clock, writer, authority }: CertificateSignerOptions) {
    this.#clock = clock
    this.#writer = writer
    this.#authority = authority
    // Cryptography happens in other threads, which a simulated clock has to wait for.
    this.#queue = new WorkQueue({ clock, concurrency: 1, process: (key) => holding(clock, () => this.#sign(key)) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.plural !== 'certificatesigningrequests' || ref.group !== 'certificates.k8s.io') return
    const request = object as CertificateRequest | undefined
    if (request !== undefined && signers[request.spec.signerName] !== undefined && waitsForSignature(request)) {
      this.#waiting.set(key, { ref, request })
      this.#queue.add(key)
    } else {
      this.#waiting.delete(key)
    }
  }

  async #sign(key: string): Promise<void> {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    const { ref, request } = waiting
    const { spec } = request
    const wanted = await parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1'), this.#clock)
    const refusal = signers[spec.signerName]!(wanted, spec.usages)
    const status =
      refusal === undefined
        ? { certificate: await this.#certificate(ref.cluster, wanted, spec) }
        : { conditions: [{ type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: refusal }] }
    await this.#writer.update(
      ref,
      (object) => {
        const live = object as CertificateRequest
        if (live.metadata.uid !== request.metadata.uid || !waitsForSignature(live)) return undefined
        const conditions = [...(live.status?.conditions ?? []), ...(status.conditions ?? [])]
        return { ...live, status: { ...live.status, ...status, conditions } } as KubeObject
      },
      'status',
    )
  }

  async #certificate(
    cluster: string,
    { subject, publicKey, alternativeNames }: Awaited<ReturnType<typeof parseSigningRequest>>,
    { usages, expirationSeconds = YEAR_SECONDS }: CertificateRequest['spec'],
  ): Promise<string> {
    const seconds = Math.min(expirationSeconds, YEAR_SECONDS)
    const now = this.#clock.now()
    const pem = await this.#authority.sign({
      cluster,
      subject,
      publicKey,
      alternativeNames,
      ...(await usagesOf(usages)),
      notBefore: now - BACKDATE_MS,
      notAfter: now + seconds * 1000 - (seconds < SHORT_SECONDS ? 0 : BACKDATE_MS),
    })
    return Buffer.from(pem).toString('base64')
  }
}
