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
  pod,
  pods,
} from '../support/kinds.ts'
import { type Pod, podRunner } from '../support/pod-runner.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

interface Spec {
  readonly config: string
}

interface Status {
  /** The configuration that was dealt with last. */
  readonly seen?: string
}

/** Hands a configuration to a pod that applies it; while one is at work, its configuration must not change. */
function operator(variant: Variant): Controller {
  return {
    name: 'applying',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status'), write(configMaps), write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Spec, Status>>(client, databases, name)
      if (db === undefined) return undefined
      const atWork = await current<Pod>(client, pods, name)
      if (atWork?.status?.phase === 'Succeeded') {
        await remove(client, pods, name)
        return AGAIN
      }
      const { config } = db.spec
      if (db.status?.seen === config) return undefined
      if (atWork === undefined) {
        const data = { text: config }
        const kept = await current<ConfigMap>(client, configMaps, name)
        if (kept === undefined) await ensure(client, configMaps, configMap(name, data, { owner: db }))
        else await client.patch(configMaps, kept.metadata, { data }, { type: 'merge' })
        await ensure(client, pods, pod(name, { owner: db }))
      } else if (variant === 'repaired') return AGAIN
      await client.report(databases, db.metadata, { status: { seen: config } }, { subresource: 'status' })
      return undefined
    },
  }
}

export const closedGate: Bug = {
  name: 'closed-gate',
  class: 'unobserved',
  report: 'NVIDIA/nodewright#245',
  wentWrong:
    'A change of the configuration is written only when the operator looks at it while nothing is at work, but counts as dealt with in any case; when it looks at another moment the change is never written.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `closed-gate ${variant}`,
      operator: () => [operator(variant)],
      others: { runner: () => [podRunner()] },
      steady: ['runner'],
      steps: [
        { create: database('db', { config: 'blue' }) },
        SETTLE,
        changeSpec('db', { config: 'green' }),
        changeSpec('db', { config: 'red' }),
      ],
    }),
}
