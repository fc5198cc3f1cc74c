import type { T } from './case.ts'
import type { RequestOptions } from './requester.ts'

export const RBAC = '/apis/rbac.authorization.k8s.io/v1'
export const WHOAMI = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
export const whoami = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }

interface Rule {
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
  readonly verbs: readonly string[]
}

/** Asks as somebody else, as whom the administrator may. */
export function as(user: string, ...groups: readonly string[]): RequestOptions {
  return {
    headers: { 'impersonate-user': user, ...(groups.length === 0 ? {} : { 'impersonate-group': groups.join(', ') }) },
  }
}

/** Gives a user these rights in the namespace of the case. */
export async function allow(t: T, user: string, ...rules: readonly Rule[]): Promise<void> {
  const metadata = { name: `r-${user}` }
  const apiVersion = 'rbac.authorization.k8s.io/v1'
  await t.create(`${RBAC}/namespaces/${t.ns}/roles`, { apiVersion, kind: 'Role', metadata, rules })
  await t.create(`${RBAC}/namespaces/${t.ns}/rolebindings`, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: metadata.name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  })
}
