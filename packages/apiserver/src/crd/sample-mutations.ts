import { clone, isObject } from '@locktender/kube'
import type { Json, JsonObject, StructuralSchema } from '@locktender/kube'
import { formatCheck } from '../schema/formats.ts'
import { patternMatcher } from '../schema/patterns.ts'
import { isSchema } from '../schema/walk.ts'
import { ENTRY, NoSample, sampleValue } from './sample-values.ts'
import type { SchemaStep } from './sample-values.ts'

/** One part of a schema with the way to it. */
export interface SchemaPart {
  readonly schema: StructuralSchema
  readonly steps: readonly SchemaStep[]
}

/** For tests: an object that breaks one rule. */
export interface Mutation {
  /** The rule, as in `maxItems`. */
  readonly rule: string
  readonly object: JsonObject
  readonly reason: string
  /** Of the cause. */
  readonly field: string
}

/** Every part of a schema from the outside in, without the metadata that the server itself rules. */
export function partsOf(schema: StructuralSchema, steps: readonly SchemaStep[] = []): SchemaPart[] {
  const parts: SchemaPart[] = [{ schema, steps }]
  for (const [property, part] of Object.entries(schema.properties ?? {})) {
    if (steps.length === 0 && ['apiVersion', 'kind', 'metadata'].includes(property)) continue
    parts.push(...partsOf(part, [...steps, { property }]))
  }
  if (isSchema(schema.additionalProperties)) parts.push(...partsOf(schema.additionalProperties, [...steps, 'entry']))
  if (schema.items !== undefined) parts.push(...partsOf(schema.items, [...steps, 'item']))
  return parts
}

/** The path of a part in errors: `spec.list[0].map.key`. */
export function pathOf(steps: readonly SchemaStep[]): string {
  let path = ''
  for (const step of steps) {
    if (step === 'item') path += '[0]'
    else path += `${path === '' ? '' : '.'}${step === 'entry' ? ENTRY : step.property}`
  }
  return path
}

/**
 * All ways to break one rule of a part of `sample`, which has that part. `skipped` is called with rules for which no
 * value could be found that breaks them and nothing before them.
 */
export function mutationsOf(
  { schema, steps }: SchemaPart,
  sample: JsonObject,
  seed: number,
  skipped: (rule: string) => void,
): Mutation[] {
  const mutations: Mutation[] = []
  const path = pathOf(steps)
  const value = valueAt(sample, steps)
  const add = (rule: string, reason: string, wrong: Json, below = ''): void => {
    const field = below === '' ? path : joined(path, below)
    mutations.push({ rule, object: withValue(sample, steps, wrong), reason, field })
  }
  addTypes(schema, steps, add)
  if (schema.enum !== undefined)
    add('enum', 'FieldValueNotSupported', typeof schema.enum[0] === 'number' ? -77 : 'nO-such')
  if (typeof value === 'string') addStrings(schema, add, skipped)
  else if (typeof value === 'number') addNumbers(schema, add, skipped)
  else if (Array.isArray(value)) addLists(schema, value, seed, add, skipped)
  else if (isObject(value)) addObjects(schema, value, seed, add, skipped)
  return mutations
}

type Add = (rule: string, reason: string, wrong: Json, below?: string) => void

function joined(path: string, below: string): string {
  return path === '' || below.startsWith('[') ? path + below : `${path}.${below}`
}

function addTypes(schema: StructuralSchema, steps: readonly SchemaStep[], add: Add): void {
  if (steps.length === 0) return
  if (schema['x-kubernetes-int-or-string'] === true) add('type', 'FieldValueTypeInvalid', true)
  else if (schema.type === 'string') add('type', 'FieldValueTypeInvalid', 7)
  else if (schema.type !== undefined) add('type', 'FieldValueTypeInvalid', 'text')
}

function addStrings(schema: StructuralSchema, add: Add, skipped: (rule: string) => void): void {
  const { minLength = 0, maxLength, pattern, format } = schema
  if (minLength > 0) add('minLength', 'FieldValueInvalid', 'a'.repeat(minLength - 1))
  if (maxLength !== undefined) {
    if (maxLength <= 100_000) add('maxLength', 'FieldValueTooLong', 'a'.repeat(maxLength + 1))
    else skipped('maxLength')
  }
  if (pattern !== undefined) {
    const matches = patternMatcher(pattern)
    const fits = (text: string): boolean => text.length >= minLength && text.length <= (maxLength ?? Infinity)
    const wrong = ['!', ' ', '\n', '', '-', ',', 'a b', '&', '!'.repeat(Math.max(minLength, 1))].find(
      (text) => fits(text) && !matches(text),
    )
    if (wrong === undefined) skipped('pattern')
    else add('pattern', 'FieldValueInvalid', wrong)
  }
  if (format !== undefined && formatCheck(format) !== undefined) {
    // Passwords, for instance, may be anything.
    const wrong = ['%', '!!'].find((text) => !formatCheck(format)!(text))
    if (wrong === undefined) skipped('format')
    else add('format', 'FieldValueTypeInvalid', wrong)
  }
}

