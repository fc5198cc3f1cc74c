import type { Controller } from '@locktender/runtime'
import { AGAIN, current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  type ConfigMap,
  configMap,
  configMaps,
  type Custom,
  database,
  databases,
  MAIN,
  NAMESPACE,
  pod,
  pods,
} from '../support/kinds.ts'
import { SETTLE } from '../support/steps.ts'

interface Spec {
  readonly replicas: number
}

/** Keeps pods, and remembers those it has made until its cache shows them, so that none is made twice. */
function operator(variant: Variant): Controller {
  const expected = new Set<string>()
  return {
    name: 'expecting',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(pods)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const name = nameOf(key)
      const db = main.cache<Custom<Spec>>(databases).get(key)
      if (db === undefined) return
      const seen = main.cache(pods)
      for (const one of expected) {
        const gone = variant === 'repaired' && (await current(main.client, pods, one)) === undefined
        if (gone || seen.has(`${NAMESPACE}/${one}`)) expected.delete(one)
      }
      for (let ordinal = 0; ordinal < db.spec.replicas; ordinal++) {
        const one = `${name}-${ordinal}`
        if (expected.has(one) || seen.has(`${NAMESPACE}/${one}`)) continue
        await ensure(main.client, pods, pod(one, { owner: db }))
        expected.add(one)
      }
      return expected.size > 0 ? AGAIN : undefined
    },
  }
}

/** Evicts the pods that a list names, once each, as soon as they are there. */
function evictor(): Controller {
  return {
    name: 'evictor',
    reads: [
      read(configMaps, ({ key }) => (key === `${NAMESPACE}/evictions` ? [key] : [])),
      read(pods, () => [`${NAMESPACE}/evictions`]),
    ],
    writes: [write(pods), write(configMaps)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const list = await current<ConfigMap>(client, configMaps, nameOf(key))
      for (const [name, state] of Object.entries(list?.data ?? {})) {
        if (state === 'done' || (await current(client, pods, name)) === undefined) continue
        await remove(client, pods, name)
        await client.patch(configMaps, list!.metadata, { data: { [name]: 'done' } }, { type: 'merge' })
      }
    },
  }
}

export const unmetExpectation: Bug = {
  name: 'unmet-expectation',
  class: 'unobserved',
  report: 'ai-dynamo/grove#457',
  wentWrong:
    'A pod that was made is waited for until the cache shows it; when it is gone again before the operator looks, the operator waits for ever and makes no other.',
  oracles: ['confluence', 'stability'],
  scenario: (variant) =>
    story({
      name: `unmet-expectation ${variant}`,
      operator: () => [operator(variant)],
      others: { evictor: () => [evictor()] },
      steady: ['evictor'],
      steps: [
        { create: configMap('evictions', { 'db-0': 'todo' }) },
        SETTLE,
        { create: database('db', { replicas: 2 }) },
      ],
      remembers: true,
    }),
}
