import {
  deepEqual,
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldRequired,
  labelKeyProblems,
} from '@locktender/kube'
import type { Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { at, recordsAt, text } from './cells.ts'
import { quantityValue } from './quantity.ts'
import { containerResourceName, isQuotaResource, resourceAmount } from './resource-rules.ts'
import { notMoreThanAll, amount, noneNegative, oneOf, refuse, unchanged } from './rules.ts'
import type { Errors } from './rules.ts'
import { checkSelector } from '../objects/selector-checks.ts'

type Amounts = Readonly<Record<string, unknown>>

/** Which scopes are about pods, and which of those about pods that promise some resources. */
const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
]
const OPPOSITES: readonly (readonly [string, string])[] = [
  ['Terminating', 'NotTerminating'],
  ['BestEffort', 'NotBestEffort'],
]
const COMPUTE = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
  'pods',
])

function fitsScope(scope: string, resource: string): boolean {
  if (scope === 'BestEffort') return resource === 'pods'
  if (scope === 'VolumeAttributesClass') return resource === 'persistentvolumeclaims' || resource === 'requests.storage'
  return COMPUTE.has(resource)
}

function checkAmounts(amounts: unknown, path: string, errors: Errors): void {
  for (const [name, value] of Object.entries(isRecord(amounts) ? amounts : {})) {
    const place = `${path}[${name}]`
    const problems = labelKeyProblems(name)
    refuse(problems, name, place, errors)
    if (!name.includes('/') && !isQuotaResource(name) && !/^(?:requests\.)?hugepages-/.test(name)) {
      if (name !== 'storage')
        errors.push(fieldInvalid(place, name, 'must be a standard resource type or fully qualified'))
      errors.push(fieldInvalid(place, name, 'must be a standard resource for quota'))
    }
    resourceAmount(name, value, place, errors)
  }
}

function checkScopes(scopes: readonly string[], hard: Amounts, path: string, errors: Errors): void {
  const all = [...scopes]
  for (const scope of scopes) {
    if (!SCOPES.includes(scope)) errors.push(fieldInvalid(path, all, 'unsupported scope'))
    else if (Object.keys(hard).some((resource) => isQuotaResource(resource) && !fitsScope(scope, resource))) {
      errors.push(fieldInvalid(path, all, 'unsupported scope applied to resource'))
    }
  }
  if (OPPOSITES.some((pair) => pair.every((scope) => scopes.includes(scope)))) {
    errors.push(fieldInvalid(path, all, 'conflicting scopes'))
  }
}

function checkScopeSelector(selector: unknown, hard: Amounts, path: string, errors: Errors): void {
  for (const { scopeName = '', operator = '', values } of recordsAt(selector, 'matchExpressions')) {
    const given = Array.isArray(values) ? values.length : 0
    if (!SCOPES.includes(scopeName as string)) {
      errors.push(fieldInvalid(`${path}.scopeName`, scopeName as string, 'unsupported scope'))
    } else if (Object.keys(hard).some((one) => isQuotaResource(one) && !fitsScope(scopeName as string, one))) {
      errors.push(fieldInvalid(path, selector as Json, 'unsupported scope applied to resource'))
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (given > 0) continue
      const why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
      errors.push(fieldRequired(`${path}.values`, why))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (given === 0) continue
      const why = "must be no value when `operator` is 'Exists' or 'DoesNotExist' for scope selector"
      errors.push(fieldInvalid(`${path}.values`, values as Json, why))
    } else {
      errors.push(fieldInvalid(`${path}.operator`, operator as string, 'not a valid selector operator'))
    }
  }
}

export const quotaStrategy: Strategy = {
  validate(object, live) {
    const errors: Errors = []
    const { hard, scopes = [], scopeSelector } = isRecord(object['spec']) ? object['spec'] : {}
    const amounts = isRecord(hard) ? hard : {}
    checkAmounts(hard, 'spec.hard', errors)
    checkScopes(scopes as string[], amounts, 'spec.scopes', errors)
    checkScopeSelector(scopeSelector, amounts, 'spec.scopeSelector.matchExpressions', errors)
    if (live !== undefined) {
      const sorted = (one: unknown): string[] => [...((at(one, 'spec', 'scopes') ?? []) as string[])].toSorted()
      unchanged(scopes, deepEqual(sorted(object), sorted(live)), 'spec.scopes', errors)
    }
    return errors
  },
  validateStatus(object) {
    const errors: Errors = []
    checkAmounts(at(object, 'status', 'hard'), 'status.hard', errors)
    checkAmounts(at(object, 'status', 'used'), 'status.used', errors)
    return errors
  },
}

