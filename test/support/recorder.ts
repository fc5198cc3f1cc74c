import {
  controlPlanes,
  hostedClusters,
  managementClusters,
  nodePools,
  rollouts,
  type ControlPlane,
  type ManagementCluster,
  type Rollout,
} from '@locktender/fleet'
import { objectKey, type Client, type KubeObject, type Resource } from '@locktender/kube'

/** One event of a watch, as any client would have seen it. */
export interface Recorded {
  /** Logical cluster. */
  readonly cluster: string
  readonly plural: string
  readonly key: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** The API server counts all its logical clusters together, so this orders events across them. */
  readonly revision: number
  readonly object: KubeObject
}

/** The parts of HyperShift's objects that the invariants speak of. */
export interface WatchedHyperShift extends KubeObject {
  readonly spec?: { readonly release?: unknown }
}

export type RecordedObject = ControlPlane | Rollout | ManagementCluster | WatchedHyperShift

/** Follows, by real watches, every object that the invariants speak of. Nothing is asked of our own counters. */
export class Recorder {
  readonly #events: Recorded[] = []
  readonly #following: Promise<void>[] = []
  readonly #stop = new AbortController()

  /** Starts watching the hub and the management clusters; call it before anything moves. */
  start(hub: Client, local: ReadonlyMap<string, Client>): void {
    for (const resource of [managementClusters, rollouts, controlPlanes]) this.#follow('hub', hub, resource)
    for (const [cluster, client] of local) {
      for (const resource of [hostedClusters, nodePools]) this.#follow(cluster, client, resource)
    }
  }

  /** Ends the watches and returns what they saw, in the order in which it happened. */
  async stop(): Promise<readonly Recorded[]> {
    this.#stop.abort()
    await Promise.all(this.#following)
    return this.#events.toSorted((left, right) => left.revision - right.revision)
  }

  #follow(cluster: string, client: Client, resource: Resource): void {
    const { signal } = this.#stop
    const follow = async () => {
      let version: string | undefined
      while (!signal.aborted) {
        const from = version === undefined ? { sendInitialEvents: true } : { resourceVersion: version }
        for await (const event of client.watch(resource, { ...from, signal })) {
          version = event.resourceVersion
          if (event.type === 'BOOKMARK' || event.type === 'ERROR') continue
          const object = event.object()
          this.#events.push({
            cluster,
            plural: resource.plural,
            key: objectKey(object),
            type: event.type,
            revision: Number(version),
            object,
          })
        }
      }
    }
    this.#following.push(follow())
  }
}
