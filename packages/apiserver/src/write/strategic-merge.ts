import { badRequest, deepEqual, isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import type { Field, Message } from '../builtins/field-table.ts'

const PATCH = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const SET_ORDER = '$setElementOrder/'

/**
 * The strategic merge patch of Kubernetes: a merge patch that also merges the lists whose fields say so, with directives
 * to replace, delete, retain and order. The input is not changed but may be shared.
 * @throws ApiError BadRequest when a directive makes no sense
 */
export function applyStrategicMergePatch(document: Json | undefined, patch: Json, message: Message): Json {
  return isObject(patch) ? mergeMaps(isObject(document) ? document : {}, patch, message) : patch
}

/** What is known of the members of a map: those of a message, or the values of a map with keys of any name. */
type Members = Message | Field | undefined

function memberOf(members: Members, name: string): Field | undefined {
  return members !== undefined && 'fields' in members ? members.fields.get(name) : undefined
}

function below(members: Members, name: string): Members {
  if (members === undefined) return undefined
  if (!('fields' in members)) return members.message
  const field = members.fields.get(name)
  return field?.shape === 'map' ? field : field?.message
}

function mergeMaps(original: JsonObject, patch: JsonObject, members: Members): JsonObject {
  const directive = patch[PATCH]
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive, 'map', patch)
  // A map, since a field may be called `__proto__`.
  const result = new Map(Object.entries(retain(original, patch)))
  for (const [key, values] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_FROM)) continue
    const field = key.slice(DELETE_FROM.length)
    const list = result.get(field)
    if (!Array.isArray(values)) throw badRequest('invalid patch format of primitive list')
    if (!Array.isArray(list)) continue
    result.set(
      field,
      list.filter((item) => !values.some((value) => deepEqual(value, item))),
    )
  }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue
    const before = result.get(key)
    if (value === null) result.delete(key)
    else if (isObject(value)) {
      const replaces = memberOf(members, key)?.patch.includes('replace') === true || !isObject(before)
      result.set(key, replaces ? added(value, below(members, key)) : mergeMaps(before, value, below(members, key)))
    } else if (Array.isArray(value)) {
      result.set(key, mergeLists(memberOf(members, key), before, value, patch[SET_ORDER + key]))
    } else result.set(key, value)
  }
  for (const [key, order] of Object.entries(patch)) {
    const field = key.slice(SET_ORDER.length)
    if (!key.startsWith(SET_ORDER) || Object.hasOwn(patch, field)) continue
    // Only the order changes.
    const list = result.get(field)
    if (Array.isArray(list)) result.set(field, mergeLists(memberOf(members, field), list, [], order))
  }
  return Object.fromEntries(result)
}

/** A map that was not there before: as stated, without what only tells how to merge. */
function added(value: JsonObject, members: Members): JsonObject {
  return mergeMaps({}, value, members)
}

function isDirective(key: string): boolean {
  return key === PATCH || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)
}

function retain(original: JsonObject, patch: JsonObject): JsonObject {
  const keys = patch[RETAIN_KEYS]
  if (keys === undefined) return { ...original }
  const isComplete =
    Array.isArray(keys) &&
    Object.keys(patch).every((key) => isDirective(key) || patch[key] === null || keys.includes(key))
  if (!isComplete) throw badRequest('invalid patch format of retainKeys')
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)))
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !isDirective(key)))
}

function unknownDirective(directive: Json, where: 'map' | 'list', patch: Json): Error {
  return badRequest(
    `unknown patch type [${typeof directive === 'string' ? directive : JSON.stringify(directive)}] in ${where}: ${JSON.stringify(patch)}`,
  )
}

/** How the items of a list are told apart. */
interface Identity {
  /** Undefined for plain values, which are their own. */
  readonly key: string | undefined
  of(item: Json): Json | undefined
  find(list: readonly Json[], wanted: Json | undefined): number
}

function identityBy(key: string | undefined): Identity {
  const of = (item: Json): Json | undefined => (key === undefined ? item : isObject(item) ? item[key] : undefined)
  return { key, of, find: (list, wanted) => list.findIndex((item) => deepEqual(of(item), wanted)) }
}

function mergeLists(field: Field | undefined, before: Json | undefined, patch: Json[], order: Json | undefined): Json {
  if (field === undefined || !field.patch.includes('merge')) return patch
  const original = Array.isArray(before) ? before : []
  const identity = identityBy(field.mergeKey)
  const merged = mergeItems(field, identity, original, patch)
  if (merged === undefined) return patch.filter((item) => !hasDirective(item)).map((item) => clean(field, item))
  if (order !== undefined && !Array.isArray(order)) throw badRequest('invalid patch format of setElementOrder list')
  // Without an order of its own the patch is one. Items that come in the place of deleted ones stand in theirs.
  return reorder(merged, merged.slice(0, original.length), order ?? patch, identity)
}

function hasDirective(item: Json): item is JsonObject {
  return isObject(item) && Object.hasOwn(item, PATCH)
}

function clean(field: Field, item: Json): Json {
  return isObject(item) ? added(item, field.message) : item
}

/** Undefined when the patch replaces the list. */
function mergeItems(field: Field, identity: Identity, original: readonly Json[], patch: Json[]): Json[] | undefined {
  const { key } = identity
  let merged = [...original]
  let replaces = false
  for (const item of patch.filter(hasDirective)) {
    switch (item[PATCH]) {
      case 'replace':
        replaces = true
        break
      case 'delete': {
        const wanted = identity.of(item)
        if (wanted === undefined) throw missingKey(item, key)
        merged = merged.filter((one) => !deepEqual(identity.of(one), wanted))
        break
      }
      case 'merge':
        throw badRequest('merging lists cannot yet be specified in the patch')
      default:
        throw unknownDirective(item[PATCH]!, 'list', patch)
    }
  }
  if (replaces) return undefined
  for (const item of patch) {
    if (hasDirective(item)) continue
    const wanted = identity.of(item)
    if (wanted === undefined) throw missingKey(item, key)
    const index = identity.find(merged, wanted)
    const old = merged[index]
    if (index === -1) merged.push(clean(field, item))
    else if (isObject(item)) merged[index] = mergeMaps(isObject(old) ? old : {}, item, field.message)
  }
  return merged
}

function missingKey(item: Json, key: string | undefined): Error {
  return badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
}

/** Puts the items the client knows in its order; the others stay before the known ones they stood before. */
function reorder(
  merged: readonly Json[],
  original: readonly Json[],
  order: readonly Json[],
  identity: Identity,
): Json[] {
  const rank = (item: Json): number => identity.find(order, identity.of(item))
  const known = merged.filter((item) => rank(item) !== -1).toSorted((left, right) => rank(left) - rank(right))
  const others = merged.filter((item) => rank(item) === -1)
  const result: Json[] = []
  while (known.length > 0 && others.length > 0) {
    const other = identity.find(original, identity.of(others[0]!))
    const next = identity.find(original, identity.of(known[0]!))
    result.push(other !== -1 && next !== -1 && other < next ? others.shift()! : known.shift()!)
  }
  return [...result, ...known, ...others]
}
