import { isObject } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { isSchema } from './walk.ts'

interface Pruned {
  readonly value: Json
  readonly paths: string[]
}

/** Removes what the schema does not know; undefined when there is nothing to remove. */
export type Pruner = (value: Json) => Pruned | undefined

/** Fields every Kubernetes object has, whatever its schema says. */
const objectFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/**
 * Compiles pruning. `root` marks a Kubernetes object, whose apiVersion, kind and metadata stay as they are.
 * Input is never changed: a pruned value shares everything that stays.
 */
export function compilePrune(schema: StructuralSchema, root: boolean): Pruner | undefined {
  const isResource = root || schema['x-kubernetes-embedded-resource'] === true
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true
  const properties = new Map<string, Pruner | undefined>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    properties.set(name, compilePrune(property, false))
  }
  const additional = schema.additionalProperties
  const additionalPruner =
    additional === undefined ? undefined : isSchema(additional) ? compilePrune(additional, false) : pruneFields
  const keepsAny = keepsUnknown || additional !== undefined
  const items = schema.items === undefined ? undefined : compilePrune(schema.items, false)
  const below = items !== undefined || additionalPruner !== undefined || [...properties.values()].some(Boolean)
  // Scalars have nothing to prune; a value that is no scalar after all is refused by its type.
  const scalar = schema.type !== undefined && schema.type !== 'object' && schema.type !== 'array'
  if (scalar || schema['x-kubernetes-int-or-string'] === true || (keepsAny && !below)) return undefined
  if (schema.type === 'array' && items === undefined) return undefined

  return (value) => {
    let paths: string[] | undefined
    if (Array.isArray(value)) {
      if (items === undefined) return undefined
      let copy: Json[] | undefined
      for (let index = 0; index < value.length; index++) {
        const pruned = items(value[index]!)
        if (pruned === undefined) continue
        copy ??= [...value]
        copy[index] = pruned.value
        paths = add(paths, `[${index}]`, pruned.paths)
      }
      return copy === undefined ? undefined : { value: copy, paths: paths! }
    }
    if (!isObject(value)) return undefined
    let copy: { [key: string]: Json } | undefined
    for (const key in value) {
      if (isResource && objectFields.has(key)) continue
      let pruner = properties.get(key)
      if (pruner === undefined && !properties.has(key)) {
        if (!keepsAny) {
          copy ??= { ...value }
          delete copy[key]
          paths = add(paths, `.${key}`, [''])
          continue
        }
        pruner = additionalPruner
      }
      const pruned = pruner?.(value[key]!)
      if (pruned === undefined) continue
      copy ??= { ...value }
      copy[key] = pruned.value
      paths = add(paths, `.${key}`, pruned.paths)
    }
    return copy === undefined ? undefined : { value: copy, paths: paths! }
  }
}

/** Entries without a schema may be anything, but nothing is known of fields in them. */
function pruneFields(value: Json): Pruned | undefined {
  if (Array.isArray(value)) {
    const items = value.map(pruneFields)
    const paths = items.flatMap((item, index) => (item === undefined ? [] : add([], `[${index}]`, item.paths)))
    return paths.length === 0 ? undefined : { value: items.map((item, index) => item?.value ?? value[index]!), paths }
  }
  if (!isObject(value)) return undefined
  const names = Object.keys(value)
  return names.length === 0 ? undefined : { value: {}, paths: names.map((name) => `.${name}`) }
}

function add(paths: string[] | undefined, segment: string, below: readonly string[]): string[] {
  const all = paths ?? []
  for (const path of below) all.push(segment + path)
  return all
}
