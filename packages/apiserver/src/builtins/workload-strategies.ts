import {
  deepEqual,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  labelSelectorFrom,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { at, recordsAt, text } from './cells.ts'
import { podChangeErrors, podSpecErrors } from './pod-rules.ts'
import { notNegative } from './rules.ts'

function labelsOf(object: unknown, ...path: readonly string[]): Record<string, string> {
  const labels = at(object, ...path, 'metadata', 'labels')
  return isRecord(labels) ? (labels as Record<string, string>) : {}
}

/** The selector must be there, stay, and select the pods the template makes. */
function selectorErrors(object: AnyObject, live: AnyObject | undefined, kind: string): FieldError[] {
  const selector = at(object, 'spec', 'selector')
  const errors: FieldError[] = []
  const labels = labelsOf(object, 'spec', 'template')
  const why = '`selector` does not match template `labels`'
  const unselected = fieldInvalid(
    'spec.template.metadata.labels',
    Object.keys(labels).length === 0 ? null : labels,
    why,
  )
  if (!isRecord(selector)) {
    // What is not there selects nothing, and daemon sets need to hear no more than that.
    if (kind !== 'daemonset') errors.push(fieldRequired('spec.selector'))
    errors.push(unselected)
  } else if (Object.keys(selector).length === 0) {
    errors.push(fieldInvalid('spec.selector', selector as Json, `empty selector is invalid for ${kind}`))
  } else {
    try {
      if (!labelSelectorFrom(selector).matches(labels)) errors.push(unselected)
    } catch (error) {
      errors.push(fieldInvalid('spec.selector', selector as Json, (error as Error).message))
    }
  }
  if (live !== undefined && !deepEqual(selector ?? null, at(live, 'spec', 'selector') ?? null)) {
    errors.push(fieldInvalid('spec.selector', (selector ?? null) as Json, 'field is immutable'))
  }
  return errors
}

function templateErrors(object: AnyObject): FieldError[] {
  const path = 'spec.template.spec'
  const errors = podSpecErrors(at(object, 'spec', 'template', 'spec'), path)
  const policy = at(object, 'spec', 'template', 'spec', 'restartPolicy')
  if (policy !== 'Always') errors.push(fieldNotSupported(`${path}.restartPolicy`, (policy ?? '') as Json, ['Always']))
  return errors
}

/** A set of pods kept running: Deployment, ReplicaSet, StatefulSet, DaemonSet. */
export function workloadStrategy(
  kind: string,
  more: (object: AnyObject, live: AnyObject | undefined) => FieldError[] = () => [],
): Strategy {
  return {
    validate: (object, live) => [
      ...notNegative(at(object, 'spec', 'replicas'), 'spec.replicas'),
      ...selectorErrors(object, live, kind),
      ...templateErrors(object),
      ...more(object, live),
    ],
  }
}

/** Fields of a stateful set that may change. */
const STATEFUL_SET_CHANGES = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]

export const statefulSetStrategy = workloadStrategy('statefulset', (object, live) => {
  if (live === undefined) return []
  const rest = (one: AnyObject): unknown => {
    const { selector: _selector, ...spec } = isRecord(one['spec']) ? { ...one['spec'] } : {}
    for (const name of STATEFUL_SET_CHANGES) delete (spec as Record<string, unknown>)[name]
    return spec
  }
  if (deepEqual(rest(object), rest(live))) return []
  return [
    fieldForbidden(
      'spec',
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ]
})

/** A replication controller selects by equality only, and by the labels of its template when it does not say. */
export const replicationControllerStrategy: Strategy = {
  validate(object) {
    const selector = at(object, 'spec', 'selector')
    const labels = labelsOf(object, 'spec', 'template')
    const errors = notNegative(at(object, 'spec', 'replicas'), 'spec.replicas')
    if (!isRecord(selector)) errors.push(fieldRequired('spec.selector'))
    else if (!Object.entries(selector).every(([key, value]) => labels[key] === value)) {
      const why = '`selector` does not match template `labels`'
      errors.push(fieldInvalid('spec.template.metadata.labels', labels, why))
    }
    if (at(object, 'spec', 'template') === undefined) return [...errors, fieldRequired('spec.template')]
    return [...errors, ...templateErrors(object)]
  },
}

/** Nothing runs pods here, so they are as far as they get without a node. */
export const podStrategy: Strategy = {
  prepareCreate: (object) => ({ ...object, status: { phase: 'Pending', qosClass: serviceQuality(object) } }),
  prepareUpdate: (object, live, { now }) =>
    text('spec', 'nodeName')(object) === text('spec', 'nodeName')(live) ? object : scheduled(object, now),
  validate: (object, live) => [
    ...podSpecErrors(object['spec'], 'spec'),
    ...(live === undefined ? [] : podChangeErrors(object['spec'], live['spec'])),
  ],
}

function scheduled(object: AnyObject, now: string): AnyObject {
  const conditions = recordsAt(object, 'status', 'conditions').filter(({ type }) => type !== 'PodScheduled')
  const condition = { type: 'PodScheduled', status: 'True', lastTransitionTime: now }
  const status = isRecord(object['status']) ? object['status'] : {}
  return { ...object, status: { ...status, conditions: [...conditions, condition] } }
}

/** Which pods would have to go first on a node without memory. */
function serviceQuality(object: AnyObject): string {
  const containers = ['containers', 'initContainers'].flatMap((list) => {
    const found = at(object, 'spec', list)
    return Array.isArray(found) ? found : []
  })
  const amounts = containers.map((container) => ({
    requests: (at(container, 'resources', 'requests') ?? {}) as Record<string, unknown>,
    limits: (at(container, 'resources', 'limits') ?? {}) as Record<string, unknown>,
  }))
  if (amounts.every(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length === 0)) return 'BestEffort'
  const guaranteed = amounts.every(({ requests, limits }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

export const podTemplateStrategy: Strategy = {
  validate: (object) => podSpecErrors(at(object, 'template', 'spec'), 'template.spec'),
}
