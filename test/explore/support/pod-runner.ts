import type { KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { current, nameOf, read, write } from './access.ts'
import { MAIN, pods } from './kinds.ts'

export interface Pod extends KubeObject {
  readonly status?: { readonly phase?: string }
}

/** Brings every pod to a phase: to its end, or only to its beginning. */
export function podRunner(phase: 'Running' | 'Succeeded' = 'Succeeded'): Controller {
  return {
    name: 'runner',
    reads: [read(pods)],
    writes: [write(pods, 'status')],
    async reconcile(key, world) {
      const { client } = world.cluster(MAIN)
      const found = await current<Pod>(client, pods, nameOf(key))
      if (found === undefined || found.status?.phase === phase) return
      await client.patch(pods, found.metadata, { status: { phase } }, { type: 'merge', subresource: 'status' })
    },
  }
}
