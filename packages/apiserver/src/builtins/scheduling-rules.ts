import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  labelValueProblems,
} from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import { checkSelector } from '../objects/selector-checks.ts'
import { at, recordsAt, text } from './cells.ts'
import { oneOf, optionalName, qualified, refuse } from './rules.ts'
import type { Errors } from './rules.ts'

type Part = Readonly<Record<string, unknown>>

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']
const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway']
const INCLUSION = ['Honor', 'Ignore']

function nodeRequirement(requirement: Part, path: string, errors: Errors, byField: boolean): void {
  const { operator, values } = requirement
  const given = Array.isArray(values) ? (values as string[]) : []
  const key = text('key')(requirement)
  const place = `${path}.values`
  if (byField) {
    if (operator !== 'In' && operator !== 'NotIn') {
      errors.push(fieldInvalid(`${path}.operator`, (operator ?? '') as string, 'not a valid selector operator'))
    } else if (given.length !== 1) {
      errors.push(
        fieldRequired(place, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
      )
    }
    if (key !== 'metadata.name') errors.push(fieldInvalid(`${path}.key`, key, 'not a valid field selector key'))
    return
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (given.length === 0) errors.push(fieldRequired(place, "must be specified when `operator` is 'In' or 'NotIn'"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (given.length > 0) {
      errors.push(fieldForbidden(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    }
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (given.length !== 1)
      errors.push(fieldRequired(place, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
  } else {
    errors.push(fieldInvalid(`${path}.operator`, (operator ?? '') as string, 'not a valid selector operator'))
  }
  qualified(key, `${path}.key`, errors)
  for (const [index, value] of given.entries()) {
    refuse(labelValueProblems(value), value, `${place}[${index}]`, errors)
  }
}

function nodeTerm(term: unknown, path: string, errors: Errors): void {
  for (const [index, one] of recordsAt(term, 'matchExpressions').entries()) {
    nodeRequirement(one, `${path}.matchExpressions[${index}]`, errors, false)
  }
  for (const [index, one] of recordsAt(term, 'matchFields').entries()) {
    nodeRequirement(one, `${path}.matchFields[${index}]`, errors, true)
  }
}

/** What selects nodes: at least one term. */
export function nodeSelector(selector: unknown, path: string, errors: Errors): void {
  const terms = recordsAt(selector, 'nodeSelectorTerms')
  const place = `${path}.nodeSelectorTerms`
  if (terms.length === 0) errors.push(fieldRequired(place, 'must have at least one node selector term'))
  for (const [index, term] of terms.entries()) nodeTerm(term, `${place}[${index}]`, errors)
}

function weight(value: unknown, path: string, errors: Errors): void {
  const number = typeof value === 'number' ? value : 0
  if (number < 1 || number > 100) errors.push(fieldInvalid(`${path}.weight`, number, 'must be in the range 1-100'))
}

function podTerm(term: unknown, path: string, errors: Errors): void {
  for (const selector of ['labelSelector', 'namespaceSelector']) {
    const value = at(term, selector)
    if (isRecord(value)) checkSelector(value, `${path}.${selector}`, errors)
  }
  topologyKey(term, path, errors)
}

function topologyKey(term: unknown, path: string, errors: Errors): void {
  const key = text('topologyKey')(term)
  if (key === '') errors.push(fieldRequired(`${path}.topologyKey`, 'can not be empty'))
  qualified(key, `${path}.topologyKey`, errors)
}

/** Which nodes and neighbours a pod wants. */
export function affinity(value: unknown, path: string, errors: Errors): void {
  if (!isRecord(value)) return
  const { nodeAffinity } = value
  if (isRecord(nodeAffinity)) {
    const place = `${path}.nodeAffinity`
    if (isRecord(nodeAffinity[REQUIRED])) nodeSelector(nodeAffinity[REQUIRED], `${place}.${REQUIRED}`, errors)
    for (const [index, one] of recordsAt(nodeAffinity, PREFERRED).entries()) {
      weight(one['weight'], `${place}.${PREFERRED}[${index}]`, errors)
      nodeTerm(one['preference'], `${place}.${PREFERRED}[${index}].preference`, errors)
    }
  }
  for (const kind of ['podAffinity', 'podAntiAffinity']) {
    for (const [index, term] of recordsAt(value, kind, REQUIRED).entries()) {
      podTerm(term, `${path}.${kind}.${REQUIRED}[${index}]`, errors)
    }
    for (const [index, one] of recordsAt(value, kind, PREFERRED).entries()) {
      const place = `${path}.${kind}.${PREFERRED}[${index}]`
      weight(one['weight'], place, errors)
      podTerm(one['podAffinityTerm'], `${place}.podAffinityTerm`, errors)
    }
  }
}

/** Which taints of nodes a pod bears. */
export function tolerations(list: readonly Part[], path: string, errors: Errors): void {
  for (const [index, toleration] of list.entries()) {
    const place = `${path}[${index}]`
    const { operator = '', effect = '', tolerationSeconds } = toleration
    const key = text('key')(toleration)
    const value = text('value')(toleration)
    if (key === '') {
      if (operator !== 'Exists') {
        const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.push(fieldInvalid(`${place}.operator`, operator as string, why))
      }
    } else {
      qualified(key, `${place}.key`, errors)
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
      errors.push(fieldInvalid(`${place}.effect`, effect as string, why))
    }
    if (operator === 'Equal' || operator === '')
      refuse(labelValueProblems(value).slice(0, 1), value, `${place}.operator`, errors)
    else if (operator === 'Exists') {
      if (value !== '')
        errors.push(fieldInvalid(`${place}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else {
      errors.push(fieldNotSupported(`${place}.operator`, operator as string, ['Equal', 'Exists']))
    }
    if (effect !== '') oneOf(effect, EFFECTS, `${place}.effect`, errors)
  }
}

/** How evenly pods are spread. */
export function topologySpread(spec: unknown, path: string, errors: Errors): void {
  const constraints = recordsAt(spec, 'topologySpreadConstraints')
  const pairOf = (one: Part): string => `{${text('topologyKey')(one)}, ${text('whenUnsatisfiable')(one)}}`
  for (const [index, constraint] of constraints.entries()) {
    const place = `${path}[${index}]`
    const { maxSkew = 0, minDomains, whenUnsatisfiable = '', nodeAffinityPolicy, nodeTaintsPolicy } = constraint
    const key = text('topologyKey')(constraint)
    const positive = (field: string, value: unknown): void => {
      if ((value as number) <= 0) {
        errors.push(fieldInvalid(`${place}.${field}`, value as number, 'must be greater than zero'))
      }
    }
    positive('maxSkew', maxSkew)
    if (key === '') errors.push(fieldRequired(`${place}.topologyKey`, 'can not be empty'))
    else qualified(key, `${place}.topologyKey`, errors)
    oneOf(whenUnsatisfiable, UNSATISFIABLE, `${place}.whenUnsatisfiable`, errors)
    const pair = pairOf(constraint)
    if (constraints.slice(index + 1).some((other) => pairOf(other) === pair)) {
      errors.push(fieldDuplicate(`${place}.{topologyKey, whenUnsatisfiable}`, pair))
    }
    if (minDomains !== undefined) positive('minDomains', minDomains)
    oneOf(nodeAffinityPolicy, INCLUSION, `${place}.nodeAffinityPolicy`, errors)
    oneOf(nodeTaintsPolicy, INCLUSION, `${place}.nodeTaintsPolicy`, errors)
    const selector = constraint['labelSelector']
    if (isRecord(selector)) checkSelector(selector, `${place}.labelSelector`, errors)
  }
}

/** Names under which pods wait before they are scheduled. */
export function schedulingGates(spec: unknown, path: string, errors: Errors): void {
  const seen = new Set<string>()
  for (const [index, gate] of recordsAt(spec, 'schedulingGates').entries()) {
    const name = text('name')(gate)
    qualified(name, `${path}[${index}]`, errors)
    if (seen.has(name)) errors.push(fieldDuplicate(`${path}[${index}]`, name))
    seen.add(name)
  }
}

/** Taints of a node. */
export function taints(spec: unknown, path: string, errors: Errors): void {
  const seen = new Set<string>()
  for (const [index, taint] of recordsAt(spec, 'taints').entries()) {
    const place = `${path}[${index}]`
    const { effect = '' } = taint
    const key = text('key')(taint)
    qualified(key, `${place}.key`, errors)
    optionalName(taint['value'], labelValueProblems, `${place}.value`, errors)
    if (effect === '') errors.push(fieldRequired(`${place}.effect`))
    else oneOf(effect, EFFECTS, `${place}.effect`, errors)
    const pair = `${key}/${String(effect)}`
    if (seen.has(pair)) {
      errors.push({ ...fieldDuplicate(place, {}), message: duplicateTaint(taint) })
      continue
    }
    seen.add(pair)
  }
}

/** Shown with the field names of the code of an API server. */
function duplicateTaint(taint: Part): string {
  const shown = { Key: taint['key'], Value: taint['value'] ?? '', Effect: taint['effect'] ?? '', TimeAdded: null }
  return `Duplicate value: ${JSON.stringify(shown)}: taints must be unique by key and effect pair`
}
