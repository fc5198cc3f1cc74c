import type { Client } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { AGAIN, appKey, current, ensure, nameOf, read, remove, write } from './access.ts'
import {
  type Claim,
  claims,
  type ClaimSpec,
  claimSpec,
  type Custom,
  databases,
  MAIN,
  NAMESPACE,
  type StatefulSet,
  statefulSet,
  statefulSets,
} from './kinds.ts'

export interface Expandable {
  /** Of each volume, in GiB. */
  readonly size: number
  readonly replicas: number
}

interface Expanding {
  /** What comes first when volumes are to grow: the StatefulSet, which cannot be changed, goes, or the claims grow. */
  readonly first: 'delete set' | 'grow claims'
  /** Which difference of size is a reason to do so. */
  readonly when: 'different' | 'larger'
}

/** Keeps a StatefulSet whose volumes can grow: the set is made anew around its pods, and the claims get more room. */
export function expandingOperator({ first, when }: Expanding): Controller {
  return {
    name: 'expanding',
    reads: [read(databases), read(statefulSets, appKey)],
    writes: [write(statefulSets), write(claims)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const db = main.cache<Custom<Expandable>>(databases).get(key)
      if (db === undefined || db.metadata.deletionTimestamp !== undefined) return
      const name = nameOf(key)
      const set = await current<StatefulSet>(main.client, statefulSets, name)
      if (set !== undefined) {
        const size = gibibytes(set.spec.volumeClaimTemplates![0]!.spec)
        if (when === 'different' ? db.spec.size === size : db.spec.size <= size) return
        const replace = () => remove(main.client, statefulSets, name, { propagationPolicy: 'Orphan' })
        if (first === 'delete set') await replace()
        for (let ordinal = 0; ordinal < set.spec.replicas; ordinal++) {
          await grow(main.client, `data-${name}-${ordinal}`, db.spec.size)
        }
        if (first === 'grow claims') await replace()
      }
      const { replicas, size } = db.spec
      const wanted = statefulSet(name, { replicas, size: `${size}Gi` }, { owner: db, labels: { app: name } })
      await ensure(main.client, statefulSets, wanted)
      return set === undefined ? undefined : AGAIN
    },
  }
}

/** Gives a claim more room, unless it has enough. */
async function grow(client: Client, name: string, size: number): Promise<void> {
  const { metadata, spec } = await client.get<Claim>(claims, name, NAMESPACE)
  if (gibibytes(spec) >= size) return
  const { resources } = claimSpec(`${size}Gi`)
  await client.patch(claims, metadata, { spec: { resources } }, { type: 'merge' })
}

export function gibibytes({ resources }: ClaimSpec): number {
  return Number.parseInt(resources.requests.storage, 10)
}
