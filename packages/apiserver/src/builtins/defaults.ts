import { isObject } from '@locktender/kube'
import type { Json, JsonObject } from '@locktender/kube'
import { functionDefaults } from './default-functions.ts'
import { constantDefaults } from './default-values.ts'
import type { Message } from './field-table.ts'

/** Fills in what a message has when nobody states it; returns the same value when nothing is missing. */
type Filler = (value: JsonObject) => JsonObject

interface Plan {
  readonly fill: Filler | undefined
  /** Fields below which something can be missing. */
  readonly below: readonly { readonly name: string; readonly shape: 'single' | 'list' | 'map'; readonly plan: Plan }[]
}

/** The defaults of a built-in kind; undefined when it has none. `object` must be canonical, and is not changed. */
export function defaultsOf(message: Message): ((object: JsonObject) => JsonObject) | undefined {
  const plan = planOf(message, new Set())
  return plan === undefined ? undefined : (object) => apply(plan, object)
}

const plans = new WeakMap<Message, { readonly plan: Plan | undefined }>()

function planOf(message: Message, above: Set<Message>): Plan | undefined {
  // JSON schemas, which contain themselves, have no defaults.
  if (above.has(message)) return undefined
  const known = plans.get(message)
  if (known !== undefined) return known.plan
  above.add(message)
  const below: Plan['below'][number][] = []
  for (const [name, field] of message.fields) {
    if (field.message === undefined || field.wrapped) continue
    const plan = planOf(field.message, above)
    if (plan !== undefined) below.push({ name, shape: field.shape, plan })
  }
  above.delete(message)
  const fill = fillerOf(message)
  const plan = fill === undefined && below.length === 0 ? undefined : { fill, below }
  plans.set(message, { plan })
  return plan
}

function fillerOf(message: Message): Filler | undefined {
  const constants: Record<string, Json> = { ...constantDefaults[message.name] }
  for (const [name, field] of message.fields) if (field.default !== undefined) constants[name] ??= field.default as Json
  const compute = functionDefaults[message.name]
  const entries = Object.entries(constants)
  if (entries.length === 0) return compute
  return (value) => {
    let copy: JsonObject | undefined
    for (const [name, fallback] of entries) {
      // Empty text is what a field has that was not stated.
      if (Object.hasOwn(value, name) && value[name] !== '') continue
      // A default of empty text is there already when anything is.
      if (fallback === '' && Object.hasOwn(value, name)) continue
      copy ??= { ...value }
      copy[name] = fallback
    }
    const filled = copy ?? value
    return compute === undefined ? filled : compute(filled)
  }
}

function apply(plan: Plan, value: JsonObject): JsonObject {
  let result = plan.fill === undefined ? value : plan.fill(value)
  for (const { name, shape, plan: inner } of plan.below) {
    const before = result[name]
    if (before === undefined) continue
    const after = applyTo(inner, shape, before)
    if (after === before) continue
    if (result === value) result = { ...value }
    result[name] = after
  }
  return result
}

function applyTo(plan: Plan, shape: 'single' | 'list' | 'map', value: Json): Json {
  if (shape === 'single') return isObject(value) ? apply(plan, value) : value
  if (shape === 'list') {
    if (!Array.isArray(value)) return value
    const items = value.map((item) => (isObject(item) ? apply(plan, item) : item))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    isObject(item) ? apply(plan, item) : item,
  ])
  return entries.every(([key, item]) => item === value[key]) ? value : Object.fromEntries(entries)
}
