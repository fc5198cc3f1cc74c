import {
  deepEqual,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  labelSelectorFrom,
} from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { at, number } from './cells.ts'
import { templateErrors } from './pod-rules.ts'
import { warnOfTemplate } from './pod-warnings.ts'
import { labelProblems } from '../objects/dns-names.ts'
import { amount, noneNegative, notMoreThanAll, notNegative, oneOf, optionalName, unchanged } from './rules.ts'
import type { Errors } from './rules.ts'
import { TEMPLATE_GENERATION } from './template-generation.ts'

type Spec = Readonly<Record<string, unknown>>

function specOf(object: AnyObject): Spec {
  return isRecord(object['spec']) ? object['spec'] : {}
}

const NO_MATCH = '`selector` does not match template `labels`'
const LABELS = 'spec.template.metadata.labels'

/** The labels of the pods, ordered as they are shown; undefined when there are none. */
export function templateLabels(object: AnyObject): Record<string, string> | undefined {
  const labels = at(object, 'spec', 'template', 'metadata', 'labels')
  if (!isRecord(labels) || Object.keys(labels).length === 0) return undefined
  const sorted = Object.keys(labels).toSorted()
  return Object.fromEntries(sorted.map((key) => [key, String(labels[key])]))
}

/** The template of pods at `spec.template`: it must be selected, and its pods run until they are deleted. */
function checkTemplate(object: AnyObject, selected: boolean, owner: string, errors: Errors): void {
  if (!selected) errors.push(fieldInvalid(LABELS, templateLabels(object) ?? null, NO_MATCH))
  const template = at(object, 'spec', 'template')
  errors.push(...templateErrors(template, 'spec.template'))
  const policy = at(template, 'spec', 'restartPolicy')
  const place = 'spec.template.spec'
  if (policy !== 'Always') errors.push(fieldNotSupported(`${place}.restartPolicy`, (policy ?? '') as Json, ['Always']))
  if (at(template, 'spec', 'activeDeadlineSeconds') !== undefined) {
    const why = `activeDeadlineSeconds in ${owner} is not Supported`
    errors.push(fieldForbidden(`${place}.activeDeadlineSeconds`, why))
  }
}

/** Checks the selector at `spec.selector`; whether it selects the pods of the template. What is invalid selects all. */
function checkOwnSelector(object: AnyObject, empty: string, errors: Errors): boolean {
  const selector = at(object, 'spec', 'selector')
  if (!isRecord(selector)) {
    errors.push(fieldRequired('spec.selector'))
    return false
  }
  checkSelector(selector, 'spec.selector', errors)
  if (isEmpty(selector)) errors.push(fieldInvalid('spec.selector', selector as Json, empty))
  const selected = selects(selector, object)
  if (selected === undefined) errors.push(fieldInvalid('spec.selector', selector as Json, 'invalid label selector'))
  return selected !== false
}

function isEmpty(selector: Spec): boolean {
  const { matchLabels, matchExpressions } = selector
  const none = !isRecord(matchLabels) || Object.keys(matchLabels).length === 0
  return none && (!Array.isArray(matchExpressions) || matchExpressions.length === 0)
}

/** Undefined when the selector is invalid. */
function selects(selector: Spec, object: AnyObject): boolean | undefined {
  if (isEmpty(selector)) return true
  try {
    return labelSelectorFrom(selector).matches(templateLabels(object) ?? {})
  } catch {
    return undefined
  }
}

function selectorStays(object: AnyObject, live: AnyObject | undefined, errors: Errors): void {
  if (live === undefined) return
  const selector = specOf(object)['selector']
  unchanged(selector, deepEqual(selector ?? null, specOf(live)['selector'] ?? null), 'spec.selector', errors)
}

const DEPLOYMENT_STRATEGIES = ['Recreate', 'RollingUpdate']

