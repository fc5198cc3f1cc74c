import { RBAC_GROUP } from './auth/policy-rules.ts'
import { policyBindingColumns, policyColumns } from './admission/policy-columns.ts'
import { policyBindingStrategy, policyStrategy } from './admission/policy-strategy.ts'
import { webhookStrategy } from './admission/webhook-strategy.ts'
import { clusterRoleStrategy, roleBindingStrategy, roleStrategy } from './auth/role-strategies.ts'
import { definitionStrategy } from './crd/strategy.ts'
import { clusterResources } from './builtins/cluster-resources.ts'
import { column, recordsAt, text, wide } from './builtins/cells.ts'
import { coreResources } from './builtins/core-resources.ts'
import { networkResources } from './builtins/network-resources.ts'
import { builtIn, review } from './builtins/serve.ts'
import { storageResources } from './builtins/storage-resources.ts'
import { workloadResources } from './builtins/workload-resources.ts'
import type { AnyObject } from './objects/object.ts'
import type { ServedResource } from './served-resource.ts'
import { ageColumn, nameColumn } from './present/table-cells.ts'

const roleRefColumn = column(
  'Role',
  (object) => `${text('roleRef', 'kind')(object)}/${text('roleRef', 'name')(object)}`,
)

/** Names of the subjects of a kind. */
function subjects(kind: string): (object: AnyObject) => string {
  return (object) =>
    recordsAt(object, 'subjects')
      .filter((subject) => subject['kind'] === kind)
      .map((subject) => [text('namespace')(subject), text('name')(subject)].filter((part) => part !== '').join('/'))
      .join(', ')
}

const bindingColumns = [
  nameColumn,
  roleRefColumn,
  ageColumn,
  wide('Users', subjects('User')),
  wide('Groups', subjects('Group')),
  wide('ServiceAccounts', subjects('ServiceAccount')),
]

/** What every logical cluster serves without any definition. */
export const builtInResources: readonly ServedResource[] = [
  ...coreResources,
  ...workloadResources,
  ...networkResources,
  ...clusterResources,
  ...storageResources,
  builtIn(`${RBAC_GROUP}/v1`, {
    kind: 'ClusterRole',
    plural: 'clusterroles',
    namespaced: false,
    names: 'segment',
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: clusterRoleStrategy,
  }),
  builtIn(`${RBAC_GROUP}/v1`, {
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
    names: 'segment',
    columns: bindingColumns,
    strategy: roleBindingStrategy,
  }),
  builtIn(`${RBAC_GROUP}/v1`, {
    kind: 'Role',
    plural: 'roles',
    namespaced: true,
    names: 'segment',
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: roleStrategy,
  }),
  builtIn(`${RBAC_GROUP}/v1`, {
    kind: 'RoleBinding',
    plural: 'rolebindings',
    namespaced: true,
    names: 'segment',
    columns: bindingColumns,
    strategy: roleBindingStrategy,
  }),
  builtIn('apiextensions.k8s.io/v1', {
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    status: true,
    generation: true,
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: definitionStrategy,
  }),
  ...(['Mutating', 'Validating'] as const).map((type) =>
    builtIn('admissionregistration.k8s.io/v1', {
      kind: `${type}WebhookConfiguration`,
      plural: `${type.toLowerCase()}webhookconfigurations`,
      namespaced: false,
      categories: ['api-extensions'],
      generation: true,
      columns: [
        nameColumn,
        column('Webhooks', ({ webhooks }) => (Array.isArray(webhooks) ? webhooks.length : 0), 'integer'),
        ageColumn,
      ],
      strategy: webhookStrategy(type === 'Mutating'),
    }),
  ),
  builtIn('admissionregistration.k8s.io/v1', {
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
    namespaced: false,
    categories: ['api-extensions'],
    status: true,
    generation: true,
    columns: policyColumns,
    strategy: policyStrategy,
  }),
  builtIn('admissionregistration.k8s.io/v1', {
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
    namespaced: false,
    categories: ['api-extensions'],
    generation: true,
    columns: policyBindingColumns,
    strategy: policyBindingStrategy,
  }),
  review('authorization.k8s.io/v1', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io/v1', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io/v1', 'SubjectAccessReview'),
  review('authorization.k8s.io/v1', 'LocalSubjectAccessReview', true),
  review('authentication.k8s.io/v1', 'SelfSubjectReview'),
  review('authentication.k8s.io/v1', 'TokenReview'),
]
