import { certificateRequestStrategy } from '../auth/certificate-requests.ts'
import { eventsConversion } from '../events-view.ts'
import type { AnyObject } from '../objects/object.ts'
import type { ServedResource } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import { at, column, count, number, recordsAt, text, textOrNone } from './cells.ts'
import { configMapStrategy, secretStrategy } from './config-strategies.ts'
import { eventColumns } from './event-cells.ts'
import { coreEventStrategy, groupedEventStrategy } from './event-strategies.ts'
import { namespaceStrategy } from './namespace-strategy.ts'
import { leaseStrategy } from './lease-strategy.ts'
import { disruptionBudgetStrategy, limitRangeStrategy, quotaStrategy } from './limit-strategies.ts'
import { priorityClassStrategy, runtimeClassStrategy } from './node-strategies.ts'
import { builtIn, review } from './serve.ts'

const eventFields: Record<string, (object: AnyObject) => string> = {
  reason: text('reason'),
  reportingComponent: text('reportingComponent'),
  source: (object) => text('source', 'component')(object) || text('reportingComponent')(object),
  type: text('type'),
}
for (const field of ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath']) {
  eventFields[`involvedObject.${field}`] = text('involvedObject', field)
}

/** Amounts of a quota as `used/hard`, those of limits or all others. */
function quota(limits: boolean): (object: AnyObject) => string {
  return (object) => {
    const hard = (at(object, 'status', 'hard') ?? {}) as Record<string, unknown>
    return Object.keys(hard)
      .filter((name) => name.startsWith('limits.') === limits)
      .toSorted()
      .map((name) => `${name}: ${text('status', 'used', name)(object) || '0'}/${String(hard[name])}`)
      .join(', ')
  }
}

export const coreResources: readonly ServedResource[] = [
  review('v1', 'Binding', true),
  builtIn('v1', {
    kind: 'Namespace',
    plural: 'namespaces',
    namespaced: false,
    verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
    shortNames: ['ns'],
    names: 'label',
    status: true,
    subresources: ['finalize'],
    columns: [nameColumn, column('Status', text('status', 'phase')), ageColumn],
    fields: { 'status.phase': text('status', 'phase') },
    strategy: namespaceStrategy,
  }),
  builtIn('v1', {
    kind: 'ConfigMap',
    plural: 'configmaps',
    namespaced: true,
    shortNames: ['cm'],
    columns: [nameColumn, column('Data', count('data', 'binaryData')), ageColumn],
    strategy: configMapStrategy,
  }),
  builtIn('v1', {
    kind: 'Secret',
    plural: 'secrets',
    namespaced: true,
    columns: [nameColumn, column('Type', text('type')), column('Data', count('data')), ageColumn],
    fields: { type: text('type') },
    strategy: secretStrategy,
  }),
  builtIn('v1', {
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    namespaced: true,
    shortNames: ['sa'],
    subresources: ['token'],
    answersDeleted: true,
  }),
  builtIn('v1', {
    kind: 'ResourceQuota',
    plural: 'resourcequotas',
    namespaced: true,
    shortNames: ['quota'],
    status: true,
    answersDeleted: true,
    columns: [nameColumn, column('Request', quota(false)), column('Limit', quota(true)), ageColumn],
    strategy: quotaStrategy,
  }),
  builtIn('v1', {
    kind: 'LimitRange',
    plural: 'limitranges',
    namespaced: true,
    shortNames: ['limits'],
    columns: [nameColumn, column('Created At', (object) => object.metadata.creationTimestamp, 'date')],
    strategy: limitRangeStrategy,
  }),
  builtIn('v1', {
    kind: 'Event',
    plural: 'events',
    namespaced: true,
    shortNames: ['ev'],
    names: 'segment',
    columns: eventColumns((object) => object),
    fields: eventFields,
    strategy: coreEventStrategy,
  }),
  builtIn('events.k8s.io/v1', {
    kind: 'Event',
    plural: 'events',
    namespaced: true,
    shortNames: ['ev'],
    names: 'segment',
    storedAs: { group: '', plural: 'events', apiVersion: 'v1' },
    conversion: eventsConversion,
    strategy: groupedEventStrategy((object) => eventsConversion.toStored(object)),
    columns: eventColumns((object) => eventsConversion.toStored(object)),
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
  builtIn('coordination.k8s.io/v1', {
    kind: 'Lease',
    plural: 'leases',
    namespaced: true,
    createOnUpdate: true,
    columns: [nameColumn, column('Holder', text('spec', 'holderIdentity')), ageColumn],
    strategy: leaseStrategy,
  }),
  builtIn('scheduling.k8s.io/v1', {
    kind: 'PriorityClass',
    plural: 'priorityclasses',
    namespaced: false,
    shortNames: ['pc'],
    columns: [
      nameColumn,
      column('Value', number('value'), 'integer'),
      column('Global-Default', (object) => object['globalDefault'] === true, 'boolean'),
      ageColumn,
      column('PreemptionPolicy', text('preemptionPolicy')),
    ],
    strategy: priorityClassStrategy,
  }),
  builtIn('node.k8s.io/v1', {
    kind: 'RuntimeClass',
    plural: 'runtimeclasses',
    namespaced: false,
    columns: [nameColumn, column('Handler', text('handler')), ageColumn],
    strategy: runtimeClassStrategy,
  }),
  builtIn('policy/v1', {
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    namespaced: true,
    shortNames: ['pdb'],
    status: true,
    generation: true,
    columns: [
      nameColumn,
      column('Min Available', (object) => amount(at(object, 'spec', 'minAvailable'))),
      column('Max Unavailable', (object) => amount(at(object, 'spec', 'maxUnavailable'))),
      column('Allowed Disruptions', number('status', 'disruptionsAllowed'), 'integer'),
      ageColumn,
    ],
    strategy: disruptionBudgetStrategy,
  }),
  builtIn('certificates.k8s.io/v1', {
    kind: 'CertificateSigningRequest',
    plural: 'certificatesigningrequests',
    namespaced: false,
    shortNames: ['csr'],
    status: true,
    subresources: ['approval'],
    columns: [
      nameColumn,
      ageColumn,
      column('SignerName', text('spec', 'signerName')),
      column('Requestor', text('spec', 'username')),
      column('RequestedDuration', requestedDuration),
      column('Condition', certificateState),
    ],
    fields: { 'spec.signerName': text('spec', 'signerName') },
    strategy: certificateRequestStrategy,
  }),
]

function amount(value: unknown): string {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : 'N/A'
}

function requestedDuration(object: AnyObject): string {
  const seconds = number('spec', 'expirationSeconds')(object)
  if (seconds === 0) return '<none>'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 3 * 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 48 * 3600 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

/** `Pending`, or what became of the request, with whether a certificate is there. */
function certificateState(object: AnyObject): string {
  const types = new Set(recordsAt(object, 'status', 'conditions').map(({ type }) => type))
  const states = ['Approved', 'Denied', 'Failed'].filter((type) => types.has(type))
  if (states.length === 0) states.push('Pending')
  if (textOrNone('status', 'certificate')(object) !== '<none>') states.push('Issued')
  return states.join(',')
}
