import type { Json, JsonObject } from '@locktender/kube'
import { messageOf } from './field-table.ts'
import type { Field, Message } from './field-table.ts'
import { canonicalQuantity } from './quantity.ts'
import { microTimeText, parseTime, timeProblem, timeText } from './times.ts'
import { mismatch, TypeMismatch } from './type-mismatch.ts'

/** How to go on inside a JSON schema, which contains others. */
type Descend = (message: Message, value: JsonObject, path: string, unknown: string[]) => JsonObject

/**
 * The one spelling of a value that is no message.
 * @throws TypeMismatch
 */
export function canonicalScalar(
  owner: Message,
  field: Field,
  value: Json,
  path: string,
  unknown: string[],
  descend: Descend,
): Json {
  const refuse = (): TypeMismatch => mismatch(owner, field, 'item', value, path)
  switch (field.scalar!) {
    case 'string':
      if (typeof value !== 'string') throw refuse()
      return value
    case 'bool':
      if (typeof value !== 'boolean') throw refuse()
      return value
    case 'int32':
      if (!Number.isInteger(value) || (value as number) !== ((value as number) | 0)) throw refuse()
      return value
    case 'int64':
      if (!Number.isInteger(value)) throw refuse()
      return value
    case 'double':
      if (typeof value !== 'number') throw refuse()
      return value
    case 'bytes':
      if (typeof value !== 'string') throw refuse()
      return base64(value)
    case 'Time':
    case 'MicroTime':
      if (typeof value !== 'string') throw refuse()
      return readTime(value, field.scalar === 'MicroTime')
    case 'Duration':
      if (typeof value !== 'string') throw refuse()
      return value
    case 'Quantity':
      return quantity(value)
    case 'IntOrString':
      if (typeof value === 'string' || Number.isInteger(value)) return value
      throw refuse()
    case 'JSONSchemaPropsOrBool':
      return typeof value === 'boolean' ? value : schema(value, path, unknown, descend, refuse)
    case 'JSONSchemaPropsOrArray':
      if (!Array.isArray(value)) return schema(value, path, unknown, descend, refuse)
      return value.map((item, index) => schema(item, `${path}[${index}]`, unknown, descend, refuse))
    case 'JSONSchemaPropsOrStringArray':
      return Array.isArray(value) ? value : schema(value, path, unknown, descend, refuse)
    case 'FieldsV1':
    case 'RawExtension':
    case 'JSON':
      return value
  }
}

function schema(value: Json, path: string, unknown: string[], descend: Descend, refuse: () => Error): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse()
  return descend(messageOf('apiextensions/v1.JSONSchemaProps'), value, path, unknown)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function base64(value: string): string {
  if (BASE64.test(value)) return value
  // Line breaks within are allowed, and not kept.
  const text = value.replaceAll(/[\r\n]/g, '')
  if (BASE64.test(text)) return text
  const wrong = /[^A-Za-z0-9+/]/.exec(value)
  throw new TypeMismatch(`illegal base64 data at input byte ${wrong?.index ?? value.length - (value.length % 4)}`)
}

/**
 * A time as Kubernetes writes it; with microseconds it must have been written so.
 * @throws TypeMismatch
 */
export function readTime(value: string, micro: boolean): string {
  if (!micro && isCanonical(value)) return value
  const problem = timeProblem(value, micro)
  if (problem !== undefined) throw new TypeMismatch(problem)
  const { seconds, nanos } = parseTime(value) ?? { seconds: NaN, nanos: 0 }
  const text = micro ? microTimeText(seconds, nanos) : timeText(seconds)
  if (text === undefined)
    throw new TypeMismatch(`parsing time ${JSON.stringify(value)}: year outside of range [0,9999]`)
  return text
}

/** Whether a time is written just as it would be answered, as almost all are. */
function isCanonical(time: string): boolean {
  const seconds = Date.parse(time) / 1000
  return Number.isSafeInteger(seconds) && timeText(seconds) === time
}

function quantity(value: Json): string {
  const text = typeof value === 'number' ? String(value) : value
  const canonical = typeof text === 'string' ? canonicalQuantity(text) : undefined
  if (canonical !== undefined) return canonical
  throw new TypeMismatch("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}
