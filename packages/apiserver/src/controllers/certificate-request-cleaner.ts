import { X509Certificate } from 'node:crypto'
import type { Cancel, Clock, KubeObject } from '@locktender/kube'
import type { CertificateRequest } from '../auth/certificate-requests.ts'
import { ignoreOutdated } from './drain.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

const HOUR_MS = 60 * 60 * 1000

/** As in kube-controller-manager: how often it looks, and how long requests stay that are decided or nobody minds. */
const POLL_MS = HOUR_MS
const DECIDED_MS = HOUR_MS
const PENDING_MS = 24 * HOUR_MS

interface CertificateRequestCleanerOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
}

/** Deletes requests for certificates an hour after they were denied, failed or fulfilled, and others after a day. */
export class CertificateRequestCleaner {
  readonly #clock: Clock
  readonly #queue: WorkQueue
  readonly #requests = new Map<string, { readonly ref: ObjectRef; readonly request: CertificateRequest }>()
  #timer: Cancel | undefined

  constructor({ clock, writer }: CertificateRequestCleanerOptions) {
    this.#clock = clock
    this.#queue = new WorkQueue({
      clock,
      concurrency: 1,
      process: async (key) => {
        const known = this.#requests.get(key)
        if (known === undefined || !isOver(known.request, clock.now())) return
        const { uid } = known.request.metadata
        await ignoreOutdated(writer.delete(known.ref, { uid: uid!, propagationPolicy: 'Background' }))
      },
    })
  }

  stop(): void {
    this.#timer?.()
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.plural !== 'certificatesigningrequests' || ref.group !== 'certificates.k8s.io') return
    if (object === undefined) this.#requests.delete(key)
    else this.#requests.set(key, { ref, request: object as CertificateRequest })
    this.#timer ??= this.#clock.after(POLL_MS, () => this.#look())
  }

  #look(): void {
    this.#timer = this.#requests.size === 0 ? undefined : this.#clock.after(POLL_MS, () => this.#look())
    const now = this.#clock.now()
    for (const [key, { request }] of this.#requests) if (isOver(request, now)) this.#queue.add(key)
  }
}

function isOver({ metadata, status = {} }: CertificateRequest, now: number): boolean {
  const isOlder = (time: string | undefined, than: number): boolean => now - Date.parse(time ?? '') > than
  const { conditions, certificate } = status
  if ((conditions ?? []).length === 0) return isOlder(metadata.creationTimestamp, PENDING_MS)
  return conditions!.some(({ type, lastUpdateTime }) => {
    if (type === 'Denied' || type === 'Failed') return isOlder(lastUpdateTime, DECIDED_MS)
    if (type !== 'Approved' || certificate === undefined) return false
    return isOlder(lastUpdateTime, DECIDED_MS) || hasExpired(certificate, now)
  })
}

function hasExpired(certificate: string, now: number): boolean {
  try {
    return now > Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo)
  } catch {
    // Others than the server itself may sign, and write what they want.
    return false
  }
}
