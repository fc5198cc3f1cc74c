import { errorText } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, secret, secrets } from '../support/kinds.ts'

interface Status {
  readonly phase?: 'Ready'
}

/** Prepares a store and says so. */
function operator(variant: Variant): Controller {
  return {
    name: 'preparing',
    reads: [read(databases)],
    writes: [write(databases, 'status'), write(secrets)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<object, Status>>(client, databases, name)
      if (db === undefined) return
      await ensure(client, secrets, secret(name, { token: 'secret' }, { owner: db }))
      if (db.status?.phase === 'Ready') return
      try {
        await client.report(databases, db.metadata, { status: { phase: 'Ready' } }, { subresource: 'status' })
      } catch (error) {
        if (variant === 'repaired') throw error
        world.log.error('The status was not updated', { key, error: errorText(error) })
      }
    },
  }
}

export const swallowedError: Bug = {
  name: 'swallowed-error',
  class: 'indirect',
  report: 'noobaa/noobaa-operator#385',
  wentWrong:
    'When the status cannot be written the operator logs it and is content; nothing happens any more that would make it try again.',
  oracles: ['confluence', 'stability'],
  scenario: (variant) =>
    story({
      name: `swallowed-error ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', {}) }],
    }),
}
