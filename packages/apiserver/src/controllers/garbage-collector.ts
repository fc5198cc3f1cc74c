import type { Clock, KubeObject, OwnerReference } from '@locktender/kube'
import { ignoreOutdated } from './drain.ts'
import type { ObjectRef, ObjectWriter, PropagationPolicy } from './object-writer.ts'
import { WorkQueue } from './work-queue.ts'

/** Finalizers by which a deletion says what becomes of the dependents. */
const foregroundFinalizer = 'foregroundDeletion'
const orphanFinalizer = 'orphan'

/** Deletions at once; each waits for the disk, and those that wait together share a sync. */
const concurrency = 32

interface Node {
  readonly key: string
  readonly ref: ObjectRef
  readonly uid: string
  readonly group: string
  readonly kind: string
  owners: readonly OwnerReference[]
  deleting: boolean
  foreground: boolean
  orphan: boolean
}

/**
 * Deletes objects whose owners are gone, and does for a deleted owner what its finalizers ask for: `orphan` takes
 * the owner out of its dependents, `foregroundDeletion` deletes the dependents that block it first.
 *
 * It keeps the graph of owners in memory, fed with every change, so a change costs only what hangs on it.
 */
export class GarbageCollector {
  readonly #writer: ObjectWriter
  readonly #queue: WorkQueue
  readonly #nodes = new Map<string, Node>()
  readonly #byUid = new Map<string, Node>()
  /** Objects by the uids their owner references name, whether such an owner exists or not. */
  readonly #dependents = new Map<string, Set<Node>>()

  constructor(options: { readonly clock: Clock; readonly writer: ObjectWriter }) {
    this.#writer = options.writer
    this.#queue = new WorkQueue({ clock: options.clock, concurrency, process: (key) => this.#process(key) })
  }

  stop(): void {
    this.#queue.stop()
  }

  /** Takes in the new state of an object; undefined when it is gone. Called in the order of the changes. */
  observe(key: string, ref: ObjectRef, object: KubeObject | undefined): void {
    const known = this.#nodes.get(key)
    const { uid } = object?.metadata ?? {}
    if (known !== undefined && known.uid !== uid) this.#remove(known)
    if (object === undefined || uid === undefined) return
    const node = known?.uid === uid ? known : this.#add(key, ref, uid, object)
    const { ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata
    const changedOwners = !sameOwners(node.owners, ownerReferences)
    if (changedOwners) this.#setOwners(node, ownerReferences)
    const deleting = deletionTimestamp !== undefined
    const startsDeletion = deleting && !node.deleting
    node.deleting = deleting
    node.foreground = finalizers.includes(foregroundFinalizer)
    node.orphan = finalizers.includes(orphanFinalizer)
    if ((changedOwners && node.owners.length > 0) || (deleting && (node.foreground || node.orphan))) {
      this.#queue.add(key)
    }
    // A dependent that goes away by itself may be the last one its owner waits for.
    if (startsDeletion || changedOwners) this.#wakeOwners(node)
  }

  #add(key: string, ref: ObjectRef, uid: string, object: KubeObject): Node {
    const slash = object.apiVersion.indexOf('/')
    const group = slash === -1 ? '' : object.apiVersion.slice(0, slash)
    const node: Node = {
      key,
      ref,
      uid,
      group,
      kind: object.kind,
      owners: [],
      deleting: false,
      foreground: false,
      orphan: false,
    }
    this.#nodes.set(key, node)
    this.#byUid.set(identity(ref, uid), node)
    return node
  }

  #remove(node: Node): void {
    this.#wakeOwners(node)
    this.#setOwners(node, [])
    this.#nodes.delete(node.key)
    this.#byUid.delete(identity(node.ref, node.uid))
    for (const dependent of this.#dependentsOf(node)) this.#queue.add(dependent.key)
  }

  #setOwners(node: Node, owners: readonly OwnerReference[]): void {
    for (const { uid } of node.owners) {
      const id = identity(node.ref, uid)
      const dependents = this.#dependents.get(id)
      dependents?.delete(node)
      if (dependents?.size === 0) this.#dependents.delete(id)
      const owner = this.#byUid.get(id)
      if (owner?.deleting === true) this.#queue.add(owner.key)
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
      const owner = this.#byUid.get(identity(node.ref, uid))
      if (owner?.deleting === true && owner.foreground) this.#queue.add(owner.key)
    }
  }

  #dependentsOf(node: Node): Node[] {
    return [...(this.#dependents.get(identity(node.ref, node.uid)) ?? [])]
  }

  async #process(key: string): Promise<void> {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    await ignoreOutdated(
      node.deleting && node.orphan
        ? this.#orphanDependents(node)
        : node.deleting && node.foreground
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
    let solid = 0
    let waiting = 0
    const leaving = new Set<string>()
    for (const reference of node.owners) {
      const owner = this.#ownerOf(node, reference)
      if (owner !== undefined && !(owner.deleting && owner.foreground)) {
        solid++
        continue
      }
      if (owner !== undefined) waiting++
      leaving.add(reference.uid)
    }
    if (solid > 0) {
      // An owner that stays keeps the object; the others are forgotten.
      if (leaving.size > 0) await this.#dropOwners(node, leaving)
      return
    }
    const hasDependents = this.#dependentsOf(node).length > 0
    await this.#writer.delete(node.ref, {
      uid: node.uid,
      propagationPolicy: waiting > 0 && hasDependents ? 'Foreground' : policyOf(node),
    })
  }

  /** The owner a reference names, if it exists as the reference says and may own objects of this namespace. */
  #ownerOf(node: Node, reference: OwnerReference): Node | undefined {
    const owner = this.#byUid.get(identity(node.ref, reference.uid))
    if (owner === undefined || owner.ref.name !== reference.name || owner.kind !== reference.kind) return undefined
    const slash = reference.apiVersion.indexOf('/')
    if (owner.group !== (slash === -1 ? '' : reference.apiVersion.slice(0, slash))) return undefined
    const { namespace } = owner.ref
    return namespace === '' || namespace === node.ref.namespace ? owner : undefined
  }

  #dropOwners(node: Node, uids: ReadonlySet<string>): Promise<void> {
    return this.#writer.update(node.ref, (object) => {
      const { ownerReferences, ...metadata } = object.metadata
      if (metadata.uid !== node.uid) return undefined
      const kept = (ownerReferences ?? []).filter((owner) => !uids.has(owner.uid))
      if (kept.length === (ownerReferences?.length ?? 0)) return undefined
      return { ...object, metadata: kept.length === 0 ? metadata : { ...metadata, ownerReferences: kept } }
    })
  }

  #dropFinalizer(node: Node, finalizer: string): Promise<void> {
    return this.#writer.update(node.ref, (object) => {
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
