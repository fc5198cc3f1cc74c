import type { CelField, CelListMerge, CelType } from '@locktender/cel'
import type { StructuralSchema } from '@locktender/kube'
import { isSchema } from '../schema/walk.ts'
import { cel } from './engine.ts'
import { REQUEST_BYTES } from './limits.ts'
import { fieldNameOf } from './names.ts'

/** What rules may know of a value, and how large it can get. */
export interface RuleType {
  readonly type: CelType
  /** Greatest number of items, entries, characters or bytes; 0 for everything that has no size. */
  readonly maxSize: number
  /** Fewest bytes of its JSON. */
  readonly minBytes: number
  readonly fields?: ReadonlyMap<string, RuleType>
  readonly keys?: RuleType
  /** Items of a list, values of a map. */
  readonly elements?: RuleType
}

// Bytes of JSON, with the quotation marks of strings.
const EMPTY_STRING = 2
const BOOLEAN = 4
const NUMBER = 1
const SHORTEST_DURATION = 3
const SHORTEST_DATE_TIME = 21
const DATE = 12
const LONGEST_DURATION = 32
const LONGEST_DATE_TIME = 32
/** Of object names, as DNS subdomains have it. */
const NAME_LENGTH = 253

/**
 * The type of a value as rules see it; undefined when rules cannot look at it, because nothing is known of it.
 * `isResource` marks a whole Kubernetes object, which has a version, a kind and names whatever its schema says. `name`
 * tells the object types of an expression apart.
 */
export function ruleTypeOf(schema: StructuralSchema, isResource: boolean, name: string): RuleType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    const { maxLength } = schema
    return {
      type: cel().celDyn,
      maxSize: maxLength === undefined ? REQUEST_BYTES - 2 : inBytes(maxLength),
      minBytes: 1,
    }
  }
  switch (schema.type) {
    case 'array':
      return listType(schema, name)
    case 'object':
      return isSchema(schema.additionalProperties) && !isResource
        ? mapType(schema, schema.additionalProperties, name)
        : fieldsType(isResource ? asResource(schema) : schema, name)
    case 'string':
      return stringType(schema)
    case 'boolean':
      return { type: cel().celBool, maxSize: 0, minBytes: BOOLEAN }
    case 'number':
      return { type: cel().celDouble, maxSize: 0, minBytes: NUMBER }
    case 'integer':
      return { type: cel().celInt, maxSize: 0, minBytes: NUMBER }
    default:
      return undefined
  }
}

function ofPart(schema: StructuralSchema, name: string): RuleType | undefined {
  return ruleTypeOf(schema, schema['x-kubernetes-embedded-resource'] === true, name)
}

function listType(schema: StructuralSchema, name: string): RuleType | undefined {
  const elements = schema.items === undefined ? undefined : ofPart(schema.items, `${name}.@idx`)
  if (elements === undefined) return undefined
  const { maxItems } = schema
  return {
    type: cel().listOf(elements.type, mergeOf(schema)),
    maxSize: maxItems === undefined ? Math.floor((REQUEST_BYTES - 2) / (elements.minBytes + 1)) : Math.max(0, maxItems),
    minBytes: 2,
    elements,
  }
}

function mergeOf(schema: StructuralSchema): CelListMerge | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { kind: 'set' }
    case 'map':
      return { kind: 'map', keys: schema['x-kubernetes-list-map-keys'] ?? [] }
    default:
      return undefined
  }
}

function mapType(schema: StructuralSchema, values: StructuralSchema, name: string): RuleType | undefined {
  const elements = ofPart(values, `${name}.@elem`)
  if (elements === undefined) return undefined
  const { maxProperties } = schema
  // An entry has at least an empty key, a colon and a comma around its value.
  const entry = elements.minBytes + 6
  return {
    type: cel().mapOf(cel().celString, elements.type),
    maxSize: maxProperties === undefined ? Math.floor((REQUEST_BYTES - 2) / entry) : Math.max(0, maxProperties),
    minBytes: 2,
    keys: { type: cel().celString, maxSize: 0, minBytes: EMPTY_STRING },
    elements,
  }
}

function fieldsType({ properties = {}, required = [] }: StructuralSchema, name: string): RuleType {
  const fields = new Map<string, RuleType>()
  const declared: Record<string, CelField> = {}
  let minBytes = 2
  for (const [property, schema] of Object.entries(properties)) {
    const fieldName = fieldNameOf(property)
    const field = ofPart(schema, `${name}.${fieldName ?? property}`)
    if (field === undefined) continue
    if (fieldName !== undefined) {
      fields.set(fieldName, field)
      declared[fieldName] = { type: field.type, property }
    }
    // What has a default may be left out of a request.
    if (required.includes(property) && schema.default === undefined) {
      minBytes += Buffer.byteLength(property) + field.minBytes + 4
    }
  }
  return { type: cel().objectType(name, declared), maxSize: 0, minBytes, fields }
}

/** The schema with version, kind and names of an object, and nothing else of its metadata. */
function asResource(schema: StructuralSchema): StructuralSchema {
  const { metadata } = schema.properties ?? {}
  const capped = (name: string, longest: number): StructuralSchema => ({
    type: 'string',
    maxLength: Math.min(metadata?.properties?.[name]?.maxLength ?? longest, longest),
  })
  return {
    ...schema,
    properties: {
      ...schema.properties,
      kind: { type: 'string' },
      apiVersion: { type: 'string' },
      metadata: {
        type: 'object',
        // The suffix of a generated name has at least one character.
        properties: { name: capped('name', NAME_LENGTH), generateName: capped('generateName', NAME_LENGTH - 1) },
      },
    },
  }
}

function stringType(schema: StructuralSchema): RuleType {
  const { maxLength, enum: values = [] } = schema
  switch (schema.format) {
    case 'byte': {
      const maxSize = maxLength === undefined ? REQUEST_BYTES - 2 : Math.max(0, maxLength)
      return { type: cel().celBytes, maxSize, minBytes: EMPTY_STRING }
    }
    case 'duration':
      return { type: cel().celDuration, maxSize: LONGEST_DURATION, minBytes: SHORTEST_DURATION }
    case 'date':
      return { type: cel().celTimestamp, maxSize: DATE, minBytes: DATE }
    case 'date-time':
      return { type: cel().celTimestamp, maxSize: LONGEST_DATE_TIME, minBytes: SHORTEST_DATE_TIME }
    default: {
      const lengths = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0))
      const longest = values.length > 0 ? Math.max(...lengths) : REQUEST_BYTES - 2
      return {
        type: cel().celString,
        maxSize: maxLength === undefined ? longest : inBytes(maxLength),
        minBytes: EMPTY_STRING,
      }
    }
  }
}

/** A character has up to four bytes. */
function inBytes(characters: number): number {
  return Math.max(0, characters) * 4
}

/** The greatest size of a part of a value, by the path on which an expression reaches it. */
export function maxSizeAt(root: RuleType, path: readonly string[]): number | undefined {
  let at: RuleType | undefined = root
  // The first step is the variable, which is always the value or its former self.
  for (const step of path.slice(1)) {
    if (step === '@items' || step === '@values') at = at.elements
    else if (step === '@keys') at = at.keys
    else at = at.fields?.get(step)
    if (at === undefined) return undefined
  }
  return path.length === 0 ? undefined : at.maxSize
}