function checkDeploymentStrategy(spec: Spec, errors: Errors): void {
  const strategy = isRecord(spec['strategy']) ? spec['strategy'] : {}
  const { type, rollingUpdate } = strategy
  const place = 'spec.strategy'
  if (type === 'Recreate') {
    if (rollingUpdate === undefined) return
    const why = "may not be specified when strategy `type` is 'Recreate'"
    errors.push(fieldForbidden(`${place}.rollingUpdate`, why))
  } else if (type === 'RollingUpdate') {
    const rolling = `${place}.rollingUpdate`
    const { maxUnavailable, maxSurge } = isRecord(rollingUpdate) ? rollingUpdate : {}
    amount(maxUnavailable, `${rolling}.maxUnavailable`, errors)
    amount(maxSurge, `${rolling}.maxSurge`, errors)
    if (isZero(maxUnavailable) && isZero(maxSurge)) {
      const why = 'may not be 0 when `maxSurge` is 0'
      errors.push(fieldInvalid(`${rolling}.maxUnavailable`, maxUnavailable as Json, why))
    }
    notMoreThanAll(maxUnavailable, `${rolling}.maxUnavailable`, errors)
  } else {
    const shown = { Type: type as string, RollingUpdate: null }
    errors.push(fieldNotSupported(place, shown, DEPLOYMENT_STRATEGIES))
  }
}

function isZero(value: unknown): boolean {
  return value === 0 || value === '0%' || value === undefined
}

/** What is counted in the status of a set of pods. */
function checkCounts(object: AnyObject, counted: readonly string[], within: readonly string[], errors: Errors): void {
  const status = isRecord(object['status']) ? object['status'] : {}
  noneNegative(status, counted, 'status', errors)
  const all = number('replicas')(status)
  for (const field of within) {
    const some = number(field)(status)
    if (some > all) errors.push(fieldInvalid(`status.${field}`, some, 'cannot be greater than status.replicas'))
  }
  const [available, ready] = [number('availableReplicas')(status), number('readyReplicas')(status)]
  if (within.includes('availableReplicas') && available > ready) {
    errors.push(fieldInvalid('status.availableReplicas', available, 'cannot be greater than readyReplicas'))
  }
}

function countStrategy(counted: readonly string[], within: readonly string[]): NonNullable<Strategy['validateStatus']> {
  return (object) => {
    const errors: Errors = []
    checkCounts(object, counted, within, errors)
    return errors
  }
}

const OF_REPLICAS = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas']

export const deploymentStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'template'], true),
  validate(object, live) {
    const errors: Errors = []
    const spec = specOf(object)
    notNegative(spec['replicas'], 'spec.replicas', errors)
    const selected = checkOwnSelector(object, 'empty selector is invalid for deployment', errors)
    checkTemplate(object, selected, 'ReplicaSet', errors)
    checkDeploymentStrategy(spec, errors)
    noneNegative(spec, ['minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'], 'spec', errors)
    const deadline = spec['progressDeadlineSeconds']
    if (typeof deadline === 'number' && deadline <= number('minReadySeconds')(spec)) {
      errors.push(fieldInvalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
    }
    selectorStays(object, live, errors)
    return errors
  },
  validateStatus: countStrategy(
    ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas'],
    ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
  ),
}

export const replicaSetStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'template'], true),
  validate(object, live) {
    const errors: Errors = []
    noneNegative(specOf(object), ['replicas', 'minReadySeconds'], 'spec', errors)
    const selected = checkOwnSelector(object, 'empty selector is invalid for deployment', errors)
    checkTemplate(object, selected, 'ReplicaSet', errors)
    selectorStays(object, live, errors)
    return errors
  },
  validateStatus: countStrategy(['replicas', ...OF_REPLICAS, 'observedGeneration'], OF_REPLICAS),
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
const RETENTION = ['Retain', 'Delete']

