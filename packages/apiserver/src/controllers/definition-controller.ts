import type { Clock, KubeObject } from '@locktender/kube'
import { cleanupFinalizer } from '../crd/definition.ts'
import { Drain } from './drain.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'

interface DefinitionControllerOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly reader: ObjectReader
}

/** Deletes the instances of CustomResourceDefinitions that are being deleted, then lets the definitions go. */
export class DefinitionController {
  readonly #drain: Drain

  constructor({ clock, writer, reader }: DefinitionControllerOptions) {
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
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (this.#drain.busy) this.#drain.observeContent(`${ref.cluster}/${ref.plural}.${ref.group}`, key, ref, object)
    if (ref.group === 'apiextensions.k8s.io' && ref.plural === 'customresourcedefinitions') {
      this.#drain.observeContainer(`${ref.cluster}/${ref.name}`, ref, object)
    }
  }
}

function withoutFinalizer(object: KubeObject): KubeObject | undefined {
  const { metadata } = object
  if (metadata.deletionTimestamp === undefined || !metadata.finalizers?.includes(cleanupFinalizer)) return undefined
  const finalizers = metadata.finalizers.filter((finalizer) => finalizer !== cleanupFinalizer)
  return { ...object, metadata: { ...metadata, finalizers } }
}
