import { deepEqual, fieldForbidden, fieldInvalid, fieldRequired } from '@locktender/kube'
import type { FieldError, StructuralSchema } from '@locktender/kube'
import { patternError } from './patterns.ts'
import { isSchema } from './walk.ts'

/** Where in a schema a node stands; it decides what may be left out. */
type Level = 'root' | 'field' | 'item'

const intOrStringParts: readonly StructuralSchema[] = [{ type: 'integer' }, { type: 'string' }]

/**
 * Whether a schema is structural: every value has one declared shape, and alternatives only narrow its values. The
 * errors are those of a Kubernetes API server, below `path`, in the order of their text; empty when it is fine.
 */
export function validateStructural(schema: StructuralSchema, path: string): FieldError[] {
  const errors: FieldError[] = []
  checkNode(schema, 'root', path, errors)
  checkAlternativesDeclared(schema, schema, path, path, errors)
  return errors.sort((left, right) => {
    const [first, second] = [`${left.field}: ${left.message}`, `${right.field}: ${right.message}`]
    return first < second ? -1 : first > second ? 1 : 0
  })
}

/** The ways through a schema to where its alternatives stand. */
type Junctor = 'allOf' | 'anyOf' | 'oneOf' | 'not'

function junctors(schema: StructuralSchema): [Junctor, string, StructuralSchema][] {
  const found: [Junctor, string, StructuralSchema][] = []
  for (const junctor of ['anyOf', 'allOf', 'oneOf'] as const) {
    schema[junctor]?.forEach((part, index) => found.push([junctor, `${junctor}[${index}]`, part]))
  }
  if (schema.not !== undefined) found.push(['not', 'not', schema.not])
  return found
}

function checkNode(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const { type, items, properties = {}, additionalProperties } = schema
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (type === 'array' && items === undefined) errors.push(fieldRequired(`${path}.items`, 'must be specified'))
  if (items !== undefined) checkNode(items, 'item', `${path}.items`, errors)
  for (const [name, property] of Object.entries(properties)) {
    checkNode(property, 'field', `${path}.properties[${name}]`, errors)
  }
  if (additionalProperties !== undefined) {
    const at = `${path}.additionalProperties`
    if (level === 'root') errors.push(fieldForbidden(at, 'must not be used at the root'))
    if (isSchema(additionalProperties)) checkNode(additionalProperties, 'field', at, errors)
    if (embedded) errors.push(fieldForbidden(at, 'must not be used if x-kubernetes-embedded-resource is set'))
  }
  checkExtensions(schema, path, errors)
  checkAlternatives(schema, isIntOrString(schema.anyOf), isIntOrString(schema.allOf?.[0]?.anyOf), path, errors)
  checkType(schema, level, path, errors)
  checkMetadata(schema, level, path, errors)
  if (embedded && !preserves && Object.keys(properties).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    errors.push(fieldRequired(`${path}.properties`, why))
  }
}

function checkExtensions(schema: StructuralSchema, path: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-int-or-string'] !== true) return
  for (const extension of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (schema[extension] !== true) continue
    errors.push(fieldInvalid(`${path}.${extension}`, true, 'must be false if x-kubernetes-int-or-string is true'))
  }
}

function checkType(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const { type = '' } = schema
  const at = `${path}.type`
  if (schema['x-kubernetes-embedded-resource'] === true && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? fieldRequired(at, why) : fieldInvalid(at, type, why))
  } else if (
    type === '' &&
    schema['x-kubernetes-int-or-string'] !== true &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true
  ) {
    const where =
      level === 'root' ? 'at the root' : level === 'item' ? 'for specified array items' : 'for specified object fields'
    errors.push(fieldRequired(at, `must not be empty ${where}`))
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(fieldInvalid(at, type, 'must be object at the root'))
  }
}

