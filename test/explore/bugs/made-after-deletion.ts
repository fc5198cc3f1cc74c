import type { Controller } from '@locktender/runtime'
import { current, ensure, hold, nameOf, ownerKey, read, release, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  configMap,
  configMaps,
  database,
  databases,
  MAIN,
  NAMESPACE,
  ownedBy,
  service,
  services,
  statefulSet,
  statefulSets,
} from '../support/kinds.ts'
import { databaseIn, deleted, invariant, isGoing, SETTLE } from '../support/steps.ts'

const FINALIZER = 'zoo.example.com/backups'

/** Makes what a database needs. Something outside is cleaned up before the database goes. */
function operator(variant: Variant): Controller {
  return {
    name: 'making',
    reads: [read(databases), read(statefulSets, ownerKey), read(services, ownerKey)],
    writes: [write(databases), write(statefulSets), write(services), write(configMaps)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current(client, databases, name)
      if (db === undefined) return
      if (isGoing(db)) {
        await release(client, databases, db, FINALIZER)
        if (variant === 'repaired') return
      } else await hold(client, databases, db, FINALIZER)
      await ensure(client, configMaps, configMap(name, {}, { owner: db }))
      await ensure(client, services, service(name, 5432, { owner: db }))
      await ensure(client, statefulSets, statefulSet(name, { replicas: 1 }, { owner: db }))
    },
  }
}

const nothingForTheGone = invariant('nothing is made for a database that is gone', () => {
  const known = new Set<string>()
  let last: string | undefined
  return (state) => {
    const db = databaseIn(state)
    const made = [configMaps, services, statefulSets].flatMap((resource) => state.list(resource, NAMESPACE))
    const late = made.find((one) => !known.has(one.metadata.uid!) && db === undefined && ownedBy(one, last))
    for (const { metadata } of made) known.add(metadata.uid!)
    last = db?.metadata.uid ?? last
    return late && `the ${late.kind} ${late.metadata.name} was made after its database had gone`
  }
})

export const madeAfterDeletion: Bug = {
  name: 'made-after-deletion',
  class: 'indirect',
  report: 'pravega/zookeeper-operator#410',
  wentWrong:
    'After it has removed the finalizer the operator goes on as usual; where the garbage collector was quick, it makes everything once more for a cluster that is gone.',
  oracles: ['invariant', 'confluence'],
  scenario: (variant) =>
    story({
      name: `made-after-deletion ${variant}`,
      operator: () => [operator(variant)],
      steps: [{ create: database('db', {}) }, SETTLE, deleted('db')],
      invariants: [nothingForTheGone],
    }),
}
