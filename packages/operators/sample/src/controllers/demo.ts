import { configMaps, type KubeObject } from '@locktender/kube'
import { type Controller, USER_WORKLOAD } from '@locktender/runtime'
import { KEY, OPERAND_NAMESPACE } from '../resources.ts'

interface ConfigMap extends KubeObject {
  data?: Record<string, string>
}

const NAME = 'foo'

/** Counts its runs in a ConfigMap. */
export const demo: Controller = {
  name: 'sample-operator-Demo',
  atStart: [KEY],
  reads: [
    {
      cluster: USER_WORKLOAD,
      resource: configMaps,
      namespace: OPERAND_NAMESPACE,
      name: NAME,
      // What it writes itself is no reason to count again.
      keys: ({ type }) => (type === 'DELETED' ? [KEY] : []),
    },
  ],
  writes: [{ cluster: USER_WORKLOAD, resource: configMaps, namespace: OPERAND_NAMESPACE, name: NAME }],
  async reconcile(_key, world) {
    const cluster = world.cluster(USER_WORKLOAD)
    const found = cluster.cache<ConfigMap>(configMaps).get(`${OPERAND_NAMESPACE}/${NAME}`)
    if (found === undefined) {
      const metadata = { name: NAME, namespace: OPERAND_NAMESPACE }
      await cluster.client.create<ConfigMap>(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata,
        data: { counter: '1' },
      })
      return
    }
    const counter = Number.parseInt(found.data?.['counter'] ?? '0', 10) + 1
    await cluster.client.update(configMaps, { ...found, data: { ...found.data, counter: String(counter) } })
  },
}
