import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { AGAIN, current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, NAMESPACE, pod, pods } from '../support/kinds.ts'
import type { Nodes } from '../support/node-operator.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

const MODE = 'zoo.example.com/mode'

/** Sends the last node into retirement before it takes its pod away. */
function operator(variant: Variant): Controller {
  return {
    name: 'retiring',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Nodes>>(client, databases, name)
      if (db === undefined) return undefined
      const { items } = await client.list<KubeObject>(pods, { namespace: NAMESPACE, labelSelector: `app=${name}` })
      const mark = (target: string, mode: string) => {
        const patch = { metadata: { annotations: { [MODE]: mode } } }
        return client.patch(pods, { name: target, namespace: NAMESPACE }, patch, { type: 'merge' })
      }
      const retired = items.filter(({ metadata }) => metadata.annotations?.[MODE] === 'decommissioned')
      if (items.length > db.spec.nodes) {
        if (retired.length === 0) await mark(`${name}-${items.length - 1}`, 'decommissioned')
        else await remove(client, pods, retired[0]!.metadata.name)
        return AGAIN
      }
      if (variant === 'repaired') for (const { metadata } of retired) await mark(metadata.name, 'serving')
      for (let node = items.length; node < db.spec.nodes; node++) {
        const annotations = { [MODE]: 'serving' }
        await ensure(client, pods, pod(`${name}-${node}`, { owner: db, labels: { app: name }, annotations }))
      }
      return undefined
    },
  }
}

export const decommissioned: Bug = {
  name: 'decommissioned',
  class: 'indirect',
  report: 'instaclustr/cassandra-operator#410',
  wentWrong:
    'A node is decommissioned in one round and removed in the next; when the user wants the node back in between, nobody looks at it any more and it stays decommissioned.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `decommissioned ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [
        { create: database('db', { nodes: 3 }) },
        SETTLE,
        changeSpec('db', { nodes: 2 }),
        changeSpec('db', { nodes: 3 }),
      ],
    }),
}
