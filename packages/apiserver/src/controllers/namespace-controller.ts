import { isConflict, isNotFound } from '@locktender/kube'
import type { Clock, Condition, KubeObject } from '@locktender/kube'
import type { ObjectRef, ObjectWriter } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** The entry of `spec.finalizers` that keeps a namespace until it is empty. */
const kubernetesFinalizer = 'kubernetes'

interface Content {
  readonly ref: ObjectRef
  readonly uid: string
  deleting: boolean
  finalizers: readonly string[]
}

interface Namespace {
  /** Set while the namespace exists and is being deleted. */
  terminating: ObjectRef | undefined
  readonly content: Map<string, Content>
}

interface NamespaceObject extends KubeObject {
  spec?: { finalizers?: string[] }
  status?: { phase?: string; conditions?: Condition[] }
}

/**
 * Empties namespaces that are being deleted and lets them go when they are empty; until then it says in their status
 * what is left. It counts the objects of each namespace as they come and go, so nothing is ever searched.
 */
export class NamespaceController {
  readonly #clock: Clock
  readonly #writer: ObjectWriter
  readonly #queue: WorkQueue
  readonly #namespaces = new Map<string, Namespace>()

  constructor(options: { readonly clock: Clock; readonly writer: ObjectWriter }) {
    this.#clock = options.clock
    this.#writer = options.writer
    this.#queue = new WorkQueue({ clock: options.clock, concurrency: 4, process: (key) => this.#process(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    if (ref.namespace !== '') this.#observeContent(key, ref, object)
    else if (ref.group === '' && ref.plural === 'namespaces') this.#observeNamespace(ref, object)
  }

  #observeNamespace(ref: ObjectRef, object: KubeObject | undefined): void {
    const id = `${ref.cluster}/${ref.name}`
    const namespace = this.#namespaceOf(id)
    const begins = namespace.terminating === undefined
    namespace.terminating = object?.metadata.deletionTimestamp === undefined ? undefined : ref
    if (namespace.terminating !== undefined && begins) this.#queue.add(id)
    this.#forgetIfUnused(id, namespace)
  }

  #observeContent(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    const id = `${ref.cluster}/${ref.namespace}`
    const namespace = this.#namespaceOf(id)
    if (object === undefined) {
      namespace.content.delete(key)
    } else {
      const { uid = '', finalizers = [], deletionTimestamp } = object.metadata
      const content: Content = { ref, uid, deleting: deletionTimestamp !== undefined, finalizers }
      namespace.content.set(key, content)
    }
    if (namespace.terminating !== undefined) this.#queue.add(id)
    this.#forgetIfUnused(id, namespace)
  }

  #namespaceOf(id: string): Namespace {
    let namespace = this.#namespaces.get(id)
    if (namespace === undefined) {
      namespace = { terminating: undefined, content: new Map() }
      this.#namespaces.set(id, namespace)
    }
    return namespace
  }

  #forgetIfUnused(id: string, namespace: Namespace): void {
    if (namespace.terminating === undefined && namespace.content.size === 0) this.#namespaces.delete(id)
  }

  async #process(id: string): Promise<void> {
    const namespace = this.#namespaces.get(id)
    if (namespace?.terminating === undefined) return
    const ref = namespace.terminating
    if (namespace.content.size === 0) {
      await tolerate(this.#writer.update(ref, withoutKubernetesFinalizer, 'finalize'))
      return
    }
    const doomed = [...namespace.content.values()].filter((content) => !content.deleting)
    await Promise.all(
      doomed.map(({ ref: target, uid }) =>
        tolerate(this.#writer.delete(target, { uid, propagationPolicy: 'Background' })),
      ),
    )
    const held = [...namespace.content.values()].filter((content) => content.finalizers.length > 0)
    // Without finalizers the rest is gone already and only its events are on their way.
    if (held.length === 0) return
    const now = `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`
    await tolerate(this.#writer.update(ref, (object) => withConditions(object, held, now), 'status'))
  }
}

/** Gone or changed meanwhile: the change is on its way here and decides anew. */
async function tolerate(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

function withoutKubernetesFinalizer(object: NamespaceObject): KubeObject | undefined {
  const finalizers = object.spec?.finalizers ?? []
  if (object.metadata.deletionTimestamp === undefined || !finalizers.includes(kubernetesFinalizer)) return undefined
  const spec = { ...object.spec, finalizers: finalizers.filter((finalizer) => finalizer !== kubernetesFinalizer) }
  return { ...object, spec } as KubeObject
}

function withConditions(object: NamespaceObject, held: readonly Content[], now: string): KubeObject | undefined {
  if (object.metadata.deletionTimestamp === undefined) return undefined
  const before = object.status?.conditions ?? []
  const resources = tally(held.map(({ ref }) => (ref.group === '' ? ref.plural : `${ref.plural}.${ref.group}`)))
  const finalizers = tally(held.flatMap((content) => content.finalizers))
  const conditions = [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      'False',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      'False',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ),
    condition(
      'NamespaceDeletionContentFailure',
      'False',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ),
    condition(
      'NamespaceContentRemaining',
      'True',
      'SomeResourcesRemain',
      `Some resources are remaining: ${resources.map(([name, count]) => `${name} has ${count} resource instances`).join(', ')}`,
    ),
    condition(
      'NamespaceFinalizersRemaining',
      'True',
      'SomeFinalizersRemain',
      `Some content in the namespace has finalizers remaining: ${finalizers.map(([name, count]) => `${name} in ${count} resource instances`).join(', ')}`,
    ),
  ].map((next) => {
    const old = before.find((other) => other.type === next.type)
    const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : now
    return { ...next, lastTransitionTime }
  })
  return { ...object, status: { ...object.status, phase: 'Terminating', conditions } } as KubeObject
}

function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
): Omit<Condition, 'lastTransitionTime'> {
  return { type, status, reason, message }
}

function tally(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].sort(([left], [right]) => (left < right ? -1 : 1))
}
