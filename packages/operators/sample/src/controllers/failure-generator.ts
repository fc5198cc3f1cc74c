import { configMaps } from '@locktender/kube'
import { type Controller, USER_WORKLOAD } from '@locktender/runtime'
import { KEY, OPERAND_NAMESPACE } from '../resources.ts'

const NAME = 'fail-check'

/** Fails for as long as a ConfigMap asks for it. */
export const failureGenerator: Controller = {
  name: 'sample-operator-FailureGenerator',
  reads: [
    {
      cluster: USER_WORKLOAD,
      resource: configMaps,
      namespace: OPERAND_NAMESPACE,
      name: NAME,
      fields: [],
      keys: () => [KEY],
    },
  ],
  writes: [],
  reconcile(_key, world) {
    const isAsked = world.cluster(USER_WORKLOAD).cache(configMaps).has(`${OPERAND_NAMESPACE}/${NAME}`)
    return isAsked ? Promise.reject(new Error('fail the process')) : Promise.resolve()
  },
}
