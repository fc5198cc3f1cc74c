import type { Json } from '../types.ts'
import { attach, difference, isMember, MEMBER, withMember } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { isEmptyMap, kindOf } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { itemElement } from './path-element.ts'
import type { PathElement } from './path-element.ts'

/** The fields that someone who applies this object states, and thus owns. Tolerates values their type does not allow. */
export function ownedFields(object: JsonMap, type: MapType): FieldSet | undefined {
  return withoutMetadataItself(ofMap(object, type))
}

/** `metadata` as such belongs to nobody, only what is in it. */
export function withoutMetadataItself(set: FieldSet | undefined): FieldSet | undefined {
  const metadata = set?.[METADATA]
  return metadata !== undefined && isMember(metadata) ? difference(set, METADATA_ITSELF) : set
}

const METADATA = 'f:metadata'
const METADATA_ITSELF: FieldSet = { [METADATA]: MEMBER }

/** Below and including the value's own path; the parent decides whether its own path is added besides. */
function ofValue(value: Json, type: FieldType): FieldSet | undefined {
  switch (kindOf(value)) {
    case 'map': {
      const map = type.map ?? DEDUCED.map
      if (map === undefined || map.atomic) return MEMBER
      return ofMap(value as JsonMap, map)
    }
    case 'list':
      return type.list === undefined || type.list.atomic ? MEMBER : ofList(value as JsonList, type.list)
    default:
      return MEMBER
  }
}

function ofMap(map: JsonMap, type: MapType): FieldSet | undefined {
  let set: FieldSet | undefined
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const field = type.fields.get(key)
    if (field?.untracked === true) continue
    let node = ofValue(value, field?.type ?? type.element ?? DEDUCED)
    if (field === undefined || (node === undefined && isEmptyContainer(value))) node = withMember(node)
    if (node !== undefined) set = attach(set, field === undefined ? `f:${key}` : field.element, node)
  }
  return set
}

function isEmptyContainer(value: Json): boolean {
  return !Array.isArray(value) && isEmptyMap(value as JsonMap)
}

/** Of several items with one path element only the element itself is owned. */
function ofList(list: JsonList, type: ListType): FieldSet | undefined {
  let set: FieldSet | undefined
  let seen: Set<PathElement> | undefined
  for (const item of list) {
    const element = itemElement(type, item)
    if (list.length > 1) {
      seen ??= new Set()
      if (seen.has(element)) {
        set = attach(set, element, MEMBER)
        continue
      }
      seen.add(element)
    }
    set = attach(set, element, withMember(ofValue(item, type.element)))
  }
  return set
}

/** Every path of a value that is present on one side of a comparison only, containers included. */
export function allPaths(value: Json, type: FieldType): FieldSet {
  switch (kindOf(value)) {
    case 'map': {
      const map = type.map ?? DEDUCED.map
      return map === undefined || map.atomic ? MEMBER : withMember(allPathsOfMap(value as JsonMap, map))
    }
    case 'list':
      return type.list === undefined || type.list.atomic
        ? MEMBER
        : withMember(allPathsOfList(value as JsonList, type.list))
    default:
      return MEMBER
  }
}

export function allPathsOfMap(map: JsonMap, type: MapType): FieldSet | undefined {
  let set: FieldSet | undefined
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const field = type.fields.get(key)
    if (field?.untracked === true) continue
    const element = field === undefined ? `f:${key}` : field.element
    set = attach(set, element, allPaths(value, field?.type ?? type.element ?? DEDUCED))
  }
  return set
}

export function allPathsOfList(list: JsonList, type: ListType): FieldSet | undefined {
  let set: FieldSet | undefined
  for (const item of list) {
    const element = itemElement(type, item)
    const repeated = set !== undefined && element in set
    set = attach(set, element, repeated ? MEMBER : allPaths(item, type.element))
  }
  return set
}
