import type { StructuralSchema } from '../schema-types.ts'
import type { Json } from '../types.ts'

export type ScalarKind = 'string' | 'numeric' | 'boolean' | 'untyped'

/**
 * How values at one place merge. A type may allow several shapes (untyped places allow all three); the JSON kind of
 * the value selects one.
 */
export interface FieldType {
  readonly scalar?: ScalarKind
  readonly list?: ListType
  readonly map?: MapType
}

export interface ListType {
  /** One value as a whole; otherwise items merge one by one. */
  readonly atomic: boolean
  /** Fields that identify an item, sorted by name; empty for sets of scalars and for atomic lists. */
  readonly keys: readonly ListKey[]
  readonly element: FieldType
}

export interface ListKey {
  readonly name: string
  /** The name as it stands in path elements: `"name":`. */
  readonly prefix: string
  /** Stands in for the key in items that lack it. */
  readonly default?: Json
}

export interface MapType {
  readonly atomic: boolean
  readonly fields: ReadonlyMap<string, Field>
  /** Type of keys that are not declared fields; absent when there may be none. */
  readonly element?: FieldType
}

export interface Field {
  /** The path element, `f:<name>`. */
  readonly element: string
  readonly type: FieldType
  /** Set by the server: never recorded for any manager, and not changed by applying. */
  readonly untracked?: true
}

const NO_FIELDS: ReadonlyMap<string, Field> = new Map()

function untyped(): FieldType {
  const list: { atomic: boolean; keys: ListKey[]; element: FieldType } = { atomic: true, keys: [], element: {} }
  const map: { atomic: boolean; fields: typeof NO_FIELDS; element: FieldType } = {
    atomic: false,
    fields: NO_FIELDS,
    element: {},
  }
  const type: FieldType = { scalar: 'untyped', list, map }
  list.element = type
  map.element = type
  return type
}

/** The type of places without a schema: scalars, atomic lists, and maps that merge key by key. */
export const DEDUCED: FieldType = untyped()

const STRING: FieldType = { scalar: 'string' }
const UNTYPED_SCALAR: FieldType = { scalar: 'untyped' }
const STRING_MAP: FieldType = { map: { atomic: false, fields: NO_FIELDS, element: STRING } }

/** metadata fields the server owns; they belong to no manager. */
const UNTRACKED_METADATA = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
])

function objectMeta(ofRoot: boolean): FieldType {
  const ownerReference: FieldType = {
    map: {
      atomic: true,
      element: DEDUCED,
      fields: fieldsOf({
        apiVersion: STRING,
        kind: STRING,
        name: STRING,
        uid: STRING,
        controller: { scalar: 'boolean' },
        blockOwnerDeletion: { scalar: 'boolean' },
      }),
    },
  }
  const types: Record<string, FieldType> = {
    name: STRING,
    generateName: STRING,
    namespace: STRING,
    selfLink: STRING,
    clusterName: STRING,
    uid: STRING,
    resourceVersion: STRING,
    generation: { scalar: 'numeric' },
    creationTimestamp: UNTYPED_SCALAR,
    deletionTimestamp: UNTYPED_SCALAR,
    deletionGracePeriodSeconds: { scalar: 'numeric' },
    labels: STRING_MAP,
    annotations: STRING_MAP,
    finalizers: { list: { atomic: false, keys: [], element: STRING } },
    ownerReferences: { list: { atomic: false, keys: [listKey('uid', {})], element: ownerReference } },
    managedFields: { list: { atomic: true, keys: [], element: DEDUCED } },
  }
  return { map: { atomic: false, fields: fieldsOf(types, ofRoot ? UNTRACKED_METADATA : undefined) } }
}

function fieldsOf(types: Record<string, FieldType>, untracked?: ReadonlySet<string>): Map<string, Field> {
  const fields = new Map<string, Field>()
  for (const [name, type] of Object.entries(types)) fields.set(name, field(name, type, untracked?.has(name)))
  return fields
}

