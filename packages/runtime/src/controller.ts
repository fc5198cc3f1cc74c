import type { Client, Clock, KubeObject, ObjectCache, Random, Resource } from '@locktender/kube'
import type { Logger } from './logger.ts'

/** What a controller sees of one API server. */
export interface ClusterView {
  /** For writes, and for reads that must not be stale. Requests outside what the controller declares are refused. */
  readonly client: Client
  /** The objects of a declared read, as last seen by its watch. Throws {@link UndeclaredAccessError} for others. */
  cache<T extends KubeObject>(resource: Resource): ObjectCache<T>
}

/** Everything a controller may touch. It has no other way to reach the world (DESIGN.md 1, rule 2). */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** The API server known to the controller under `name`. Throws {@link UndeclaredAccessError} for unknown names. */
  cluster(name: string): ClusterView
}

/** A change of a watched object. `object` is the newest state; for a deletion, the last one. */
export interface ObjectEvent<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** `namespace/name`, or `name`. */
  readonly key: string
  object(): T
  previous(): T | undefined
}

/** A declared read: the objects are kept in a cache, and their changes become keys to reconcile. */
export interface Watch {
  readonly cluster: string
  readonly resource: Resource
  readonly namespace?: string
  readonly labelSelector?: string
  /** Keys to reconcile after `event`. Called in the order of events, before any of those keys is reconciled. */
  keys(event: ObjectEvent): readonly string[]
}

/** A declared write. */
export interface Write {
  readonly cluster: string
  readonly resource: Resource
  readonly subresource?: string
}

export interface ReconcileResult {
  /** Reconcile the key again after this many milliseconds even if nothing changes. */
  readonly requeueAfterMs?: number
}

/**
 * A portable controller. `reconcile` is level-triggered: it gets a key, not an event, reads the present state, and
 * writes what differs from the wanted one. It is never called twice at the same time for one key.
 * Throwing means "again, later" with exponential backoff; a {@link TerminalError} means "not before something changes".
 */
export interface Controller {
  readonly name: string
  readonly reads: readonly Watch[]
  readonly writes: readonly Write[]
  /** Keys reconciled side by side. @default 1 */
  readonly concurrency?: number
  reconcile(key: string, world: World, signal: AbortSignal): Promise<ReconcileResult | void>
}
