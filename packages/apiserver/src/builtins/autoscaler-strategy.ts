import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import type { Strategy } from '../served-resource.ts'
import { at, recordsAt, text } from './cells.ts'
import { quantityValue } from './quantity.ts'
import { segmentProblems } from '../objects/dns-names.ts'
import { noneNegative, oneOf, refuse, required } from './rules.ts'
import type { Errors } from './rules.ts'

type Part = Readonly<Record<string, unknown>>

/** Fields of the sources of metrics, by the word for each. */
const SOURCES: Readonly<Record<string, string>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
}
const TARGETS = ['Utilization', 'Value', 'AverageValue']

/** Longest times, in seconds, that a policy of scaling looks back. */
const LONGEST_PERIOD = 1_800
const LONGEST_WINDOW = 3_600

function reference(value: unknown, path: string, errors: Errors): void {
  for (const field of ['kind', 'name']) {
    const name = text(field)(value)
    if (required(name, `${path}.${field}`, errors)) refuse(segmentProblems(name), name, `${path}.${field}`, errors)
  }
}

function target(value: unknown, path: string, errors: Errors): void {
  const given = isRecord(value) ? value : {}
  const { type, averageUtilization: average, value: raw, averageValue } = given
  if (type === undefined || type === '') errors.push(fieldRequired(`${path}.type`, 'must specify a metric target type'))
  else if (!TARGETS.includes(type as string)) {
    errors.push(fieldInvalid(`${path}.type`, type as string, 'must be either Utilization, Value, or AverageValue'))
  }
  if (typeof average === 'number' && average < 1) {
    errors.push(fieldInvalid(`${path}.averageUtilization`, average, 'must be greater than 0'))
  }
  for (const [field, amount] of [
    ['value', raw],
    ['averageValue', averageValue],
  ] as const) {
    if (amount !== undefined && quantityValue(amount) <= 0n) {
      errors.push(fieldInvalid(`${path}.${field}`, amount as string, 'must be positive'))
    }
  }
}

function metricName(metric: unknown, path: string, errors: Errors): void {
  const name = text('name')(metric)
  if (required(name, `${path}.name`, errors, 'must specify a metric name')) {
    refuse(segmentProblems(name), name, `${path}.name`, errors)
  }
  const selector = at(metric, 'selector')
  if (isRecord(selector)) checkSelector(selector, `${path}.selector`, errors)
}

type Check = (source: Part, path: string, errors: Errors) => void

function ofResource(source: Part, path: string, errors: Errors): void {
  required(source['name'], `${path}.name`, errors, 'must specify a resource name')
  const place = `${path}.target`
  target(source['target'], place, errors)
  const { averageUtilization, averageValue } = isRecord(source['target']) ? source['target'] : {}
  if (averageUtilization === undefined && averageValue === undefined) {
    const why = 'must set either a target raw value or a target utilization'
    errors.push(fieldRequired(`${place}.averageUtilization`, why))
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const why = 'may not set both a target raw value and a target utilization'
    errors.push(fieldForbidden(`${place}.averageValue`, why))
  }
}

/** Targets of things that are not counted for each pod. */
function valueOrAverage(source: Part, path: string, errors: Errors): void {
  const place = `${path}.target`
  target(source['target'], place, errors)
  const { value, averageValue } = isRecord(source['target']) ? source['target'] : {}
  if (value === undefined && averageValue === undefined) {
    errors.push(fieldRequired(`${place}.averageValue`, 'must set either a target value or averageValue'))
  }
}

const CHECKS: Readonly<Record<string, Check>> = {
  Resource: ofResource,
  ContainerResource(source, path, errors) {
    required(source['container'], `${path}.container`, errors, 'must specify a container')
    ofResource(source, path, errors)
  },
  Pods(source, path, errors) {
    metricName(source['metric'], `${path}.metric`, errors)
    target(source['target'], `${path}.target`, errors)
    if (
      quantityValue(at(source, 'target', 'averageValue')) <= 0n &&
      at(source, 'target', 'averageValue') === undefined
    ) {
      errors.push(fieldRequired(`${path}.target.averageValue`, 'must specify a positive target averageValue'))
    }
  },
  Object(source, path, errors) {
    reference(source['describedObject'], `${path}.describedObject`, errors)
    metricName(source['metric'], `${path}.metric`, errors)
    valueOrAverage(source, path, errors)
  },
  External(source, path, errors) {
    metricName(source['metric'], `${path}.metric`, errors)
    valueOrAverage(source, path, errors)
    const { value, averageValue } = isRecord(source['target']) ? source['target'] : {}
    if (value !== undefined && averageValue !== undefined) {
      const why = 'may not set both a target value for metric and a per-pod target'
      errors.push(fieldForbidden(`${path}.target.value`, why))
    }
  },
}

