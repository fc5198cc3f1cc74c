import type { StructuralSchema } from '@locktender/kube'
import { isSchema } from '../schema/walk.ts'
import { compileRules } from './compile-rules.ts'
import type { CompiledRule } from './compile-rules.ts'
import { ruleTypeOf } from './rule-type.ts'

/** A part of a schema that has rules, itself or somewhere below. */
export interface RuleTree {
  readonly schema: StructuralSchema
  /** Compiled when they are first asked for: most definitions of a cluster are never used. */
  readonly rules: readonly CompiledRule[]
  readonly properties: ReadonlyMap<string, RuleTree>
  readonly entries: RuleTree | undefined
  readonly items: RuleTree | undefined
}

/** The rules of a schema by their place; undefined when it has none. `isResource` marks a whole Kubernetes object. */
export function ruleTreeOf(schema: StructuralSchema, isResource: boolean): RuleTree | undefined {
  const properties = new Map<string, RuleTree>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const tree = partTree(property)
    if (tree !== undefined) properties.set(name, tree)
  }
  const entries = isSchema(schema.additionalProperties) ? partTree(schema.additionalProperties) : undefined
  const items = schema.items === undefined ? undefined : partTree(schema.items)
  const own = schema['x-kubernetes-validations'] ?? []
  if (own.length === 0 && properties.size === 0 && entries === undefined && items === undefined) return undefined
  let compiled: readonly CompiledRule[] | undefined
  return {
    schema,
    get rules() {
      compiled ??= compileOwn(schema, isResource)
      return compiled
    },
    properties,
    entries,
    items,
  }
}

function partTree(schema: StructuralSchema): RuleTree | undefined {
  return ruleTreeOf(schema, schema['x-kubernetes-embedded-resource'] === true)
}

function compileOwn(schema: StructuralSchema, isResource: boolean): readonly CompiledRule[] {
  if (schema['x-kubernetes-validations'] === undefined) return []
  const type = ruleTypeOf(schema, isResource, 'selfType')
  return type === undefined ? [] : compileRules(schema, type)
}
