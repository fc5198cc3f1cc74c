import type { Resource } from '@locktender/kube'
import { clusterRoleStrategy, roleBindingStrategy, roleStrategy } from './auth/role-strategies.ts'
import { definitionStrategy } from './crd/strategy.ts'
import { eventsConversion } from './events-view.ts'
import type { AnyObject } from './object.ts'
import { isRecord } from './object.ts'
import type { Cell, ServedResource, Strategy, TableColumn } from './served-resource.ts'
import { namespaceStrategy, secretStrategy } from './strategies.ts'
import { ageColumn, dateCell, nameColumn } from './table-cells.ts'

const STANDARD_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const RBAC = 'rbac.authorization.k8s.io'

interface BuiltIn {
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly names?: ServedResource['names']
  readonly status?: boolean
  readonly subresources?: readonly string[]
  readonly generation?: boolean
  readonly createOnUpdate?: boolean
  readonly columns?: readonly TableColumn[]
  readonly fields?: Readonly<Record<string, (object: AnyObject) => string>>
  readonly strategy?: Strategy
  readonly verbs?: readonly string[]
  readonly storedAs?: { readonly group: string; readonly plural: string; readonly apiVersion: string }
  readonly conversion?: ServedResource['conversion']
}

function builtIn(apiVersion: string, facts: BuiltIn): ServedResource {
  const slash = apiVersion.indexOf('/')
  const group = slash === -1 ? '' : apiVersion.slice(0, slash)
  const resource: Resource = {
    group,
    version: apiVersion.slice(slash + 1),
    plural: facts.plural,
    kind: facts.kind,
    namespaced: facts.namespaced,
  }
  return {
    resource,
    singular: facts.kind.toLowerCase(),
    listKind: `${facts.kind}List`,
    shortNames: facts.shortNames ?? [],
    categories: facts.categories ?? [],
    verbs: facts.verbs ?? STANDARD_VERBS,
    description: '',
    names: facts.names ?? 'subdomain',
    custom: false,
    storedAs: facts.storedAs ?? { group, plural: facts.plural },
    storedApiVersion: facts.storedAs?.apiVersion ?? apiVersion,
    conversion: facts.conversion,
    status: facts.status ?? false,
    subresources: facts.subresources ?? [],
    generation: facts.generation ?? false,
    unconditionalUpdate: true,
    createOnUpdate: facts.createOnUpdate ?? false,
    schema: undefined,
    compiled: undefined,
    schemaRevision: 0,
    columns: facts.columns ?? [nameColumn, ageColumn],
    selectableFields: new Map(Object.entries(facts.fields ?? {})),
    strategy: facts.strategy ?? {},
  }
}

function column(name: string, cell: TableColumn['cell'], type = 'string', priority = 0): TableColumn {
  return { name, type, format: '', description: '', priority, cell }
}

/** The value at a path of field names; undefined where the path ends early. */
function at(object: unknown, ...path: readonly string[]): unknown {
  let value = object
  for (const name of path) value = isRecord(value) ? value[name] : undefined
  return value
}

function text(...path: readonly string[]): (object: AnyObject) => string {
  return (object) => {
    const value = at(object, ...path)
    return typeof value === 'string' ? value : ''
  }
}

function count(object: AnyObject, ...fields: readonly string[]): number {
  let sum = 0
  for (const field of fields) {
    const value = object[field]
    if (isRecord(value)) sum += Object.keys(value).length
  }
  return sum
}

function number(object: AnyObject, ...path: readonly string[]): number {
  const value = at(object, ...path)
  return typeof value === 'number' ? value : 0
}

function cellText(...path: readonly string[]): (object: AnyObject) => Cell {
  return (object) => text(...path)(object)
}

function lastSeen(object: AnyObject, nowMs: number): string {
  const seen = at(object, 'series', 'lastObservedTime') ?? object['lastTimestamp'] ?? object['eventTime']
  const first = object['firstTimestamp']
  return dateCell(typeof seen === 'string' ? seen : typeof first === 'string' ? first : undefined, nowMs)
}

function involved(object: AnyObject): string {
  return `${text('involvedObject', 'kind')(object).toLowerCase()}/${text('involvedObject', 'name')(object)}`
}

const eventFields: Record<string, (object: AnyObject) => string> = {
  reason: text('reason'),
  reportingComponent: text('reportingComponent'),
  source: (object) => text('source', 'component')(object) || text('reportingComponent')(object),
  type: text('type'),
}
for (const field of ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']) {
  eventFields[`involvedObject.${field}`] = text('involvedObject', field)
}

const roleRefColumn = column(
  'Role',
  (object) => `${text('roleRef', 'kind')(object)}/${text('roleRef', 'name')(object)}`,
)

/** A resource that only answers POSTs: nothing is stored. */
function review(apiVersion: string, kind: string, namespaced = false): ServedResource {
  return builtIn(apiVersion, { kind, plural: `${kind.toLowerCase()}s`, namespaced, verbs: ['create'] })
}