function checkMetric(metric: Part, path: string, errors: Errors): void {
  const { type = '' } = metric
  const known = Object.keys(SOURCES)
  if (type === '') errors.push(fieldRequired(`${path}.type`, 'must specify a metric source type'))
  if (!known.includes(type as string)) errors.push(fieldNotSupported(`${path}.type`, type as string, known))
  for (const [word, field] of Object.entries(SOURCES)) {
    const source = metric[field]
    if (isRecord(source)) {
      if (word === type) CHECKS[word]!(source, `${path}.${field}`, errors)
      else errors.push(fieldForbidden(`${path}.${field}`, 'must populate the given metric source only'))
    } else if (word === type) {
      errors.push(fieldRequired(`${path}.${field}`, 'must populate information for the given metric source'))
    }
  }
}

function positive(value: unknown, most: number, path: string, errors: Errors): void {
  const number = typeof value === 'number' ? value : 0
  if (number <= 0) errors.push(fieldInvalid(path, number, 'must be greater than zero'))
  if (number > most) errors.push(fieldInvalid(path, number, `must be less than or equal to ${most}`))
}

function checkScaling(rules: unknown, path: string, errors: Errors): void {
  if (!isRecord(rules)) return
  const { stabilizationWindowSeconds: window, selectPolicy, tolerance } = rules
  if (typeof window === 'number' && window < 0) {
    errors.push(fieldInvalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero'))
  }
  if (typeof window === 'number' && window > LONGEST_WINDOW) {
    const why = `must be less than or equal to ${LONGEST_WINDOW}`
    errors.push(fieldInvalid(`${path}.stabilizationWindowSeconds`, window, why))
  }
  oneOf(selectPolicy, ['Disabled', 'Max', 'Min'], `${path}.selectPolicy`, errors)
  const policies = recordsAt(rules, 'policies')
  if (policies.length === 0) errors.push(fieldRequired(`${path}.policies`, 'must specify at least one Policy'))
  for (const [index, policy] of policies.entries()) {
    const place = `${path}.policies[${index}]`
    oneOf(policy['type'] ?? '', ['Percent', 'Pods'], `${place}.type`, errors)
    positive(policy['value'], Infinity, `${place}.value`, errors)
    positive(policy['periodSeconds'], LONGEST_PERIOD, `${place}.periodSeconds`, errors)
  }
  if (quantityValue(tolerance) < 0n) {
    errors.push(fieldInvalid(`${path}.tolerance`, tolerance as string, 'must be greater than or equal to 0'))
  }
}

/** What an autoscaler does: between which numbers, for what, by which metrics. */
export const autoscalerStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const spec: Part = isRecord(object['spec']) ? object['spec'] : {}
    const { minReplicas = 1, maxReplicas = 0 } = spec as { minReplicas?: number; maxReplicas?: number }
    const metrics = recordsAt(spec, 'metrics')
    if (minReplicas < 1)
      errors.push(fieldInvalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'))
    if (maxReplicas < 1) errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'))
    if (maxReplicas < minReplicas) {
      errors.push(fieldInvalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
    }
    reference(spec['scaleTargetRef'], 'spec.scaleTargetRef', errors)
    const target = at(spec, 'scaleTargetRef')
    if (text('apiVersion')(target) === '' && text('kind')(target) !== 'ReplicationController') {
      errors.push(fieldInvalid('spec.scaleTargetRef.apiVersion', '', 'apiVersion must specify API group'))
    }
    for (const [index, metric] of metrics.entries()) checkMetric(metric, `spec.metrics[${index}]`, errors)
    if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
      const why = 'must specify at least one Object or External metric to support scaling to zero replicas'
      errors.push(fieldForbidden('spec.metrics', why))
    }
    checkScaling(at(spec, 'behavior', 'scaleUp'), 'spec.behavior.scaleUp', errors)
    checkScaling(at(spec, 'behavior', 'scaleDown'), 'spec.behavior.scaleDown', errors)
    return errors
  },
  validateStatus(object) {
    const errors: Errors = []
    noneNegative(object['status'], ['currentReplicas', 'desiredReplicas'], 'status', errors)
    return errors
  },
}
