import { deployments, secrets } from '@locktender/kube'
import { CONFIGURATION, MANAGEMENT, type Operator } from '@locktender/runtime'
import { demo } from './controllers/demo.ts'
import { failureGenerator } from './controllers/failure-generator.ts'
import { ingressCreator } from './controllers/ingress-creator.ts'
import { removeStaleConditions } from './controllers/remove-stale-conditions.ts'
import { resourceSync } from './controllers/resource-sync.ts'
import { ingresses, OPERAND_NAMESPACE, SINGLETON } from './resources.ts'

/** A small operator that shows each part of the contract, and what is tested with it. */
export const sampleOperator: Operator = {
  name: 'sample-operator',
  controllers: () => [demo, failureGenerator, ingressCreator, removeStaleConditions, resourceSync],
  inputs: {
    references: [
      {
        cluster: CONFIGURATION,
        from: { resource: ingresses, name: SINGLETON },
        resource: secrets,
        namespace: 'openshift-config',
        nameJSONPath: `$.spec.componentRoutes[?(@.name == "my-route" && @.namespace == "${OPERAND_NAMESPACE}")].servingCertKeyPairSecret.name`,
      },
    ],
    operands: [{ cluster: MANAGEMENT, resource: deployments, namespace: OPERAND_NAMESPACE, name: 'oauth-server' }],
  },
}