function checkStatefulUpdates(spec: Spec, errors: Errors): void {
  const { type = '', rollingUpdate } = isRecord(spec['updateStrategy']) ? spec['updateStrategy'] : {}
  const place = 'spec.updateStrategy'
  const rolling = isRecord(rollingUpdate) ? rollingUpdate : undefined
  if (type === '') errors.push(fieldRequired(place))
  else if (type === 'OnDelete') {
    if (rolling === undefined) return
    const shown = {
      Partition: (rolling['partition'] ?? 0) as Json,
      MaxUnavailable: (rolling['maxUnavailable'] ?? null) as Json,
    }
    const why = "only allowed for updateStrategy 'RollingUpdate'"
    errors.push(fieldInvalid(`${place}.rollingUpdate`, shown, why))
  } else if (type === 'RollingUpdate') {
    notNegative(rolling?.['partition'], `${place}.rollingUpdate.partition`, errors)
    const most = rolling?.['maxUnavailable']
    if (most === undefined) return
    amount(most, `${place}.rollingUpdate.maxUnavailable`, errors)
    if (isZero(most)) errors.push(fieldInvalid(`${place}.rollingUpdate.maxUnavailable`, most as Json, 'cannot be 0'))
    notMoreThanAll(most, `${place}.rollingUpdate.maxUnavailable`, errors)
  } else {
    const shown = { Type: type as string, RollingUpdate: null }
    errors.push(fieldInvalid(place, shown, "must be 'RollingUpdate' or 'OnDelete'"))
  }
}

export const statefulSetStrategy: Strategy = {
  warn(object, live) {
    const limit = at(object, 'spec', 'revisionHistoryLimit')
    const why = 'a negative value retains all historical revisions; a value >= 0 is recommended'
    return [
      ...warnOfTemplate(['spec', 'template'])(object, live),
      ...(typeof limit === 'number' && limit < 0 ? [`spec.revisionHistoryLimit: ${why}`] : []),
    ]
  },
  validate(object, live) {
    const errors: Errors = []
    const spec = specOf(object)
    const policy = spec['podManagementPolicy'] ?? ''
    if (policy === '') errors.push(fieldRequired('spec.podManagementPolicy'))
    else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
      const why = "must be 'OrderedReady' or 'Parallel'"
      errors.push(fieldInvalid('spec.podManagementPolicy', policy as Json, why))
    }
    checkStatefulUpdates(spec, errors)
    const retention = spec['persistentVolumeClaimRetentionPolicy']
    for (const when of ['whenDeleted', 'whenScaled']) {
      oneOf(at(retention, when), RETENTION, `spec.persistentVolumeClaimRetentionPolicy.${when}`, errors)
    }
    noneNegative(spec, ['replicas', 'minReadySeconds'], 'spec', errors)
    notNegative(at(spec, 'ordinals', 'start'), 'spec.ordinals.start', errors)
    const selected = checkOwnSelector(object, 'empty selector is invalid for statefulset', errors)
    checkTemplate(object, selected, 'StatefulSet', errors)
    if (live === undefined) optionalName(spec['serviceName'], labelProblems, 'spec.serviceName', errors)
    if (live !== undefined && !deepEqual(fixedParts(spec), fixedParts(specOf(live))))
      errors.push(fieldForbidden('spec', FIXED))
    return errors
  },
  validateStatus(object) {
    const parts = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas']
    const errors: Errors = []
    checkCounts(object, ['replicas', ...parts, 'observedGeneration', 'collisionCount'], parts, errors)
    return errors
  },
}

const FIXED =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', " +
  "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

function fixedParts(spec: Spec): unknown {
  const rest: Record<string, unknown> = { ...spec }
  for (const name of STATEFUL_SET_CHANGES) delete rest[name]
  return rest
}

