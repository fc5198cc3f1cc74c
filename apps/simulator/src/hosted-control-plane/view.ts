import type { Architecture, Platform, Topology } from '../fleet-generator.ts'
import { operatorComponent } from './components.ts'

/** What never changes about a hosted control plane while an override comes and goes. */
export interface ControlPlaneFacts {
  readonly name: string
  /** Namespace of the HostedCluster; its parts live in `<namespace>-<name>`. */
  readonly namespace: string
  readonly version: string
  readonly payloadImage: string
  /** The operator image that the payload carries: runs when no annotation asks for another. */
  readonly payloadOperatorImage: string
  readonly platform: Platform
  readonly architecture: Architecture
  readonly topology: Topology
  readonly components: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** When the control plane came to be, milliseconds since the epoch: the age of all that never changed. */
  readonly createdAt: number
}

export interface SimulatedCondition {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  /** Milliseconds since the epoch of the last change of status. */
  readonly since: number
}

/** HostedCluster conditions that an override can move; all others stay at their healthy values. */
export const movingConditions = ['Available', 'Degraded', 'EtcdAvailable', 'KubeAPIServerAvailable'] as const
export type MovingCondition = (typeof movingConditions)[number]

/** Everything that an observer of the management cluster can see change. */
export interface ControlPlaneView {
  /** Image in the template of Deployment control-plane-operator. */
  readonly operatorImage: string
  /** Overrides of other images, `name=image,…`, in the arguments of that template; '' for none. */
  readonly overrides: string
  /** Whether the newest replica of that Deployment is up. */
  readonly operatorReady: boolean
  /** The image that the Deployment's status speaks of; it lags behind the template. */
  readonly observedOperatorImage: string
  /** Condition RolloutComplete of each ControlPlaneComponent. */
  readonly components: Readonly<Record<string, SimulatedCondition>>
  readonly conditions: Readonly<Record<MovingCondition, SimulatedCondition>>
}

const healthyConditions: Readonly<Record<MovingCondition, Omit<SimulatedCondition, 'since'>>> = {
  Available: { status: 'True', reason: 'AsExpected', message: 'The hosted control plane is available' },
  Degraded: { status: 'False', reason: 'AsExpected', message: 'The hosted cluster is not degraded' },
  EtcdAvailable: { status: 'True', reason: 'QuorumAvailable', message: '' },
  KubeAPIServerAvailable: {
    status: 'True',
    reason: 'AsExpected',
    message: 'Kube APIServer deployment is available',
  },
}

/** The healthy value of a HostedCluster condition. */
export function healthyCondition(name: MovingCondition): Omit<SimulatedCondition, 'since'> {
  return healthyConditions[name]
}

/** RolloutComplete of a component that runs what it should. */
export function rolledOut(name: string): Omit<SimulatedCondition, 'since'> {
  if (workloadOf(name) === 'Job') return { status: 'True', reason: 'JobComplete', message: `Job ${name} is complete` }
  return { status: 'True', reason: 'AsExpected', message: `${workloadOf(name)} ${name} successfully rolled out` }
}

/** The kind of workload behind a component, as its messages name it. */
export function workloadOf(name: string): 'Deployment' | 'StatefulSet' | 'Job' {
  if (name === 'etcd') return 'StatefulSet'
  return name === 'featuregate-generator' ? 'Job' : 'Deployment'
}

/** A control plane that has run its payload undisturbed since it was created. */
export function healthyView(facts: ControlPlaneFacts): ControlPlaneView {
  const since = facts.createdAt
  return {
    operatorImage: facts.payloadOperatorImage,
    overrides: '',
    operatorReady: true,
    observedOperatorImage: facts.payloadOperatorImage,
    components: Object.fromEntries(facts.components.map((name) => [name, { ...rolledOut(name), since }])),
    conditions: {
      Available: { ...healthyConditions.Available, since },
      Degraded: { ...healthyConditions.Degraded, since },
      EtcdAvailable: { ...healthyConditions.EtcdAvailable, since },
      KubeAPIServerAvailable: { ...healthyConditions.KubeAPIServerAvailable, since },
    },
  }
}

/** Whether every component but the operator's own has rolled out. */
export function componentsComplete(view: ControlPlaneView): boolean {
  return Object.entries(view.components).every(([name, { status }]) => name === operatorComponent || status === 'True')
}