function field(name: string, type: FieldType, untracked = false): Field {
  return untracked ? { element: `f:${name}`, type, untracked } : { element: `f:${name}`, type }
}

const ROOT_META = objectMeta(true)
const EMBEDDED_META = objectMeta(false)

const DEDUCED_ROOT: MapType = { atomic: false, fields: rootFields(new Map()), element: DEDUCED }

function rootFields(fields: Map<string, Field>): Map<string, Field> {
  fields.set('apiVersion', field('apiVersion', STRING, true))
  fields.set('kind', field('kind', STRING, true))
  fields.set('metadata', field('metadata', ROOT_META))
  return fields
}

const roots = new WeakMap<StructuralSchema, MapType>()

/**
 * The merge type of whole objects of a kind; compiled once per schema object, so schemas must not change in place.
 * Without a schema everything but the metadata is deduced.
 */
export function rootType(schema: StructuralSchema | undefined): MapType {
  if (schema === undefined) return DEDUCED_ROOT
  let root = roots.get(schema)
  if (root === undefined) {
    const { fields, element } = compileObject(schema)
    root = { atomic: false, fields: rootFields(new Map(fields)), ...(element === undefined ? {} : { element }) }
    roots.set(schema, root)
  }
  return root
}

function compile(schema: StructuralSchema): FieldType {
  switch (schema.type) {
    case 'object':
      return { map: compileObject(schema) }
    case 'array':
      return { list: compileList(schema) }
    case 'string':
      // A format means that several spellings may stand for one value, so the kind is left open.
      return schema.format === undefined || schema.format === '' || schema.format === 'byte' ? STRING : UNTYPED_SCALAR
    case 'boolean':
      return { scalar: 'boolean' }
    case 'integer':
    case 'number':
      return { scalar: 'numeric' }
    default:
      return schema.properties === undefined ? DEDUCED : { ...DEDUCED, map: compileObject(schema) }
  }
}

function compileObject(schema: StructuralSchema): MapType {
  const fields = new Map<string, Field>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    fields.set(name, field(name, compile(property)))
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    fields.set('apiVersion', field('apiVersion', STRING))
    fields.set('kind', field('kind', STRING))
    fields.set('metadata', field('metadata', EMBEDDED_META))
  }
  const atomic = schema['x-kubernetes-map-type'] === 'atomic'
  const element = elementOf(schema, fields.size > 0)
  return element === undefined ? { atomic, fields } : { atomic, fields, element }
}

function elementOf(schema: StructuralSchema, hasFields: boolean): FieldType | undefined {
  const additional = schema.additionalProperties
  if (typeof additional === 'object') return compile(additional)
  if (additional === true || schema['x-kubernetes-preserve-unknown-fields'] === true || !hasFields) return DEDUCED
  return undefined
}

function compileList(schema: StructuralSchema): ListType {
  const items = schema.items ?? {}
  const element = compile(items)
  const keys = mergeKeys(schema)
  if (keys === undefined) return { atomic: true, keys: [], element }
  return { atomic: false, keys: keys.toSorted().map((name) => listKey(name, items)), element }
}

/** Undefined for atomic lists, no keys for sets. */
function mergeKeys(schema: StructuralSchema): readonly string[] | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'map':
      return schema['x-kubernetes-list-map-keys'] ?? []
    case 'set':
      return []
    case 'atomic':
      return undefined
    default: {
      const strategies = schema['x-kubernetes-patch-strategy']?.split(',') ?? []
      if (!strategies.includes('merge')) return undefined
      const key = schema['x-kubernetes-patch-merge-key']
      return key === undefined ? [] : [key]
    }
  }
}

function listKey(name: string, items: StructuralSchema): ListKey {
  const fallback = items.properties?.[name]?.default
  const key = { name, prefix: `${JSON.stringify(name)}:` }
  return fallback === undefined || fallback === null ? key : { ...key, default: fallback }
}
