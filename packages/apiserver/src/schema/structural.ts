import { fieldDuplicate, fieldForbidden, fieldInvalid, fieldNotSupported, fieldRequired } from '@locktender/kube'
import type { FieldError, Json, StructuralSchema } from '@locktender/kube'
import { compileValidation } from './compile.ts'
import { compileDefaults } from './defaults.ts'
import { patternError } from './patterns.ts'
import { compilePrune } from './prune.ts'
import { isSchema } from './walk.ts'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** Where in a schema a node stands; it decides what may be left out. */
type Level = 'root' | 'field' | 'item'

/**
 * Whether a schema is structural and otherwise acceptable in a CustomResourceDefinition: the errors a Kubernetes
 * API server would give, below `path`; empty when it is fine.
 */
export function validateStructural(schema: StructuralSchema, path = 'spec.validation.openAPIV3Schema'): FieldError[] {
  const errors: FieldError[] = []
  checkNode(schema, 'root', path, errors)
  return errors
}

function checkNode(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const before = errors.length
  checkType(schema, level, path, errors)
  checkNesting(schema, path, errors)
  checkExtensions(schema, path, errors)
  checkMetadata(schema, level, path, errors)
  if (schema.nullable === true && level === 'root') {
    errors.push(fieldForbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  }
  checkPattern(schema, path, errors)
  for (const [junctor, parts] of junctors(schema)) {
    parts.forEach((part, index) => {
      const at = junctor === 'not' ? `${path}.not` : `${path}.${junctor}[${index}]`
      checkNested(part, schema, isIntOrStringPart(schema, junctor), at, path, errors)
    })
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNode(property, 'field', `${path}.properties[${name}]`, errors)
  }
  if (isSchema(schema.additionalProperties)) {
    checkNode(schema.additionalProperties, 'field', `${path}.additionalProperties`, errors)
  }
  if (schema.items !== undefined) checkNode(schema.items, 'item', `${path}.items`, errors)
  // A default is judged by the schema, which must make sense first.
  if (schema.default !== undefined && errors.length === before) checkDefault(schema, level, path, errors)
}

function checkType(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const { type } = schema
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const at = `${path}.type`
  if (type !== undefined && !types.includes(type)) errors.push(fieldNotSupported(at, type, types))
  if (level === 'root') {
    if (type === undefined) errors.push(fieldRequired(at, 'must not be empty at the root'))
    else if (type !== 'object') errors.push(fieldInvalid(at, type, 'must be object at the root'))
  } else if (embedded) {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    if (type === undefined) errors.push(fieldRequired(at, why))
    else if (type !== 'object') errors.push(fieldInvalid(at, type, why))
  } else if (type === undefined) {
    const open =
      schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true
    const what = level === 'item' ? 'array items' : 'object fields'
    if (!open) errors.push(fieldRequired(at, `must not be empty for specified ${what}`))
  }
}

function checkNesting(schema: StructuralSchema, path: string, errors: FieldError[]): void {
  const { type, items, properties, additionalProperties } = schema
  if (type === 'array' && items === undefined) errors.push(fieldRequired(`${path}.items`, 'must be specified'))
  if (type !== 'array' && items !== undefined)
    errors.push(fieldForbidden(`${path}.items`, 'items must be undefined unless type is array'))
  if (additionalProperties === false) {
    errors.push(fieldForbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false'))
  }
  if (properties !== undefined && Object.keys(properties).length > 0 && additionalProperties !== undefined) {
    errors.push(
      fieldForbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    )
  }
  if (schema.uniqueItems === true) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    errors.push(fieldForbidden(`${path}.uniqueItems`, why))
  }
}

function checkExtensions(schema: StructuralSchema, path: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-int-or-string'] === true) {
    const at = `${path}.x-kubernetes-int-or-string`
    if (schema.type !== undefined) {
      errors.push(fieldForbidden(`${path}.type`, 'must be empty if x-kubernetes-int-or-string is true'))
    }
    if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
      errors.push(fieldForbidden(at, 'must be false if x-kubernetes-preserve-unknown-fields is true'))
    }
    if (schema['x-kubernetes-embedded-resource'] === true) {
      errors.push(fieldForbidden(at, 'must be false if x-kubernetes-embedded-resource is true'))
    }
  }
  if (
    schema['x-kubernetes-preserve-unknown-fields'] === true &&
    schema.type !== undefined &&
    schema.type !== 'object' &&
    schema.type !== 'array'
  ) {
    const why = 'must be object or array if x-kubernetes-preserve-unknown-fields is true'
    errors.push(fieldInvalid(`${path}.type`, schema.type, why))
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined) {
    if (!['atomic', 'granular'].includes(mapType)) {
      errors.push(fieldNotSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
    }
    if (schema.type !== 'object') {
      errors.push(
        fieldInvalid(`${path}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified'),
      )
    }
  }
  checkListType(schema, path, errors)
}

function checkListType(schema: StructuralSchema, path: string, errors: FieldError[]): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-type`
  if (listType === undefined) {
    if (keys.length > 0) errors.push(fieldRequired(at, 'must be map if x-kubernetes-list-map-keys is non-empty'))
    return
  }
  const listTypes = ['atomic', 'map', 'set']
  if (!listTypes.includes(listType)) errors.push(fieldNotSupported(at, listType, listTypes))
  if (schema.type !== 'array') {
    const why = 'must be array if x-kubernetes-list-type is specified'
    errors.push(fieldInvalid(`${path}.type`, schema.type ?? '', why))
    return
  }
  if (listType !== 'map') {
    if (keys.length > 0)
      errors.push(fieldInvalid(at, listType, 'must be map if x-kubernetes-list-map-keys is non-empty'))
    if (listType === 'set') checkSetItems(schema.items, path, errors)
    return
  }
  checkMapKeys(schema.items, keys, path, errors)
}

function checkSetItems(items: StructuralSchema | undefined, path: string, errors: FieldError[]): void {
  if (items === undefined) return
  if (items.nullable === true) {
    const why = 'cannot be nullable when x-kubernetes-list-type is set'
    errors.push(fieldForbidden(`${path}.items.nullable`, why))
  }
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
    errors.push(fieldInvalid(`${path}.items.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? null, why))
  }
  if (items.type === 'array' && ![undefined, 'atomic'].includes(items['x-kubernetes-list-type'])) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
    errors.push(fieldInvalid(`${path}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'] ?? null, why))
  }
}

function checkMapKeys(
  items: StructuralSchema | undefined,
  keys: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  const at = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(fieldRequired(at, 'must not be empty if x-kubernetes-list-type is map'))
  if (items === undefined) return
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map"
    errors.push(fieldInvalid(`${path}.items.type`, items.type ?? '', why))
    return
  }
  keys.forEach((key, index) => {
    if (keys.indexOf(key) < index) {
      errors.push(fieldDuplicate(`${at}[${index}]`, key))
      return
    }
    const property = items.properties?.[key]
    if (property === undefined) {
      errors.push(fieldInvalid(at, key, 'entries must all be names of item properties'))
      return
    }
    if (property.type === 'array' || property.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(fieldInvalid(`${path}.items.properties[${key}].type`, property.type, why))
    }
    if (property.default === undefined && !(items.required ?? []).includes(key)) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'
      errors.push(fieldRequired(`${path}.items.properties[${key}].default`, why))
    }
  })
}

/** The server owns object metadata; a schema may only narrow the name. */
function checkMetadata(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  if (level !== 'root' && schema['x-kubernetes-embedded-resource'] !== true) return
  const metadata = schema.properties?.['metadata']
  if (metadata === undefined) return
  const known = new Set(['type', 'description', 'properties'])
  const narrows =
    Object.keys(metadata).every((keyword) => known.has(keyword)) &&
    Object.keys(metadata.properties ?? {}).every((name) => name === 'name' || name === 'generateName')
  if (!narrows) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(fieldForbidden(`${path}.properties[metadata]`, why))
  }
}

function checkPattern(schema: StructuralSchema, path: string, errors: FieldError[]): void {
  const { pattern } = schema
  const why = pattern === undefined ? undefined : patternError(pattern)
  if (why === undefined) return
  errors.push(fieldInvalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`))
}

function checkDefault(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const at = `${path}.default`
  if (level === 'root') {
    errors.push(fieldForbidden(at, 'must not be set at the root'))
    return
  }
  const value = schema.default as Json
  const pruned = compilePrune(schema, false)?.(value)
  if (pruned !== undefined) {
    errors.push(fieldInvalid(at, value, 'must not have unknown fields'))
    return
  }
  const complete = compileDefaults(schema)?.(value) ?? value
  errors.push(...compileValidation(schema)(complete, at))
}

type Junctor = 'allOf' | 'anyOf' | 'oneOf' | 'not'

function junctors(schema: StructuralSchema): [Junctor, StructuralSchema[]][] {
  const found: [Junctor, StructuralSchema[]][] = []
  for (const junctor of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = schema[junctor]
    if (parts !== undefined) found.push([junctor, parts])
  }
  if (schema.not !== undefined) found.push(['not', [schema.not]])
  return found
}

/** `anyOf: [{type: integer}, {type: string}]` is the one place where alternatives may name types. */
function isIntOrStringPart(schema: StructuralSchema, junctor: Junctor): boolean {
  return schema['x-kubernetes-int-or-string'] === true && (junctor === 'anyOf' || junctor === 'allOf')
}

const nestedForbidden = ['type', 'description', 'title', 'default', 'nullable', 'additionalProperties'] as const
const nestedExtensions = [
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
] as const

/** Alternatives may narrow values of fields that are declared outside of them, and nothing else. */
function checkNested(
  part: StructuralSchema,
  declared: StructuralSchema | undefined,
  mayNameType: boolean,
  path: string,
  declaredPath: string,
  errors: FieldError[],
): void {
  for (const keyword of nestedForbidden) {
    if (part[keyword] === undefined || (keyword === 'type' && mayNameType)) continue
    const why =
      keyword === 'nullable'
        ? 'must be false to be structural'
        : keyword === 'additionalProperties'
          ? 'must be undefined to be structural'
          : 'must be empty to be structural'
    errors.push(fieldForbidden(`${path}.${keyword}`, why))
  }
  for (const keyword of nestedExtensions) {
    if (part[keyword] !== undefined)
      errors.push(fieldForbidden(`${path}.${keyword}`, 'must be undefined to be structural'))
  }
  checkPattern(part, path, errors)
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const at = `${path}.properties[${name}]`
    const outside =
      declared?.properties?.[name] ??
      (isSchema(declared?.additionalProperties) ? declared.additionalProperties : undefined)
    const outsidePath = `${declaredPath}.properties[${name}]`
    if (outside === undefined) errors.push(fieldRequired(outsidePath, `because it is defined in ${at}`))
    else checkNested(property, outside, false, at, outsidePath, errors)
  }
  if (part.items !== undefined) {
    const at = `${path}.items`
    const outsidePath = `${declaredPath}.items`
    if (declared?.items === undefined) errors.push(fieldRequired(outsidePath, `because it is defined in ${at}`))
    else checkNested(part.items, declared.items, false, at, outsidePath, errors)
  }
  for (const [junctor, parts] of junctors(part)) {
    parts.forEach((inner, index) => {
      const at = junctor === 'not' ? `${path}.not` : `${path}.${junctor}[${index}]`
      checkNested(inner, declared, mayNameType, at, declaredPath, errors)
    })
  }
}
