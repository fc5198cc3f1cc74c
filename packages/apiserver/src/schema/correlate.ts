import { deepEqual, isObject } from '@locktender/kube'
import type { Json, JsonObject, StructuralSchema } from '@locktender/kube'
import type { Failure } from './failure.ts'
import { isSchema } from './walk.ts'

/** A value now and before, with what is known of it. */
export interface Pair {
  readonly schema: StructuralSchema
  readonly now: Json
  readonly before: Json
}

/**
 * Whether the value whose rule broke is as it was before, itself or as part of something unchanged. A stricter schema
 * must not lock up objects that are already stored.
 */
export function isUnchanged({ steps, below }: Failure, schema: StructuralSchema, value: Json, before: Json): boolean {
  let pair: Pair | undefined = { schema, now: value, before }
  for (let index = steps.length - 1; ; index--) {
    if (isSame(pair)) return true
    if (index < below) return false
    // Version and kind of an object are converted before anything is compared.
    if (pair.now === value && (steps[index] === 'apiVersion' || steps[index] === 'kind')) return false
    pair = partOf(pair, steps[index]!)
    if (pair === undefined) return false
  }
}

/** A part with its former self; undefined when there was none, or when parts like it cannot be told apart. */
export function partOf({ schema, now, before }: Pair, step: string | number): Pair | undefined {
  if (typeof step === 'number') {
    if (!Array.isArray(now) || !Array.isArray(before) || schema.items === undefined) return undefined
    const old = formerItem(schema, now[step]!, before)
    return old === undefined ? undefined : { schema: schema.items, now: now[step]!, before: old }
  }
  if (!isObject(now) || !isObject(before) || !Object.hasOwn(now, step) || !Object.hasOwn(before, step)) return undefined
  const part = schemaOf(schema, step)
  return part === undefined ? undefined : { schema: part, now: now[step]!, before: before[step]! }
}

/** The schema of a property or of the entry of a map. */
function schemaOf(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, name)) return schema.properties[name]
  return isSchema(schema.additionalProperties) ? schema.additionalProperties : undefined
}

/** The item with the same keys in an older list, if the schema says that items have keys. */
export function formerItem(list: StructuralSchema, item: Json, before: readonly Json[]): JsonObject | undefined {
  if (list['x-kubernetes-list-type'] !== 'map' || !isObject(item)) return undefined
  const keys = list['x-kubernetes-list-map-keys'] ?? []
  return before.filter(isObject).find((old) => keys.every((key) => deepEqual(old[key], item[key])))
}

/** Equal, where lists that are maps may have their items in any order. */
export function isSame({ schema, now, before }: Pair): boolean {
  if (now === before) return true
  if (Array.isArray(now) && Array.isArray(before)) {
    if (now.length !== before.length) return false
    if (schema['x-kubernetes-list-type'] !== 'map' || schema.items === undefined) return deepEqual(now, before)
    const { items } = schema
    return now.every((item) => {
      const old = formerItem(schema, item, before)
      return old !== undefined && isSame({ schema: items, now: item, before: old })
    })
  }
  if (!isObject(now) || !isObject(before)) return deepEqual(now, before)
  const names = Object.keys(now)
  return (
    names.length === Object.keys(before).length &&
    names.every((name) => {
      if (!Object.hasOwn(before, name)) return false
      const part = schemaOf(schema, name)
      if (part === undefined) return deepEqual(now[name], before[name])
      return isSame({ schema: part, now: now[name]!, before: before[name]! })
    })
  )
}
