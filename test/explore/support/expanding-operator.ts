import type { Controller } from '@locktender/runtime'
import { AGAIN, appKey, current, ensure, nameOf, read, remove, write } from './access.ts'
import {
  claims,
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
        const size = Number.parseInt(set.spec.volumeClaimTemplates![0]!.spec.resources.requests.storage, 10)
        if (when === 'different' ? db.spec.size === size : db.spec.size <= size) return
        const replace = () => remove(main.client, statefulSets, name, { propagationPolicy: 'Orphan' })
        if (first === 'delete set') await replace()
        for (let ordinal = 0; ordinal < set.spec.replicas; ordinal++) {
          const claim = { name: `data-${name}-${ordinal}`, namespace: NAMESPACE }
          const { resources } = claimSpec(`${db.spec.size}Gi`)
          await main.client.patch(claims, claim, { spec: { resources } }, { type: 'merge' })
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