function withTemplateGeneration(object: AnyObject, generation: number): AnyObject {
  const annotations = { ...object.metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

function templateGeneration({ metadata }: AnyObject): number {
  return Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
}

export const daemonSetStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'template']),
  prepareCreate: (object) => withTemplateGeneration(object, 1),
  prepareUpdate(object, live) {
    const same = deepEqual(specOf(object)['template'] ?? null, specOf(live)['template'] ?? null)
    return withTemplateGeneration(object, templateGeneration(live) + (same ? 0 : 1))
  },
  validate(object, live) {
    const errors: Errors = []
    selectorStays(object, live, errors)
    const spec = specOf(object)
    const selector = isRecord(spec['selector']) ? spec['selector'] : undefined
    if (selector !== undefined) {
      checkSelector(selector, 'spec.selector', errors)
      if (isEmpty(selector)) {
        errors.push(fieldInvalid('spec.selector', selector as Json, 'empty selector is invalid for daemonset'))
      }
    }
    // What is not there selects nothing.
    checkTemplate(object, selector !== undefined && selects(selector, object) !== false, 'DaemonSet', errors)
    noneNegative(spec, ['minReadySeconds'], 'spec', errors)
    checkDaemonUpdates(spec, errors)
    noneNegative(spec, ['revisionHistoryLimit'], 'spec', errors)
    return errors
  },
  validateStatus: countStrategy(
    [
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'observedGeneration',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
    ],
    [],
  ),
}

function checkDaemonUpdates(spec: Spec, errors: Errors): void {
  const { type, rollingUpdate } = isRecord(spec['updateStrategy']) ? spec['updateStrategy'] : {}
  const place = 'spec.updateStrategy'
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    errors.push(fieldNotSupported(place, { Type: type as string, RollingUpdate: null }, ['RollingUpdate', 'OnDelete']))
    return
  }
  const rolling = `${place}.rollingUpdate`
  const { maxUnavailable, maxSurge } = isRecord(rollingUpdate) ? rollingUpdate : {}
  amount(maxUnavailable, `${rolling}.maxUnavailable`, errors)
  amount(maxSurge, `${rolling}.maxSurge`, errors)
  notMoreThanAll(maxUnavailable, `${rolling}.maxUnavailable`, errors)
  notMoreThanAll(maxSurge, `${rolling}.maxSurge`, errors)
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    const why = 'may not be set when maxUnavailable is non-zero'
    errors.push(fieldInvalid(`${rolling}.maxSurge`, maxSurge as Json, why))
  } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(fieldRequired(`${rolling}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  }
}

/** A replication controller selects by equality only, and by the labels of its template when it does not say. */
export const replicationControllerStrategy: Strategy = {
  warn: warnOfTemplate(['spec', 'template'], true),
  validate(object) {
    const errors: Errors = []
    const spec = specOf(object)
    noneNegative(spec, ['minReadySeconds'], 'spec', errors)
    const selector = isRecord(spec['selector']) ? spec['selector'] : {}
    if (Object.keys(selector).length === 0) errors.push(fieldRequired('spec.selector'))
    notNegative(spec['replicas'], 'spec.replicas', errors)
    if (spec['template'] === undefined) return [...errors, fieldRequired('spec.template')]
    const labels = templateLabels(object) ?? {}
    const selected = Object.entries(selector).every(([key, value]) => labels[key] === value)
    checkTemplate(object, selected, 'ReplicationController', errors)
    return errors
  },
  validateStatus: countStrategy(['replicas', ...OF_REPLICAS, 'observedGeneration'], OF_REPLICAS),
}

/** A state of a set of pods: it is data, and stays what it was. */
export const controllerRevisionStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const { data } = object
    if (live !== undefined) {
      unchanged(data, deepEqual((data ?? null) as Json, (live['data'] ?? null) as Json), 'data', errors)
    } else if (data === undefined || data === null) errors.push(fieldRequired('data', 'data is mandatory'))
    else if (!isRecord(data)) errors.push(fieldRequired('data', 'data must be a valid JSON object'))
    notNegative(object['revision'], 'revision', errors)
    return errors
  },
}

export const podTemplateStrategy: Strategy = {
  warn: (object, live) => (live === undefined ? warnOfTemplate(['template'])(object, live) : []),
  validate: (object) => templateErrors(object['template'], 'template'),
}
