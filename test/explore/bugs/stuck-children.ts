import type { Controller } from '@locktender/runtime'
import { current, hold, nameOf, read, release, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { account, accounts, type Custom, database, databases, MAIN, NAMESPACE } from '../support/kinds.ts'
import { deleted, isGoing, SETTLE } from '../support/steps.ts'

const FINALIZER = 'zoo.example.com/account'

interface Spec {
  readonly database: string
}

/** Makes accounts in databases; while a database is there, an account goes only when it is gone from it. */
function accountController(): Controller {
  return {
    name: 'accounts',
    reads: [read(accounts), read(databases, () => [])],
    writes: [write(accounts)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const one = await current<Custom<Spec>>(client, accounts, nameOf(key))
      if (one === undefined) return
      const db = await current(client, databases, one.spec.database)
      if (db === undefined) return
      if (isGoing(one)) await release(client, accounts, one, FINALIZER)
      else await hold(client, accounts, one, FINALIZER)
    },
  }
}

/** Lets accounts go whose database is gone. */
function databaseController(variant: Variant): Controller {
  const reads = [read(databases)]
  if (variant === 'repaired') {
    reads.push(
      read(accounts, (event) => {
        const one = event.object() as Custom<Spec>
        return isGoing(one) ? [`${NAMESPACE}/${one.spec.database}`] : []
      }),
    )
  }
  return {
    name: 'databases',
    reads,
    writes: [write(accounts)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      if ((await current(client, databases, nameOf(key))) !== undefined) return
      const { items } = await client.list<Custom<Spec>>(accounts, { namespace: NAMESPACE })
      for (const one of items) {
        if (isGoing(one) && one.spec.database === nameOf(key)) await release(client, accounts, one, FINALIZER)
      }
    },
  }
}

export const stuckChildren: Bug = {
  name: 'stuck-children',
  class: 'unobserved',
  report: 'cloudnative-pg/cloudnative-pg#11215',
  wentWrong:
    'The finalizers of what depends on a cluster go only when the operator sees the cluster being deleted; when both are deleted while it is down, they stay.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `stuck-children ${variant}`,
      operator: () => [accountController(), databaseController(variant)],
      others: {},
      steps: [
        { create: database('db', {}) },
        { create: account('reader', { database: 'db' }) },
        SETTLE,
        // As the deletion of their namespace does.
        { together: [deleted('db'), deleted('reader', accounts)] },
      ],
    }),
}
