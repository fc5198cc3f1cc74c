import type { AnyObject } from '../objects/object.ts'
import { workloadScaling } from '../write/scaling.ts'
import type { ServedResource } from '../served-resource.ts'
import { ageColumn, nameColumn } from '../present/table-cells.ts'
import {
  at,
  column,
  number,
  numberOr,
  recordsAt,
  selectorText,
  since,
  templateColumns,
  text,
  textOrNone,
  wide,
} from './cells.ts'
import { metricsCell } from './autoscaler-cells.ts'
import { autoscalerStrategy } from './autoscaler-strategy.ts'
import { autoscalerConversion, firstAutoscalerStrategy } from './autoscaler-versions.ts'
import { cronJobStrategy, jobStrategy } from './job-strategies.ts'
import { jobDuration, podReadyCell, podRestarts, podStatus } from './pod-cells.ts'
import { podStrategy } from './pod-strategy.ts'
import {
  controllerRevisionStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  podTemplateStrategy,
  replicaSetStrategy,
  replicationControllerStrategy,
  statefulSetStrategy,
} from './workload-strategies.ts'
import { builtIn } from './serve.ts'
import type { BuiltIn } from './serve.ts'

const ALL = ['all']
const desired = numberOr(1, 'spec', 'replicas')
const selectorColumn = wide('Selector', (object) => selectorText(at(object, 'spec', 'selector')))
const template = templateColumns('spec', 'template')
const ready = (object: AnyObject): string => `${number('status', 'readyReplicas')(object)}/${desired(object)}`
const whole = (name: string, ...path: readonly string[]) => column(name, number(...path), 'integer')
/** What a replica set and its predecessor, the replication controller, show and are selected by. */
const replicas = {
  columns: [
    nameColumn,
    column('Desired', desired, 'integer'),
    whole('Current', 'status', 'replicas'),
    whole('Ready', 'status', 'readyReplicas'),
    ageColumn,
    ...template,
    selectorColumn,
  ],
  fields: { 'status.replicas': (object: AnyObject) => String(number('status', 'replicas')(object)) },
}

