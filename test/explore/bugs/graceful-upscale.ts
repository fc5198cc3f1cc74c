import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { AGAIN, current, ensure, nameOf, ownerKey, read, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { type Custom, database, databases, MAIN, NAMESPACE, pod, pods } from '../support/kinds.ts'
import { changeSpec, SETTLE } from '../support/steps.ts'

interface Spec {
  readonly nodes: number
}

interface Status {
  readonly nodes?: Readonly<Record<string, { readonly configuration?: string; readonly action?: string }>>
}

/** Keeps a pod for each node, and takes a node away only when its joining is known to have ended. */
function operator(variant: Variant): Controller {
  return {
    name: 'nodes',
    reads: [read(databases), read(pods, ownerKey)],
    writes: [write(databases, 'status'), write(pods)],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const name = nameOf(key)
      const db = await current<Custom<Spec, Status>>(client, databases, name)
      if (db === undefined || db.metadata.deletionTimestamp !== undefined) return
      const report = (node: number, state: object | null) =>
        client.report(databases, db.metadata, { status: { nodes: { [node]: state } } }, { subresource: 'status' })
      const { items } = await client.list<KubeObject>(pods, { namespace: NAMESPACE, labelSelector: `app=${name}` })
      const there = new Set(items.map(({ metadata }) => Number(metadata.name.slice(name.length + 1))))
      for (let node = 0; node < Math.max(db.spec.nodes, ...there, 0) + 1; node++) {
        const found = there.has(node)
        if (!found && node >= db.spec.nodes) continue
        if (!found) await ensure(client, pods, pod(`${name}-${node}`, { owner: db, labels: { app: name } }))
        if (variant === 'buggy' && found) continue
        const state = db.status?.nodes?.[node]
        if (state?.configuration === undefined) await report(node, { configuration: 'InSync' })
        if (state?.action === undefined) await report(node, { action: 'UpscaleSucceeded' })
      }
      for (const node of there) {
        if (node < db.spec.nodes || db.status?.nodes?.[node]?.action !== 'UpscaleSucceeded') continue
        await remove(client, pods, `${name}-${node}`)
      }
      // The state of a node goes after its pod, and is looked at again when the pod has gone.
      for (const node of Object.keys(db.status?.nodes ?? {}).map(Number)) {
        if (node >= db.spec.nodes && !there.has(node)) await report(node, null)
      }
      return there.size > db.spec.nodes ? AGAIN : undefined
    },
  }
}

export const gracefulUpscale: Bug = {
  name: 'graceful-upscale',
  class: 'intermediate',
  report: 'konpyutaika/nifikop#79',
  wentWrong:
    'Only who creates the pod of a node writes that the node has joined; after a crash before that write nobody does, and the node can never be taken away.',
  oracles: ['confluence'],
  scenario: (variant) =>
    story({
      name: `graceful-upscale ${variant}`,
      operator: () => [operator(variant)],
      others: {},
      steps: [{ create: database('db', { nodes: 2 }) }, SETTLE, changeSpec('db', { nodes: 1 })],
    }),
}
