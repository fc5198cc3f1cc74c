import type { Controller } from '@locktender/runtime'
import { AGAIN, appKey, current, ensure, nameOf, ownerKey, read, remove, write } from './access.ts'
import { RUNNING } from './environment.ts'
import { type Claim, claims, claimSpec, type Custom, databases, MAIN, meta, NAMESPACE, pod, pods } from './kinds.ts'
import { isGoing } from './steps.ts'

export interface Nodes {
  readonly nodes: number
}

interface NodeOperator {
  /** Whether a pod that the cache shows as going is looked up before its claim is deleted. */
  readonly verifies: boolean
  /** Whether claims of nodes that are not wanted go when their pods are gone, even if nobody saw those going. */
  readonly sweeps: boolean
}

/** Keeps a pod and a claim for each node; the claim of a node that leaves goes with its pod. */
export function nodeOperator({ verifies, sweeps }: NodeOperator): Controller {
  return {
    name: 'nodes',
    reads: [read(databases), read(pods, ownerKey), read(claims, appKey)],
    writes: [write(pods), write(claims)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const { client } = main
      const name = nameOf(key)
      const db = await current<Custom<Nodes>>(client, databases, name)
      if (db === undefined) return
      const labels = { app: name }
      for (const seen of main.cache(pods).values()) {
        if (!isGoing(seen)) continue
        const now = verifies ? await current(client, pods, seen.metadata.name) : seen
        if (now !== undefined && now.metadata.uid === seen.metadata.uid && isGoing(now)) {
          await remove(client, claims, `data-${seen.metadata.name}`)
        }
      }
      const there = await client.list(pods, { namespace: NAMESPACE, labelSelector: `app=${name}` })
      for (const { metadata } of there.items) {
        const leaves = Number(metadata.name.slice(name.length + 1)) >= db.spec.nodes
        if (leaves && metadata.deletionTimestamp === undefined) {
          await remove(client, pods, metadata.name, { preconditions: { uid: metadata.uid! } })
        }
      }
      const kept = await client.list<Claim>(claims, { namespace: NAMESPACE, labelSelector: `app=${name}` })
      for (const { metadata } of sweeps ? kept.items : []) {
        const podName = metadata.name.slice('data-'.length)
        const leaves = Number(podName.slice(name.length + 1)) >= db.spec.nodes
        if (
          leaves &&
          metadata.deletionTimestamp === undefined &&
          !there.items.some((one) => one.metadata.name === podName)
        ) {
          await remove(client, claims, metadata.name, { preconditions: { uid: metadata.uid! } })
        }
      }
      let waits = false
      for (let node = 0; node < db.spec.nodes; node++) {
        const claim: Claim = {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: meta(`data-${name}-${node}`, { labels }),
          spec: claimSpec('10Gi'),
        }
        await ensure(client, claims, claim)
        // A pod must not take hold of the claim of its predecessor, which would never go then.
        if (isGoing(await current(client, claims, claim.metadata.name))) waits = true
        else await ensure(client, pods, pod(`${name}-${node}`, { owner: db, labels, finalizers: [RUNNING] }))
      }
      return waits || there.items.length > db.spec.nodes ? AGAIN : undefined
    },
  }
}
