import { setMember } from '../deep-equal.ts'
import type { Json } from '../types.ts'
import { isMember } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { kindOf } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { itemElement } from './path-element.ts'

/** What becomes of containers that lose all their contents without being removed themselves. */
export type Emptied = null | undefined

/** The object without the map keys and list items that are members of `set`; itself when none of them is there. */
export function removeItems(object: JsonMap, set: FieldSet | undefined, type: MapType, emptied: Emptied): JsonMap {
  return set === undefined ? object : (removeFromMap(object, set, type, emptied) ?? {})
}

function removeFromValue(value: Json, set: FieldSet, type: FieldType, emptied: Emptied): Json | undefined {
  switch (kindOf(value)) {
    case 'map': {
      const map = type.map ?? DEDUCED.map
      if (map === undefined || map.atomic) return emptied
      return removeFromMap(value as JsonMap, set, map, emptied) ?? emptied
    }
    case 'list':
      if (type.list === undefined || type.list.atomic) return emptied
      return (removeFromList(value as JsonList, set, type.list, emptied) as Json | undefined) ?? emptied
    default:
      return value
  }
}

/** Undefined when nothing is left. */
function removeFromMap(map: JsonMap, set: FieldSet, type: MapType, emptied: Emptied): JsonMap | undefined {
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
      kept = isMember(below)
        ? undefined
        : removeFromValue(value, below, field?.type ?? type.element ?? DEDUCED, emptied)
    }
    if (kept !== value) changed = true
    if (kept === undefined) continue
    setMember(result, key, kept)
    left++
  }
  if (left === 0) return undefined
  return changed ? result : map
}

/** Undefined when nothing is left. */
function removeFromList(list: JsonList, set: FieldSet, type: ListType, emptied: Emptied): JsonList | undefined {
  const result: Json[] = []
  let changed = false
  for (const item of list) {
    const below = set[itemElement(type, item)]
    let kept: Json | undefined = item
    if (below !== undefined) kept = isMember(below) ? undefined : removeFromValue(item, below, type.element, emptied)
    if (kept !== item) changed = true
    // Lists that merge item by item have no null items.
    if (kept !== undefined && kept !== null) result.push(kept)
  }
  if (result.length === 0) return undefined
  return changed ? result : list
}
