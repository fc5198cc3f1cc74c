import type { Controller } from '@locktender/runtime'
import { always, type Scenario } from '@locktender/runtime/explore'
import { current, nameOf, read, write } from '../support/access.ts'
import type { Bug, Variant } from '../support/bug.ts'
import {
  configMap,
  configMaps,
  type Custom,
  database,
  databases,
  definitions,
  MAIN,
  NAMESPACE,
} from '../support/kinds.ts'

/** The cloud, whose networks are told apart by names it chooses itself. */
const CLOUD = 'cloud'

interface Status {
  readonly network?: string
}

/** Has one network in the cloud for each database. */
function operator(variant: Variant): Controller {
  return {
    name: 'networks',
    reads: [read(databases)],
    writes: [write(databases, 'status'), { cluster: CLOUD, resource: configMaps }],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const cloud = world.cluster(CLOUD).client
      const name = nameOf(key)
      const db = await current<Custom<object, Status>>(client, databases, name)
      if (db === undefined || db.status?.network !== undefined) return
      let network: string | undefined
      if (variant === 'repaired') {
        const { items } = await cloud.list(configMaps, { namespace: NAMESPACE, labelSelector: `for=${name}` })
        network = items[0]?.metadata.name
      }
      if (network === undefined) {
        const { metadata, ...rest } = configMap('', {}, { labels: { for: name } })
        const { name: _none, ...unnamed } = metadata
        const made = await cloud.create(configMaps, {
          ...rest,
          metadata: { ...unnamed, generateName: 'network-' } as typeof metadata,
        })
        network = made.metadata.name
      }
      await client.report(databases, db.metadata, { status: { network } }, { subresource: 'status' })
    },
  }
}

const oneNetwork = always('a database has one network at most', (state) => {
  const networks = state.cluster(CLOUD).list(configMaps, NAMESPACE)
  const count = networks.filter(({ metadata }) => metadata.labels?.['for'] === 'db').length
  return count > 1 ? `there are ${count} networks for db` : undefined
})

export const duplicateNetwork: Bug = {
  name: 'duplicate-network',
  class: 'intermediate',
  report: 'aws-controllers-k8s/community#2062',
  wentWrong:
    'What was made in the cloud is known only by the status, which is written last; after a crash before that write a second one is made and the first belongs to nobody.',
  oracles: ['invariant', 'confluence'],
  scenario: (variant): Scenario => ({
    name: `duplicate-network ${variant}`,
    clusters: { [MAIN]: { definitions }, [CLOUD]: {} },
    processes: { operator: () => [operator(variant)] },
    steps: [{ create: database('db', {}) }],
    invariants: [oneNetwork],
    // The cloud chooses the name.
    ignoredFields: [{ kind: 'Database', path: 'status.network' }],
  }),
}