function jobState(object: AnyObject): string {
  const conditions = recordsAt(object, 'status', 'conditions')
  const is = (type: string): boolean => conditions.some((one) => one['type'] === type && one['status'] === 'True')
  if (is('Complete')) return 'Complete'
  if (is('Failed')) return 'Failed'
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (is('Suspended')) return 'Suspended'
  if (is('FailureTarget')) return 'FailureTarget'
  return is('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
}

function completions(object: AnyObject): string {
  const done = number('status', 'succeeded')(object)
  const wanted = at(object, 'spec', 'completions')
  if (typeof wanted === 'number') return `${done}/${wanted}`
  const parallelism = numberOr(0, 'spec', 'parallelism')(object)
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function controllerOf(object: AnyObject): string {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller === true)
  return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}/${owner.name}`
}

/** An autoscaler, in a version that a function makes the second one. */
function autoscaler(toSecond: (object: AnyObject) => AnyObject): BuiltIn {
  return {
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    namespaced: true,
    shortNames: ['hpa'],
    categories: ALL,
    status: true,
    columns: [
      nameColumn,
      column('Reference', (object) => {
        const kind = text('spec', 'scaleTargetRef', 'kind')(object)
        return `${kind}/${text('spec', 'scaleTargetRef', 'name')(object)}`
      }),
      column('Targets', (object) => metricsCell(toSecond(object))),
      column('MinPods', (object) => String(numberOr(1, 'spec', 'minReplicas')(object))),
      column('MaxPods', number('spec', 'maxReplicas')),
      whole('Replicas', 'status', 'currentReplicas'),
      ageColumn,
    ],
  }
}

export const workloadResources: readonly ServedResource[] = [
  builtIn('v1', {
    kind: 'Pod',
    plural: 'pods',
    namespaced: true,
    shortNames: ['po'],
    categories: ALL,
    status: true,
    subresources: ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'resize'],
    generation: true,
    answersDeleted: true,
    columns: [
      nameColumn,
      column('Ready', podReadyCell),
      column('Status', podStatus),
      column('Restarts', podRestarts),
      ageColumn,
      wide('IP', textOrNone('status', 'podIP')),
      wide('Node', textOrNone('spec', 'nodeName')),
      wide('Nominated Node', textOrNone('status', 'nominatedNodeName')),
      wide('Readiness Gates', (object) => {
        const gates = recordsAt(object, 'spec', 'readinessGates')
        return gates.length === 0 ? '<none>' : String(gates.length)
      }),
    ],
    fields: {
      'spec.nodeName': text('spec', 'nodeName'),
      'spec.restartPolicy': text('spec', 'restartPolicy'),
      'spec.schedulerName': text('spec', 'schedulerName'),
      'spec.serviceAccountName': text('spec', 'serviceAccountName'),
      'spec.hostNetwork': (object) => String(at(object, 'spec', 'hostNetwork') === true),
      'status.phase': text('status', 'phase'),
      'status.podIP': text('status', 'podIP'),
      'status.nominatedNodeName': text('status', 'nominatedNodeName'),
    },
    strategy: podStrategy,
  }),
  builtIn('v1', {
    kind: 'PodTemplate',
    plural: 'podtemplates',
    namespaced: true,
    generation: true,
    answersDeleted: true,
    columns: [
      nameColumn,
      ...templateColumns('template').map((one) => ({ ...one, priority: 0 })),
      column('Pod Labels', (object) => selectorText(at(object, 'template', 'metadata', 'labels'))),
    ],
    strategy: podTemplateStrategy,
  }),
  builtIn('v1', {
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    namespaced: true,
    shortNames: ['rc'],
    categories: ALL,
    status: true,
    scaling: { ...workloadScaling('v1'), selectorOf: (object) => selectorText(at(object, 'spec', 'selector')) },
    generation: true,
    ...replicas,
    strategy: replicationControllerStrategy,
  }),
  builtIn('apps/v1', {
    kind: 'Deployment',
    plural: 'deployments',
    namespaced: true,
    shortNames: ['deploy'],
    categories: ALL,
    status: true,
    scaling: workloadScaling('apps/v1'),
    generation: true,
    columns: [
      nameColumn,
      column('Ready', ready),
      column('Up-to-date', number('status', 'updatedReplicas')),
      column('Available', number('status', 'availableReplicas')),
      ageColumn,
      ...template,
      selectorColumn,
    ],
    strategy: deploymentStrategy,
  }),
  builtIn('apps/v1', {
    kind: 'ReplicaSet',
    plural: 'replicasets',
    namespaced: true,
    shortNames: ['rs'],
    categories: ALL,
    status: true,
    scaling: workloadScaling('apps/v1'),
    generation: true,
    ...replicas,
    strategy: replicaSetStrategy,
  }),
  builtIn('apps/v1', {
    kind: 'StatefulSet',
    plural: 'statefulsets',
    namespaced: true,
    names: 'label',
    shortNames: ['sts'],
    categories: ALL,
    status: true,
    scaling: workloadScaling('apps/v1'),
    generation: true,
    columns: [nameColumn, column('Ready', ready), ageColumn, ...template],
    strategy: statefulSetStrategy,
  }),
  builtIn('apps/v1', {
    kind: 'DaemonSet',
    plural: 'daemonsets',
    namespaced: true,
    shortNames: ['ds'],
    categories: ALL,
    status: true,
    generation: true,
    columns: [
      nameColumn,
      whole('Desired', 'status', 'desiredNumberScheduled'),
      whole('Current', 'status', 'currentNumberScheduled'),
      whole('Ready', 'status', 'numberReady'),
      whole('Up-to-date', 'status', 'updatedNumberScheduled'),
      whole('Available', 'status', 'numberAvailable'),
      column('Node Selector', (object) => selectorText(at(object, 'spec', 'template', 'spec', 'nodeSelector'))),
      ageColumn,
      ...template,
      selectorColumn,
    ],
    strategy: daemonSetStrategy,
  }),
  builtIn('apps/v1', {
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
    namespaced: true,
    columns: [nameColumn, column('Controller', controllerOf), column('Revision', number('revision')), ageColumn],
    strategy: controllerRevisionStrategy,
  }),
  builtIn('batch/v1', {
    kind: 'Job',
    plural: 'jobs',
    namespaced: true,
    categories: ALL,
    status: true,
    generation: true,
    columns: [
      nameColumn,
      column('Status', jobState),
      column('Completions', completions),
      column('Duration', jobDuration),
      ageColumn,
      ...template,
      selectorColumn,
    ],
    fields: { 'status.successful': (object) => String(number('status', 'succeeded')(object)) },
    strategy: jobStrategy,
  }),
  builtIn('batch/v1', {
    kind: 'CronJob',
    plural: 'cronjobs',
    namespaced: true,
    shortNames: ['cj'],
    categories: ALL,
    status: true,
    generation: true,
    columns: [
      nameColumn,
      column('Schedule', text('spec', 'schedule')),
      column('Timezone', textOrNone('spec', 'timeZone')),
      column('Suspend', (object) => (at(object, 'spec', 'suspend') === true ? 'True' : 'False'), 'boolean'),
      column('Active', (object) => recordsAt(object, 'status', 'active').length, 'integer'),
      column('Last Schedule', since('status', 'lastScheduleTime')),
      ageColumn,
      ...templateColumns('spec', 'jobTemplate', 'spec', 'template'),
      wide('Selector', (object) => selectorText(at(object, 'spec', 'jobTemplate', 'spec', 'selector'))),
    ],
    strategy: cronJobStrategy,
  }),
  builtIn('autoscaling/v1', {
    ...autoscaler((object) => autoscalerConversion.toStored(object)),
    strategy: firstAutoscalerStrategy,
    storedAs: { group: 'autoscaling', plural: 'horizontalpodautoscalers', apiVersion: 'autoscaling/v2' },
    conversion: autoscalerConversion,
  }),
  builtIn('autoscaling/v2', { ...autoscaler((object) => object), strategy: autoscalerStrategy }),
]
