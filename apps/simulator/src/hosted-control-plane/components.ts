import type { Topology } from '../fleet-generator.ts'

/** Which ControlPlaneComponents a simulated control plane has: eight that tell the story, or all of them. */
export type ComponentSet = 'few' | 'full'

/** The Deployment that an override replaces; its ControlPlaneComponent is written by the HyperShift operator. */
export const operatorComponent = 'control-plane-operator'

/** Components in the order in which an override rolls them (reference/hypershift.md B.3, E.2). */
const few = [
  operatorComponent,
  'hosted-cluster-config-operator',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'openshift-apiserver',
  'oauth-openshift',
  'cluster-network-operator',
] as const

const full = [
  operatorComponent,
  'hosted-cluster-config-operator',
  'etcd',
  'featuregate-generator',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'openshift-apiserver',
  'openshift-oauth-apiserver',
  'oauth-openshift',
  'openshift-controller-manager',
  'openshift-route-controller-manager',
  'cluster-policy-controller',
  'cluster-version-operator',
  'control-plane-pki-operator',
  'cluster-network-operator',
  'dns-operator',
  'ingress-operator',
  'cluster-node-tuning-operator',
  'cluster-image-registry-operator',
  'cluster-storage-operator',
  'csi-snapshot-controller-operator',
  'cloud-controller-manager',
  'cloud-credential-operator',
  'cluster-autoscaler',
  'machine-approver',
  'cluster-api',
  'capi-provider',
  'konnectivity-agent',
  'ignition-server',
  'ignition-server-proxy',
  'router',
  'olm-operator',
  'catalog-operator',
  'packageserver',
  'olm-catalogs',
  'kube-storage-version-migrator',
  'endpoint-resolver',
  'metrics-proxy',
] as const

/** Names of the components of one control plane, in the order in which an override rolls them. */
export function componentNames(set: ComponentSet, platform: 'AWS' | 'Azure'): readonly string[] {
  if (set === 'few') return few
  return full.map((name) =>
    name === 'cloud-controller-manager' ? `${platform.toLowerCase()}-cloud-controller-manager` : name,
  )
}

/** Components that roll before the API server, or whose rollout does not wait for it. */
const independent = new Set<string>([
  'hosted-cluster-config-operator',
  'etcd',
  'featuregate-generator',
  'cluster-api',
  'capi-provider',
  'router',
  'ignition-server',
  'ignition-server-proxy',
])

/** What `name` waits for while an override rolls; empty when it starts at once. */
export function dependenciesOf(name: string): readonly string[] {
  if (independent.has(name)) return []
  return name === 'kube-apiserver' ? ['etcd'] : ['kube-apiserver']
}

/** Written by the HyperShift operator or not built from the operator's image: an override leaves them alone. */
export function rollsWithOverride(name: string): boolean {
  return name !== operatorComponent && name !== 'cluster-api' && name !== 'capi-provider'
}

/** Replicas of the Deployment or StatefulSet behind `name`. */
export function replicasOf(name: string, topology: Topology): number {
  if (topology === 'SingleReplica' || name === operatorComponent) return 1
  const three = ['etcd', 'kube-apiserver', 'openshift-apiserver', 'openshift-oauth-apiserver', 'oauth-openshift']
  return three.includes(name) ? 3 : 2
}

/** Components that run an image of the release under another name than their own (payload tag to components). */
const runImage: Readonly<Record<string, readonly string[]>> = {
  hyperkube: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'],
  'oauth-server': ['oauth-openshift'],
}

/** Components that roll when the overrides of single images, `name=image,…`, go from one value to another. */
export function rolledByOverrides(before: string, after: string): ReadonlySet<string> {
  const [old, now] = [pairsOf(before), pairsOf(after)]
  const changed = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name))
  return new Set(changed.flatMap((name) => runImage[name] ?? [name]))
}

/** Images by name; what cannot be read is left out, as HyperShift does. */
export function pairsOf(overrides: string): ReadonlyMap<string, string> {
  return new Map(
    overrides.split(',').flatMap((pair) => {
      const [name = '', image = ''] = pair.split('=', 2)
      return name === '' || image === '' ? [] : [[name, image] as const]
    }),
  )
}
