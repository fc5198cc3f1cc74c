import { deepEqual, fieldDuplicate } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { failure, isObject } from './failure.ts'
import type { Check, Failure, JsonObject } from './failure.ts'

/** The uniqueness that `x-kubernetes-list-type` set and map promise, at one node. */
export function listRules(schema: StructuralSchema): Check | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return duplicates((item) => item)
    case 'map': {
      const keys = schema['x-kubernetes-list-map-keys'] ?? []
      return duplicates((item) => keyOf(item, keys))
    }
    default:
      return undefined
  }
}

/** The key fields an item has; items that are no objects are another rule's business. */
function keyOf(item: Json, keys: readonly string[]): JsonObject | undefined {
  if (!isObject(item)) return undefined
  const key: JsonObject = {}
  for (const name of keys) if (Object.hasOwn(item, name)) key[name] = item[name]!
  return key
}

function duplicates(identityOf: (item: Json) => Json | undefined): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length < 2) return undefined
    let failures: Failure[] | undefined
    const seen = new Map<string, Json[]>()
    for (let index = 0; index < value.length; index++) {
      const identity = identityOf(value[index]!)
      if (identity === undefined) continue
      // Objects that differ only in the order of their fields are equal, so the text can only group candidates.
      const bucket = isObject(identity) ? Object.values(identity).map(String).sort().join() : JSON.stringify(identity)
      const earlier = seen.get(bucket)
      if (earlier === undefined) seen.set(bucket, [identity])
      else if (earlier.some((other) => deepEqual(other, identity))) {
        failures ??= []
        failures.push(failure((path) => fieldDuplicate(path, identity), index))
      } else earlier.push(identity)
    }
    return failures
  }
}
