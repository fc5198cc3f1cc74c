import type { Condition, KubeObject } from '@locktender/kube'

/** The parts of a HyperShift HostedCluster that the agent reads. */
export interface HostedCluster extends KubeObject {
  readonly spec: {
    readonly release: { readonly image: string }
    readonly platform: {
      readonly type: string
      readonly aws?: { readonly region?: string }
      readonly azure?: { readonly location?: string }
    }
    readonly controllerAvailabilityPolicy?: string
    readonly pausedUntil?: string
  }
  readonly status?: {
    readonly conditions?: readonly Condition[]
    readonly version?: VersionStatus
    readonly controlPlaneVersion?: VersionStatus
  }
}

export interface VersionStatus {
  readonly desired?: { readonly version?: string; readonly image?: string }
  /** Newest first. */
  readonly history?: readonly { readonly state: string; readonly version?: string; readonly image?: string }[]
}

/** hypershift.openshift.io ControlPlaneComponent, in the namespace of the hosted control plane. */
export interface ControlPlaneComponent extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[]; readonly version?: string }
}

/** The parts of a NodePool that tell whether nodes are replaced or reconfigured. */
export interface NodePool extends KubeObject {
  readonly spec: { readonly clusterName: string; readonly arch?: string }
  readonly status?: { readonly version?: string; readonly conditions?: readonly Condition[] }
}

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
}

/** The parts of an apps/v1 Deployment that tell whether it has rolled out. */
export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number
    readonly template: {
      readonly spec: { readonly containers: readonly Container[] }
    }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
  }
}

/** Everything on the management cluster that belongs to one hosted control plane. */
export interface HostedControlPlane {
  readonly hostedCluster: HostedCluster
  readonly components: readonly ControlPlaneComponent[]
  readonly nodePools: readonly NodePool[]
  /** Deployment `control-plane-operator`. */
  readonly operator: Deployment | undefined
}

/** HyperShift puts the control plane of a HostedCluster into the namespace `<namespace>-<name>`. */
export function controlPlaneNamespace(hostedCluster: { readonly namespace: string; readonly name: string }): string {
  return `${hostedCluster.namespace}-${hostedCluster.name}`
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type)
}

/** Milliseconds since the epoch of the condition's last change, or undefined when the condition is absent. */
export function changedAt(condition: Condition | undefined): number | undefined {
  return condition === undefined ? undefined : Date.parse(condition.lastTransitionTime)
}
