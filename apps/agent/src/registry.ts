import type { ControlPlane } from '@locktender/fleet'
import type { ObjectEvent } from '@locktender/runtime'
import { controlPlaneNamespace } from './hypershift.ts'

/** HostedClusters that no ControlPlane of the hub speaks of. */
export interface Unregistered {
  readonly count: number
  /** The first few by name, as `namespace/name`. */
  readonly first: readonly string[]
}

/** Names in a report; the others are counted. */
const MOST_NAMES = 5

/**
 * Which ControlPlane stands for which HostedCluster. Kept from the watches, so that no event searches the fleet. The
 * agent cannot register a HostedCluster itself (it may not create ControlPlanes), so it tells of those that are not.
 */
export class Registry {
  readonly #controlPlaneOf = new Map<string, string>()
  readonly #partsOwner = new Map<string, string>()
  readonly #hostedClusterOf = new Map<string, ControlPlane['spec']['hostedCluster']>()
  readonly #hostedClusters = new Set<string>()
  /** Those of them that have no ControlPlane. */
  readonly #unregistered = new Set<string>()

  onControlPlane(event: ObjectEvent): void {
    const before = this.#hostedClusterOf.get(event.key)
    if (before !== undefined) {
      this.#controlPlaneOf.delete(keyOf(before))
      this.#partsOwner.delete(controlPlaneNamespace(before))
      this.#hostedClusterOf.delete(event.key)
      if (this.#hostedClusters.has(keyOf(before))) this.#unregistered.add(keyOf(before))
    }
    if (event.type === 'DELETED') return
    const { hostedCluster } = (event.object() as ControlPlane).spec
    this.#hostedClusterOf.set(event.key, hostedCluster)
    this.#controlPlaneOf.set(keyOf(hostedCluster), event.key)
    this.#partsOwner.set(controlPlaneNamespace(hostedCluster), event.key)
    this.#unregistered.delete(keyOf(hostedCluster))
  }

  onHostedCluster(event: ObjectEvent): void {
    // One that is on its way out needs no registration any more.
    const isLeaving = event.type === 'DELETED' || event.object().metadata.deletionTimestamp !== undefined
    if (isLeaving) this.#hostedClusters.delete(event.key)
    else this.#hostedClusters.add(event.key)
    if (isLeaving || this.#controlPlaneOf.has(event.key)) this.#unregistered.delete(event.key)
    else this.#unregistered.add(event.key)
  }

  /** The ControlPlane of a HostedCluster, by `namespace/name`. */
  controlPlaneOf(hostedCluster: string): string | undefined {
    return this.#controlPlaneOf.get(hostedCluster)
  }

  /** The ControlPlane whose parts are in `namespace`. */
  ownerOf(namespace: string): string | undefined {
    return this.#partsOwner.get(namespace)
  }

  unregistered(): Unregistered {
    return { count: this.#unregistered.size, first: [...this.#unregistered].sort().slice(0, MOST_NAMES) }
  }
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`
}