function addNumbers(schema: StructuralSchema, add: Add, skipped: (rule: string) => void): void {
  const { minimum, maximum, multipleOf } = schema
  if (minimum !== undefined) add('minimum', 'FieldValueInvalid', minimum - 1)
  if (maximum !== undefined) {
    // Beyond the whole numbers of JSON there is no next one.
    if (Number.isSafeInteger(maximum + 1)) add('maximum', 'FieldValueInvalid', maximum + 1)
    else skipped('maximum')
  }
  if (multipleOf !== undefined) add('multipleOf', 'FieldValueInvalid', multipleOf * 1.5)
}

function addLists(
  schema: StructuralSchema,
  value: Json[],
  seed: number,
  add: Add,
  skipped: (rule: string) => void,
): void {
  const { items, minItems = 0, maxItems, 'x-kubernetes-list-type': listType } = schema
  if (items === undefined) return
  if (minItems > 0) add('minItems', 'FieldValueInvalid', value.slice(0, minItems - 1))
  let item: Json
  try {
    item = value[0] ?? sampleValue(items, seed)
  } catch (error) {
    if (!(error instanceof NoSample)) throw error
    skipped('items')
    return
  }
  if (maxItems !== undefined) {
    if (maxItems <= 5000)
      add(
        'maxItems',
        'FieldValueTooMany',
        Array.from({ length: maxItems + 1 }, () => item),
      )
    else skipped('maxItems')
  }
  const mayRepeat = maxItems === undefined || maxItems >= Math.max(2, value.length + 1)
  if ((listType === 'set' || listType === 'map') && mayRepeat) {
    const before = value.length === 0 ? [item] : value
    add(`list-${listType}`, 'FieldValueDuplicate', [...before, item], `[${before.length}]`)
  }
}

function addObjects(
  schema: StructuralSchema,
  value: JsonObject,
  seed: number,
  add: Add,
  skipped: (rule: string) => void,
): void {
  const { properties = {}, required = [], minProperties = 0, maxProperties, additionalProperties } = schema
  for (const name of required) {
    // What has a default is never missing.
    if (properties[name]?.default !== undefined) continue
    const { [name]: _removed, ...rest } = value
    add('required', 'FieldValueRequired', rest, name)
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    const { kind: _kind, ...rest } = value
    add('embedded-resource', 'FieldValueRequired', rest, 'kind')
  }
  if (minProperties > 0 && Object.values(properties).every((property) => property.default === undefined)) {
    add('minProperties', 'FieldValueInvalid', Object.fromEntries(Object.entries(value).slice(0, minProperties - 1)))
  }
  if (maxProperties === undefined) return
  if (!isSchema(additionalProperties) || maxProperties > 5000) {
    skipped('maxProperties')
    return
  }
  const entry = sampleValue(additionalProperties, seed)
  const names = Array.from({ length: maxProperties + 1 }, (_, index) => `${ENTRY}${index}`)
  add('maxProperties', 'FieldValueTooMany', Object.fromEntries(names.map((name) => [name, entry])))
}

/** The value of the part at `steps` of an object that has it. */
export function valueAt(object: Json, steps: readonly SchemaStep[]): Json {
  let value = object
  for (const step of steps) {
    if (step === 'item') value = (value as Json[])[0]!
    else value = (value as JsonObject)[step === 'entry' ? ENTRY : step.property]!
  }
  return value
}

/** A copy with another value for the part at `steps`. */
function withValue(object: JsonObject, steps: readonly SchemaStep[], value: Json): JsonObject {
  if (steps.length === 0) return value as JsonObject
  const copy = clone(object)
  const parent = valueAt(copy, steps.slice(0, -1))
  const last = steps.at(-1)!
  if (last === 'item') (parent as Json[])[0] = value
  else (parent as JsonObject)[last === 'entry' ? ENTRY : last.property] = value
  return copy
}
