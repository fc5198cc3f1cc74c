import { setMember } from '../deep-equal.ts'
import type { Json } from '../types.ts'
import { isMember } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { kindOf } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { itemElement } from './path-element.ts'

/** The object without the map keys and list items that are members of `set`; itself when none of them is there. */
export function removeItems(object: JsonMap, set: FieldSet | undefined, type: MapType): JsonMap {
  return set === undefined ? object : (removeFromMap(object, set, type) ?? {})
}

/** Undefined when nothing is left of the value. */
function removeFromValue(value: Json, set: FieldSet, type: FieldType): Json | undefined {
  switch (kindOf(value)) {
    case 'map': {
      const map = type.map ?? DEDUCED.map
      return map === undefined || map.atomic
        ? undefined
        : (removeFromMap(value as JsonMap, set, map) as Json | undefined)
    }
    case 'list':
      return type.list === undefined || type.list.atomic
        ? undefined
        : (removeFromList(value as JsonList, set, type.list) as Json | undefined)
    default:
      return value
  }
}

function removeFromMap(map: JsonMap, set: FieldSet, type: MapType): JsonMap | undefined {
  const result: Record<string, Json> = {}
  let left = 0
  let changed = false
  for (const key in map) {
    const value = map[key]
    if (value === undefined) continue
    const field = type.fields.get(key)
    const below = set[field === undefined ? `f:${key}` : field.element]
    let kept: Json | undefined = value
    if (below !== undefined) {
      kept = isMember(below) ? undefined : removeFromValue(value, below, field?.type ?? type.element ?? DEDUCED)
    }
    if (kept !== value) changed = true
    if (kept === undefined) continue
    setMember(result, key, kept)
    left++
  }
  if (left === 0) return undefined
  return changed ? result : map
}

function removeFromList(list: JsonList, set: FieldSet, type: ListType): JsonList | undefined {
  const result: Json[] = []
  let changed = false
  for (const item of list) {
    const below = set[itemElement(type, item)]
    let kept: Json | undefined = item
    if (below !== undefined) kept = isMember(below) ? undefined : removeFromValue(item, below, type.element)
    if (kept !== item) changed = true
    if (kept !== undefined) result.push(kept)
  }
  if (result.length === 0) return undefined
  return changed ? result : list
}
