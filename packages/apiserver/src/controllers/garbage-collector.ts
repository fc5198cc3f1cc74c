import type { Clock, KubeObject, OwnerReference } from '@locktender/kube'
import { ignoreOutdated } from './drain.ts'
import type { ObjectReader, StoredResource } from './object-reader.ts'
import type { ObjectRef, ObjectWriter, PropagationPolicy } from './object-writer.ts'
import { reportForeignOwner } from './owner-event.ts'
import { WorkQueue } from './work-queue.ts'

/** Finalizers by which a deletion says what becomes of the dependents. */
const foregroundFinalizer = 'foregroundDeletion'
const orphanFinalizer = 'orphan'

/** Deletions at once; each waits for the disk, and those that wait together share a sync. */
const concurrency = 32

export interface GarbageCollectorOptions {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly reader: ObjectReader
  /** Where objects of a kind are kept; undefined when nothing of that kind is served. */
  readonly resourceOf: (cluster: string, group: string, kind: string) => StoredResource | undefined
}

interface Node {
  readonly key: string
  readonly ref: ObjectRef
  readonly uid: string
  readonly apiVersion: string
  readonly kind: string
  owners: readonly OwnerReference[]
  deleting: boolean
  foreground: boolean
  orphan: boolean
}

/** What is known of the owner that a reference names. */
type Owner = 'present' | 'leaving' | 'absent' | 'unknown'

/**
 * Deletes objects whose owners are gone, and does for a deleted owner what its finalizers ask for: `orphan` takes
 * the owner out of its dependents, `foregroundDeletion` deletes the dependents that block it first.
 *
 * It keeps in memory only objects that have owners and those that wait for dependents, fed with every change, so
 * neither a change nor its memory costs anything for all the other objects.
 */
export class GarbageCollector {
  readonly #options: GarbageCollectorOptions
  readonly #queue: WorkQueue
  readonly #nodes = new Map<string, Node>()
  /** Nodes that wait for their dependents, by identity. */
  readonly #waiting = new Map<string, Node>()
  /** Objects by the uids their owner references name, whether such an owner exists or not. */
  readonly #dependents = new Map<string, Set<Node>>()
  /** Owners that were seen to go while they had dependents; kept as long as they have. */
  readonly #gone = new Set<string>()

  constructor(options: GarbageCollectorOptions) {
    this.#options = options
    this.#queue = new WorkQueue({ clock: options.clock, concurrency, process: (key) => this.#process(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /**
   * Takes in the new state of an object; undefined when it is gone, and then `last` is what it was. Called in the
   * order of the changes.
   */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined, last?: () => KubeObject | undefined): void {
    const known = this.#nodes.get(key)
    if (object === undefined) {
      if (known !== undefined) this.#forget(known)
      if (this.#dependents.size > 0) this.#ownerGone(ref, last?.()?.metadata.uid)
      return
    }
    const { uid, ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata
    if (uid === undefined) return
    const deleting = deletionTimestamp !== undefined
    const foreground = deleting && finalizers.includes(foregroundFinalizer)
    const orphan = deleting && finalizers.includes(orphanFinalizer)
    if (ownerReferences.length === 0 && !foreground && !orphan && known === undefined) return
    const { apiVersion, kind } = object
    const fresh = { key, ref, uid, apiVersion, kind, owners: [], deleting: false, foreground: false, orphan: false }
    const node: Node = known ?? fresh
    this.#nodes.set(key, node)
    const changedOwners = !sameOwners(node.owners, ownerReferences)
    const startsDeletion = deleting && !node.deleting
    const startsForeground = foreground && !node.foreground
    // A dependent that goes away by itself, or no longer names its owner, may be the last one its owner waits for.
    if (startsDeletion || changedOwners) this.#wakeOwners(node)
    if (changedOwners) this.#setOwners(node, ownerReferences)
    node.deleting = deleting
    node.foreground = foreground
    node.orphan = orphan
    if (foreground || orphan) this.#waiting.set(identity(ref, uid), node)
    else this.#waiting.delete(identity(ref, uid))
    if (changedOwners || foreground || orphan) this.#queue.add(key)
    if (startsForeground) for (const dependent of this.#dependentsOf(node)) this.#queue.add(dependent.key)
    if (node.owners.length === 0 && !foreground && !orphan) this.#nodes.delete(key)
  }

  #forget(node: Node): void {
    this.#wakeOwners(node)
    this.#setOwners(node, [])
    this.#nodes.delete(node.key)
    this.#waiting.delete(identity(node.ref, node.uid))
  }

  #ownerGone(ref: ObjectRef, uid: string | undefined): void {
    if (uid === undefined) return
    const dependents = this.#dependents.get(identity(ref, uid))
    if (dependents === undefined) return
    this.#gone.add(identity(ref, uid))
    for (const dependent of dependents) this.#queue.add(dependent.key)
  }

  #setOwners(node: Node, owners: readonly OwnerReference[]): void {
    for (const { uid } of node.owners) {
      const id = identity(node.ref, uid)
      const dependents = this.#dependents.get(id)
      dependents?.delete(node)
      if (dependents?.size === 0) {
        this.#dependents.delete(id)
        this.#gone.delete(id)
      }
    }
    for (const { uid } of owners) {
      const id = identity(node.ref, uid)
      const dependents = this.#dependents.get(id)
      if (dependents === undefined) this.#dependents.set(id, new Set([node]))
      else dependents.add(node)
    }
    node.owners = owners
  }

