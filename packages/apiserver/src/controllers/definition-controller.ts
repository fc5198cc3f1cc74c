import { customResourceDefinitions } from '@locktender/kube'
import type { Clock, KubeObject } from '@locktender/kube'
import { areNamesAccepted, cleanupFinalizer } from '../crd/definition.ts'
import type { CustomResourceDefinition } from '../crd/definition.ts'
import { Drain, ignoreOutdated } from './drain.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

interface DefinitionControllerOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly reader: ObjectReader
}

const { group: GROUP, plural: PLURAL } = customResourceDefinitions

/**
 * Deletes the instances of CustomResourceDefinitions that are being deleted, then lets the definitions go, and gives
 * their names to others that asked for them.
 */
export class DefinitionController {
  readonly #drain: Drain
  readonly #reader: ObjectReader
  /** Definitions that may get names they were refused. */
  readonly #waiting = new Map<string, ObjectRef>()
  readonly #queue: WorkQueue

  constructor({ clock, writer, reader }: DefinitionControllerOptions) {
    this.#reader = reader
    this.#queue = new WorkQueue({
      clock,
      concurrency: 1,
      process: async (key) => {
        const ref = this.#waiting.get(key)
        if (ref === undefined) return
        // Writing a definition is what accepts its names.
        await ignoreOutdated(writer.update(ref, (definition) => ({ ...definition })))
        this.#waiting.delete(key)
      },
    })
    this.#drain = new Drain({
      clock,
      writer,
      contentOf: ({ cluster, name }) => {
        // A definition is named after what it defines: `<plural>.<group>`.
        const dot = name.indexOf('.')
        return reader.ofResource(cluster, name.slice(dot + 1), name.slice(0, dot))
      },
      onEmpty: (definition) => writer.update(definition, withoutFinalizer),
    })
  }

  stop(): void {
    this.#drain.stop()
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (this.#drain.busy) this.#drain.observeContent(`${ref.cluster}/${ref.plural}.${ref.group}`, key, ref, object)
    if (ref.group !== GROUP || ref.plural !== PLURAL) return
    this.#drain.observeContainer(`${ref.cluster}/${ref.name}`, ref, object)
    if (object === undefined) this.#reconsider(ref)
  }

  #reconsider({ cluster, name }: ObjectRef): void {
    const group = name.slice(name.indexOf('.') + 1)
    for (const { key, ref, object } of this.#reader.ofResource(cluster, GROUP, PLURAL)) {
      const definition = object as KubeObject & CustomResourceDefinition
      if (definition.spec.group !== group || areNamesAccepted(definition)) continue
      this.#waiting.set(key, ref)
      this.#queue.add(key)
    }
  }
}

function withoutFinalizer(object: KubeObject): KubeObject | undefined {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined || !metadata.finalizers?.includes(cleanupFinalizer)) return undefined
  const finalizers = metadata.finalizers.filter((finalizer) => finalizer !== cleanupFinalizer)
  return { ...object, metadata: { ...metadata, finalizers } }
}
