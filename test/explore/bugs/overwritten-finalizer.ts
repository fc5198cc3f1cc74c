import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, read, release, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, secret, secrets } from '../support/kinds.ts'
import { deleted, isGoing, SETTLE } from '../support/steps.ts'

type Part = 'network' | 'storage'
type Status = Readonly<Partial<Record<Part, 'ready'>>>

/** One of several controllers that each give a database one part of what it needs, and take it away at its end. */
function partController(part: Part, variant: Variant): Controller {
  const finalizer = `zoo.example.com/${part}`
  return {
    name: part,
    reads: [read(databases)],
    writes: [write(databases), write(databases, 'status'), write(secrets)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const db = await current<Custom<object, Status>>(client, databases, nameOf(key))
      if (db === undefined) return
      const held = db.metadata.finalizers ?? []
      const name = `${nameOf(key)}-${part}`
      if (isGoing(db)) {
        if (!held.includes(finalizer)) return
        await remove(client, secrets, name)
        await release(client, databases, db, finalizer)
        return
      }
      if (db.status?.[part] !== undefined) return
      if (!held.includes(finalizer)) {
        const { resourceVersion } = db.metadata
        const finalizers = [...held, finalizer]
        const metadata = variant === 'buggy' ? { finalizers } : { finalizers, resourceVersion }
        await client.patch(databases, db.metadata, { metadata }, { type: 'merge' })
      }
      await ensure(client, secrets, secret(name, { key: 'secret' }))
      await client.report(databases, db.metadata, { status: { [part]: 'ready' } }, { subresource: 'status' })
    },
  }
}

export const overwrittenFinalizer: Bug = {
  name: 'overwritten-finalizer',
  class: 'indirect',
  report: 'kubermatic/kubermatic#6759',
  wentWrong:
    'Two controllers add their finalizers by merge patches of the whole list, each from what it has read, so one overwrites the other, and what that one made is never taken away.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `overwritten-finalizer ${variant}`,
      operator: () => [partController('network', variant), partController('storage', variant)],
      others: {},
      steps: [{ create: database('db', {}) }, SETTLE, deleted('db')],
    }),
}
