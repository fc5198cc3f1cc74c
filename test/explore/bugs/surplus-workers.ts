import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, NAMESPACE, ownedBy, pod, pods } from '../support/kinds.ts'
import { changeSpec, databaseIn, invariant, SETTLE } from '../support/steps.ts'

interface Spec {
  readonly workers: number
}

/** Keeps as many workers as are wanted; they need no names of their own. */
function operator(variant: Variant): Controller {
  return {
    name: 'workers',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(pods)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const db = main.cache<Custom<Spec>>(databases).get(key)
      if (db === undefined) return
      const all: Iterable<KubeObject> =
        variant === 'buggy' ? main.cache(pods).values() : (await main.client.list(pods, { namespace: NAMESPACE })).items
      const workers = [...all].filter((one) => ownedBy(one, db.metadata.uid))
      for (let count = workers.length; count < db.spec.workers; count++) {
        const { metadata, ...rest } = pod('', { owner: db })
        const { name: _none, ...unnamed } = metadata
        const made = { ...rest, metadata: { ...unnamed, generateName: `${nameOf(key)}-` } as typeof metadata }
        await main.client.create(pods, made)
      }
      for (const { metadata } of workers.slice(db.spec.workers)) await remove(main.client, pods, metadata.name)
    },
  }
}

const noSurplus = invariant('there are never more workers than were ever wanted', () => {
  let most = 0
  return (state) => {
    most = Math.max(most, databaseIn<Spec>(state)?.spec.workers ?? 0)
    const count = state.list(pods, NAMESPACE).length
    return count > most ? `there are ${count} workers where ${most} are wanted` : undefined
  }
})

export const surplusWorkers: Bug = {
  name: 'surplus-workers',
  class: 'stale',
  report: 'ray-project/kuberay#715',
  wentWrong:
    'The operator counts its pods in a cache that has not heard of those it has just made, and makes them once more.',
  oracles: ['invariant', 'update count'],
  scenario: (variant) =>
    story({
      name: `surplus-workers ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', { workers: 1 }) }, SETTLE, changeSpec('db', { workers: 3 })],
      invariants: [noSurplus],
    }),
}
