import type { Controller } from '@locktender/runtime'
import { appKey, current, ensure, hold, nameOf, ownerKey, read, release, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  type Claim,
  claims,
  claimSpec,
  database,
  databases,
  MAIN,
  meta,
  NAMESPACE,
  pod,
  pods,
} from '../support/kinds.ts'
import { databaseIn, deleted, invariant, isGoing, SETTLE } from '../support/steps.ts'

const FINALIZER = 'zoo.example.com/claims'

/** Keeps a server with a volume for each database, and takes the volume away with the database. */
function operator(variant: Variant): Controller {
  return {
    name: 'recreating',
    reads: [read(databases), read(pods, ownerKey), read(claims, appKey)],
    writes: [write(databases), write(pods), write(claims)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const { client } = main
      const name = nameOf(key)
      const db = main.cache(databases).get(key)
      if (db === undefined) return
      const uid = db.metadata.uid!
      if (isGoing(db)) {
        const mine = variant === 'buggy' ? `app=${name}` : `app=${name},uid=${uid}`
        const { items } = await client.list<Claim>(claims, { namespace: NAMESPACE, labelSelector: mine })
        for (const { metadata } of items) await remove(client, claims, metadata.name)
        await release(client, databases, db, FINALIZER)
        return
      }
      const now = await current(client, databases, name)
      if (now?.metadata.uid !== uid || isGoing(now)) return
      await hold(client, databases, now, FINALIZER)
      const claim: Claim = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: meta(`data-${name}-0`, { labels: { app: name, uid } }),
        spec: claimSpec('10Gi'),
      }
      await ensure(client, claims, claim)
      await ensure(client, pods, pod(`${name}-0`, { owner: db, labels: { app: name } }))
    },
  }
}

/** A claim that carries the uid of the living database holds its data. */
const dataIsKept = invariant('the claim of a living database stays', () => (state) => {
  const db = databaseIn(state)
  if (db === undefined || isGoing(db)) return undefined
  const lost = state
    .list<Claim>(claims, NAMESPACE)
    .find((claim) => claim.metadata.labels?.['uid'] === db.metadata.uid && isGoing(claim))
  return lost && `the claim ${lost.metadata.name} was deleted while its database lives`
})

export const recreatedDatabase: Bug = {
  name: 'recreated-database',
  class: 'stale',
  report: 'pravega/zookeeper-operator#312',
  wentWrong:
    'After a restart the operator sees the deletion of an earlier cluster of the same name and deletes the claims of that name, which belong to the new cluster.',
  oracles: ['invariant', 'confluence'],
  scenario: (variant) =>
    story({
      name: `recreated-database ${variant}`,
      operator: () => [operator(variant)],
      steps: [{ create: database('db', {}) }, SETTLE, deleted('db'), SETTLE, { create: database('db', {}) }],
      invariants: [dataIsKept],
    }),
}
