import { isNotFound } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import { recordsAt, text } from '../builtins/cells.ts'
import { ATTRIBUTES_CLASS_PROTECTION, CLAIM_PROTECTION, VOLUME_PROTECTION } from '../builtins/storage-strategies.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

export interface StorageProtectionOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly reader: ObjectReader
}

const ATTRIBUTES_CLASSES = 'volumeattributesclasses'

/** The finalizer of a kind that is kept while it is used. */
const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: CLAIM_PROTECTION,
  persistentvolumes: VOLUME_PROTECTION,
  [ATTRIBUTES_CLASSES]: ATTRIBUTES_CLASS_PROTECTION,
}

/** Lets claims go that no pod on a node uses, volumes that no claim has, and classes that neither names, once they are deleted. */
export class StorageProtection {
  readonly #writer: ObjectWriter
  readonly #reader: ObjectReader
  readonly #queue: WorkQueue
  /** What is deleted and held, by key. */
  readonly #held = new Map<string, ObjectRef>()

  constructor({ clock, writer, reader }: StorageProtectionOptions) {
    this.#writer = writer
    this.#reader = reader
    this.#queue = new WorkQueue({ clock, concurrency: 1, process: (key) => this.#release(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.group !== '' && ref.group !== 'storage.k8s.io') return
    if (ref.plural === 'pods') {
      // The pod that goes may have been the last one.
      for (const [held, { cluster, namespace }] of this.#held) {
        if (cluster === ref.cluster && namespace === ref.namespace) this.#queue.add(held)
      }
      return
    }
    const finalizer = FINALIZERS[ref.plural]
    if (finalizer === undefined) return
    if (ref.group === '') {
      // What goes or changes may have been the last one of its class.
      for (const [held, { cluster, plural }] of this.#held) {
        if (cluster === ref.cluster && plural === ATTRIBUTES_CLASSES) this.#queue.add(held)
      }
    }
    const { deletionTimestamp, finalizers = [] } = object?.metadata ?? {}
    if (deletionTimestamp === undefined || !finalizers.includes(finalizer)) {
      this.#held.delete(key)
      return
    }
    this.#held.set(key, ref)
    this.#queue.add(key)
  }

  async #release(key: string): Promise<void> {
    const ref = this.#held.get(key)
    const object = ref === undefined ? undefined : this.#reader.get(ref)
    if (ref === undefined || object === undefined || this.#isUsed(ref, object)) return
    const finalizer = FINALIZERS[ref.plural]!
    try {
      await this.#writer.update(ref, (newest) => {
        const finalizers = (newest.metadata.finalizers ?? []).filter((one) => one !== finalizer)
        return { ...newest, metadata: { ...newest.metadata, finalizers } }
      })
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  #isUsed({ cluster, plural, namespace, name }: ObjectRef, object: KubeObject): boolean {
    if (plural === 'persistentvolumes') return text('status', 'phase')(object) === 'Bound'
    if (plural === ATTRIBUTES_CLASSES) return this.#isNamed(cluster, name)
    for (const { ref, object: pod } of this.#reader.ofResource(cluster, '', 'pods')) {
      if (ref.namespace !== namespace || text('spec', 'nodeName')(pod) === '') continue
      const volumes = recordsAt(pod, 'spec', 'volumes')
      if (volumes.some((volume) => text('persistentVolumeClaim', 'claimName')(volume) === name)) return true
    }
    return false
  }

  /** Whether a claim or volume has, or is to have, the class. */
  #isNamed(cluster: string, name: string): boolean {
    const among = (plural: string, ...places: readonly (readonly string[])[]): boolean => {
      for (const { object } of this.#reader.ofResource(cluster, '', plural)) {
        if (places.some((place) => text(...place)(object) === name)) return true
      }
      return false
    }
    const wanted = ['spec', 'volumeAttributesClassName']
    const current = ['status', 'currentVolumeAttributesClassName']
    const next = ['status', 'modifyVolumeStatus', 'targetVolumeAttributesClassName']
    return among('persistentvolumes', wanted) || among('persistentvolumeclaims', wanted, current, next)
  }
}
