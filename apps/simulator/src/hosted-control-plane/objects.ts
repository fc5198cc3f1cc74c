import { apiVersionOf, timestamp } from '@locktender/kube'
import type { Json, KubeObject, Resource } from '@locktender/kube'
import { controlPlaneComponents, deployments, hostedClusters, namespaces, nodePools } from '@locktender/fleet'
import { operatorComponent, replicasOf } from './components.ts'
import type { ControlPlaneState, ControlPlaneWrite, OperationRecord } from './state-machine.ts'
import type { ControlPlaneFacts, ControlPlaneView, MovingCondition, SimulatedCondition } from './view.ts'
import { healthyView, movingConditions, workloadOf } from './view.ts'

/** Annotation of the operator's Deployment in which the simulator remembers the last operation. */
const operationAnnotation = 'simulator.locktender.dev/operation'

/** A merge patch for one object of a management cluster. */
export interface ObjectPatch {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly subresource?: string
  readonly body: { readonly [key: string]: Json }
}

/** An object to create and the status to give it. */
export interface InitialObject {
  readonly resource: Resource
  readonly object: KubeObject
  readonly status?: { readonly [key: string]: Json }
}

/** The namespace that holds the parts of a hosted control plane. */
export function partsNamespace(facts: ControlPlaneFacts): string {
  return `${facts.namespace}-${facts.name}`
}

/** All objects of a control plane that nobody has touched, in the order in which to create them. */
export function initialObjects(facts: ControlPlaneFacts): InitialObject[] {
  const view = healthyView(facts)
  const parts = partsNamespace(facts)
  const release = { image: facts.payloadImage }
  return [
    { resource: namespaces, object: objectOf(namespaces, parts) },
    {
      resource: nodePools,
      object: {
        ...objectOf(nodePools, `${facts.name}-workers`, facts.namespace),
        spec: {
          clusterName: facts.name,
          release,
          replicas: 2,
          arch: facts.architecture === 'multi' ? 'amd64' : facts.architecture,
          management: { upgradeType: 'Replace' },
        },
      } as KubeObject,
      status: { version: facts.version, replicas: 2, conditions: nodePoolConditions(facts.createdAt) },
    },
    {
      resource: deployments,
      object: {
        ...objectOf(deployments, operatorComponent, parts, {
          'hypershift.openshift.io/managed-by': operatorComponent,
        }),
        spec: {
          replicas: 1,
          selector: { matchLabels: { app: operatorComponent } },
          template: {
            metadata: { labels: { app: operatorComponent } },
            spec: { containers: operatorContainers(facts, view) },
          },
        },
      } as KubeObject,
      status: operatorStatus(view, 1),
    },
    ...facts.components.map((name) => ({
      resource: controlPlaneComponents,
      object: { ...objectOf(controlPlaneComponents, name, parts), spec: {} } as KubeObject,
      status: componentStatus(facts, name, view.components[name]!),
    })),
    // Last, so that a HostedCluster with a status means that everything below it exists.
    {
      resource: hostedClusters,
      object: {
        ...objectOf(hostedClusters, facts.name, facts.namespace, facts.labels),
        spec: {
          platform: { type: facts.platform },
          release,
          controllerAvailabilityPolicy: facts.topology,
        },
      } as KubeObject,
      status: {
        conditions: hostedClusterConditions(facts, view),
        version: versionStatus(facts),
        controlPlaneVersion: versionStatus(facts),
        payloadArch: facts.architecture,
      },
    },
  ]
}

/**
 * The patch that makes what `write` names visible, with the contents of `state`. `operatorGeneration` is the
 * generation that the operator's Deployment has after its last change.
 */
export function patchFor(state: ControlPlaneState, write: ControlPlaneWrite, operatorGeneration: number): ObjectPatch {
  const { facts, view } = state
  const parts = partsNamespace(facts)
  switch (write.target) {
    case 'operator-template':
      return {
        resource: deployments,
        namespace: parts,
        name: operatorComponent,
        body: {
          metadata: { annotations: { [operationAnnotation]: JSON.stringify(state.operation) } },
          spec: { template: { spec: { containers: operatorContainers(facts, view) } } },
        },
      }
    case 'operator-status':
      return {
        resource: deployments,
        namespace: parts,
        name: operatorComponent,
        subresource: 'status',
        body: { status: operatorStatus(view, operatorGeneration) },
      }
    case 'component':
      return {
        resource: controlPlaneComponents,
        namespace: parts,
        name: write.name,
        subresource: 'status',
        body: { status: { conditions: componentConditions(facts, write.name, view.components[write.name]!) } },
      }
    case 'hosted-cluster':
      return {
        resource: hostedClusters,
        namespace: facts.namespace,
        name: facts.name,
        subresource: 'status',
        body: { status: { conditions: hostedClusterConditions(facts, view) } },
      }
  }
}

