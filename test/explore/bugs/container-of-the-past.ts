import type { Controller } from '@locktender/runtime'
import { current, ensure, nameOf, read, release, remove, write } from '../support/access.ts'
import { type Bug, story, type Variant } from '../support/bug.ts'
import { RUNNING } from '../support/environment.ts'
import { type ConfigMap, configMap, configMaps, MAIN, NAMESPACE, pod, pods } from '../support/kinds.ts'
import { deleted, invariant, isGoing, SETTLE } from '../support/steps.ts'

/**
 * The agent of a node: runs the containers of the pods that are assigned to it. A container is a ConfigMap here, since
 * containers go on when their agent restarts. A pod that is to go is let go when its container has ended.
 */
function agent(node: string, variant: Variant): Controller {
  return {
    name: `agent-${node}`,
    reads: [read(pods)],
    writes: [write(pods), write(configMaps)],
    async reconcile(key, world) {
      const main = world.cluster(MAIN)
      const { client } = main
      const name = nameOf(key)
      const container = `${name}-on-${node}`
      const seen = main.cache(pods).get(key)
      const mine = seen?.metadata.labels?.['node'] === node
      if (seen === undefined || !mine || isGoing(seen)) {
        await remove(client, configMaps, container)
        if (seen !== undefined && mine) await release(client, pods, seen, RUNNING)
        return
      }
      if (variant === 'repaired') {
        const now = await current(client, pods, name)
        if (now === undefined || now.metadata.uid !== seen.metadata.uid || isGoing(now)) return
      }
      await ensure(client, configMaps, configMap(container, { pod: name }))
    },
  }
}

const onlyOne = invariant('a pod runs on one node at most', () => (state) => {
  const running = state.list<ConfigMap>(configMaps, NAMESPACE).filter(({ data }) => data?.['pod'] === 'server-0')
  if (running.length < 2) return undefined
  return `server-0 runs ${running.length} times: ${running.map(({ metadata }) => metadata.name).join(', ')}`
})

function assigned(node: string) {
  return { create: pod('server-0', { labels: { node }, finalizers: [RUNNING] }) }
}

export const containerOfThePast: Bug = {
  name: 'container-of-the-past',
  class: 'stale',
  report: 'kubernetes/kubernetes#59848',
  wentWrong:
    'After a restart the agent of a node sees a pod of the past that was assigned to it and starts it, while a new pod of the same name runs on another node.',
  oracles: ['invariant'],
  scenario: (variant) =>
    story({
      name: `container-of-the-past ${variant}`,
      operator: () => [agent('a', variant)],
      others: { 'other node': () => [agent('b', variant)] },
      steps: [assigned('a'), SETTLE, deleted('server-0', pods), SETTLE, assigned('b')],
      invariants: [onlyOne],
    }),
}
