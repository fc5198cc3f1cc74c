import { clone, isObject } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { isSchema } from './walk.ts'

/** Fills in defaults; returns the same value when nothing changes. */
export type Defaulter = (value: Json) => Json

interface Child {
  readonly nullable: boolean
  /** The default with the defaults of its own parts filled in. */
  readonly fallback: Json | undefined
  readonly below: Defaulter | undefined
}

/**
 * Compiles defaulting, with the treatment of nulls that belongs to it: a null where none is allowed becomes the
 * default, and without one the field is dropped. Input is never changed.
 */
export function compileDefaults(schema: StructuralSchema): Defaulter | undefined {
  const properties = new Map<string, Child>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) properties.set(name, child(property))
  const missing = [...properties].filter(([, property]) => property.fallback !== undefined)
  const additional = isSchema(schema.additionalProperties) ? child(schema.additionalProperties) : undefined
  const items = schema.items === undefined ? undefined : child(schema.items)
  if (properties.size === 0 && additional === undefined && items === undefined) return undefined

  return (value) => {
    if (Array.isArray(value)) return items === undefined ? value : defaultItems(value, items)
    if (!isObject(value)) return value
    let copy: { [key: string]: Json } | undefined
    for (const key in value) {
      const property = properties.get(key) ?? additional
      if (property === undefined) continue
      const before = value[key]!
      if (before === null) {
        if (property.nullable) continue
        copy ??= { ...value }
        if (property.fallback === undefined) delete copy[key]
        else copy[key] = clone(property.fallback)
      } else if (property.below !== undefined) {
        const after = property.below(before)
        if (after === before) continue
        copy ??= { ...value }
        copy[key] = after
      }
    }
    for (const [name, property] of missing) {
      if (Object.hasOwn(value, name)) continue
      copy ??= { ...value }
      copy[name] = clone(property.fallback!)
    }
    return copy ?? value
  }
}

function defaultItems(value: Json[], items: Child): Json[] {
  let copy: Json[] | undefined
  for (let index = 0; index < value.length; index++) {
    const before = value[index]!
    let after: Json = before
    if (before === null) {
      if (!items.nullable && items.fallback !== undefined) after = clone(items.fallback)
    } else if (items.below !== undefined) after = items.below(before)
    if (after === before) continue
    copy ??= [...value]
    copy[index] = after
  }
  return copy ?? value
}

function child(schema: StructuralSchema): Child {
  const below = compileDefaults(schema)
  const { default: own } = schema
  // Without a type nothing is known of the value, so a null in it is as good as anything.
  const untyped = schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true
  return {
    nullable: schema.nullable === true || untyped,
    fallback: own === undefined || below === undefined ? own : below(own),
    below,
  }
}