interface ObjectWithConditions extends KubeObject {
  readonly status?: {
    readonly conditions?: readonly {
      type: string
      status: string
      reason: string
      message: string
      lastTransitionTime: string
    }[]
  }
}

interface OperatorDeployment extends KubeObject {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly image: string; readonly args?: readonly string[] }[] }
    }
  }
  readonly status?: { readonly unavailableReplicas?: number; readonly observedGeneration?: number }
}

/** Reads back from its objects what a control plane looked like when the simulator stopped. */
export function viewFrom(
  facts: ControlPlaneFacts,
  hostedCluster: KubeObject,
  deployment: KubeObject,
  components: readonly KubeObject[],
): { view: ControlPlaneView; operation?: OperationRecord } {
  const healthy = healthyView(facts)
  const operator = deployment as OperatorDeployment
  const container = operator.spec.template.spec.containers[0]
  const operatorImage = container?.image ?? facts.payloadOperatorImage
  const flag = container?.args?.find((argument) => argument.startsWith(overridesFlag))?.slice(overridesFlag.length)
  const observed = (operator.status?.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  const seen = new Map(components.map((component) => [component.metadata.name, component]))
  const remembered = deployment.metadata.annotations?.[operationAnnotation]
  return {
    view: {
      operatorImage,
      overrides: flag === undefined || flag === noOverrides ? '' : flag,
      operatorReady: (operator.status?.unavailableReplicas ?? 0) === 0,
      observedOperatorImage: observed ? operatorImage : '',
      components: Object.fromEntries(
        facts.components.map((name) => [
          name,
          conditionOf(seen.get(name), 'RolloutComplete') ?? healthy.components[name]!,
        ]),
      ),
      conditions: Object.fromEntries(
        movingConditions.map((name) => [name, conditionOf(hostedCluster, name) ?? healthy.conditions[name]]),
      ) as Record<MovingCondition, SimulatedCondition>,
    },
    ...(remembered !== undefined && { operation: JSON.parse(remembered) as OperationRecord }),
  }
}

function conditionOf(object: ObjectWithConditions | undefined, type: string): SimulatedCondition | undefined {
  const found = object?.status?.conditions?.find((each) => each.type === type)
  if (found === undefined) return undefined
  return {
    status: found.status === 'True' ? 'True' : 'False',
    reason: found.reason,
    message: found.message,
    since: Date.parse(found.lastTransitionTime),
  }
}

function objectOf(
  resource: Resource,
  name: string,
  namespace?: string,
  labels?: Readonly<Record<string, string>>,
): KubeObject {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels: { ...labels } }) },
  }
}

/** The variables through which an override reaches everything built from the operator's image (A.4). */
const imageVariables = [
  'CONTROL_PLANE_OPERATOR_IMAGE',
  'HOSTED_CLUSTER_CONFIG_OPERATOR_IMAGE',
  'SOCKS5_PROXY_IMAGE',
  'AVAILABILITY_PROBER_IMAGE',
  'TOKEN_MINTER_IMAGE',
]

/** HyperShift gives the flag also when there is nothing to override, with a pair that means nothing. */
const overridesFlag = '--image-overrides='
const noOverrides = '='

function operatorContainers(facts: ControlPlaneFacts, view: ControlPlaneView): Json {
  const { operatorImage: image, overrides } = view
  return [
    {
      name: operatorComponent,
      image,
      args: ['run', `${overridesFlag}${overrides === '' ? noOverrides : overrides}`],
      env: [
        ...imageVariables.map((name) => ({ name, value: image })),
        { name: 'OPERATE_ON_RELEASE_IMAGE', value: facts.payloadImage },
      ],
    },
  ]
}

