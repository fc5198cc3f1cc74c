import type { Json, StructuralSchema } from '@locktender/kube'
import type { Field, Message, Scalar } from './field-table.ts'

/**
 * The schema of a built-in kind, for server-side apply and for expressions over its fields. Parts are shared between
 * kinds and must not be changed. Messages that contain themselves, as JSON schemas do, are open from the second level.
 */
export function structuralSchema(message: Message): StructuralSchema {
  const { properties = {}, ...rest } = schemaOf(message, new Set())
  return { ...rest, properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, ...properties } }
}

const schemas = new WeakMap<Message, StructuralSchema>()

const OPEN: StructuralSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

function schemaOf(message: Message, above: Set<Message>): StructuralSchema {
  if (above.has(message)) return OPEN
  let schema = schemas.get(message)
  if (schema === undefined) {
    above.add(message)
    const properties: Record<string, StructuralSchema> = {}
    if (message.kind) Object.assign(properties, { apiVersion: { type: 'string' }, kind: { type: 'string' } })
    for (const [name, field] of message.fields) properties[name] = fieldSchema(field, above)
    const required = [...message.fields.values()].filter((field) => field.required).map(({ name }) => name)
    schema = {
      type: 'object',
      properties,
      ...(required.length === 0 ? {} : { required }),
      ...(message.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    }
    above.delete(message)
    schemas.set(message, schema)
  }
  return schema
}

function fieldSchema(field: Field, above: Set<Message>): StructuralSchema {
  const value = field.message === undefined ? scalarSchemas[field.scalar!] : schemaOf(field.message, above)
  return { ...containerSchema(field, value), ...mergeRules(field) }
}

/** A list, map or single value whose parts look like `value`. */
export function containerSchema<T extends object>(field: Field, value: T): T | StructuralSchema {
  const { shape, wrapped } = field
  if (shape === 'single') return value
  const items = value as StructuralSchema
  if (shape === 'list') return { type: 'array', items }
  return { type: 'object', additionalProperties: wrapped ? { type: 'array', items } : items }
}

/** How the field merges, and what it has when nobody states it. */
export function mergeRules(field: Field): StructuralSchema {
  const { listType, listKeys, mapType, patch, mergeKey } = field
  const rules: StructuralSchema = {}
  if (field.shape === 'list' && listType !== undefined) rules['x-kubernetes-list-type'] = listType
  if (listKeys.length > 0) rules['x-kubernetes-list-map-keys'] = [...listKeys]
  if (mapType !== undefined) rules['x-kubernetes-map-type'] = mapType
  if (patch.length > 0) rules['x-kubernetes-patch-strategy'] = patch.join(',')
  if (mergeKey !== undefined) rules['x-kubernetes-patch-merge-key'] = mergeKey
  if (field.default !== undefined) rules.default = field.default as Json
  return rules
}

/** What server-side apply and expressions know of the types that are no messages. */
export const scalarSchemas: Readonly<Record<Scalar, StructuralSchema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  Time: { type: 'string', format: 'date-time' },
  MicroTime: { type: 'string', format: 'date-time' },
  Duration: { type: 'string' },
  // A format keeps the type open for server-side apply: numbers are quantities too.
  Quantity: { type: 'string', format: 'quantity' },
  IntOrString: { 'x-kubernetes-int-or-string': true },
  FieldsV1: OPEN,
  RawExtension: { ...OPEN, 'x-kubernetes-map-type': 'atomic' },
  JSON: { 'x-kubernetes-preserve-unknown-fields': true },
  JSONSchemaPropsOrBool: { 'x-kubernetes-preserve-unknown-fields': true },
  JSONSchemaPropsOrArray: { 'x-kubernetes-preserve-unknown-fields': true },
  JSONSchemaPropsOrStringArray: { 'x-kubernetes-preserve-unknown-fields': true },
}