function checkLimit(limit: Readonly<Record<string, unknown>>, path: string, errors: Errors): void {
  const type = text('type')(limit)
  const amounts = (field: string): Amounts => (isRecord(limit[field]) ? limit[field] : {})
  const [max, min, ratio] = [amounts('max'), amounts('min'), amounts('maxLimitRequestRatio')]
  const standard = amounts('default')
  const request = amounts('defaultRequest')
  const names = new Set<string>()
  const named = (of: Amounts, field: string): void => {
    for (const name of Object.keys(of)) {
      names.add(name)
      if (type === 'Container') containerResourceName(name, `${path}.${field}[${name}]`, errors)
    }
  }
  named(max, 'max')
  named(min, 'min')
  if (type === 'Pod') {
    const why = "may not be specified when `type` is 'Pod'"
    if (Object.keys(standard).length > 0) errors.push(fieldForbidden(`${path}.default`, why))
    if (Object.keys(request).length > 0) errors.push(fieldForbidden(`${path}.defaultRequest`, why))
  } else {
    named(standard, 'default')
    named(request, 'defaultRequest')
  }
  if (type === 'PersistentVolumeClaim' && min['storage'] === undefined && max['storage'] === undefined) {
    const why = 'either minimum or maximum storage value is required, but neither was provided'
    errors.push(fieldRequired(`${path}.limits`, why))
  }
  named(ratio, 'maxLimitRequestRatio')
  for (const name of names) checkLimitOf(name, { max, min, ratio, standard, request }, path, errors)
}

interface Limits {
  readonly max: Amounts
  readonly min: Amounts
  readonly ratio: Amounts
  readonly standard: Amounts
  readonly request: Amounts
}

/** The numbers for one resource do not contradict each other. */
function checkLimitOf(name: string, limits: Limits, path: string, errors: Errors): void {
  const { max, min, ratio, standard, request } = limits
  const order = (
    field: string,
    [low, lowName]: readonly [Amounts, string],
    [high, highName]: readonly [Amounts, string],
    told: Amounts,
  ): void => {
    if (low[name] === undefined || high[name] === undefined) return
    if (quantityValue(low[name]) <= quantityValue(high[name])) return
    const why = `${lowName} value ${text(name)(low)} is greater than ${highName} value ${text(name)(high)}`
    errors.push(fieldInvalid(`${path}.${field}[${name}]`, told[name] as string, why))
  }
  order('min', [min, 'min'], [max, 'max'], min)
  order('defaultRequest', [min, 'min'], [request, 'default request'], request)
  order('defaultRequest', [request, 'default request'], [max, 'max'], request)
  order('defaultRequest', [request, 'default request'], [standard, 'default limit'], request)
  order('default', [min, 'min'], [standard, 'default'], min)
  order('default', [standard, 'default'], [max, 'max'], max)
  checkRatio(ratio[name], min[name], max[name], `${path}.maxLimitRequestRatio[${name}]`, errors)
}

function checkRatio(ratio: unknown, min: unknown, max: unknown, path: string, errors: Errors): void {
  if (ratio === undefined) return
  const shown = ratio as string
  const value = Number(quantityValue(ratio))
  if (value < 1e9) errors.push(fieldInvalid(path, shown, `ratio ${shown} is less than 1`))
  if (min === undefined || max === undefined) return
  const most = Number(quantityValue(max)) / Number(quantityValue(min))
  if (value / 1e9 > most)
    errors.push(fieldInvalid(path, shown, `ratio ${shown} is greater than max/min = ${most.toFixed(6)}`))
}

const LIMIT_TYPES = ['Pod', 'Container', 'PersistentVolumeClaim']

export const limitRangeStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const types = new Set<string>()
    for (const [index, limit] of recordsAt(object, 'spec', 'limits').entries()) {
      const path = `spec.limits[${index}]`
      const type = text('type')(limit)
      const problems = labelKeyProblems(type)
      refuse(problems, type, `${path}.type`, errors)
      if (problems.length === 0 && !type.includes('/') && !LIMIT_TYPES.includes(type)) {
        errors.push(fieldInvalid(`${path}.type`, type, 'must be a standard limit type or fully qualified'))
      }
      if (types.has(type)) errors.push(fieldDuplicate(`${path}.type`, type))
      types.add(type)
      checkLimit(limit, path, errors)
    }
    return errors
  },
}

/** How many pods may be missing when they are evicted. */
export const disruptionBudgetStrategy: Strategy = {
  validate(object) {
    const errors: Errors = []
    const spec = isRecord(object['spec']) ? object['spec'] : {}
    const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      const shown = {
        MinAvailable: minAvailable,
        Selector: selector ?? null,
        MaxUnavailable: maxUnavailable,
        UnhealthyPodEvictionPolicy: policy ?? null,
      }
      errors.push(fieldInvalid('spec', shown as Json, 'minAvailable and maxUnavailable cannot be both set'))
    }
    for (const [field, value] of [
      ['minAvailable', minAvailable],
      ['maxUnavailable', maxUnavailable],
    ] as const) {
      if (value === undefined) continue
      amount(value, `spec.${field}`, errors)
      notMoreThanAll(value, `spec.${field}`, errors)
    }
    if (isRecord(selector)) checkSelector(selector, 'spec.selector', errors)
    oneOf(policy, ['AlwaysAllow', 'IfHealthyBudget'], 'spec.unhealthyPodEvictionPolicy', errors)
    return errors
  },
  validateStatus(object) {
    const errors: Errors = []
    const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']
    noneNegative(object['status'], counts, 'status', errors)
    return errors
  },
}
