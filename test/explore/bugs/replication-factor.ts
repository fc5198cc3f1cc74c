import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, ownerKey, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  type Custom,
  database,
  databases,
  MAIN,
  type StatefulSet,
  statefulSet,
  statefulSets,
} from '../support/kinds.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

interface Spec {
  /** Copies of each datum; there must be as many servers at least. */
  readonly factor: number
  readonly servers: number
}

/** Keeps servers, and never fewer than there are copies. */
function operator(variant: Variant): Controller {
  return {
    name: 'servers',
    reads: [read(databases), read(statefulSets, ownerKey)],
    writes: [write(statefulSets)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Spec>>(client, databases, name)
      if (db === undefined) return
      const { factor, servers } = db.spec
      if (variant === 'buggy' && servers < factor) return
      const replicas = Math.max(servers, factor)
      const set = await current<StatefulSet>(client, statefulSets, name)
      if (set === undefined) await ensure(client, statefulSets, statefulSet(name, { replicas }, { owner: db }))
      else if (set.spec.replicas !== replicas) {
        await client.patch(statefulSets, set.metadata, { spec: { replicas } }, { type: 'merge' })
      }
    },
  }
}

export const replicationFactor: Bug = {
  name: 'replication-factor',
  class: 'unobserved',
  report: 'yugabyte/yugabyte-operator#39',
  wentWrong:
    'A number of servers below the replication factor is ignored; whether the servers grew with the factor before depends on whether the operator looked in between.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `replication-factor ${variant}`,
      operator: () => [operator(variant)],
      steps: [
        { create: database('db', { factor: 3, servers: 3 }) },
        SETTLE,
        changeSpec('db', { factor: 4, servers: 4 }),
        changeSpec('db', { servers: 3 }),
      ],
    }),
}
