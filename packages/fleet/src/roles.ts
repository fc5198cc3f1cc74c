import type { KubeObject } from '@locktender/kube'
import { GROUP } from './well-known.ts'

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly resourceNames?: string[]
  readonly verbs: string[]
}

/** rbac.authorization.k8s.io/v1 Role or ClusterRole. */
export interface RoleObject extends KubeObject {
  readonly rules: PolicyRule[]
}

/** rbac.authorization.k8s.io/v1 RoleBinding or ClusterRoleBinding. */
export interface BindingObject extends KubeObject {
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string }
  readonly subjects: { readonly apiGroup: string; readonly kind: 'User' | 'Group'; readonly name: string }[]
}

/** The people and programs that have a role, by the group that is bound to it. */
export const ROLE_GROUPS = {
  'locktender-manager': 'locktender:managers',
  'locktender-requester': 'locktender:requesters',
  'locktender-approver': 'locktender:approvers',
  'locktender-release-operator': 'locktender:release-operators',
  'locktender-viewer': 'locktender:viewers',
} as const

/** Name of a cluster role of Locktender. */
export type FleetRole = keyof typeof ROLE_GROUPS

const RBAC = 'rbac.authorization.k8s.io'
const READ = ['get', 'list', 'watch']
const READ_ALL: PolicyRule = { apiGroups: [GROUP], resources: ['*'], verbs: READ }

const RULES: Readonly<Record<FleetRole, readonly PolicyRule[]>> = {
  // Decides, so it writes specs of control planes, but never what is said about them.
  'locktender-manager': [
    READ_ALL,
    { apiGroups: [GROUP], resources: ['controlplanes'], verbs: ['create', 'update', 'patch', 'delete'] },
    { apiGroups: [GROUP], resources: ['rollouts'], verbs: ['create', 'update', 'patch'] },
    { apiGroups: [GROUP], resources: ['rolloutlogs'], verbs: ['create'] },
    {
      apiGroups: [GROUP],
      resources: ['managementclusters/status', 'componentfixes/status', 'rollouts/status'],
      verbs: ['get', 'update', 'patch'],
    },
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
    },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'update', 'patch'] },
    { apiGroups: [''], resources: ['namespaces'], verbs: READ },
  ],
  'locktender-requester': [READ_ALL, { apiGroups: [GROUP], resources: ['componentfixes'], verbs: ['create'] }],
  'locktender-approver': [READ_ALL, { apiGroups: [GROUP], resources: ['approvals'], verbs: ['create'] }],
  // Admission leaves of a rollout only pause, abort, revert, expedite, skip and retry to be changed.
  'locktender-release-operator': [
    READ_ALL,
    { apiGroups: [GROUP], resources: ['rollouts'], verbs: ['update', 'patch'] },
    { apiGroups: [GROUP], resources: ['freezewindows'], verbs: ['create', 'update', 'patch', 'delete'] },
  ],
  'locktender-viewer': [READ_ALL],
}

/** The cluster roles of a hub, one for each duty; no role both requests and approves. */
export function fleetRoles(): RoleObject[] {
  return roleNames().map((name) => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: {
      name,
      ...(name === 'locktender-viewer' ? { labels: { [`${RBAC}/aggregate-to-view`]: 'true' } } : {}),
    },
    rules: RULES[name].map((rule) => ({ ...rule })),
  }))
}

/** Binds each role of {@link fleetRoles} to its group of {@link ROLE_GROUPS}. */
export function fleetRoleBindings(): BindingObject[] {
  return roleNames().map((name) => ({
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
    subjects: [{ apiGroup: RBAC, kind: 'Group', name: ROLE_GROUPS[name] }],
  }))
}

/** The user name of the agent of a management cluster. */
export function agentUserName(managementCluster: string): string {
  return `locktender:agent:${managementCluster}`
}

/** The lease with which an agent shows that it is alive, in the namespace of its management cluster. */
export const AGENT_LEASE = 'agent'

/**
 * What the agent of one management cluster needs on the hub: Role, RoleBinding and its Lease. The lease comes
 * with them because RBAC cannot allow the creation of one named object.
 */
export function agentRole(managementCluster: string): KubeObject[] {
  const metadata = { name: 'locktender-agent', namespace: managementCluster }
  const role: RoleObject = {
    apiVersion: `${RBAC}/v1`,
    kind: 'Role',
    metadata,
    rules: [
      { apiGroups: [GROUP], resources: ['controlplanes'], verbs: READ },
      { apiGroups: [GROUP], resources: ['controlplanes/status'], verbs: ['get', 'update', 'patch'] },
      {
        apiGroups: ['coordination.k8s.io'],
        resources: ['leases'],
        resourceNames: [AGENT_LEASE],
        verbs: ['get', 'update', 'patch'],
      },
    ],
  }
  const binding: BindingObject = {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: RBAC, kind: 'Role', name: metadata.name },
    subjects: [{ apiGroup: RBAC, kind: 'User', name: agentUserName(managementCluster) }],
  }
  const lease: KubeObject = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: AGENT_LEASE, namespace: managementCluster },
  }
  return [role, binding, lease]
}

function roleNames(): FleetRole[] {
  return Object.keys(ROLE_GROUPS) as FleetRole[]
}