  #wakeOwners(node: Node): void {
    for (const { uid } of node.owners) {
      const owner = this.#waiting.get(identity(node.ref, uid))
      if (owner !== undefined) this.#queue.add(owner.key)
    }
  }

  #dependentsOf(node: Node): Node[] {
    return [...(this.#dependents.get(identity(node.ref, node.uid)) ?? [])]
  }

  async #process(key: string): Promise<void> {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    await ignoreOutdated(
      node.orphan
        ? this.#orphanDependents(node)
        : node.foreground
          ? this.#deleteDependents(node)
          : this.#deleteIfOwnerless(node),
    )
  }

  async #orphanDependents(node: Node): Promise<void> {
    const owner = new Set([node.uid])
    const dependents = this.#dependentsOf(node)
    await Promise.all(dependents.map((dependent) => ignoreOutdated(this.#dropOwners(dependent, owner))))
    await this.#dropFinalizer(node, orphanFinalizer)
  }

  async #deleteDependents(node: Node): Promise<void> {
    const blocking = this.#dependentsOf(node).filter((dependent) =>
      dependent.owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true),
    )
    if (blocking.length === 0) await this.#dropFinalizer(node, foregroundFinalizer)
    for (const dependent of blocking) if (!dependent.deleting) this.#queue.add(dependent.key)
  }

  async #deleteIfOwnerless(node: Node): Promise<void> {
    if (node.owners.length === 0 || node.deleting) return
    let kept = false
    let waiting = false
    const leaving = new Set<string>()
    for (const reference of node.owners) {
      const owner = await this.#find(node, reference)
      if (owner === 'present' || owner === 'unknown') kept = true
      else leaving.add(reference.uid)
      if (owner === 'leaving') waiting = true
    }
    if (kept) {
      // An owner that stays keeps the object; the others are forgotten.
      if (leaving.size > 0) await this.#dropOwners(node, leaving)
      return
    }
    const dependents = this.#dependentsOf(node)
    const foreground = waiting && dependents.length > 0
    // Owners in a circle would wait for each other: whoever has a dependent that waits itself blocks nobody.
    if (foreground && dependents.some((dependent) => dependent.foreground)) await this.#unblockOwners(node)
    await this.#options.writer.delete(node.ref, {
      uid: node.uid,
      propagationPolicy: foreground ? 'Foreground' : policyOf(node),
    })
  }

  /** Looks for the owner a reference names, as the reference says and where it may be for this object. */
  async #find(node: Node, reference: OwnerReference): Promise<Owner> {
    const { reader, writer, resourceOf } = this.#options
    const { cluster, namespace } = node.ref
    const { name, uid, kind, apiVersion } = reference
    const id = identity(node.ref, uid)
    if (this.#gone.has(id)) return 'absent'
    const resource = resourceOf(cluster, groupOf(apiVersion), kind)
    // What is not served now may be served again: nothing is deleted for it.
    if (resource === undefined) return 'unknown'
    const { group, plural, namespaced } = resource
    if (namespaced && namespace === '') {
      // Such an owner cannot be resolved, and what cannot be resolved is kept.
      await reportForeignOwner(writer, node, reference)
      return 'unknown'
    }
    const place = { cluster, group, plural, name }
    const owner = reader.get({ ...place, namespace: namespaced ? namespace : '' })
    if (owner?.metadata.uid === uid) return this.#waiting.get(id)?.foreground === true ? 'leaving' : 'present'
    if (namespaced) {
      const elsewhere = reader
        .namespacesOf(cluster, group, plural)
        .some((other) => reader.get({ ...place, namespace: other })?.metadata.uid === uid)
      if (elsewhere) await reportForeignOwner(writer, node, reference)
    }
    return 'absent'
  }

  #dropOwners(node: Node, uids: ReadonlySet<string>): Promise<void> {
    return this.#options.writer.update(node.ref, (object) => {
      const { ownerReferences, ...metadata } = object.metadata
      if (metadata.uid !== node.uid) return undefined
      const kept = (ownerReferences ?? []).filter((owner) => !uids.has(owner.uid))
      if (kept.length === (ownerReferences?.length ?? 0)) return undefined
      return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } }
    })
  }

  #unblockOwners(node: Node): Promise<void> {
    return this.#options.writer.update(node.ref, (object) => {
      const { metadata } = object
      if (metadata.uid !== node.uid) return undefined
      const ownerReferences = metadata.ownerReferences?.map((owner) => ({ ...owner, blockOwnerDeletion: false }))
      return ownerReferences === undefined ? undefined : { ...object, metadata: { ...metadata, ownerReferences } }
    })
  }

  #dropFinalizer(node: Node, finalizer: string): Promise<void> {
    return this.#options.writer.update(node.ref, (object) => {
      const { metadata } = object
      if (metadata.uid !== node.uid || metadata.finalizers?.includes(finalizer) !== true) return undefined
      const finalizers = metadata.finalizers.filter((other) => other !== finalizer)
      return { ...object, metadata: { ...metadata, finalizers } }
    })
  }
}

function policyOf(node: Node): PropagationPolicy {
  if (node.orphan) return 'Orphan'
  return node.foreground ? 'Foreground' : 'Background'
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/')
  return slash === -1 ? '' : apiVersion.slice(0, slash)
}

function identity(ref: ObjectRef, uid: string): string {
  return `${ref.cluster}/${uid}`
}

function sameOwners(left: readonly OwnerReference[], right: readonly OwnerReference[]): boolean {
  return (
    left === right ||
    (left.length === right.length &&
      left.every((owner, index) => {
        const other = right[index]!
        return (
          owner.uid === other.uid &&
          owner.name === other.name &&
          owner.kind === other.kind &&
          owner.apiVersion === other.apiVersion &&
          owner.blockOwnerDeletion === other.blockOwnerDeletion
        )
      }))
  )
}
