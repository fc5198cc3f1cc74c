import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { messageOf } from './field-table.ts'
import type { Field, Message } from './field-table.ts'

/** For tests: writes what the decoder reads, and makes up messages to write. */

export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Buffer.from(bytes)
}

export function tag(number: number, type: number): Buffer {
  return varint(number * 8 + type)
}

/** A length-delimited field. */
export function delimited(number: number, content: string | Uint8Array): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([tag(number, 2), varint(bytes.length), bytes])
}

export function integer(number: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(number, 0), varint(value)])
}

/** A whole request body. */
export function envelope(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const typeMeta = Buffer.concat([delimited(1, apiVersion), delimited(2, kind)])
  return Buffer.concat([
    Buffer.from('k8s\0'),
    delimited(1, typeMeta),
    delimited(2, raw),
    delimited(3, ''),
    delimited(4, ''),
  ])
}

type Value = unknown

export function encodeMessage(message: Message, value: Record<string, Value>): Buffer {
  const parts: Buffer[] = []
  for (const field of message.numbers.values()) {
    if (field.name === '') parts.push(delimited(field.number, encodeMessage(field.message!, value)))
    else if (Object.hasOwn(value, field.name)) parts.push(encodeField(field, value[field.name]))
  }
  return Buffer.concat(parts)
}

function encodeField(field: Field, value: Value): Buffer {
  if (field.shape === 'list')
    return Buffer.concat((value as Value[]).map((item) => encodeItem(field, field.number, item)))
  if (field.shape === 'single') return encodeItem(field, field.number, value)
  const entries = Object.entries(value as Record<string, Value>).map(([key, item]) => {
    const encoded = field.wrapped
      ? delimited(2, Buffer.concat((item as Value[]).map((one) => encodeItem(field, 1, one))))
      : encodeItem(field, 2, item)
    return delimited(field.number, Buffer.concat([delimited(1, key), encoded]))
  })
  return Buffer.concat(entries)
}

function encodeItem(field: Field, number: number, value: Value): Buffer {
  if (field.message !== undefined)
    return delimited(number, encodeMessage(field.message, value as Record<string, Value>))
  switch (field.scalar!) {
    case 'string':
      return delimited(number, value as string)
    case 'bool':
      return integer(number, value === true ? 1 : 0)
    case 'int32':
    case 'int64':
      return integer(number, value as number)
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(value as number)
      return Buffer.concat([tag(number, 1), bytes])
    }
    case 'bytes':
      return delimited(number, Buffer.from(value as string, 'base64'))
    case 'Time':
    case 'MicroTime': {
      const text = value as string
      const seconds = Date.parse(`${text.slice(0, 19)}Z`) / 1000
      const micros = field.scalar === 'MicroTime' ? Number(text.slice(20, 26)) : 0
      return delimited(number, Buffer.concat([integer(1, seconds), integer(2, micros * 1000)]))
    }
    case 'Duration':
      return delimited(number, integer(1, BigInt((value as string).replace('s', '')) * 1_000_000_000n))
    case 'IntOrString':
      return delimited(
        number,
        typeof value === 'number'
          ? Buffer.concat([integer(1, 0), integer(2, value), delimited(3, '')])
          : Buffer.concat([integer(1, 1), integer(2, 0), delimited(3, value as string)]),
      )
    case 'Quantity':
      return delimited(number, delimited(1, value as string))
    case 'FieldsV1':
    case 'RawExtension':
    case 'JSON':
      return delimited(number, delimited(1, JSON.stringify(value)))
    case 'JSONSchemaPropsOrBool':
      return delimited(
        number,
        typeof value === 'boolean' ? integer(1, value ? 1 : 0) : delimited(2, encodeSchema(value)),
      )
    case 'JSONSchemaPropsOrArray':
      return delimited(
        number,
        Array.isArray(value)
          ? Buffer.concat(value.map((item) => delimited(2, encodeSchema(item))))
          : delimited(1, encodeSchema(value)),
      )
    case 'JSONSchemaPropsOrStringArray':
      return delimited(
        number,
        Array.isArray(value)
          ? Buffer.concat(value.map((item) => delimited(2, item as string)))
          : delimited(1, encodeSchema(value)),
      )
  }
}

function encodeSchema(value: Value): Buffer {
  return encodeMessage(messageOf('apiextensions/v1.JSONSchemaProps'), value as Record<string, Value>)
}

/** Messages as their JSON reads after decoding: empty values are left out where JSON leaves them out. */
export function arbitraryMessage(message: Message, depth = 4): fc.Arbitrary<Record<string, Value>> {
  const fields: Record<string, fc.Arbitrary<Value>> = {}
  const structs: string[] = []
  for (const [name, field] of message.fields) {
    if (field.message !== undefined && depth === 0) continue
    fields[name] = arbitraryField(field, depth)
    // Keeps the messages small: there are hundreds of fields below a pod.
    if (field.always) structs.push(name)
  }
  return fc.record(fields, { requiredKeys: structs.filter((name) => name in fields) })
}

function arbitraryField(field: Field, depth: number): fc.Arbitrary<Value> {
  if (field.shape === 'list') return fc.array(arbitraryItem(field, depth), { minLength: 1, maxLength: 2 })
  if (field.shape === 'map') {
    const item = arbitraryItem(field, depth)
    const value = field.wrapped ? fc.array(item, { maxLength: 2 }) : item
    return fc.dictionary(fc.string({ maxLength: 5 }), value, { minKeys: 1, maxKeys: 2 })
  }
  const item = arbitraryItem(field, depth)
  if (field.pointer || field.always || field.message !== undefined) return item
  return item.filter((value) => value !== '' && value !== 0 && value !== false)
}

function arbitraryItem(field: Field, depth: number): fc.Arbitrary<Value> {
  if (field.message !== undefined) return arbitraryMessage(field.message, depth - 1)
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 }).map((at) => new Date(at * 1000).toISOString().slice(0, 19))
  switch (field.scalar!) {
    case 'string':
      return fc.string({ maxLength: 8 })
    case 'bool':
      return fc.boolean()
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.maxSafeInteger()
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0))
    case 'bytes':
      return fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    case 'Time':
      return seconds.map((text) => `${text}Z`)
    case 'MicroTime':
      return fc
        .tuple(seconds, fc.integer({ min: 0, max: 999_999 }))
        .map(([text, micros]) => `${text}.${String(micros).padStart(6, '0')}Z`)
    case 'Duration':
      return fc.integer({ min: 1, max: 59 }).map((count) => `${count}s`)
    case 'Quantity':
      return fc.constantFrom('1', '100m', '2Gi')
    case 'IntOrString':
      return fc.oneof(fc.integer(), fc.string({ minLength: 1, maxLength: 5 }))
    case 'FieldsV1':
    case 'RawExtension':
      return fc.dictionary(fc.string({ maxLength: 4 }), fc.constant({}), { maxKeys: 2 })
    case 'JSON':
      // JSON knows no negative zero.
      return fc
        .jsonValue({ maxDepth: 2 })
        .filter((value) => value !== null)
        .map((value) => JSON.parse(JSON.stringify(value)) as Value)
    case 'JSONSchemaPropsOrBool':
      return fc.boolean()
    case 'JSONSchemaPropsOrArray':
      return fc.constantFrom<Value>({ type: 'string' }, [{ type: 'integer' }, { type: 'string' }])
    case 'JSONSchemaPropsOrStringArray':
      return fc.constantFrom<Value>({ type: 'string' }, ['a', 'b'])
  }
}
