import type { Json } from '@locktender/kube'
import { jsonTypeOf } from '../write/json-problems.ts'
import type { Field, Message } from './field-table.ts'

/** A value has a type its field cannot take; the message is in the words of Kubernetes' decoder. */
export class TypeMismatch extends Error {}

/** The refusal of `value`, which is all of the field's value or one item of it. Without a field it is a string. */
export function mismatch(
  owner: Message,
  field: Field | undefined,
  part: 'container' | 'item',
  value: Json,
  path: string,
): TypeMismatch {
  const struct = owner.name.slice(owner.name.indexOf('.') + 1)
  const at = path.replaceAll(/\[\d+\]/g, '')
  return new TypeMismatch(
    `json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${struct}.${at} of type ${field === undefined ? 'string' : goType(field, part)}`,
  )
}

const GO_TYPES: Readonly<Record<string, string>> = {
  double: 'float64',
  bytes: '[]uint8',
  Time: 'v1.Time',
  MicroTime: 'v1.MicroTime',
}

function goType(field: Field, part: 'container' | 'item'): string {
  const { scalar, message } = field
  const item =
    message === undefined ? (GO_TYPES[scalar!] ?? scalar!) : message.name.slice(message.name.indexOf('/') + 1)
  if (part === 'item') return item
  return field.shape === 'map' ? `map[string]${item}` : `[]${item}`
}
