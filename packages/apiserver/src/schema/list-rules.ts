import { deepEqual, fieldDuplicate, isObject } from '@locktender/kube'
import type { Json, JsonObject, StructuralSchema } from '@locktender/kube'
import { failure } from './failure.ts'
import type { Check, Failure } from './failure.ts'

/** The uniqueness that `x-kubernetes-list-type` set and map promise, at one node. Of many equal items one is told. */
export function listRules(schema: StructuralSchema): Check | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return uniqueItems
    case 'map':
      return uniqueKeys(schema['x-kubernetes-list-map-keys'] ?? [])
    default:
      return undefined
  }
}

function uniqueItems(value: Json): Failure[] | undefined {
  if (!Array.isArray(value) || value.length < 2) return undefined
  let failures: Failure[] | undefined
  const seen = new Set<Json>()
  const told = new Set<Json>()
  const composites: Json[] = []
  for (let index = 0; index < value.length; index++) {
    let item: Json = value[index]!
    if (typeof item === 'object' && item !== null) {
      const equal = composites.find((other) => deepEqual(other, item))
      if (equal === undefined) composites.push(item)
      else item = equal
    }
    const before = seen.size
    if (seen.add(item).size > before || told.has(item)) continue
    told.add(item)
    failures ??= []
    failures.push(failure((path) => fieldDuplicate(path, item), index))
  }
  return failures
}

function uniqueKeys(keys: readonly string[]): Check {
  const [only = ''] = keys
  // Keys are scalars, so their text in a fixed order tells them apart; a single one needs no text.
  const identityOf =
    keys.length === 1
      ? (item: JsonObject): Json | undefined => item[only]
      : (item: JsonObject): Json => JSON.stringify(keys.map((name) => item[name]))
  return (value) => {
    if (!Array.isArray(value) || value.length < 2) return undefined
    let failures: Failure[] | undefined
    const seen = new Set<Json | undefined>()
    const told = new Set<Json | undefined>()
    for (let index = 0; index < value.length; index++) {
      const item = value[index]!
      // Another type is another rule's business.
      if (!isObject(item)) continue
      const before = seen.size
      const identity = identityOf(item)
      if (seen.add(identity).size > before || told.has(identity)) continue
      told.add(identity)
      failures ??= []
      failures.push(failure((path) => fieldDuplicate(path, keyOf(item, keys)), index))
    }
    return failures
  }
}

/** The key fields an item has. */
function keyOf(item: JsonObject, keys: readonly string[]): JsonObject {
  const key: JsonObject = {}
  for (const name of keys) if (Object.hasOwn(item, name)) key[name] = item[name]!
  return key
}
