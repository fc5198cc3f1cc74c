import type { Resource } from './types.ts'

function core(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: '', version: 'v1', plural, kind, namespaced }
}

function rbac(kind: string, plural: string, namespaced: boolean): Resource {
  return { group: 'rbac.authorization.k8s.io', version: 'v1', plural, kind, namespaced }
}

export const namespaces = core('Namespace', 'namespaces', false)
export const configMaps = core('ConfigMap', 'configmaps', true)
export const secrets = core('Secret', 'secrets', true)
export const serviceAccounts = core('ServiceAccount', 'serviceaccounts', true)
/** The older of the two APIs of events; what one writes, the other shows. */
export const coreEvents = core('Event', 'events', true)
export const events: Resource = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
}
export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}
export const deployments: Resource = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
}
export const customResourceDefinitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}
export const roles = rbac('Role', 'roles', true)
export const roleBindings = rbac('RoleBinding', 'rolebindings', true)
export const clusterRoles = rbac('ClusterRole', 'clusterroles', false)
export const clusterRoleBindings = rbac('ClusterRoleBinding', 'clusterrolebindings', false)
