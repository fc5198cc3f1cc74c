import { timestamp } from '@locktender/kube'
import type { Clock, Condition, KubeObject } from '@locktender/kube'
import { Drain } from './drain.ts'
import type { Content } from './drain.ts'
import type { ObjectReader } from './object-reader.ts'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'

/** The entry of `spec.finalizers` that keeps a namespace until it is empty. */
const kubernetesFinalizer = 'kubernetes'

interface NamespaceObject extends KubeObject {
  spec?: { finalizers?: string[] }
  status?: { phase?: string; conditions?: Condition[] }
}

interface NamespaceControllerOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly reader: ObjectReader
}

/** Empties namespaces that are being deleted and lets them go; until then their status says what is left. */
export class NamespaceController {
  readonly #drain: Drain

  constructor({ clock, writer, reader }: NamespaceControllerOptions) {
    this.#drain = new Drain({
      clock,
      writer,
      contentOf: ({ cluster, name }) => reader.inNamespace(cluster, name),
      async onEmpty(namespace) {
        // Others may hold the namespace still, and see that its content does not.
        await writer.update(namespace, (object) => withConditions(object, [], timestamp(clock.now())), 'status')
        await writer.update(namespace, withoutFinalizer, 'finalize')
      },
      onHeld: (namespace, held) =>
        writer.update(namespace, (object) => withConditions(object, held, timestamp(clock.now())), 'status'),
    })
  }

  stop(): void {
    this.#drain.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.namespace !== '') {
      if (this.#drain.busy) this.#drain.observeContent(`${ref.cluster}/${ref.namespace}`, key, ref, object)
    } else if (ref.group === '' && ref.plural === 'namespaces') {
      this.#drain.observeContainer(`${ref.cluster}/${ref.name}`, ref, object)
    }
  }
}

function withoutFinalizer(object: NamespaceObject): KubeObject | undefined {
  const finalizers = object.spec?.finalizers ?? []
  if (object.metadata.deletionTimestamp === undefined || !finalizers.includes(kubernetesFinalizer)) return undefined
  const spec = { ...object.spec, finalizers: finalizers.filter((finalizer) => finalizer !== kubernetesFinalizer) }
  return { ...object, spec } as KubeObject
}

/** The conditions of kube-controller-manager's namespace controller, word for word where clients read them. */
function withConditions(object: NamespaceObject, held: readonly Content[], now: string): KubeObject | undefined {
  if (object.metadata.deletionTimestamp === undefined) return undefined
  // What was empty from the start goes without a word.
  if (held.length === 0 && object.status?.conditions === undefined) return undefined
  const resources = tally(held.map(({ ref }) => (ref.group === '' ? ref.plural : `${ref.plural}.${ref.group}`)))
  const finalizers = tally(held.flatMap((content) => content.finalizers))
  const wanted: Omit<Condition, 'lastTransitionTime'>[] = [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    {
      type: 'NamespaceDeletionContentFailure',
      status: 'False',
      reason: 'ContentDeleted',
      message: 'All content successfully deleted, may be waiting on finalization',
    },
    resources.length === 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${resources.map(([name, count]) => `${name} has ${count} resource instances`).join(', ')}`,
        },
    finalizers.length === 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${finalizers.map(([name, count]) => `${name} in ${count} resource instances`).join(', ')}`,
        },
  ]
  const conditions = wanted.map((condition) => {
    const old = object.status?.conditions?.find((other) => other.type === condition.type)
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now
    return { ...condition, lastTransitionTime }
  })
  return { ...object, status: { ...object.status, phase: 'Terminating', conditions } } as KubeObject
}

function tally(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort(([left], [right]) => (left < right ? -1 : 1))
}
