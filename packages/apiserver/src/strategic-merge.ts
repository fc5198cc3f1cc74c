import { badRequest, deepEqual } from '@locktender/kube'
import type { Json } from '@locktender/kube'

type JsonObject = { [key: string]: Json }

/**
 * Lists of built-in kinds that merge item by item, and the field that tells items apart, as the patchMergeKey tags of
 * k8s.io/api say. Names are unambiguous among the kinds served here.
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  ports: 'containerPort',
  secrets: 'name',
  topologySpreadConstraints: 'topologyKey',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
}

/** Lists of plain values that merge as sets. */
const SETS = new Set(['finalizers'])

const PATCH = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const SET_ORDER = '$setElementOrder/'

/**
 * The strategic merge patch of Kubernetes: a merge patch that also merges certain lists, with directives to replace,
 * delete, retain and order. The input is not changed but may be shared.
 * @throws ApiError BadRequest when a directive makes no sense
 */
export function applyStrategicMergePatch(document: Json | undefined, patch: Json): Json {
  return isObject(patch) ? mergeMaps(isObject(document) ? document : {}, patch) : patch
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mergeMaps(original: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch[PATCH]
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive)
  // A map, since a field may be called `__proto__`.
  const result = new Map(Object.entries(retain(original, patch[RETAIN_KEYS])))
  for (const [key, values] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_FROM)) continue
    const field = key.slice(DELETE_FROM.length)
    const list = result.get(field)
    if (!Array.isArray(list) || !Array.isArray(values)) continue
    result.set(
      field,
      list.filter((item) => !values.some((value) => deepEqual(value, item))),
    )
  }
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue
    const before = result.get(key)
    if (value === null) result.delete(key)
    else if (isObject(value)) result.set(key, mergeMaps(isObject(before) ? before : {}, value))
    else if (Array.isArray(value)) result.set(key, mergeLists(key, before, value, patch[SET_ORDER + key]))
    else result.set(key, value)
  }
  for (const [key, order] of Object.entries(patch)) {
    const field = key.slice(SET_ORDER.length)
    if (!key.startsWith(SET_ORDER) || Object.hasOwn(patch, field)) continue
    // Only the order changes.
    const list = result.get(field)
    if (Array.isArray(list)) result.set(field, mergeLists(field, list, [], order))
  }
  return Object.fromEntries(result)
}

function isDirective(key: string): boolean {
  return key === PATCH || key === RETAIN_KEYS || key.startsWith(DELETE_FROM) || key.startsWith(SET_ORDER)
}

function retain(original: JsonObject, keys: Json | undefined): JsonObject {
  if (!Array.isArray(keys)) return { ...original }
  return Object.fromEntries(Object.entries(original).filter(([key]) => keys.includes(key)))
}

function withoutDirectives(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => !isDirective(key)))
}

function unknownDirective(directive: Json): Error {
  return badRequest(`unknown $patch directive ${JSON.stringify(directive)}: it must be "merge", "replace" or "delete"`)
}

function mergeLists(field: string, before: Json | undefined, patch: Json[], order: Json | undefined): Json {
  const original = Array.isArray(before) ? before : []
  const mergeKey = Object.hasOwn(MERGE_KEYS, field) ? MERGE_KEYS[field] : undefined
  if (mergeKey === undefined && !SETS.has(field)) return patch
  const identityOf = (item: Json): Json | undefined =>
    mergeKey === undefined ? item : isObject(item) ? item[mergeKey] : undefined
  const find = (list: readonly Json[], wanted: Json | undefined): number =>
    list.findIndex((item) => deepEqual(identityOf(item), wanted))

  if (patch.some((item) => isObject(item) && item[PATCH] === 'replace')) {
    return patch.filter((item) => !(isObject(item) && item[PATCH] === 'replace'))
  }
  const merged = [...original]
  for (const item of patch) {
    const wanted = identityOf(item)
    if (wanted === undefined) throw badRequest(`an item of the list ${field} has no ${mergeKey}`)
    const at = find(merged, wanted)
    if (isObject(item) && item[PATCH] === 'delete') {
      if (at !== -1) merged.splice(at, 1)
    } else if (!isObject(item)) {
      if (at === -1) merged.push(item)
    } else {
      const old = at === -1 ? {} : merged[at]
      merged.splice(at === -1 ? merged.length : at, 1, mergeMaps(isObject(old) ? old : {}, item))
    }
  }
  return Array.isArray(order) ? reorder(merged, original, order, identityOf, find) : merged
}

/** Puts the items the client knows in its order; the others stay before the known ones they stood before. */
function reorder(
  merged: readonly Json[],
  original: readonly Json[],
  order: readonly Json[],
  identityOf: (item: Json) => Json | undefined,
  find: (list: readonly Json[], wanted: Json | undefined) => number,
): Json[] {
  const rank = (item: Json): number => find(order, identityOf(item))
  const known = merged.filter((item) => rank(item) !== -1).toSorted((left, right) => rank(left) - rank(right))
  const others = merged.filter((item) => rank(item) === -1)
  const result: Json[] = []
  while (known.length > 0 && others.length > 0) {
    const other = find(original, identityOf(others[0]!))
    const next = find(original, identityOf(known[0]!))
    result.push(other !== -1 && next !== -1 && other < next ? others.shift()! : known.shift()!)
  }
  return [...result, ...known, ...others]
}
