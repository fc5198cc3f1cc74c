import { fieldNotSupported } from '@locktender/kube'
import type { FieldError, Json } from '@locktender/kube'
import type { Field, Message } from './field-table.ts'

type JsonObject = { [key: string]: Json }

/** Refuses words an enumeration does not have, in what clients want rather than in what controllers report. */
export function enumErrors(message: Message, object: JsonObject): FieldError[] {
  const errors: FieldError[] = []
  for (const name in object) {
    const field = name === 'status' || name === 'metadata' ? undefined : message.fields.get(name)
    if (field !== undefined && hasEnums(field, new Set())) check(field, object[name]!, name, errors)
  }
  return errors
}

function check(field: Field, value: Json, path: string, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) check(field, item, `${path}[${index}]`, errors)
  } else if (field.values !== undefined) {
    if (typeof value === 'string' && value !== '' && !field.values.includes(value)) {
      errors.push(fieldNotSupported(path, value, [...field.values]))
    }
  } else if (typeof value === 'object' && value !== null) {
    if (field.shape === 'map') {
      const single = { ...field, shape: 'single', message: field.message, values: field.values } as const
      for (const [key, item] of Object.entries(value)) check(single, item, `${path}[${key}]`, errors)
      return
    }
    for (const name in value) {
      const inner = field.message?.fields.get(name)
      if (inner !== undefined && hasEnums(inner, new Set())) check(inner, value[name]!, `${path}.${name}`, errors)
    }
  }
}

const known = new WeakMap<Message, boolean>()

/** Whether a word of an enumeration can be in the field or below it. */
function hasEnums(field: Field, above: Set<Message>): boolean {
  if (field.values !== undefined) return true
  const { message } = field
  if (message === undefined || above.has(message)) return false
  let result = known.get(message)
  if (result === undefined) {
    above.add(message)
    result = [...message.fields.values()].some((inner) => hasEnums(inner, above))
    above.delete(message)
    known.set(message, result)
  }
  return result
}
