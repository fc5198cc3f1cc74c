import { fieldForbidden, fieldInvalid, fieldRequired } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
  "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

/** Names of containers, volumes and ports: short, lower case, fit for DNS. */
export function labelName(value: unknown, path: string): FieldError[] {
  if (typeof value !== 'string' || value === '') return [fieldRequired(path)]
  const errors: FieldError[] = []
  if (value.length > 63) errors.push(fieldInvalid(path, value, 'must be no more than 63 bytes'))
  if (!LABEL.test(value)) errors.push(fieldInvalid(path, value, LABEL_RULE))
  return errors
}

export function portNumber(value: unknown, path: string): FieldError[] {
  if (typeof value === 'number' && value >= 1 && value <= 65_535) return []
  return [fieldInvalid(path, (value ?? 0) as Json, 'must be between 1 and 65535, inclusive')]
}

export function notNegative(value: unknown, path: string): FieldError[] {
  if (typeof value !== 'number' || value >= 0) return []
  return [fieldInvalid(path, value, 'must be greater than or equal to 0')]
}

const KEY = /^[-._a-zA-Z0-9]+$/
const KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or " +
  "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

/** Keys of config maps and secrets, which become names of files. */
export function configKey(key: string, path: string): FieldError[] {
  if (key.length > 253) return [fieldInvalid(path, key, 'must be no more than 253 characters')]
  if (key === '.' || key === '..') return [fieldInvalid(path, key, `must not be '${key}'`)]
  if (key.startsWith('..')) return [fieldInvalid(path, key, "must not start with '..'")]
  return KEY.test(key) ? [] : [fieldInvalid(path, key, KEY_RULE)]
}

export function sealed(path: string): FieldError {
  return fieldForbidden(path, 'field is immutable when `immutable` is set')
}
