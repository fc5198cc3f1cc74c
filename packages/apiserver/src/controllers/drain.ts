import { isConflict, isNotFound } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** One object in a container, as far as emptying needs to know it. */
export interface Content {
  readonly ref: ObjectRef
  readonly uid: string
  readonly deleting: boolean
  readonly finalizers: readonly string[]
}

interface Container {
  /** The object that stands for the container, while it is being deleted. */
  closing: ObjectRef | undefined
  readonly content: Map<string, Content>
}

export interface DrainOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  /** Lets a container that is being deleted go: nothing is in it any more. */
  readonly onEmpty: (container: ObjectRef) => Promise<void>
  /** Told what finalizers still hold in a container that is being deleted. */
  readonly onHeld?: (container: ObjectRef, held: readonly Content[]) => Promise<void>
}

/**
 * Empties containers that are being deleted: namespaces of their objects, definitions of their instances. It counts
 * what each container holds as objects come and go, so nothing is ever searched.
 */
export class Drain {
  readonly #options: DrainOptions
  readonly #queue: WorkQueue
  readonly #containers = new Map<string, Container>()

  constructor(options: DrainOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, concurrency: 4, process: (id) => this.#process(id) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the object that stands for container `id`; undefined when it is gone. */
  observeContainer(id: string, ref: ObjectRef, object: KubeObject | undefined): void {
    const container = this.#containerOf(id)
    const wasOpen = container.closing === undefined
    container.closing = object?.metadata.deletionTimestamp === undefined ? undefined : ref
    if (container.closing !== undefined && wasOpen) this.#queue.add(id)
    this.#forgetIfUnused(id, container)
  }

  /** Takes in an object in container `id`; undefined when it is gone. */
  observeContent(id: string, key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    const container = this.#containerOf(id)
    if (object === undefined) {
      container.content.delete(key)
    } else {
      const { uid = '', finalizers = [], deletionTimestamp } = object.metadata
      container.content.set(key, { ref, uid, deleting: deletionTimestamp !== undefined, finalizers })
    }
    if (container.closing !== undefined) this.#queue.add(id)
    this.#forgetIfUnused(id, container)
  }

  #containerOf(id: string): Container {
    let container = this.#containers.get(id)
    if (container === undefined) {
      container = { closing: undefined, content: new Map() }
      this.#containers.set(id, container)
    }
    return container
  }

  #forgetIfUnused(id: string, container: Container): void {
    if (container.closing === undefined && container.content.size === 0) this.#containers.delete(id)
  }

  async #process(id: string): Promise<void> {
    const container = this.#containers.get(id)
    if (container?.closing === undefined) return
    const { closing, content } = container
    if (content.size === 0) {
      await ignoreOutdated(this.#options.onEmpty(closing))
      return
    }
    const doomed = [...content.values()].filter((object) => !object.deleting)
    await Promise.all(
      doomed.map(({ ref, uid }) =>
        ignoreOutdated(this.#options.writer.delete(ref, { uid, propagationPolicy: 'Background' })),
      ),
    )
    const held = [...content.values()].filter(({ finalizers }) => finalizers.length > 0)
    // Without finalizers the rest is gone already and only its events are on their way.
    if (held.length > 0) await ignoreOutdated(this.#options.onHeld?.(closing, held) ?? Promise.resolve())
  }
}

/** Waits for a write; when its object is gone or was changed, that change is on its way here and decides anew. */
export async function ignoreOutdated(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}
