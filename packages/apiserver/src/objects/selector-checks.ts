import { fieldForbidden, fieldInvalid, fieldRequired, labelKeyProblems, labelValueProblems } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from './object.ts'

/** What is wrong with a metav1.LabelSelector, in the words of Kubernetes. */
export function checkSelector(selector: unknown, field: string, errors: FieldError[]): void {
  if (!isRecord(selector)) {
    errors.push(fieldInvalid(field, selector as Json, 'must be a label selector'))
    return
  }
  const { matchLabels, matchExpressions } = selector
  checkLabels(matchLabels, `${field}.matchLabels`, errors)
  const expressions = Array.isArray(matchExpressions) ? matchExpressions.filter(isRecord) : []
  for (const [index, { key, operator, values }] of expressions.entries()) {
    const at = `${field}.matchExpressions[${index}]`
    const given = strings(values, `${at}.values`, errors)
    if (operator === 'In' || operator === 'NotIn') {
      if (given.length === 0) {
        errors.push(fieldRequired(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (given.length > 0) {
        const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        errors.push(fieldForbidden(`${at}.values`, why))
      }
    } else {
      errors.push(fieldInvalid(`${at}.operator`, (operator ?? '') as Json, 'not a valid selector operator'))
    }
    const name = typeof key === 'string' ? key : ''
    for (const why of labelKeyProblems(name)) errors.push(fieldInvalid(`${at}.key`, name, why))
    for (const [place, value] of given.entries()) {
      for (const why of labelValueProblems(value)) errors.push(fieldInvalid(`${at}.values[${place}]`, value, why))
    }
  }
}

/** Labels, or what selects by them; all problems are told of the map as a whole. */
export function checkLabels(labels: unknown, field: string, errors: FieldError[]): void {
  for (const [key, value] of Object.entries(isRecord(labels) ? labels : {})) {
    for (const why of labelKeyProblems(key)) errors.push(fieldInvalid(field, key, why))
    for (const why of typeof value === 'string' ? labelValueProblems(value) : ['must be a string']) {
      errors.push(fieldInvalid(field, value as Json, why))
    }
  }
}

/** The strings of a list; anything else in it is an error. */
export function strings(value: unknown, field: string, errors: FieldError[]): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  errors.push(fieldInvalid(field, value as Json, 'must be a list of strings'))
  return []
}
