import type { Resource } from '@locktender/kube'

/** API group of Locktender's own kinds. */
export const GROUP = 'locktender.dev'
/** The only served version of {@link GROUP}. */
export const VERSION = 'v1alpha1'
/** `apiVersion` of Locktender's own objects. */
export const API_VERSION = `${GROUP}/${VERSION}`

function own(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: GROUP, version: VERSION, plural, kind, namespaced }
}

function hypershift(kind: string, plural: string): Resource {
  return { group: 'hypershift.openshift.io', version: 'v1beta1', plural, kind, namespaced: true }
}

export const managementClusters = own('ManagementCluster', 'managementclusters', false)
export const controlPlanes = own('ControlPlane', 'controlplanes', true)
export const releases = own('Release', 'releases', false)
export const componentFixes = own('ComponentFix', 'componentfixes', false)
export const rolloutStrategies = own('RolloutStrategy', 'rolloutstrategies', false)
export const rollouts = own('Rollout', 'rollouts', false)
export const approvals = own('Approval', 'approvals', false)
export const freezeWindows = own('FreezeWindow', 'freezewindows', false)
export const rolloutLogs = own('RolloutLog', 'rolloutlogs', false)

export const hostedClusters = hypershift('HostedCluster', 'hostedclusters')
export const nodePools = hypershift('NodePool', 'nodepools')
export const controlPlaneComponents = hypershift('ControlPlaneComponent', 'controlplanecomponents')

export {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  customResourceDefinitions,
  deployments,
  events,
  leases,
  namespaces,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
} from '@locktender/kube'

/** Annotation of an agent's Lease: HostedClusters without a ControlPlane, as JSON `{count, first: [namespace/name]}`. */
export const UNREGISTERED_ANNOTATION = `${GROUP}/unregistered`

/** The component a fix replaces unless it says otherwise: HyperShift's operator inside each control plane. */
export const DEFAULT_COMPONENT = 'control-plane-operator'
/** HostedCluster annotation that replaces the image of {@link DEFAULT_COMPONENT} (HyperShift). */
export const CPO_IMAGE_ANNOTATION = 'hypershift.openshift.io/control-plane-operator-image'
/** HostedCluster annotation that replaces images of other components, `component=image,…` (HyperShift). */
export const IMAGE_OVERRIDES_ANNOTATION = 'hypershift.openshift.io/image-overrides'
