import { isAlreadyExists } from '@locktender/kube'
import type { PolicyRule } from './auth/rbac.ts'
import type { LogicalCluster } from './cluster.ts'
import type { AnyObject } from './object.ts'
import { authenticatedGroup, mastersGroup, systemUser } from './user.ts'
import { createObject } from './write-pipeline.ts'

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
const RBAC = 'rbac.authorization.k8s.io'
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update']
const NAMESPACED_RULES: readonly PolicyRule[] = [
  { apiGroups: [''], resources: ['configmaps', 'secrets', 'serviceaccounts', 'events'], verbs: [...READ, ...WRITE] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: [...READ, ...WRITE] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...READ, ...WRITE] },
  { apiGroups: [''], resources: ['namespaces'], verbs: READ },
]

interface BootstrapRole {
  readonly name: string
  readonly rules: readonly PolicyRule[]
  /** Group the role is bound to in every logical cluster. */
  readonly group?: string
}

const ROLES: readonly BootstrapRole[] = [
  {
    name: 'cluster-admin',
    rules: [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ],
    group: mastersGroup,
  },
  {
    name: 'admin',
    rules: [
      ...NAMESPACED_RULES,
      { apiGroups: [RBAC], resources: ['roles', 'rolebindings'], verbs: [...READ, ...WRITE] },
    ],
  },
  { name: 'edit', rules: NAMESPACED_RULES },
  {
    name: 'view',
    // Secrets would hand out the rights of whoever they belong to.
    rules: [
      { apiGroups: [''], resources: ['configmaps', 'serviceaccounts', 'events', 'namespaces'], verbs: READ },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: READ },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: READ },
    ],
  },
  {
    name: 'system:discovery',
    rules: [
      {
        nonResourceURLs: [
          '/api',
          '/api/*',
          '/apis',
          '/apis/*',
          '/healthz',
          '/livez',
          '/openapi',
          '/openapi/*',
          '/readyz',
          '/version',
          '/version/',
        ],
        verbs: ['get'],
      },
    ],
    group: authenticatedGroup,
  },
  {
    name: 'system:basic-user',
    rules: [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ],
    group: authenticatedGroup,
  },
]

/** Makes the namespaces and roles every API server has, unless they are there already. */
export async function bootstrap(cluster: LogicalCluster): Promise<void> {
  const objects = [...NAMESPACES.map(namespace), ...ROLES.map(role), ...ROLES.flatMap(binding)]
  await Promise.all(objects.map((object) => ensure(cluster, object)))
}

async function ensure(cluster: LogicalCluster, object: AnyObject): Promise<void> {
  const [group, version] = object.apiVersion === 'v1' ? ['', 'v1'] : [RBAC, 'v1']
  const served = cluster.registry.find(group!, version!, `${object.kind.toLowerCase()}s`)!
  const { database } = cluster
  if (database.store.get(database.key(cluster.name, served.storedAs, undefined, object.metadata.name)) !== undefined)
    return
  const options = { dryRun: false, fieldValidation: 'Ignore', fieldManager: 'apiserver', force: false } as const
  const context = {
    cluster,
    served,
    user: systemUser,
    namespace: undefined,
    subresource: undefined,
    options,
    warnings: [],
  }
  try {
    await createObject(context, object)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}

function namespace(name: string): AnyObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }
}

function role({ name, rules }: BootstrapRole): AnyObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name, labels: LABELS }, rules }
}

function binding({ name, group }: BootstrapRole): AnyObject[] {
  if (group === undefined) return []
  return [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels: LABELS },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
      subjects: [{ apiGroup: RBAC, kind: 'Group', name: group }],
    },
  ]
}
