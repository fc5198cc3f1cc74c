import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, ownerKey, read, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import {
  type ConfigMap,
  configMap,
  configMaps,
  database,
  databases,
  deployments,
  MAIN,
  meta,
  NAMESPACE,
} from '../support/kinds.ts'
import { SETTLE } from '../support/steps.ts'

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector: object; readonly template: object }
}

/** Keeps a Deployment whose number of replicas is the autoscaler's business. */
function operator(variant: Variant): Controller {
  return {
    name: 'deploying',
    reads: [read(databases), read(deployments, ownerKey)],
    writes: [write(deployments)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current(client, databases, name)
      if (db === undefined) return
      const labels = { app: name }
      const containers = [{ name: 'server', image: 'registry.example.com/server:1' }]
      const template = { metadata: { labels }, spec: { containers } }
      const found = await current<Deployment>(client, deployments, name)
      if (found === undefined) {
        const spec = { selector: { matchLabels: labels }, template }
        const wanted: Deployment = {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: meta(name, { owner: db }),
          spec,
        }
        await ensure(client, deployments, wanted)
      } else if (variant === 'buggy' && found.spec.replicas !== 1) {
        // What it wants says nothing of replicas, and the default for nothing is one.
        await client.patch(deployments, found.metadata, { spec: { replicas: null, template } }, { type: 'merge' })
      }
    },
  }
}

/** Has as many replicas as the load needs. */
function autoscaler(): Controller {
  const key = `${NAMESPACE}/db`
  return {
    name: 'autoscaler',
    reads: [
      read(deployments, () => [key]),
      read(configMaps, (event) => (event.key === `${NAMESPACE}/load` ? [key] : [])),
    ],
    writes: [write(deployments)],
    async reconcile(_key, world) {
      const { client } = world.cluster(MAIN)
      const load = await current<ConfigMap>(client, configMaps, 'load')
      const found = await current<Deployment>(client, deployments, 'db')
      const replicas = Number(load?.data?.['servers'] ?? 1)
      if (found === undefined || found.spec.replicas === replicas) return
      await client.patch(deployments, found.metadata, { spec: { replicas } }, { type: 'merge' })
    },
  }
}

export const autoscalerFight: Bug = {
  name: 'autoscaler-fight',
  class: 'indirect',
  report: 'apache/superset-kubernetes-operator#151',
  wentWrong:
    'The operator writes the whole Deployment, in which replicas left out mean one, and so undoes what the autoscaler does, which does it again.',
  oracles: ['one writer', 'convergence', 'update count', 'stability'],
  scenario: (variant) =>
    story({
      name: `autoscaler-fight ${variant}`,
      operator: () => [operator(variant)],
      others: { autoscaler: () => [autoscaler()] },
      steps: [
        { create: database('db', {}) },
        { create: configMap('load', { servers: '1' }) },
        SETTLE,
        { change: { resource: configMaps, name: 'load', namespace: NAMESPACE }, to: { data: { servers: '3' } } },
      ],
    }),
}
