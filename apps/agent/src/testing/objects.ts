import { API_VERSION } from '@locktender/fleet'
import type { ControlPlane } from '@locktender/fleet'
import type { Condition } from '@locktender/kube'
import { annotationsFor, type ChangeRecord } from '../change-record.ts'
import type { ControlPlaneComponent, Deployment, HostedCluster, HostedControlPlane, NodePool } from '../hypershift.ts'
import { nodeFingerprint } from '../node-fingerprint.ts'

export const MINUTE = 60_000
export const START = Date.UTC(2026, 0, 5, 8)
export const PAYLOAD = `registry.example/cpo@sha256:${'a'.repeat(64)}`
export const FIXED = `registry.example/cpo@sha256:${'b'.repeat(64)}`

function at(minutes: number): string {
  return new Date(START + minutes * MINUTE).toISOString()
}

export function condition(type: string, status: Condition['status'], minutes = -60, reason = 'AsExpected'): Condition {
  return { type, status, reason, message: `${type} is ${status}`, lastTransitionTime: at(minutes) }
}

export function controlPlane(overrides: ControlPlane['spec']['overrides'] = []): ControlPlane {
  return {
    apiVersion: API_VERSION,
    kind: 'ControlPlane',
    metadata: { name: 'hc-1', namespace: 'mc-1' },
    spec: { hostedCluster: { namespace: 'clusters', name: 'hc-1' }, overrides },
  }
}

export const wanted = { component: 'control-plane-operator', image: FIXED, fix: 'fix-1', rollout: 'fix-1-1' }

export function nodePool(config = 'one'): NodePool {
  return {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'NodePool',
    metadata: {
      name: 'workers',
      namespace: 'clusters',
      generation: 1,
      annotations: { 'hypershift.openshift.io/nodePoolCurrentConfig': config },
    },
    spec: { clusterName: 'hc-1', arch: 'arm64' },
    status: { version: '4.20.6', conditions: [] },
  }
}

export function component(name: string, complete: Condition): ControlPlaneComponent {
  return {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'ControlPlaneComponent',
    metadata: { name, namespace: 'clusters-hc-1' },
    status: { conditions: [complete], version: '4.20.6' },
  }
}

export function operator(image: string, ready = true, overrides = ''): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'control-plane-operator', namespace: 'clusters-hc-1', generation: 2 },
    spec: {
      replicas: 1,
      template: {
        spec: { containers: [{ name: 'control-plane-operator', image, args: [`--image-overrides=${overrides}`] }] },
      },
    },
    status: { observedGeneration: 2, replicas: ready ? 1 : 2, updatedReplicas: 1, availableReplicas: 1 },
  }
}

export function hostedCluster(conditions: readonly Condition[] = []): HostedCluster {
  const defaults = [
    condition('Available', 'True'),
    condition('Degraded', 'False'),
    condition('EtcdAvailable', 'True'),
  ].filter(({ type }) => !conditions.some((given) => given.type === type))
  return {
    apiVersion: 'hypershift.openshift.io/v1beta1',
    kind: 'HostedCluster',
    metadata: {
      name: 'hc-1',
      namespace: 'clusters',
      labels: { 'locktender.dev/customer': 'c-7', 'locktender.dev/tier': 'gold' },
    },
    spec: { release: { image: 'release' }, platform: { type: 'AWS' }, controllerAvailabilityPolicy: 'HighlyAvailable' },
    status: {
      conditions: [...defaults, ...conditions],
      version: { history: [{ state: 'Completed', version: '4.20.6' }] },
    },
  }
}

/** A healthy control plane that nobody has touched, with the given parts replaced. */
export function observed(parts: Partial<HostedControlPlane> = {}): HostedControlPlane {
  return {
    hostedCluster: hostedCluster(),
    components: ['etcd', 'kube-apiserver'].map((name) => component(name, condition('RolloutComplete', 'True'))),
    nodePools: [nodePool()],
    operator: operator(PAYLOAD),
    ...parts,
  }
}

/** The record of the change that puts {@link FIXED} in place at minute 0. */
export const applied: ChangeRecord = {
  change: 'apply',
  component: 'control-plane-operator',
  image: FIXED,
  fix: 'fix-1',
  rollout: 'fix-1-1',
  changedAt: START,
  nodeFingerprint: nodeFingerprint([nodePool()]),
  previousImage: undefined,
}

/** `cluster` after the agent has written `records`. */
export function withRecords(cluster: HostedCluster, ...records: readonly ChangeRecord[]): HostedCluster {
  const annotations = { ...cluster.metadata.annotations, ...annotationsFor(records, cluster) }
  return { ...cluster, metadata: { ...cluster.metadata, annotations } }
}
