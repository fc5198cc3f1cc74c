import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, NAMESPACE, service, services } from '../support/kinds.ts'
import { changeSpec, databaseIn, invariant, SETTLE } from '../support/steps.ts'

interface Spec {
  /** -1: none is wanted. */
  readonly consolePort: number
}

/** Has a Service for the console of a database when a port is given for it. */
function operator(variant: Variant): Controller {
  return {
    name: 'console',
    reads: [read(databases), read(services, ownerKey)],
    writes: [write(services)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const name = nameOf(key)
      const db =
        variant === 'buggy'
          ? main.cache<Custom<Spec>>(databases).get(key)
          : await current<Custom<Spec>>(main.client, databases, name)
      if (db === undefined) return
      if (db.spec.consolePort < 0) await remove(main.client, services, `${name}-console`)
      else await ensure(main.client, services, service(`${name}-console`, db.spec.consolePort, { owner: db }))
    },
  }
}

const consoleStays = invariant('a console that was wanted all the time is not taken away', () => {
  let made: string | undefined
  let wanted = true
  return (state) => {
    const port = databaseIn<Spec>(state)?.spec.consolePort ?? -1
    const uid = state.get(services, 'db-console', NAMESPACE)?.metadata.uid
    const lost = made !== undefined && uid !== made && wanted && port >= 0
    if (uid !== made) wanted = true
    if (port < 0) wanted = false
    made = uid
    return lost ? `the console was taken away although port ${port} was wanted ever since it was there` : undefined
  }
})

export const consoleService: Bug = {
  name: 'console-service',
  class: 'stale',
  report: 'yugabyte/yugabyte-operator#36',
  wentWrong:
    'After a restart the operator sees that no port was wanted some time ago and deletes the Service that is in use now.',
  oracles: ['invariant'],
  scenario: (variant) =>
    story({
      name: `console-service ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', { consolePort: -1 }) }, SETTLE, changeSpec('db', { consolePort: 7000 })],
      invariants: [consoleStays],
    }),
}
