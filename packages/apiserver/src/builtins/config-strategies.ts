import { deepEqual, fieldInvalid, fieldRequired, fieldTooLong } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import { isRecord } from '../objects/object.ts'
import type { AnyObject } from '../objects/object.ts'
import type { Strategy } from '../served-resource.ts'
import { jsonProblem } from '../write/json-problems.ts'
import { configKeyProblems, refuse, sealed } from './rules.ts'

/** Most bytes a config map or a secret may hold. */
const MAX_BYTES = 1024 * 1024

function members(object: AnyObject, field: string): [string, unknown][] {
  const value = object[field]
  return isRecord(value) ? Object.entries(value) : []
}

/** Once sealed, an object cannot be opened again, nor its contents be changed. */
function sealErrors(object: AnyObject, live: AnyObject | undefined, fields: readonly string[]): FieldError[] {
  if (live?.['immutable'] !== true) return []
  const errors = object['immutable'] === true ? [] : [sealed('immutable')]
  return [
    ...errors,
    ...fields.filter((field) => !deepEqual(object[field] ?? {}, live[field] ?? {})).map((field) => sealed(field)),
  ]
}

/** Config maps have keys fit for file names, said once, and may be sealed. */
export const configMapStrategy: Strategy = {
  validate(object, live) {
    const errors: FieldError[] = []
    let size = 0
    const binary = new Set(members(object, 'binaryData').map(([key]) => key))
    for (const [key, value] of members(object, 'data')) {
      refuse(configKeyProblems(key), key, `data[${key}]`, errors)
      if (binary.has(key)) errors.push(fieldInvalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
      size += Buffer.byteLength(String(value))
    }
    for (const [key, value] of members(object, 'binaryData')) {
      refuse(configKeyProblems(key), key, `binaryData[${key}]`, errors)
      size += Buffer.byteLength(String(value), 'base64')
    }
    if (size > MAX_BYTES) errors.push(fieldTooLong('[]', MAX_BYTES))
    return [...errors, ...sealErrors(object, live, ['data', 'binaryData'])]
  },
}

/** Keys a secret of a type must have; of the alternatives one is enough. */
const REQUIRED_KEYS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'kubernetes.io/tls': [['tls.crt'], ['tls.key']],
  'kubernetes.io/dockerconfigjson': [['.dockerconfigjson']],
  'kubernetes.io/dockercfg': [['.dockercfg']],
  'kubernetes.io/basic-auth': [['username', 'password']],
  'kubernetes.io/ssh-auth': [['ssh-privatekey']],
}

const OF_ACCOUNT = 'kubernetes.io/service-account.name'

function typeErrors(object: AnyObject): FieldError[] {
  const type = String(object['type'])
  const data = isRecord(object['data']) ? object['data'] : {}
  const errors = (Object.hasOwn(REQUIRED_KEYS, type) ? REQUIRED_KEYS[type]! : [])
    .filter((alternatives) => !alternatives.some((key) => Object.hasOwn(data, key)))
    .flatMap((alternatives) => alternatives.map((key) => fieldRequired(`data[${key}]`)))
  if (type === 'kubernetes.io/service-account-token' && (object.metadata.annotations?.[OF_ACCOUNT] ?? '') === '') {
    errors.push(fieldRequired(`metadata.annotations[${OF_ACCOUNT}]`))
  }
  for (const key of ['.dockerconfigjson', '.dockercfg']) {
    if (errors.length > 0 || !type.endsWith(key.replace('.', '/'))) continue
    const problem = jsonProblem(Buffer.from(String(data[key]), 'base64').toString('utf8'))
    if (problem !== undefined) errors.push(fieldInvalid(`data[${key}]`, '<secret contents redacted>', problem))
  }
  return errors
}

/** Secrets have a type that stays, and may be sealed. */
export const secretStrategy: Strategy = {
  validate(object, live) {
    const errors: FieldError[] = []
    let size = 0
    for (const [key, value] of members(object, 'data')) {
      refuse(configKeyProblems(key), key, `data[${key}]`, errors)
      size += Buffer.byteLength(String(value), 'base64')
    }
    if (size > MAX_BYTES) errors.push(fieldTooLong('data', MAX_BYTES))
    errors.push(...typeErrors(object))
    if (live !== undefined && object['type'] !== live['type']) {
      errors.push(fieldInvalid('type', object['type'] as Json, 'field is immutable'))
    }
    return [...errors, ...sealErrors(object, live, ['data'])]
  },
}
