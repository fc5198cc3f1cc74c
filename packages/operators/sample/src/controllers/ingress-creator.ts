import type { KubeObject } from '@locktender/kube'
import { CONFIGURATION, type Controller } from '@locktender/runtime'
import { ingresses, KEY, SINGLETON } from '../resources.ts'

interface Ingress extends KubeObject {
  spec: { domain: string; loadBalancer: { platform: { type: string } } }
  status: { defaultPlacement: string }
}

/** Makes the cluster's ingress configuration when there is none. */
export const ingressCreator: Controller = {
  name: 'sample-operator-IngressCreator',
  atStart: [KEY],
  reads: [{ cluster: CONFIGURATION, resource: ingresses, name: SINGLETON, fields: [], keys: () => [KEY] }],
  writes: [{ cluster: CONFIGURATION, resource: ingresses, name: SINGLETON }],
  async reconcile(_key, world) {
    const cluster = world.cluster(CONFIGURATION)
    if (cluster.cache(ingresses).has(SINGLETON)) return
    await cluster.client.create<Ingress>(ingresses, {
      apiVersion: 'config.openshift.io/v1',
      kind: 'Ingress',
      metadata: { name: SINGLETON },
      spec: { domain: '', loadBalancer: { platform: { type: '' } } },
      status: { defaultPlacement: '' },
    })
  },
}
