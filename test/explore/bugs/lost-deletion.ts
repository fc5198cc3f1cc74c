import type { Controller } from '@locktender/runtime'
import { current, ensure, hold, nameOf, read, release, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { database, databases, MAIN, secret, secrets, service, services } from '../support/kinds.ts'
import { deleted, isGoing, SETTLE } from '../support/steps.ts'

const FINALIZER = 'zoo.example.com/clean-up'

/** Makes what a database needs, without owners, and takes it away when the database is deleted. */
function operator(variant: Variant): Controller {
  return {
    name: 'cleaning',
    reads: [read(databases)],
    writes: [write(databases), write(secrets), write(services)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current(client, databases, name)
      if (db === undefined || isGoing(db)) {
        await remove(client, services, name)
        await remove(client, secrets, name)
        if (db !== undefined) await release(client, databases, db, FINALIZER)
        return
      }
      if (variant === 'repaired') await hold(client, databases, db, FINALIZER)
      await ensure(client, secrets, secret(name, { password: 'secret' }))
      await ensure(client, services, service(name, 5432))
    },
  }
}

export const lostDeletion: Bug = {
  name: 'lost-deletion',
  class: 'unobserved',
  report: 'zalando/postgres-operator#941',
  wentWrong:
    'Nothing keeps the database until the operator has cleaned up; when it is deleted while the operator is down, what belongs to it stays for ever.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `lost-deletion ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', {}) }, SETTLE, deleted('db')],
    }),
}
