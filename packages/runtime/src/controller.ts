import type { Client, Clock, KubeObject, ObjectCache, Random, Resource } from '@locktender/kube'
import type { EventRecorder } from './events.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { OutsideAnswer, OutsideRequest } from './outside.ts'

/** Tells the declared reads of one resource apart. */
export interface Scope {
  /** All namespaces when absent. */
  readonly namespace?: string
  /** Only the object of this name. */
  readonly name?: string
  readonly labelSelector?: string
}

/** What a controller sees of one API server. */
export interface ClusterView {
  /** For writes, and for reads that must not be stale. Requests outside what the controller declares are refused. */
  readonly client: Client
  /**
   * The objects of a declared read, as last seen by its watch. `scope` is needed only where the controller declares
   * several reads of the resource, and repeats what the read says.
   *
   * @throws UndeclaredAccessError for what is not declared
   * @throws TypeError when several declared reads fit
   */
  cache<T extends KubeObject>(resource: Resource, scope?: Scope): ObjectCache<T>
}

/** Everything a controller may touch. It has no other way to reach the world (DESIGN.md 1, rule 2). */
export interface World {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly events: EventRecorder
  /** The API server known to the controller under `name`. Throws {@link UndeclaredAccessError} for unknown names. */
  cluster(name: string): ClusterView
  /**
   * Asks something outside Kubernetes. Any HTTP status is an answer; a redirect is not followed, since it may lead to
   * what is not declared.
   *
   * @throws ConnectionError when no answer came
   * @throws UndeclaredAccessError for a URL outside {@link Controller.calls}
   */
  fetch(request: OutsideRequest): Promise<OutsideAnswer>
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
export interface Watch extends Scope {
  readonly cluster: string
  readonly resource: Resource
  /**
   * Paths of what the controller looks at: `spec.overrides`, `status.conditions`. With them, the cache holds nothing
   * else but apiVersion, kind and metadata (without managedFields); what several controllers declare is united.
   * Absent: the whole object.
   */
  readonly fields?: readonly string[]
  /** Keys to reconcile after `event`. Called in the order of events, before any of those keys is reconciled. */
  keys(event: ObjectEvent): readonly string[]
}

/** A declared write. */
export interface Write {
  readonly cluster: string
  readonly resource: Resource
  readonly subresource?: string
  /** Any when absent. */
  readonly namespace?: string
  /** Any when absent and `generateName` is, too. */
  readonly name?: string
  /** Only creations whose name the server makes from this prefix. */
  readonly generateName?: string
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
  /** Keys reconciled once at the start whether or not anything exists. */
  readonly atStart?: readonly string[]
  /** Beginnings of the URLs outside Kubernetes that it may ask: `https://id.example.com/`. `https://` is any host. */
  readonly calls?: readonly string[]
  /** Keys reconciled side by side. @default 1 */
  readonly concurrency?: number
  reconcile(key: string, world: World, signal: AbortSignal): Promise<ReconcileResult | void>
}
