import { deepEqual } from '../deep-equal.ts'
import type { Json } from '../types.ts'
import { attach, MEMBER, recursiveDifference, union } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { DEDUCED } from './field-type.ts'
import type { FieldType, ListType, MapType } from './field-type.ts'
import { kindOf, member } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import { allPaths, allPathsOfList, allPathsOfMap, withoutMetadataItself } from './owned-fields.ts'
import { itemElement, sameElements } from './path-element.ts'
import type { PathElement } from './path-element.ts'

/** What changed between two values, as disjoint sets of paths. */
export interface Comparison {
  removed?: FieldSet
  modified?: FieldSet
  added?: FieldSet
}

/** Undefined when nothing changed. Paths in `ignored` and all below them do not count. */
export function compareObjects(
  before: JsonMap,
  after: JsonMap,
  type: MapType,
  ignored: FieldSet | undefined,
): Comparison | undefined {
  const comparison = compareMaps(before, after, type)
  if (comparison === undefined) return undefined
  return combine(
    recursiveDifference(withoutMetadataItself(comparison.removed), ignored),
    recursiveDifference(withoutMetadataItself(comparison.modified), ignored),
    recursiveDifference(withoutMetadataItself(comparison.added), ignored),
  )
}

function combine(
  removed: FieldSet | undefined,
  modified: FieldSet | undefined,
  added: FieldSet | undefined,
): Comparison | undefined {
  if (removed === undefined && modified === undefined && added === undefined) return undefined
  const result: Comparison = {}
  if (removed !== undefined) result.removed = removed
  if (modified !== undefined) result.modified = modified
  if (added !== undefined) result.added = added
  return result
}

/** Both sides present. */
function compareValues(before: Json, after: Json, type: FieldType): Comparison | undefined {
  const was = kindOf(before)
  const is = kindOf(after)
  if (was === is) {
    if (is === 'map' && type.map?.atomic !== true) {
      return compareMaps(before as JsonMap, after as JsonMap, type.map ?? DEDUCED.map ?? NEVER)
    }
    if (is === 'list' && type.list?.atomic === false) {
      return compareLists(before as JsonList, after as JsonList, type.list)
    }
    return deepEqual(before, after) ? undefined : { modified: MEMBER }
  }
  // Another kind of value: the contents of both sides come and go, the place itself is modified. Null takes the kind of
  // the other side, so that a container that was null merely gains contents.
  const removed = contents(before, type)
  const added = contents(after, type)
  const gainsOrLoses = (was === 'null' && added !== undefined) || (is === 'null' && removed !== undefined)
  return combine(removed, gainsOrLoses ? undefined : MEMBER, added)
}

const NEVER: MapType = { atomic: true, fields: new Map() }

/** What is below the value's own path; undefined for leaves. */
function contents(value: Json, type: FieldType): FieldSet | undefined {
  const kind = kindOf(value)
  if (kind === 'map' && type.map?.atomic !== true) {
    return allPathsOfMap(value as JsonMap, type.map ?? DEDUCED.map ?? NEVER)
  }
  return kind === 'list' && type.list?.atomic === false ? allPathsOfList(value as JsonList, type.list) : undefined
}

function compareMaps(before: JsonMap, after: JsonMap, type: MapType): Comparison | undefined {
  if (before === after) return undefined
  const result: Comparison = {}
  let changed = false
  for (const key in after) {
    const is = after[key]
    const was = member(before, key)
    if (is === was || is === undefined) continue
    const field = type.fields.get(key)
    if (field?.untracked === true) continue
    const element = field === undefined ? `f:${key}` : field.element
    const fieldType = field?.type ?? type.element ?? DEDUCED
    if (was === undefined) {
      result.added = attach(result.added, element, allPaths(is, fieldType))
      changed = true
    } else {
      const below = compareValues(was, is, fieldType)
      if (below === undefined) continue
      attachAll(result, element, below)
      changed = true
    }
  }
  for (const key in before) {
    const was = before[key]
    if (was === undefined || member(after, key) !== undefined) continue
    const field = type.fields.get(key)
    if (field?.untracked === true) continue
    const element = field === undefined ? `f:${key}` : field.element
    result.removed = attach(result.removed, element, allPaths(was, field?.type ?? type.element ?? DEDUCED))
    changed = true
  }
  return changed ? result : undefined
}

function attachAll(result: Comparison, element: PathElement, below: Comparison): void {
  if (below.removed !== undefined) result.removed = attach(result.removed, element, below.removed)
  if (below.modified !== undefined) result.modified = attach(result.modified, element, below.modified)
  if (below.added !== undefined) result.added = attach(result.added, element, below.added)
}

/** Items are compared by path element; their order does not matter. */
function compareLists(before: JsonList, after: JsonList, type: ListType): Comparison | undefined {
  if (before === after) return undefined
  if (sameElements(type, before, after)) return compareInPlace(before, after, type)
  const was = group(before, type)
  const is = group(after, type)
  const result: Comparison = {}
  let changed = false
  for (const [element, items] of is) {
    const below = compareItems(was.get(element), items, type.element)
    if (below === undefined) continue
    attachAll(result, element, below)
    changed = true
  }
  for (const [element, items] of was) {
    if (is.has(element)) continue
    const below = compareItems(items, undefined, type.element)
    if (below === undefined) continue
    attachAll(result, element, below)
    changed = true
  }
  return changed ? result : undefined
}

/** The common case: the same items in the same order. */
function compareInPlace(before: JsonList, after: JsonList, type: ListType): Comparison | undefined {
  const result: Comparison = {}
  let changed = false
  for (const [index, was] of before.entries()) {
    const is = after[index] as Json
    const below = was === is ? undefined : compareValues(was, is, type.element)
    if (below === undefined) continue
    attachAll(result, itemElement(type, is), below)
    changed = true
  }
  return changed ? result : undefined
}

function group(list: JsonList, type: ListType): Map<PathElement, readonly Json[]> {
  const groups = new Map<PathElement, readonly Json[]>()
  for (const item of list) {
    const element = itemElement(type, item)
    const others = groups.get(element)
    groups.set(element, others === undefined ? [item] : [...others, item])
  }
  return groups
}

/** Repeated items are one atomic value; where only one side repeats, the single item of the other comes or goes. */
function compareItems(
  before: readonly Json[] | undefined,
  after: readonly Json[] | undefined,
  type: FieldType,
): Comparison | undefined {
  const was = before?.[0]
  const is = after?.[0]
  const repeatedBefore = (before?.length ?? 0) > 1
  const repeatedAfter = (after?.length ?? 0) > 1
  if (repeatedBefore && repeatedAfter) return deepEqual(before, after) ? undefined : { modified: MEMBER }
  if (repeatedBefore) return combine(MEMBER, undefined, is === undefined ? undefined : allPaths(is, type))
  if (repeatedAfter) return combine(was === undefined ? undefined : allPaths(was, type), undefined, MEMBER)
  if (was === undefined) return is === undefined ? undefined : { added: allPaths(is, type) }
  return is === undefined ? { removed: allPaths(was, type) } : compareValues(was, is, type)
}

/** What a writer gains by a change: what it modified and what it added. */
export function gained(comparison: Comparison): FieldSet | undefined {
  return union(comparison.modified, comparison.added)
}
