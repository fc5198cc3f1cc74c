import { deepEqual, setMember } from '../deep-equal.ts'
import type { Json } from '../types.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { isEmptyMap, kindOf, member } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { itemElement, sameElements } from './path-element.ts'
import type { PathElement } from './path-element.ts'

/** Lays an applied object over the live one. Shares unchanged parts; returns `live` itself when nothing changes. */
export function mergeObjects(live: JsonMap, applied: JsonMap, type: MapType): JsonMap {
  return mergeMaps(live, applied, type)
}

function mergeValues(live: Json, applied: Json, type: FieldType): Json {
  if (live === applied) return live
  const was = kindOf(live)
  const is = kindOf(applied)
  if (is === 'null') return keepsContents(live, type) ? live : applied
  if (was === is) {
    if (is === 'map' && type.map?.atomic !== true) {
      const map = type.map ?? DEDUCED.map
      if (map !== undefined) return mergeMaps(live as JsonMap, applied as JsonMap, map)
    }
    if (is === 'list' && type.list?.atomic === false) {
      return mergeLists(live as JsonList, applied as JsonList, type.list) as Json
    }
  }
  return deepEqual(live, applied) ? live : applied
}

/** Null states nothing about the contents of a container that merges piece by piece. */
function keepsContents(live: Json, type: FieldType): boolean {
  switch (kindOf(live)) {
    case 'map':
      return type.map?.atomic !== true && !isEmptyMap(live as JsonMap)
    case 'list':
      return type.list?.atomic === false && (live as JsonList).length > 0
    default:
      return false
  }
}

function mergeMaps(live: JsonMap, applied: JsonMap, type: MapType): JsonMap {
  if (live === applied) return live
  let result: Record<string, Json> | undefined
  for (const key in applied) {
    const is = applied[key]
    if (is === undefined) continue
    const was = member(live, key)
    if (was === is) continue
    const field = type.fields.get(key)
    if (was !== undefined && field?.untracked === true) continue
    const merged = was === undefined ? is : mergeValues(was, is, field?.type ?? type.element ?? DEDUCED)
    if (merged === was) continue
    result ??= { ...live }
    setMember(result, key, merged)
  }
  return result ?? live
}

/**
 * Items only in the live list keep their place, applied items come in applied order, and items in both follow the
 * applied order, pulling along the live items between them.
 */
function mergeLists(live: JsonList, applied: JsonList, type: ListType): JsonList {
  if (sameElements(type, live, applied)) return mergeInPlace(live, applied, type)
  const liveElements = live.map((item) => itemElement(type, item))
  const appliedElements = applied.map((item) => itemElement(type, item))
  const liveItems = new Map<PathElement, Json>()
  for (const [index, element] of liveElements.entries()) {
    // Repeated live items are replaced, not merged.
    liveItems.set(element, liveItems.has(element) ? null : (live[index] as Json))
  }
  const appliedItems = new Map<PathElement, Json>(
    appliedElements.map((element, index) => [element, applied[index] as Json]),
  )
  const shared = appliedElements.filter((element) => liveItems.has(element))

  const result: Json[] = []
  const placed = new Set<PathElement>()
  let nextShared = 0
  const place = (element: PathElement) => {
    const is = appliedItems.get(element) as Json
    const was = liveItems.get(element)
    placed.add(element)
    result.push(was === undefined ? is : mergeValues(was, is, type.element))
    if (shared[nextShared] === element) nextShared++
  }

  let left = 0
  let right = 0
  while (left < live.length || right < applied.length) {
    const mine = liveElements[left]
    const other = appliedElements[right]
    if (mine !== undefined) {
      if (mine === other) {
        place(mine)
        left++
        right++
        continue
      }
      if (!appliedItems.has(mine)) {
        result.push(live[left] as Json)
        left++
        continue
      }
      if (other !== undefined && nextShared < shared.length && shared[nextShared] !== mine) {
        // In both, but another shared item comes first.
        left++
        continue
      }
      if (placed.has(mine)) left++
    }
    if (other !== undefined) {
      place(other)
      right++
    }
  }
  return sameItems(live, result) ? live : result
}

/** The common case: the same items in the same order. */
function mergeInPlace(live: JsonList, applied: JsonList, type: ListType): JsonList {
  let result: Json[] | undefined
  for (const [index, item] of live.entries()) {
    const merged = mergeValues(item, applied[index] as Json, type.element)
    if (merged !== item) (result ??= [...live])[index] = merged
  }
  return result ?? live
}

function sameItems(left: JsonList, right: JsonList): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index])
}
