import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { database, databases, MAIN, secret, secrets } from '../support/kinds.ts'

/** Makes the certificates of a database: one for clients, one for the servers among themselves. */
function operator(variant: Variant): Controller {
  return {
    name: 'certificates',
    reads: [read(databases)],
    writes: [write(secrets)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const db = main.cache(databases).get(key)
      if (db === undefined) return
      const name = `${nameOf(key)}-tls`
      const complete =
        (await current(main.client, secrets, name)) !== undefined &&
        (variant === 'buggy' || (await current(main.client, secrets, `${name}-internal`)) !== undefined)
      if (complete) return
      await ensure(main.client, secrets, secret(name, { certificate: 'for clients' }, { owner: db }))
      await ensure(main.client, secrets, secret(`${name}-internal`, { certificate: 'for servers' }, { owner: db }))
    },
  }
}

export const pairedSecrets: Bug = {
  name: 'paired-secrets',
  class: 'intermediate',
  report: 'percona/percona-server-mongodb-operator#797',
  wentWrong:
    'Two secrets are made when the first is missing; after a crash between them the first is there, so nobody makes the second.',
  oracles: ['confluence', 'stability'],
  scenario: (variant) =>
    story({
      name: `paired-secrets ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', {}) }],
    }),
}
