import type { Json, StructuralSchema } from '@locktender/kube'

declare const inferred: unique symbol

/**
 * A field of an API kind. One declaration gives both the structural schema of the CRD and, through {@link Infer},
 * the TypeScript type, so the two cannot drift apart.
 */
export interface Schema<T> {
  readonly structural: StructuralSchema
  readonly [inferred]?: T
}

/** A field that may be absent. */
export interface OptionalSchema<T> extends Schema<T> {
  readonly isOptional: true
}

/** The TypeScript type of values of a schema. Deeply readonly: objects are replaced, never edited in place. */
export type Infer<S> = S extends Schema<infer T> ? T : never

type Fields = Readonly<Record<string, Schema<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K] extends OptionalSchema<unknown> ? K : never }[keyof F]
type Flatten<T> = { readonly [K in keyof T]: T[K] }
type InferFields<F extends Fields> = Flatten<
  { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & { readonly [K in OptionalKeys<F>]?: Infer<F[K]> }
>

/** A CEL rule, evaluated by API servers that support them. */
export interface Rule {
  readonly rule: string
  readonly message: string
}

interface StringOptions {
  readonly minLength?: number
  readonly maxLength?: number
  /** RE2 syntax. */
  readonly pattern?: string
  readonly format?: string
  readonly default?: string
  readonly rules?: readonly Rule[]
}

/** A string; give `maxLength` unless the format bounds it. */
export function string(description: string, options: StringOptions): Schema<string> {
  const { rules, ...limits } = options
  return field({ description, type: 'string', ...limits, ...withRules(rules) })
}

/** One of some words. */
export function oneOf<const Word extends string>(
  description: string,
  words: readonly Word[],
  options: { readonly default?: NoInfer<Word> } = {},
): Schema<Word> {
  return field({ description, type: 'string', enum: [...words], ...options })
}

/** A whole number. */
export function integer(
  description: string,
  options: { readonly minimum: number; readonly maximum: number; readonly default?: number },
): Schema<number> {
  const format = options.maximum > 2_147_483_647 ? 'int64' : 'int32'
  return field({ description, type: 'integer', format, ...options })
}

/** True or false; only where a third state is unthinkable. */
export function boolean(description: string, options: { readonly default?: boolean } = {}): Schema<boolean> {
  return field({ description, type: 'boolean', ...options })
}

interface ListOptions {
  readonly minItems?: number
  readonly maxItems: number
  /** Fields that identify an item: several field managers can then own items of their own. */
  readonly keys?: readonly string[]
  /** Each value at most once. */
  readonly unique?: boolean
}

/** A list; atomic unless it has `keys` or is `unique`. */
export function array<T>(description: string, items: Schema<T>, options: ListOptions): Schema<readonly T[]> {
  const { keys, unique, ...limits } = options
  return field({
    description,
    type: 'array',
    items: items.structural,
    ...limits,
    'x-kubernetes-list-type': keys !== undefined ? 'map' : unique === true ? 'set' : 'atomic',
    ...(keys === undefined ? {} : { 'x-kubernetes-list-map-keys': [...keys] }),
  })
}

/** A record of named fields. A field is required unless it is {@link optional} or has a default. */
export function object<F extends Fields>(
  description: string,
  fields: F,
  options: { readonly default?: Json; readonly rules?: readonly Rule[] } = {},
): Schema<InferFields<F>> {
  const properties: Record<string, StructuralSchema> = {}
  const required: string[] = []
  for (const [name, schema] of Object.entries(fields)) {
    properties[name] = schema.structural
    if (!('isOptional' in schema) && schema.structural.default === undefined) required.push(name)
  }
  return field({
    description,
    type: 'object',
    properties,
    ...(required.length === 0 ? {} : { required: required.toSorted() }),
    ...(options.default === undefined ? {} : { default: options.default }),
    ...withRules(options.rules),
  })
}

/** Any fields at all; for objects of others of which only a part matters here. */
export function opaque(description: string): Schema<Readonly<Record<string, Json>>> {
  return field({ description, type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
}

/** Makes a field one that may be absent. */
export function optional<T>(schema: Schema<T>): OptionalSchema<T> {
  return { ...schema, isOptional: true }
}

function field<T>(structural: StructuralSchema): Schema<T> {
  return { structural }
}

function withRules(rules: readonly Rule[] | undefined): Partial<StructuralSchema> {
  return rules === undefined ? {} : { 'x-kubernetes-validations': rules.map((rule) => ({ ...rule })) }
}
