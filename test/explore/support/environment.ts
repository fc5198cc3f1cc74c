import type { Controller } from '@locktender/runtime'
import { appKey, current, ensure, nameOf, read, release, remove, write } from './access.ts'
import { type Claim, claims, MAIN, meta, NAMESPACE, pod, pods, type StatefulSet, statefulSets } from './kinds.ts'

/** Keeps a pod until its container has ended, as the grace period of a pod on a node does. */
export const RUNNING = 'zoo.example.com/running'
const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection'

/**
 * What a cluster does around an operator. These controllers stand in for those of Kubernetes and are beyond suspicion:
 * they read from the server before they write, and what they do depends on nothing they saw before.
 */

/** Pods and claims of StatefulSets. Claims stay; pods go with their StatefulSet, unless they are orphaned. */
function statefulSetController(): Controller {
  return {
    name: 'statefulset',
    reads: [read(statefulSets), read(pods, appKey), read(claims, appKey)],
    writes: [write(pods), write(claims)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const set = await current<StatefulSet>(client, statefulSets, nameOf(key))
      if (set === undefined || set.metadata.deletionTimestamp !== undefined) return
      const labels = set.spec.template.metadata.labels
      const mine = await client.list(pods, { namespace: NAMESPACE, labelSelector: `app=${set.metadata.name}` })
      for (const { metadata } of mine.items) {
        if (metadata.deletionTimestamp !== undefined) continue
        const ordinal = Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1))
        if (ordinal >= set.spec.replicas) {
          await remove(client, pods, metadata.name, { preconditions: { uid: metadata.uid! } })
        } else if ((metadata.ownerReferences ?? []).length === 0) {
          const { ownerReferences } = meta('', { owner: set })
          await client.patch(pods, metadata, { metadata: { ownerReferences } }, { type: 'merge' })
        }
      }
      for (let ordinal = 0; ordinal < set.spec.replicas; ordinal++) {
        const name = `${set.metadata.name}-${ordinal}`
        for (const template of set.spec.volumeClaimTemplates ?? []) {
          const claim: Claim = {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: meta(`${template.metadata.name}-${name}`, { labels }),
            spec: template.spec,
          }
          await ensure(client, claims, claim)
        }
        const { annotations } = set.spec.template.metadata
        const more = { owner: set, labels, finalizers: [RUNNING], ...(annotations && { annotations }) }
        await ensure(client, pods, pod(name, more))
      }
    },
  }
}

/** Ends the containers of pods that are to go, gives claims their volumes, and lets claims go that no pod uses. */
function nodeController(): Controller {
  return {
    name: 'node',
    reads: [
      read(pods, ({ key }) => [`pod ${key}`, `claim ${key.replace('/', '/data-')}`]),
      read(claims, ({ key }) => [`claim ${key}`]),
    ],
    writes: [write(pods), write(claims), write(claims, 'status')],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      if (key.startsWith('pod ')) {
        const found = await current(client, pods, name)
        if (found?.metadata.deletionTimestamp !== undefined) await release(client, pods, found, RUNNING)
        return
      }
      const claim = await current<Claim>(client, claims, name)
      if (claim === undefined) return
      if (claim.metadata.deletionTimestamp === undefined) {
        const capacity = claim.spec.resources.requests
        if (claim.status?.phase === 'Bound' && claim.status.capacity?.storage === capacity.storage) return
        const status = { phase: 'Bound', capacity }
        await client.patch(claims, claim.metadata, { status }, { type: 'merge', subresource: 'status' })
        return
      }
      const user = await current(client, pods, name.replace('data-', ''))
      if (user === undefined) await release(client, claims, claim, CLAIM_PROTECTION)
    },
  }
}

export function environment(): readonly Controller[] {
  return [statefulSetController(), nodeController()]
}
