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

/** One object with its place and key. */
export interface PlacedObject {
  readonly key: string
  readonly ref: ObjectRef
  readonly object: KubeObject
}

/** A container that is being deleted. */
interface Closing {
  ref: ObjectRef
  readonly content: Map<string, Content>
  /** Keys of content that is not being deleted yet. */
  readonly doomed: Set<string>
}

export interface DrainOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  /** What is in a container now. */
  readonly contentOf: (container: ObjectRef) => Iterable<PlacedObject>
  /** Lets a container that is being deleted go: nothing is in it any more. */
  readonly onEmpty: (container: ObjectRef) => Promise<void>
  /** Told what finalizers still hold in a container that is being deleted. */
  readonly onHeld?: (container: ObjectRef, held: readonly Content[]) => Promise<void>
}

/** Deletions at once; between them other work runs. */
const BATCH = 256

/**
 * Empties containers that are being deleted: namespaces of their objects, definitions of their instances. It looks
 * for what a container holds once, when its deletion begins, and from then on counts what comes and goes.
 */
export class Drain {
  readonly #options: DrainOptions
  readonly #queue: WorkQueue
  readonly #closing = new Map<string, Closing>()

  constructor(options: DrainOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, concurrency: 4, process: (id) => this.#process(id) })
  }

  /** Whether any container is being deleted; otherwise nobody needs to tell what happens to content. */
  get busy(): boolean {
    return this.#closing.size > 0
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the object that stands for container `id`; undefined when it is gone. */
  observeContainer(id: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (object?.metadata.deletionTimestamp === undefined) {
      this.#closing.delete(id)
      return
    }
    if (this.#closing.has(id)) return
    const closing: Closing = { ref, content: new Map(), doomed: new Set() }
    this.#closing.set(id, closing)
    for (const content of this.#options.contentOf(ref)) this.#add(closing, content)
    this.#queue.add(id)
  }

  /** Takes in an object in container `id`; undefined when it is gone. */
  observeContent(id: string, key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    const closing = this.#closing.get(id)
    if (closing === undefined) return
    if (object === undefined) {
      closing.content.delete(key)
      closing.doomed.delete(key)
    } else this.#add(closing, { key, ref, object })
    this.#queue.add(id)
  }

  #add({ content, doomed }: Closing, { key, ref, object }: PlacedObject): void {
    const { uid = '', finalizers = [], deletionTimestamp } = object.metadata
    content.set(key, { ref, uid, deleting: deletionTimestamp !== undefined, finalizers })
    if (deletionTimestamp === undefined) doomed.add(key)
    else doomed.delete(key)
  }

  async #process(id: string): Promise<void> {
    const closing = this.#closing.get(id)
    if (closing === undefined) return
    const { ref, content, doomed } = closing
    const keys = [...doomed]
    for (let start = 0; start < keys.length; start += BATCH) {
      await Promise.all(keys.slice(start, start + BATCH).map((key) => this.#delete(closing, key)))
    }
    if (content.size === 0) {
      await ignoreOutdated(this.#options.onEmpty(ref))
      return
    }
    const held = [...content.values()].filter(({ finalizers }) => finalizers.length > 0)
    // Without finalizers the rest is gone already and only its events are on their way.
    if (held.length > 0) await ignoreOutdated(this.#options.onHeld?.(ref, held) ?? Promise.resolve())
  }

  async #delete({ content, doomed }: Closing, key: string): Promise<void> {
    const known = content.get(key)
    if (known === undefined || !doomed.has(key)) return
    await ignoreOutdated(this.#options.writer.delete(known.ref, { uid: known.uid, propagationPolicy: 'Background' }))
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
