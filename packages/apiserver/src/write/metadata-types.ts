import { readTime } from '../builtins/canonical-scalar.ts'
import { TypeMismatch } from '../builtins/type-mismatch.ts'
import { jsonTypeOf } from './json-problems.ts'
import { isRecord } from '../objects/object.ts'

type Fields = { [field: string]: unknown }

const OWNER: Readonly<Record<string, string>> = {
  apiVersion: 'string',
  kind: 'string',
  name: 'string',
  uid: 'types.UID',
  controller: 'bool',
  blockOwnerDeletion: 'bool',
}

const MANAGER: Readonly<Record<string, string>> = {
  manager: 'string',
  operation: 'v1.ManagedFieldsOperationType',
  apiVersion: 'string',
  time: 'v1.Time',
  fieldsType: 'string',
  subresource: 'string',
}

const META: Readonly<Record<string, string>> = {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  selfLink: 'string',
  uid: 'types.UID',
  resourceVersion: 'string',
  generation: 'int64',
  creationTimestamp: 'v1.Time',
  deletionTimestamp: 'v1.Time',
  deletionGracePeriodSeconds: 'int64',
}

/**
 * Makes sure that the fields of metadata have the types they have in Kubernetes. Those that are null go away, as they
 * count as absent. `prefix` is where metadata is within what Go decodes in one go: `metadata.`, or nothing.
 * @throws TypeMismatch
 */
export function checkMetadataTypes(metadata: Fields, prefix: string): void {
  checkFields(metadata, META, 'ObjectMeta', prefix)
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field]
    if (map === undefined) continue
    if (map === null) {
      delete metadata[field]
      continue
    }
    const struct = `ObjectMeta.${prefix}${field}`
    if (!isRecord(map)) throw mismatch(map, struct, 'map[string]string')
    for (const [key, value] of Object.entries(map)) {
      if (value === null) map[key] = ''
      else if (typeof value !== 'string') throw mismatch(value, struct, 'string')
    }
  }
  const finalizers = listOf(metadata, 'finalizers', prefix, 'string')
  for (const finalizer of finalizers) {
    if (typeof finalizer !== 'string') throw mismatch(finalizer, `ObjectMeta.${prefix}finalizers`, 'string')
  }
  checkItems(metadata, 'ownerReferences', prefix, 'OwnerReference', OWNER)
  checkItems(metadata, 'managedFields', prefix, 'ManagedFieldsEntry', MANAGER)
}

function checkItems(
  metadata: Fields,
  field: string,
  prefix: string,
  struct: string,
  types: Readonly<Record<string, string>>,
): void {
  for (const item of listOf(metadata, field, prefix, `v1.${struct}`)) {
    if (!isRecord(item)) throw mismatch(item, `ObjectMeta.${prefix}${field}`, `v1.${struct}`)
    checkFields(item, types, struct, `${prefix}${field}.`)
  }
}

function listOf(metadata: Fields, field: string, prefix: string, type: string): readonly unknown[] {
  const list = metadata[field]
  if (list === undefined) return []
  if (list === null) {
    delete metadata[field]
    return []
  }
  if (!Array.isArray(list)) throw mismatch(list, `ObjectMeta.${prefix}${field}`, `[]${type}`)
  return list
}

function checkFields(object: Fields, types: Readonly<Record<string, string>>, struct: string, prefix: string): void {
  for (const field in object) {
    const type = types[field]
    if (type === undefined) continue
    const value = object[field]
    if (value === null || value === undefined) delete object[field]
    else if (!fits(value, type)) throw mismatch(value, `${struct}.${prefix}${field}`, type)
  }
}

function fits(value: unknown, type: string): boolean {
  if (type === 'int64') return Number.isInteger(value)
  if (type === 'bool') return typeof value === 'boolean'
  if (type === 'v1.Time' && typeof value === 'string') readTime(value, false)
  return typeof value === 'string'
}

function mismatch(value: unknown, field: string, type: string): TypeMismatch {
  return new TypeMismatch(`json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${field} of type ${type}`)
}
