import { fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired, labelKeyProblems } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { subdomainProblems } from '../objects/dns-names.ts'

/** Where checks put what they find, in the order in which Kubernetes tells it. */
export type Errors = FieldError[]

/** The name of a port. */
export function portNameProblems(value: string): string[] {
  return [
    ...(value.length > 15 ? ['must be no more than 15 characters'] : []),
    ...(/^[-a-z0-9]+$/.test(value) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(value) ? [] : ['must contain at least one letter (a-z)']),
    ...(value.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(value.startsWith('-') || value.endsWith('-') ? ['must not begin or end with a hyphen'] : []),
  ]
}

/** `example.com/what` */
export function domainPathProblems(value: string): string[] {
  const slash = value.indexOf('/')
  if (slash < 1 || slash === value.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")']
  const host = subdomainProblems(value.slice(0, slash))
  if (host.length > 0) return host
  return /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(value.slice(slash + 1))
    ? []
    : [
        "a valid path must consist of alphanumeric characters and [/\\-._~%!$&'()*+,;=:] (e.g. 'my-name',  or " +
          "'some/path', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
      ]
}

/** Tells each problem of a value. */
export function refuse(problems: readonly string[], value: Json, path: string, errors: Errors): void {
  for (const why of problems) errors.push(fieldInvalid(path, value, why))
}

/** Whether there is a text; one is required. */
export function required(value: unknown, path: string, errors: Errors, detail?: string): value is string {
  if (typeof value === 'string' && value !== '') return true
  errors.push(fieldRequired(path, detail))
  return false
}

/** A required name of one of the kinds above. */
export function requiredName(
  value: unknown,
  problems: (value: string) => string[],
  path: string,
  errors: Errors,
): void {
  if (required(value, path, errors)) refuse(problems(value), value, path, errors)
}

/** A name that need not be there; empty is not there. */
export function optionalName(
  value: unknown,
  problems: (value: string) => string[],
  path: string,
  errors: Errors,
): void {
  if (typeof value === 'string' && value !== '') refuse(problems(value), value, path, errors)
}

/** One of a few words, said in this order; absent is for defaults to prevent. */
export function oneOf(value: unknown, words: readonly string[], path: string, errors: Errors): void {
  if (value === undefined || words.includes(value as string)) return
  errors.push(fieldNotSupported(path, value as Json, [...words]))
}

export function notNegative(value: unknown, path: string, errors: Errors): void {
  if (typeof value === 'number' && value < 0) {
    errors.push(fieldInvalid(path, value, 'must be greater than or equal to 0'))
  }
}

/** Each of these fields of an object. */
export function noneNegative(object: unknown, names: readonly string[], path: string, errors: Errors): void {
  const fields = object as Readonly<Record<string, unknown>> | undefined
  for (const name of names) notNegative(fields?.[name], `${path}.${name}`, errors)
}

export function within(value: unknown, low: number, high: number, path: string, errors: Errors): void {
  if (typeof value === 'number' && value >= low && value <= high) return
  errors.push(fieldInvalid(path, (value ?? 0) as Json, `must be between ${low} and ${high}, inclusive`))
}

export function portNumber(value: unknown, path: string, errors: Errors): void {
  within(value, 1, 65_535, path, errors)
}

/** A port, by number or name. */
export function portNumberOrName(value: unknown, path: string, errors: Errors): void {
  if (typeof value === 'string') refuse(portNameProblems(value), value, path, errors)
  else portNumber(value, path, errors)
}

/** Highest number of a user or group on a node. */
const LAST_ID = 2_147_483_647

export function userId(value: unknown, path: string, errors: Errors): void {
  if (value !== undefined) within(value, 0, LAST_ID, path, errors)
}

const PERCENT = /^[0-9]+%$/
const PERCENT_RULE =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for " +
  "validation is '[0-9]+%')"

/** A number of things, or how many of a hundred. */
export function amount(value: unknown, path: string, errors: Errors): void {
  if (typeof value === 'number') notNegative(value, path, errors)
  else if (typeof value === 'string' && !PERCENT.test(value)) errors.push(fieldInvalid(path, value, PERCENT_RULE))
}

/** Not more than all. */
export function notMoreThanAll(value: unknown, path: string, errors: Errors): void {
  if (typeof value === 'string' && PERCENT.test(value) && Number(value.slice(0, -1)) > 100) {
    errors.push(fieldInvalid(path, value, 'must not be greater than 100%'))
  }
}

const KEY = /^[-._a-zA-Z0-9]+$/
const KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or " +
  "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

/** What is wrong with a key of a config map or secret, which becomes the name of a file. */
export function configKeyProblems(key: string): string[] {
  if (key.length > 253) return ['must be no more than 253 characters']
  if (!KEY.test(key)) return [KEY_RULE]
  if (key === '.' || key === '..') return [`must not be '${key}'`]
  return key.startsWith('..') ? ["must not start with '..'"] : []
}

/** `name` or `example.com/name`. */
export function qualified(value: string, path: string, errors: Errors): void {
  refuse(labelKeyProblems(value), value, path, errors)
}

export function sealed(path: string): FieldError {
  return fieldForbidden(path, 'field is immutable when `immutable` is set')
}

/** What has been said once stays. */
export function unchanged(value: unknown, same: boolean, path: string, errors: Errors): void {
  if (!same) errors.push(fieldInvalid(path, (value ?? null) as Json, 'field is immutable'))
}