/** The server owns kind and metadata of objects; a schema may only narrow their names. */
function checkMetadata(schema: StructuralSchema, level: Level, path: string, errors: FieldError[]): void {
  const { kind, apiVersion, metadata } = schema.properties ?? {}
  const isObject = level === 'root' || schema['x-kubernetes-embedded-resource'] === true
  if (isObject) {
    for (const [name, property] of Object.entries({ kind, apiVersion })) {
      if (property === undefined || property.type === 'string') continue
      errors.push(fieldInvalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'))
    }
  }
  if (metadata === undefined) return
  const at = `${path}.properties[metadata]`
  if (isObject && metadata.type !== 'object') {
    errors.push(fieldInvalid(`${at}.type`, metadata.type ?? '', 'must be object'))
  }
  if (level !== 'root') return
  const { type: _type, default: _default, properties, ...rest } = metadata
  const narrowsNames = Object.keys(properties ?? {}).every((name) => name === 'name' || name === 'generateName')
  if (!narrowsNames || Object.values(rest).some(isSet)) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(fieldForbidden(at, why))
  }
}

/** Whether a keyword says anything; empty values are as good as absent ones. */
export function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return false
  return !Array.isArray(value) || value.length > 0
}

/** `anyOf: [{type: integer}, {type: string}]` is the one place where alternatives may name types. */
function isIntOrString(parts: readonly StructuralSchema[] | undefined): boolean {
  return deepEqual(parts, intOrStringParts)
}

function checkAlternatives(
  schema: StructuralSchema,
  skipAnyOf: boolean,
  skipAnyOfInFirstAllOf: boolean,
  path: string,
  errors: FieldError[],
): void {
  for (const [junctor, step, part] of junctors(schema)) {
    if (junctor === 'anyOf' && skipAnyOf) continue
    const skip = skipAnyOfInFirstAllOf && step === 'allOf[0]'
    checkNested(part, skip, `${path}.${step}`, errors)
  }
  const { pattern = '' } = schema
  const why = pattern === '' ? undefined : patternError(pattern)
  if (why === undefined) return
  errors.push(fieldInvalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`))
}

const nestedForbidden: readonly (readonly [keyof StructuralSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

/** Alternatives may narrow values, and nothing else. */
function checkNested(part: StructuralSchema, skipAnyOf: boolean, path: string, errors: FieldError[]): void {
  checkAlternatives(part, skipAnyOf, false, path, errors)
  if (part.items !== undefined) checkNested(part.items, false, `${path}.items`, errors)
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    checkNested(property, false, `${path}.properties[${name}]`, errors)
  }
  for (const [keyword, why] of nestedForbidden) {
    // A default is forbidden whatever it is, false and zero included.
    const given = keyword === 'default' ? part.default !== undefined && part.default !== null : isSet(part[keyword])
    if (given) errors.push(fieldForbidden(`${path}.${keyword}`, why))
  }
  if (part.properties?.['metadata'] !== undefined) {
    errors.push(fieldForbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
  }
}

/** Everything that alternatives speak of must be declared outside of them, at the root of the schema. */
function checkAlternativesDeclared(
  part: StructuralSchema,
  declared: StructuralSchema | undefined,
  declaredPath: string,
  path: string,
  errors: FieldError[],
): void {
  for (const [, step, inner] of junctors(part)) {
    checkDeclared(inner, declared, declaredPath, `${path}.${step}`, errors)
  }
}

function checkDeclared(
  part: StructuralSchema,
  declared: StructuralSchema | undefined,
  declaredPath: string,
  path: string,
  errors: FieldError[],
): void {
  if (declared === undefined) {
    errors.push(fieldRequired(declaredPath, `because it is defined in ${path}`))
    return
  }
  checkAlternativesDeclared(part, declared, declaredPath, path, errors)
  if (part.items !== undefined) {
    checkDeclared(part.items, declared.items, `${declaredPath}.items`, `${path}.items`, errors)
  }
  for (const [name, property] of Object.entries(part.properties ?? {})) {
    const step = `properties[${name}]`
    checkDeclared(property, declared.properties?.[name], `${declaredPath}.${step}`, `${path}.${step}`, errors)
  }
}