/** What every logical cluster serves without any definition. */
export const builtInResources: readonly ServedResource[] = [
  builtIn('v1', {
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
    shortNames: ['ns'],
    names: 'label',
    status: true,
    subresources: ['finalize'],
    columns: [nameColumn, column('Status', cellText('status', 'phase')), ageColumn],
    fields: { 'status.phase': text('status', 'phase') },
    strategy: namespaceStrategy,
  }),
  builtIn('v1', {
    kind: 'ConfigMap',
    plural: 'configmaps',
    namespaced: true,
    shortNames: ['cm'],
    columns: [nameColumn, column('Data', (object) => count(object, 'data', 'binaryData'), 'integer'), ageColumn],
  }),
  builtIn('v1', {
    kind: 'Secret',
    plural: 'secrets',
    namespaced: true,
    columns: [
      nameColumn,
      column('Type', cellText('type')),
      column('Data', (object) => count(object, 'data'), 'integer'),
      ageColumn,
    ],
    fields: { type: text('type') },
    strategy: secretStrategy,
  }),
  builtIn('v1', {
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    namespaced: true,
    shortNames: ['sa'],
    subresources: ['token'],
    columns: [nameColumn, column('Secrets', (object) => count(object, 'secrets'), 'integer'), ageColumn],
  }),
  builtIn('v1', {
    kind: 'Event',
    plural: 'events',
    namespaced: true,
    shortNames: ['ev'],
    names: 'segment',
    columns: [
      column('Last Seen', lastSeen),
      column('Type', cellText('type')),
      column('Reason', cellText('reason')),
      column('Object', involved),
      column('Message', (object) => text('message')(object).trim()),
      { ...nameColumn, priority: 1 },
    ],
    fields: eventFields,
  }),
  builtIn('events.k8s.io/v1', {
    kind: 'Event',
    plural: 'events',
    namespaced: true,
    shortNames: ['ev'],
    names: 'segment',
    storedAs: { group: '', plural: 'events', apiVersion: 'v1' },
    conversion: eventsConversion,
    columns: [
      column('Last Seen', (object, nowMs) => lastSeen(eventsConversion.toStored(object), nowMs)),
      column('Type', cellText('type')),
      column('Reason', cellText('reason')),
      column('Object', (object) => involved(eventsConversion.toStored(object))),
      column('Message', cellText('note')),
      { ...nameColumn, priority: 1 },
    ],
    fields: {
      reason: text('reason'),
      type: text('type'),
      reportingController: text('reportingController'),
      'regarding.kind': text('regarding', 'kind'),
      'regarding.name': text('regarding', 'name'),
      'regarding.namespace': text('regarding', 'namespace'),
      'regarding.uid': text('regarding', 'uid'),
    },
  }),
  builtIn('apps/v1', {
    kind: 'Deployment',
    plural: 'deployments',
    namespaced: true,
    shortNames: ['deploy'],
    categories: ['all'],
    status: true,
    generation: true,
    columns: [
      nameColumn,
      column('Ready', (object) => `${number(object, 'status', 'readyReplicas')}/${desiredReplicas(object)}`),
      column('Up-to-date', (object) => number(object, 'status', 'updatedReplicas'), 'integer'),
      column('Available', (object) => number(object, 'status', 'availableReplicas'), 'integer'),
      ageColumn,
    ],
  }),
  builtIn('coordination.k8s.io/v1', {
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
    createOnUpdate: true,
    columns: [nameColumn, column('Holder', cellText('spec', 'holderIdentity')), ageColumn],
  }),
  builtIn(`${RBAC}/v1`, {
    kind: 'ClusterRole',
    plural: 'clusterroles',
    namespaced: false,
    names: 'segment',
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: clusterRoleStrategy,
  }),
  builtIn(`${RBAC}/v1`, {
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
    names: 'segment',
    columns: [nameColumn, roleRefColumn, ageColumn],
    strategy: roleBindingStrategy,
  }),
  builtIn(`${RBAC}/v1`, {
    kind: 'Role',
    plural: 'roles',
    namespaced: true,
    names: 'segment',
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: roleStrategy,
  }),
  builtIn(`${RBAC}/v1`, {
    kind: 'RoleBinding',
    plural: 'rolebindings',
    namespaced: true,
    names: 'segment',
    columns: [nameColumn, roleRefColumn, ageColumn],
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
  review('authorization.k8s.io/v1', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io/v1', 'SelfSubjectRulesReview'),
  review('authorization.k8s.io/v1', 'SubjectAccessReview'),
  review('authorization.k8s.io/v1', 'LocalSubjectAccessReview', true),
  review('authentication.k8s.io/v1', 'SelfSubjectReview'),
  review('authentication.k8s.io/v1', 'TokenReview'),
]

function desiredReplicas(object: AnyObject): number {
  const value = at(object, 'spec', 'replicas')
  return typeof value === 'number' ? value : 1
}
