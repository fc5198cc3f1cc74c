import { drained } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import { GarbageCollector } from '../controllers/garbage-collector.ts'
import { NamespaceController } from '../controllers/namespace-controller.ts'
import { ObjectReader } from '../controllers/object-reader.ts'
import { parseKey } from '../controllers/object-writer.ts'
import type { ObjectWriter } from '../controllers/object-writer.ts'
import type { LogicalCluster } from '../cluster.ts'
import { systemWriter } from '../system-writer.ts'
import { valueAt, valuesBelow } from './server-state.ts'
import type { Change, HeldValue, ServerState } from './server-state.ts'

/** The controllers of the server that explored controllers meet. */
export type Housekeeper = 'garbage collector' | 'namespace controller'

/** What the controllers of the server want to know of an object. */
interface Facts {
  readonly uid: string
  readonly owners: readonly string[]
  readonly deleting: boolean
  /** Deleted in a way that looks at its dependents first. */
  readonly waits: boolean
  /** A namespace on its way out. */
  readonly closes: boolean
}

/**
 * Does the first thing one of the server's own controllers would do in the present state, and only that: what follows
 * it is decided anew, in the state that is there then. `hasWritten` says whether anything was written meanwhile.
 */
export async function firstWrite(
  cluster: LogicalCluster,
  keeper: Housekeeper,
  hasWritten: () => boolean,
): Promise<void> {
  const { database } = cluster
  const { clock, store } = database
  const writer = onlyOnce(
    systemWriter(() => cluster),
    hasWritten,
  )
  const reader = new ObjectReader(store, (stored) => database.parse(stored))
  const controller =
    keeper === 'namespace controller'
      ? new NamespaceController({ clock, writer, reader })
      : new GarbageCollector({
          clock,
          writer,
          reader,
          resourceOf: (_cluster, group, kind) => {
            const served = cluster.registry.findKind(group, kind)
            return served === undefined ? undefined : { ...served.storedAs, namespaced: served.resource.namespaced }
          },
        })
  for (const stored of store.range('').items) {
    const ref = parseKey(stored.key)
    if (ref !== undefined) controller.observe(stored.key, ref, database.parse(stored))
  }
  await drained()
  controller.stop()
}

/** Lets the first write through that changes anything; what comes after it waits for ever. */
function onlyOnce(writer: ObjectWriter, hasWritten: () => boolean): ObjectWriter {
  const once = (write: () => Promise<void>): Promise<void> => (hasWritten() ? new Promise(() => {}) : write())
  return {
    create: (ref, object) => once(() => writer.create(ref, object)),
    delete: (ref, options) => once(() => writer.delete(ref, options)),
    update: (ref, change, subresource) => once(() => writer.update(ref, change, subresource)),
  }
}

/** Tells by a change which of the server's controllers may have something to do. */
export class HousekeepingTriggers {
  readonly #facts = new WeakMap<HeldValue, Facts>()
  /** Of the namespaces of objects by the keys of these; empty for those that are in none. */
  readonly #namespaceKeys = new Map<string, string>()
  readonly #parse: (stored: HeldValue) => KubeObject

  constructor(parse: (stored: HeldValue) => KubeObject) {
    this.#parse = parse
  }

  /** Which controllers may have something to do after `change` led to `state`. */
  of({ before, after }: Change, state: ServerState): readonly Housekeeper[] {
    const now = after === undefined ? undefined : this.#factsOf(after)
    const then = before === undefined ? undefined : this.#factsOf(before)
    const keepers: Housekeeper[] = []
    if (now?.waits === true || (now !== undefined && now.owners.length > 0) || this.#leavesDependents(now, then, state))
      keepers.push('garbage collector')
    if (now?.closes === true || (then !== undefined && this.#isInClosing((before ?? after)!.key, state)))
      keepers.push('namespace controller')
    return keepers
  }

  #leavesDependents(now: Facts | undefined, then: Facts | undefined, state: ServerState): boolean {
    if (then === undefined || (now !== undefined && now.deleting === then.deleting)) return false
    if (then.owners.length > 0) return true
    return valuesBelow(state, '').some((value) => this.#factsOf(value).owners.includes(then.uid))
  }

  #isInClosing(key: string, state: ServerState): boolean {
    let namespaceKey = this.#namespaceKeys.get(key)
    if (namespaceKey === undefined) {
      const { cluster, namespace } = parseKey(key)!
      namespaceKey = namespace === '' ? '' : `/${cluster}//namespaces//${namespace}`
      this.#namespaceKeys.set(key, namespaceKey)
    }
    const found = namespaceKey === '' ? undefined : valueAt(state, namespaceKey)
    return found !== undefined && this.#factsOf(found).deleting
  }

  #factsOf(value: HeldValue): Facts {
    let facts = this.#facts.get(value)
    if (facts === undefined) {
      const { kind, metadata } = this.#parse(value)
      const { uid = '', ownerReferences = [], finalizers = [], deletionTimestamp } = metadata
      const deleting = deletionTimestamp !== undefined
      facts = {
        uid,
        owners: ownerReferences.map((owner) => owner.uid),
        deleting,
        waits: deleting && finalizers.some((name) => name === 'foregroundDeletion' || name === 'orphan'),
        closes: deleting && kind === 'Namespace',
      }
      this.#facts.set(value, facts)
    }
    return facts
  }
}
