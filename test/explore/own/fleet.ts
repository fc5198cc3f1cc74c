import {
  API_VERSION,
  controlPlaneComponents,
  CPO_IMAGE_ANNOTATION,
  crds,
  DEFAULT_COMPONENT,
  deployments,
  fleetAdmission,
  hostedClusters,
  hypershiftCrds,
  nodePools,
  type ControlPlane,
  type RolloutStrategySpec,
} from '@locktender/fleet'
import { apiVersionOf, type Condition, type KubeObject, type Resource } from '@locktender/kube'
import type { ClusterSetup } from '@locktender/runtime/explore'
import { hubAccess, localAccess } from '@locktender/simulator'

export const HUB = 'hub'
/** Where every HostedCluster lives. */
export const CLUSTERS = 'clusters'
/** What the release has. */
export const PAYLOAD = `registry.example/operator@sha256:${'0'.repeat(64)}`
export const FIXED = `registry.example/operator@sha256:${'f'.repeat(64)}`
/** Before anything happens. */
const LONG_AGO = '2026-01-05T07:00:00Z'
const VERSION = '4.20.6'

/** Label of a HostedCluster that the fix does not do good: its rollout gets stuck, or it falls ill when it has it. */
export const SPOILT = 'test.locktender.dev/spoilt'
export type Spoilt = 'stuck' | 'ill'

/** A control plane before anything happens to it. */
export interface Plane {
  readonly name: string
  readonly managementCluster: string
  readonly pair?: string
  readonly spoilt?: Spoilt
  readonly holds?: ControlPlane['spec']['holds']
}

export interface Place {
  readonly name: string
  readonly environment: 'integration' | 'production'
  readonly maxConcurrent: number
}

/** Two management clusters, one of them without customers. */
export const PLACES: readonly Place[] = [
  { name: 'mc-a', environment: 'integration', maxConcurrent: 2 },
  { name: 'mc-b', environment: 'production', maxConcurrent: 2 },
]

/** Short enough that a schedule is over in a few virtual hours. */
const STRATEGY: RolloutStrategySpec = {
  approvals: 2,
  stages: (['integration', 'production'] as const).map((environment) => ({
    name: environment,
    selector: { environment },
    canary: 1,
    factor: 4,
    soak: '5m',
    finalSoak: '5m',
  })),
  maxConcurrentPerManagementCluster: 3,
  maxConcurrent: 4,
  failureBudget: { percent: 5, minimum: 0 },
  sequentialTest: { goodRate: '0.005', badRate: '0.05', alpha: '0.01', beta: '0.01' },
  haltBy: 'Budget',
  operationTimeout: '45m',
  autoRevert: true,
}

/** So many control planes, half of them on each management cluster. */
export function planes(count: number): Plane[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `cp-${String(index + 1).padStart(2, '0')}`,
    managementCluster: PLACES[index % 2]!.name,
  }))
}

export function own(kind: string, name: string, spec: object, namespace?: string): KubeObject & { spec: object } {
  return { apiVersion: API_VERSION, kind, metadata: { name, ...(namespace !== undefined && { namespace }) }, spec }
}

/** The hub before anything is fixed: registered control planes that no agent has reported yet. */
export function hub(fleet: readonly Plane[], strategy: Partial<RolloutStrategySpec> = {}): ClusterSetup {
  const places = PLACES.map(({ name, environment, maxConcurrent }) =>
    own('ManagementCluster', name, { environment, sector: 'main', region: 'east', maxConcurrent }),
  )
  const namespaces = PLACES.map(({ name }) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
  return {
    definitions: crds(),
    admission: [fleetAdmission()],
    objects: [
      ...namespaces,
      ...hubAccess(PLACES.map(({ name }) => name)).map(({ object }) => object),
      ...places,
      own('RolloutStrategy', 'short', { ...STRATEGY, ...strategy }),
      ...fleet.map(registration),
    ],
  }
}

export function registration({ name, managementCluster, holds }: Plane): ControlPlane {
  const spec = { hostedCluster: { namespace: CLUSTERS, name }, ...(holds && { holds }) }
  return own('ControlPlane', name, spec, managementCluster) as ControlPlane
}

/** A management cluster with HyperShift's objects of its control planes, all well. */
export function managementCluster(place: Place, fleet: readonly Plane[]): ClusterSetup {
  const here = fleet.filter((plane) => plane.managementCluster === place.name)
  return {
    definitions: hypershiftCrds(),
    objects: [...localAccess(place.name).map(({ object }) => object), ...here.flatMap(hosted)],
  }
}

/** The objects of one control plane in the order in which they are made: the HostedCluster is last. */
export function hosted({ name, pair, spoilt }: Plane): KubeObject[] {
  const parts = partsOf(name)
  const labels = {
    'locktender.dev/customer': `customer-${name}`,
    ...(pair !== undefined && { 'locktender.dev/pair': pair }),
    ...(spoilt !== undefined && { [SPOILT]: spoilt }),
  }
  const history = [{ state: 'Completed', version: VERSION, image: 'release' }]
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: parts } },
    {
      ...head(nodePools, `${name}-workers`, CLUSTERS),
      spec: { clusterName: name, release: { image: 'release' }, replicas: 1 },
    },
    {
      ...head(deployments, DEFAULT_COMPONENT, parts),
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: DEFAULT_COMPONENT } },
        template: operatorTemplate(PAYLOAD),
      },
      // The generation is never ahead of what has been seen: the Deployment itself is no part of these stories.
      status: { observedGeneration: 1000, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
    },
    {
      ...head(controlPlaneComponents, 'kube-apiserver', parts),
      spec: {},
      status: { version: VERSION, conditions: [condition('RolloutComplete', 'True', LONG_AGO)] },
    },
    {
      ...head(hostedClusters, name, CLUSTERS),
      metadata: { name, namespace: CLUSTERS, labels },
      spec: {
        release: { image: 'release' },
        platform: { type: 'AWS' },
        controllerAvailabilityPolicy: 'HighlyAvailable',
      },
      status: {
        version: { desired: { image: 'release' }, observedGeneration: 1, history },
        conditions: [
          condition('Available', 'True', LONG_AGO),
          condition('EtcdAvailable', 'True', LONG_AGO),
          condition('Degraded', 'False', LONG_AGO),
        ],
      },
    },
  ] as KubeObject[]
}

export function operatorTemplate(image: string): object {
  const labels = { app: DEFAULT_COMPONENT }
  return { metadata: { labels }, spec: { containers: [{ name: DEFAULT_COMPONENT, image }] } }
}

export function partsOf(name: string): string {
  return `${CLUSTERS}-${name}`
}

export function condition(
  type: string,
  status: Condition['status'],
  lastTransitionTime: string,
  reason = 'AsExpected',
): Condition {
  return { type, status, reason, message: `${type} is ${status}`, lastTransitionTime }
}

/** The image that a HostedCluster asks for in place of that of the release. */
export function askedImage({ metadata }: KubeObject): string | undefined {
  return metadata.annotations?.[CPO_IMAGE_ANNOTATION]
}

function head(resource: Resource, name: string, namespace: string): KubeObject {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name, namespace } }
}
