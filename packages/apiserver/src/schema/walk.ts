import { isObject } from '@locktender/kube'
import type { Json, StructuralSchema } from '@locktender/kube'
import { gather } from './failure.ts'
import type { Check, Failure } from './failure.ts'

/**
 * Compiles one kind of rule over a whole schema: `own` gives the rule of a node alone, and the result applies it to
 * the value and to everything below. Parts of the schema without any rule cost nothing; undefined when none has one.
 */
export function compileWalk(
  schema: StructuralSchema,
  own: (schema: StructuralSchema) => Check | undefined,
): Check | undefined {
  const ownCheck = own(schema)
  const properties = new Map<string, Check>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const check = compileWalk(property, own)
    if (check !== undefined) properties.set(name, check)
  }
  const additional = isSchema(schema.additionalProperties) ? compileWalk(schema.additionalProperties, own) : undefined
  const items = schema.items === undefined ? undefined : compileWalk(schema.items, own)
  const below = properties.size > 0 || additional !== undefined || items !== undefined
  if (!below) return ownCheck

  return (value: Json) => {
    let failures: Failure[] | undefined = ownCheck?.(value)
    if (Array.isArray(value)) {
      if (items === undefined) return failures
      for (let index = 0; index < value.length; index++) {
        const found = items(value[index]!)
        if (found !== undefined) failures = gather(failures, found, index)
      }
    } else if (isObject(value)) {
      for (const key in value) {
        const check = properties.get(key) ?? additional
        if (check === undefined) continue
        const found = check(value[key]!)
        if (found !== undefined) failures = gather(failures, found, key)
      }
    }
    return failures
  }
}

/** Whether `additionalProperties` says what the values look like. */
export function isSchema(schema: StructuralSchema | boolean | undefined): schema is StructuralSchema {
  return typeof schema === 'object'
}
