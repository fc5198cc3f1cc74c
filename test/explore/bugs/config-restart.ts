import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
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
import { changeSpec, SETTLE } from '../support/steps.ts'

interface Spec {
  readonly config: string
}

interface Status {
  readonly config?: 'OutOfSync' | 'InSync'
}

/** Keeps the configuration in a ConfigMap and restarts the server when it changes; a server reads it at its start. */
function operator(variant: Variant): Controller {
  return {
    name: 'configuring',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status'), write(configMaps), write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Spec, Status>>(client, databases, name)
      if (db === undefined || db.metadata.deletionTimestamp !== undefined) return
      const mark = (config: Status['config']) =>
        client.report(databases, db.metadata, { status: { config } }, { subresource: 'status' })
      const config = await current<ConfigMap>(client, configMaps, name)
      const { config: text } = db.spec
      if (config === undefined) await ensure(client, configMaps, configMap(name, { text }, { owner: db }))
      let outOfSync = db.status?.config === 'OutOfSync'
      if (config !== undefined && config.data?.['text'] !== text) {
        if (variant === 'repaired') await mark('OutOfSync')
        await client.patch(configMaps, config.metadata, { data: { text } }, { type: 'merge' })
        if (variant === 'buggy') await mark('OutOfSync')
        outOfSync = true
      }
      if (outOfSync) await remove(client, pods, name)
      await ensure(client, pods, pod(name, { owner: db, annotations: { config: text } }))
      if (outOfSync || db.status?.config === undefined) await mark('InSync')
    },
  }
}

export const configRestart: Bug = {
  name: 'config-restart',
  class: 'intermediate',
  report: 'konpyutaika/nifikop#49',
  wentWrong:
    'The ConfigMap is written before the status says that servers must restart; after a crash in between the ConfigMap is as it should be, so the running server never reads it.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `config-restart ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', { config: 'blue' }) }, SETTLE, changeSpec('db', { config: 'green' })],
    }),
}
