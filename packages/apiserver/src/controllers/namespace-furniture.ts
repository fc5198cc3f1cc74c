import { isAlreadyExists, isForbidden, isNotFound } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** Namespaces furnished at the same time. */
const CONCURRENCY = 4

const ACCOUNT = 'default'
const AUTHORITY = 'kube-root-ca.crt'
const AUTHORITY_KEY = 'ca.crt'

/** What there is to know of every namespace. */
export const FURNITURE = [
  { plural: 'serviceaccounts', name: ACCOUNT },
  { plural: 'configmaps', name: AUTHORITY },
] as const

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

/**
 * Keeps in each namespace what its programs count on: the service account `default`, and the config map
 * `kube-root-ca.crt` by which they know the server. A server that does not listen has no such certificate.
 */
export class NamespaceFurniture {
  readonly #writer: ObjectWriter
  readonly #queue: WorkQueue
  /** Namespaces that are not going away, as `cluster/name`. */
  readonly #active = new Set<string>()
  readonly #accounts = new Set<string>()
  /** What the config map of a namespace says. */
  readonly #authorities = new Map<string, string | undefined>()
  #authority: string | undefined

  constructor({ clock, writer }: { readonly clock: Clock; readonly writer: ObjectWriter }) {
    this.#writer = writer
    this.#queue = new WorkQueue({ clock, concurrency: CONCURRENCY, process: (key) => this.#furnish(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Says which authority, PEM, has signed the certificate of the server. */
  publish(authority: string): void {
    this.#authority = authority
    for (const namespace of this.#active) this.#queue.add(namespace)
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe({ cluster, group, plural, namespace, name }: ObjectRef, object: KubeObject | undefined): void {
    if (group !== '') return
    if (plural === 'namespaces') {
      const key = `${cluster}/${name}`
      if (object === undefined || object.metadata.deletionTimestamp !== undefined) this.#active.delete(key)
      else if (!this.#active.has(key)) {
        this.#active.add(key)
        this.#queue.add(key)
      }
      return
    }
    const key = `${cluster}/${namespace}`
    if (plural === 'serviceaccounts' && name === ACCOUNT) {
      if (object !== undefined) this.#accounts.add(key)
      else if (this.#accounts.delete(key)) this.#queue.add(key)
    } else if (plural === 'configmaps' && name === AUTHORITY) {
      if (object === undefined) this.#authorities.delete(key)
      else this.#authorities.set(key, (object as ConfigMap).data?.[AUTHORITY_KEY])
      this.#queue.add(key)
    }
  }

  async #furnish(key: string): Promise<void> {
    if (!this.#active.has(key)) return
    const slash = key.indexOf('/')
    const place = { cluster: key.slice(0, slash), group: '', namespace: key.slice(slash + 1) }
    if (!this.#accounts.has(key)) {
      await this.#create({ ...place, plural: 'serviceaccounts', name: ACCOUNT }, { kind: 'ServiceAccount' })
    }
    const authority = this.#authority
    if (authority === undefined || this.#authorities.get(key) === authority) return
    const ref = { ...place, plural: 'configmaps', name: AUTHORITY }
    const data = { [AUTHORITY_KEY]: authority }
    if (this.#authorities.has(key)) {
      await this.#writer.update(ref, (object) => ({ ...object, data }) as KubeObject)
    } else {
      await this.#create(ref, { kind: 'ConfigMap', data })
    }
  }

  async #create(ref: ObjectRef, content: { readonly kind: string; readonly data?: object }): Promise<void> {
    const { name, namespace } = ref
    try {
      await this.#writer.create(ref, { apiVersion: 'v1', ...content, metadata: { name, namespace } })
    } catch (error) {
      // Made by somebody else, or the namespace has begun to go away: both will be seen.
      if (!isAlreadyExists(error) && !isForbidden(error) && !isNotFound(error)) throw error
    }
  }
}
