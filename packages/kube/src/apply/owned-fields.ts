import type { Json } from '../types.ts'
import { assemble, difference, isLeaf, isMember, MEMBER } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { isEmptyMap, kindOf } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { ItemError, itemElement } from './path-element.ts'
import type { PathElement } from './path-element.ts'
import { fits } from './validate-applied.ts'

/** The fields that someone who applies this object states, and thus owns. Tolerates values their type does not allow. */
export function ownedFields(object: JsonMap, type: MapType): FieldSet | undefined {
  return withoutMetadataItself(ofMap(object, type, undefined, false, false))
}

/**
 * As {@link ownedFields}, for an object about to be applied. Returns `last`, or parts of it, where that says the same.
 * Throws {@link UnfitError} when the object does not fit its type.
 */
export function statedFields(object: JsonMap, type: MapType, last: FieldSet | undefined): FieldSet | undefined {
  return withoutMetadataItself(ofMap(object, type, last, false, true))
}

/** Says only that an applied object does not fit its type; finding out why is left to those who want to tell. */
export class UnfitError extends Error {
  constructor() {
    super('the object does not fit its type')
    this.name = 'UnfitError'
  }
}

/** `metadata` as such belongs to nobody, only what is in it. */
export function withoutMetadataItself(set: FieldSet | undefined): FieldSet | undefined {
  const metadata = set?.[METADATA]
  return metadata !== undefined && isMember(metadata) ? difference(set, METADATA_ITSELF) : set
}

const METADATA = 'f:metadata'
const METADATA_ITSELF: FieldSet = { [METADATA]: MEMBER }

/**
 * The set at and below a value's own path; undefined when it is empty.
 *
 * @param last What was there last time, reused where it says the same.
 * @param self Whether a container's own path is in the set besides its contents; leaves always are.
 * @param strict Whether to throw {@link UnfitError} for values that do not fit.
 */
function ofValue(
  value: Json,
  type: FieldType,
  last: FieldSet | undefined,
  self: boolean,
  strict: boolean,
): FieldSet | undefined {
  const kind = kindOf(value)
  if (kind === 'map' && type.map?.atomic === false) return ofMap(value as JsonMap, type.map, last, self, strict)
  if (kind === 'list' && type.list?.atomic === false) return ofList(value as JsonList, type.list, last, self, strict)
  if (strict && !fits(value, type)) throw new UnfitError()
  return last !== undefined && isLeaf(last) ? last : MEMBER
}

function ofMap(
  map: JsonMap,
  type: MapType,
  last: FieldSet | undefined,
  self: boolean,
  strict: boolean,
): FieldSet | undefined {
  const elements: PathElement[] = []
  const nodes: FieldSet[] = []
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const field = type.fields.get(key)
    const fieldType = field?.type ?? type.element
    if (fieldType === undefined && strict) throw new UnfitError()
    if (field?.untracked === true) {
      if (strict && !fits(value, field.type)) throw new UnfitError()
      continue
    }
    const element = field === undefined ? `f:${key}` : field.element
    // Keys of maps own themselves; declared fields are there through their contents, if they have any.
    const own = field === undefined || (kindOf(value) === 'map' && isEmptyMap(value as JsonMap))
    const node = ofValue(value, fieldType ?? DEDUCED, last?.[element], own, strict)
    if (node === undefined) continue
    elements.push(element)
    nodes.push(node)
  }
  return assemble(elements, nodes, last, self)
}

/** Of several items with one path element only the element itself is owned. */
function ofList(
  list: JsonList,
  type: ListType,
  last: FieldSet | undefined,
  self: boolean,
  strict: boolean,
): FieldSet | undefined {
  const elements: PathElement[] = []
  const nodes: FieldSet[] = []
  const seen = new Set<PathElement>()
  for (const item of list) {
    const element = elementOf(type, item, strict)
    if (seen.size === seen.add(element).size) {
      if (strict) throw new UnfitError()
      nodes[elements.indexOf(element)] = MEMBER
      continue
    }
    const node = ofValue(item, type.element, last?.[element], true, strict)
    if (node === undefined) continue
    elements.push(element)
    nodes.push(node)
  }
  return assemble(elements, nodes, last, self)
}

function elementOf(type: ListType, item: Json, strict: boolean): PathElement {
  try {
    return itemElement(type, item)
  } catch (error) {
    if (strict && error instanceof ItemError) throw new UnfitError()
    throw error
  }
}

/**
 * Every path of a value that is present on one side of a comparison only, containers included. Returns `last`, or parts
 * of it, where that says the same.
 */
export function allPaths(value: Json, type: FieldType, last?: FieldSet): FieldSet {
  switch (kindOf(value)) {
    case 'map': {
      const map = type.map ?? DEDUCED.map
      return map === undefined || map.atomic ? MEMBER : (pathsOfMap(value as JsonMap, map, last, true) ?? MEMBER)
    }
    case 'list':
      return type.list === undefined || type.list.atomic
        ? MEMBER
        : (pathsOfList(value as JsonList, type.list, last, true) ?? MEMBER)
    default:
      return MEMBER
  }
}

export function allPathsOfMap(map: JsonMap, type: MapType, last?: FieldSet): FieldSet | undefined {
  return pathsOfMap(map, type, last, false)
}

export function allPathsOfList(list: JsonList, type: ListType): FieldSet | undefined {
  return pathsOfList(list, type, undefined, false)
}

function pathsOfMap(map: JsonMap, type: MapType, last: FieldSet | undefined, self: boolean): FieldSet | undefined {
  const elements: PathElement[] = []
  const nodes: FieldSet[] = []
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const field = type.fields.get(key)
    if (field?.untracked === true) continue
    const element = field === undefined ? `f:${key}` : field.element
    elements.push(element)
    nodes.push(allPaths(value, field?.type ?? type.element ?? DEDUCED, last?.[element]))
  }
  return assemble(elements, nodes, last, self)
}

/** Of several items with one path element only the element itself counts. */
function pathsOfList(list: JsonList, type: ListType, last: FieldSet | undefined, self: boolean): FieldSet | undefined {
  const elements: PathElement[] = []
  const nodes: FieldSet[] = []
  const places = new Map<PathElement, number>()
  for (const item of list) {
    const element = itemElement(type, item)
    const place = places.get(element)
    if (place !== undefined) {
      nodes[place] = MEMBER
      continue
    }
    places.set(element, elements.length)
    elements.push(element)
    nodes.push(allPaths(item, type.element, last?.[element]))
  }
  return assemble(elements, nodes, last, self)
}
