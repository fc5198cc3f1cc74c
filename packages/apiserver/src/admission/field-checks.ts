import {
  fieldDuplicate,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooMany,
  labelKeyProblems,
} from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { strings } from '../objects/selector-checks.ts'
import { compileExpression, expressionError, records } from './expressions.ts'
import type { ResultKind, Scope } from './expressions.ts'

/** Collects what is wrong with the fields of a configuration, in the words of Kubernetes. */
export type Errors = FieldError[]

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const SCOPES = ['*', 'Cluster', 'Namespaced']
const MAX_CONDITIONS = 64

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** One of a few words; absent is for defaults to prevent. */
export function checkWord(value: unknown, words: readonly string[], field: string, errors: Errors): void {
  if (value === undefined || value === null) errors.push(fieldRequired(field))
  else if (!words.includes(value as string)) errors.push(fieldNotSupported(field, value as Json, [...words]))
}

/** A list whose wildcard stands alone. */
function checkWildcard(items: readonly string[], field: string, what: string, errors: Errors): void {
  if (items.length === 0) errors.push(fieldRequired(field))
  if (items.length > 1 && items.includes('*')) {
    errors.push(fieldInvalid(field, [...items], `if '*' is present, must not specify other ${what}`))
  }
}

export function checkRule(rule: Record<string, unknown>, field: string, errors: Errors): void {
  const operations = strings(rule['operations'], `${field}.operations`, errors)
  checkWildcard(operations, `${field}.operations`, 'operations', errors)
  for (const [index, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation)) {
      errors.push(fieldNotSupported(`${field}.operations[${index}]`, operation, OPERATIONS))
    }
  }
  checkWildcard(strings(rule['apiGroups'], `${field}.apiGroups`, errors), `${field}.apiGroups`, 'API groups', errors)
  const versions = strings(rule['apiVersions'], `${field}.apiVersions`, errors)
  checkWildcard(versions, `${field}.apiVersions`, 'API versions', errors)
  for (const [index, version] of versions.entries()) {
    if (version === '') errors.push(fieldRequired(`${field}.apiVersions[${index}]`))
  }
  checkResources(strings(rule['resources'], `${field}.resources`, errors), `${field}.resources`, errors)
  if (rule['scope'] !== undefined) checkWord(rule['scope'], SCOPES, `${field}.scope`, errors)
}

function checkResources(resources: readonly string[], field: string, errors: Errors): void {
  if (resources.length === 0) errors.push(fieldRequired(field))
  const withAllParts = new Set<string>()
  const partsOfAll = new Set<string>()
  for (const [index, resource] of resources.entries()) {
    const at = `${field}[${index}]`
    if (resource === '') errors.push(fieldRequired(at))
    const slash = resource.indexOf('/')
    if (slash === -1) continue
    const name = resource.slice(0, slash)
    const part = resource.slice(slash + 1)
    if (withAllParts.has(name)) {
      errors.push(fieldInvalid(at, resource, `if '${name}/*' is present, must not specify ${resource}`))
    }
    if (partsOfAll.has(part)) {
      errors.push(fieldInvalid(at, resource, `if '*/${part}' is present, must not specify ${resource}`))
    }
    if (part === '*') withAllParts.add(name)
    if (name === '*') partsOfAll.add(part)
  }
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.push(fieldInvalid(field, [...resources], "if '*/*' is present, must not specify other resources"))
  }
  if (resources.includes('*') && resources.some((resource) => resource !== '*' && !resource.includes('/'))) {
    const why = "if '*' is present, must not specify other resources without subresources"
    errors.push(fieldInvalid(field, [...resources], why))
  }
}

export function checkConditions(conditions: unknown, scope: Scope, field: string, errors: Errors): void {
  const list = records(conditions)
  if (list.length > MAX_CONDITIONS) errors.push(fieldTooMany(field, list.length, MAX_CONDITIONS))
  const names = new Set<string>()
  for (const [index, { name, expression }] of list.entries()) {
    const at = `${field}[${index}]`
    if (text(expression).trim() === '') errors.push(fieldRequired(`${at}.expression`))
    else checkExpression(text(expression).trim(), ['bool'], scope, `${at}.expression`, errors)
    checkQualifiedName(text(name), `${at}.name`, errors)
    if (text(name) !== '' && names.has(text(name))) errors.push(fieldDuplicate(`${at}.name`, text(name)))
    names.add(text(name))
  }
}

export function checkQualifiedName(name: string, field: string, errors: Errors): void {
  if (name === '') errors.push(fieldRequired(field))
  else for (const why of labelKeyProblems(name)) errors.push(fieldInvalid(field, name, why))
}

export function checkExpression(
  expression: string,
  kinds: readonly ResultKind[],
  scope: Scope,
  field: string,
  errors: Errors,
): void {
  const error = expressionError(compileExpression(expression, kinds, scope))
  if (error !== undefined) errors.push(fieldInvalid(field, expression, error))
}
