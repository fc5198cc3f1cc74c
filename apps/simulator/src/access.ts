import { agentRole, agentUserName, fleetRoleBindings, fleetRoles, ROLE_GROUPS } from '@locktender/fleet'
import type { BindingObject, PolicyRule, RoleObject } from '@locktender/fleet'
import type { KubeObject, Resource } from '@locktender/kube'
import { clusterRoleBindings, clusterRoles, leases, roleBindings, roles } from '@locktender/fleet'
import type { HubObject } from './fleet-objects.ts'

/** A person or program of the simulated organisation. */
export interface Identity {
  readonly name: string
  readonly groups: readonly string[]
}

/** Bypasses RBAC, as the administrator's certificate of any Kubernetes cluster does. */
export const administrator: Identity = { name: 'admin', groups: ['system:masters'] }
export const managerIdentity: Identity = { name: 'locktender:manager', groups: [ROLE_GROUPS['locktender-manager']] }
export const requester: Identity = { name: 'release-requester', groups: [ROLE_GROUPS['locktender-requester']] }
export const approvers: readonly Identity[] = [
  { name: 'release-approver-1', groups: [ROLE_GROUPS['locktender-approver']] },
  { name: 'release-approver-2', groups: [ROLE_GROUPS['locktender-approver']] },
]

/** The agent of a management cluster: the same person to the hub and to the management cluster. */
export function agentIdentity(managementCluster: string): Identity {
  return { name: agentUserName(managementCluster), groups: ['locktender:agents'] }
}

/** Roles and bindings of the hub, with those of one agent per management cluster. */
export function hubAccess(managementClusters: readonly string[]): HubObject[] {
  const resources: Readonly<Record<string, Resource>> = {
    Role: roles,
    RoleBinding: roleBindings,
    ClusterRole: clusterRoles,
    ClusterRoleBinding: clusterRoleBindings,
    Lease: leases,
  }
  const objects: KubeObject[] = [...fleetRoles(), ...fleetRoleBindings(), ...managementClusters.flatMap(agentRole)]
  return objects.map((object) => ({ resource: resources[object.kind]!, object }))
}

const readOnly = ['get', 'list', 'watch']

/** On its management cluster an agent reads what HyperShift has and writes nothing but HostedClusters. */
const localRules: readonly PolicyRule[] = [
  { apiGroups: ['hypershift.openshift.io'], resources: ['hostedclusters'], verbs: [...readOnly, 'patch'] },
  { apiGroups: ['hypershift.openshift.io'], resources: ['nodepools', 'controlplanecomponents'], verbs: readOnly },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: readOnly },
]

/** What the agent of `managementCluster` may do there. */
export function localAccess(managementCluster: string): HubObject[] {
  const name = 'locktender-agent'
  const apiGroup = 'rbac.authorization.k8s.io'
  const role: RoleObject = {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRole',
    metadata: { name },
    rules: localRules.map((rule) => ({ ...rule })),
  }
  const binding: BindingObject = {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    subjects: [{ apiGroup, kind: 'User', name: agentUserName(managementCluster) }],
  }
  return [
    { resource: clusterRoles, object: role },
    { resource: clusterRoleBindings, object: binding },
  ]
}
