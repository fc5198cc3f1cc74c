import { RBAC_GROUP } from './auth/policy-rules.ts'
import type { PolicyRule } from './auth/policy-rules.ts'
import { authenticatedGroup, mastersGroup, unauthenticatedGroup } from './user.ts'

/** A ClusterRole every API server has. */
export interface BootstrapRole {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  readonly rules?: readonly PolicyRule[]
  /** Collects the rules of all roles with this label. */
  readonly aggregates?: string
  /** Groups the role is bound to in every logical cluster. */
  readonly groups?: readonly string[]
}

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update']
const AUTHENTICATION = 'authentication.k8s.io'
const AUTHORIZATION = 'authorization.k8s.io'
const CERTIFICATES = 'certificates.k8s.io'

const toAdmin = 'rbac.authorization.k8s.io/aggregate-to-admin'
const toEdit = 'rbac.authorization.k8s.io/aggregate-to-edit'
const toView = 'rbac.authorization.k8s.io/aggregate-to-view'

function on(group: string, resources: readonly string[], verbs: readonly string[]): PolicyRule {
  return { apiGroups: [group], resources, verbs }
}

/** What people who work in a namespace see, by API group; secrets would hand out the rights of whom they belong to. */
const VISIBLE: Readonly<Record<string, readonly string[]>> = {
  '': [
    'bindings',
    'configmaps',
    'endpoints',
    'events',
    'limitranges',
    'namespaces',
    'namespaces/status',
    'persistentvolumeclaims',
    'persistentvolumeclaims/status',
    'pods',
    'pods/log',
    'pods/status',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'replicationcontrollers/status',
    'resourcequotas',
    'resourcequotas/status',
    'serviceaccounts',
    'services',
    'services/status',
  ],
  apps: [
    'controllerrevisions',
    'daemonsets',
    'daemonsets/status',
    'deployments',
    'deployments/scale',
    'deployments/status',
    'replicasets',
    'replicasets/scale',
    'replicasets/status',
    'statefulsets',
    'statefulsets/scale',
    'statefulsets/status',
  ],
  autoscaling: ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'],
  batch: ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'],
  'coordination.k8s.io': ['leases'],
  'discovery.k8s.io': ['endpointslices'],
  'networking.k8s.io': ['ingresses', 'ingresses/status', 'networkpolicies'],
  policy: ['poddisruptionbudgets', 'poddisruptionbudgets/status'],
}

/** What they change. */
const EDITABLE: Readonly<Record<string, readonly string[]>> = {
  '': [
    'configmaps',
    'events',
    'persistentvolumeclaims',
    'pods',
    'pods/attach',
    'pods/exec',
    'pods/portforward',
    'pods/proxy',
    'replicationcontrollers',
    'replicationcontrollers/scale',
    'secrets',
    'serviceaccounts',
    'services',
    'services/proxy',
  ],
  apps: [
    'daemonsets',
    'deployments',
    'deployments/rollback',
    'deployments/scale',
    'replicasets',
    'replicasets/scale',
    'statefulsets',
    'statefulsets/scale',
  ],
  autoscaling: ['horizontalpodautoscalers'],
  batch: ['cronjobs', 'jobs'],
  'coordination.k8s.io': ['leases'],
  'networking.k8s.io': ['ingresses', 'networkpolicies'],
  policy: ['poddisruptionbudgets'],
}

const HEALTH_AND_VERSION = ['/healthz', '/livez', '/readyz', '/version', '/version/']

/** The user-facing roles of Kubernetes, and those without which nobody could look around. */
export const bootstrapRoles: readonly BootstrapRole[] = [
  {
    name: 'cluster-admin',
    rules: [on('*', ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }],
    groups: [mastersGroup],
  },
  {
    name: 'system:aggregate-to-admin',
    labels: { [toAdmin]: 'true' },
    rules: [
      on(AUTHORIZATION, ['localsubjectaccessreviews'], ['create']),
      on(RBAC_GROUP, ['roles', 'rolebindings'], [...READ, ...WRITE]),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    labels: { [toEdit]: 'true' },
    rules: [
      on('', ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], READ),
      on('', ['serviceaccounts'], ['impersonate']),
      on('', ['pods/eviction', 'serviceaccounts/token'], ['create']),
      ...Object.entries(EDITABLE).map(([group, resources]) => on(group, resources, WRITE)),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    labels: { [toView]: 'true' },
    rules: Object.entries(VISIBLE).map(([group, resources]) => on(group, resources, READ)),
  },
  { name: 'admin', aggregates: toAdmin },
  { name: 'edit', labels: { [toAdmin]: 'true' }, aggregates: toEdit },
  { name: 'view', labels: { [toEdit]: 'true' }, aggregates: toView },
  {
    name: 'system:discovery',
    rules: [
      {
        nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', ...HEALTH_AND_VERSION, '/openapi', '/openapi/*'],
        verbs: ['get'],
      },
    ],
    groups: [authenticatedGroup],
  },
  {
    name: 'system:basic-user',
    rules: [
      on(AUTHORIZATION, ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']),
      on(AUTHENTICATION, ['selfsubjectreviews'], ['create']),
    ],
    groups: [authenticatedGroup],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ nonResourceURLs: HEALTH_AND_VERSION, verbs: ['get'] }],
    groups: [authenticatedGroup, unauthenticatedGroup],
  },
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      {
        nonResourceURLs: [
          '/.well-known/openid-configuration',
          '/.well-known/openid-configuration/',
          '/openid/v1/jwks',
          '/openid/v1/jwks/',
        ],
        verbs: ['get'],
      },
    ],
    groups: ['system:serviceaccounts'],
  },
  {
    name: 'system:auth-delegator',
    rules: [on(AUTHENTICATION, ['tokenreviews'], ['create']), on(AUTHORIZATION, ['subjectaccessreviews'], ['create'])],
  },
  ...['kube-apiserver-client', 'kube-apiserver-client-kubelet', 'kubelet-serving'].map((signer) => ({
    name: `system:certificates.k8s.io:${signer}-approver`,
    rules: [{ ...on(CERTIFICATES, ['signers'], ['approve']), resourceNames: [`kubernetes.io/${signer}`] }],
  })),
]