/** The surge replica may be down while the old one serves, as with maxSurge 1 and maxUnavailable 0. */
function operatorStatus(view: ControlPlaneView, generation: number): { [key: string]: Json } {
  const { operatorReady } = view
  return {
    observedGeneration: generation,
    replicas: operatorReady ? 1 : 2,
    readyReplicas: 1,
    availableReplicas: 1,
    updatedReplicas: 1,
    unavailableReplicas: operatorReady ? null : 1,
  }
}

function componentStatus(facts: ControlPlaneFacts, name: string, rollout: SimulatedCondition): { [key: string]: Json } {
  return {
    version: facts.version,
    observedGeneration: 1,
    resources: [{ kind: workloadOf(name), group: workloadOf(name) === 'Job' ? 'batch' : 'apps', name }],
    conditions: componentConditions(facts, name, rollout),
  }
}

function componentConditions(facts: ControlPlaneFacts, name: string, rollout: SimulatedCondition): Json {
  const message = `${workloadOf(name)} ${name} has ${replicasOf(name, facts.topology)} available replicas`
  const available = { status: 'True', reason: 'AsExpected', message, since: facts.createdAt } as const
  return [conditionJson('Available', available), conditionJson('RolloutComplete', rollout)]
}

/** HostedCluster conditions that stay at their healthy value through an override (reference B.4). */
const steadyConditions: readonly (readonly [type: string, status: 'True' | 'False', reason: string])[] = [
  ['Progressing', 'False', 'AsExpected'],
  ['ClusterVersionProgressing', 'False', 'FromClusterVersion'],
  ['ClusterVersionAvailable', 'True', 'FromClusterVersion'],
  ['ClusterVersionSucceeding', 'True', 'FromClusterVersion'],
  ['ClusterVersionReleaseAccepted', 'True', 'PayloadLoaded'],
  ['InfrastructureReady', 'True', 'AsExpected'],
  ['IgnitionEndpointAvailable', 'True', 'AsExpected'],
  ['ValidReleaseInfo', 'True', 'AsExpected'],
  ['ValidReleaseImage', 'True', 'AsExpected'],
  ['ValidConfiguration', 'True', 'AsExpected'],
  ['SupportedHostedCluster', 'True', 'AsExpected'],
  ['ReconciliationActive', 'True', 'AsExpected'],
  // Spelt as HyperShift spells it.
  ['ReconciliationSucceeded', 'True', 'ReconciliatonSucceeded'],
  ['ConfigOperatorReconciliationSucceeded', 'True', 'AsExpected'],
  ['ValidHostedControlPlaneConfiguration', 'True', 'AsExpected'],
  ['PlatformCredentialsFound', 'True', 'AsExpected'],
  ['DataPlaneConnectionAvailable', 'True', 'AsExpected'],
  ['ControlPlaneConnectionAvailable', 'True', 'AsExpected'],
]

/** What never changes of the conditions of a control plane, made once. */
const steady = new WeakMap<ControlPlaneFacts, readonly Json[]>()

function hostedClusterConditions(facts: ControlPlaneFacts, view: ControlPlaneView): Json {
  const since = facts.createdAt
  const others =
    steady.get(facts) ??
    steadyConditions.map(([type, status, reason]) => conditionJson(type, { status, reason, message: '', since }))
  steady.set(facts, others)
  return [...movingConditions.map((name) => conditionJson(name, view.conditions[name])), ...others]
}

function nodePoolConditions(since: number): Json {
  const healthy = ['Ready', 'AllMachinesReady', 'AllNodesHealthy', 'ValidReleaseImage', 'ReconciliationActive']
  const quiet = ['UpdatingVersion', 'UpdatingConfig', 'UpdatingPlatformMachineTemplate']
  return [
    ...healthy.map((type) => conditionJson(type, { status: 'True', reason: 'AsExpected', message: '', since })),
    ...quiet.map((type) => conditionJson(type, { status: 'False', reason: 'AsExpected', message: '', since })),
  ]
}

function versionStatus(facts: ControlPlaneFacts): Json {
  const entry = { version: facts.version, image: facts.payloadImage }
  const created = timestamp(facts.createdAt)
  return {
    desired: entry,
    observedGeneration: 1,
    history: [{ ...entry, state: 'Completed', startedTime: created, completionTime: created }],
  }
}

function conditionJson(type: string, condition: SimulatedCondition): { [key: string]: Json } {
  const { status, reason, message, since } = condition
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: timestamp(since) }
}
