import { Buffer } from 'node:buffer'
import type { Json, JsonObject } from '@locktender/kube'
import { messageOf } from './field-table.ts'
import type { Field, Message, Scalar } from './field-table.ts'
import { durationText, microTimeText, timeText } from './times.ts'
import { checkDepth, WireError, WireReader } from './wire-reader.ts'

/**
 * Decodes a protobuf message into the JSON object it stands for. Empty values that JSON leaves out are left out; unknown
 * fields are skipped.
 * @throws WireError when the bytes are no such message
 */
export function decodeMessage(message: Message, bytes: Uint8Array): JsonObject {
  return readMessage(message, new WireReader(bytes), {}, 0)
}

function readMessage(message: Message, reader: WireReader, into: JsonObject, depth: number): JsonObject {
  checkDepth(depth)
  while (!reader.done) {
    const { number, type } = reader.tag()
    const field = message.numbers.get(number)
    if (field === undefined) reader.skip(type)
    else readField(field, type, reader, into, depth)
  }
  return into
}

function readField(field: Field, type: number, reader: WireReader, into: JsonObject, depth: number): void {
  if (field.name === '') {
    expect(field, type, 2)
    readMessage(field.message!, reader.part(), into, depth + 1)
    return
  }
  if (field.shape === 'map') {
    expect(field, type, 2)
    readEntry(field, reader.part(), ownObject(into, field.name), depth)
    return
  }
  if (field.shape === 'list') {
    readItems(field, type, reader, ownList(into, field.name), depth)
    return
  }
  if (field.message !== undefined) {
    expect(field, type, 2)
    // A message that comes in several parts is the sum of them.
    readMessage(field.message, reader.part(), ownObject(into, field.name), depth + 1)
    return
  }
  const value = readScalar(field, field.scalar!, type, reader, depth)
  if (value === undefined) return
  if (!field.pointer && !field.always && isZero(value)) delete into[field.name]
  else set(into, field.name, value)
}

function isZero(value: Json): boolean {
  return value === '' || value === 0 || value === false
}

function readItems(field: Field, type: number, reader: WireReader, list: Json[], depth: number): void {
  if (field.message !== undefined) {
    expect(field, type, 2)
    list.push(readMessage(field.message, reader.part(), {}, depth + 1))
    return
  }
  const scalar = field.scalar!
  if (type === 2 && wireTypeOf(scalar) !== 2) {
    const packed = reader.part()
    while (!packed.done) list.push(readScalar(field, scalar, wireTypeOf(scalar), packed, depth) ?? null)
    return
  }
  list.push(readScalar(field, scalar, type, reader, depth) ?? null)
}

/** One entry of a map is a message of a key and a value. */
function readEntry(field: Field, reader: WireReader, map: JsonObject, depth: number): void {
  checkDepth(depth + 1)
  let key = ''
  let value: Json | undefined
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1) {
      expect(field, type, 2)
      key = reader.text()
    } else if (number !== 2) {
      reader.skip(type)
    } else if (field.wrapped) {
      expect(field, type, 2)
      value = readWrapped(field, reader.part(), depth + 1)
    } else if (field.message !== undefined) {
      expect(field, type, 2)
      value = readMessage(field.message, reader.part(), {}, depth + 1)
    } else {
      value = readScalar(field, field.scalar!, type, reader, depth)
    }
  }
  set(map, key, value ?? emptyValue(field))
}

function emptyValue(field: Field): Json {
  if (field.wrapped) return []
  if (field.message !== undefined) return {}
  switch (field.scalar) {
    case 'string':
    case 'bytes':
      return ''
    case 'Quantity':
      return '0'
    case 'bool':
      return false
    case 'int32':
    case 'int64':
    case 'double':
      return 0
    default:
      return null
  }
}

function readWrapped(field: Field, reader: WireReader, depth: number): Json[] {
  const items: Json[] = []
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1) readItems(field, type, reader, items, depth)
    else reader.skip(type)
  }
  return items
}

function wireTypeOf(scalar: Scalar): number {
  switch (scalar) {
    case 'bool':
    case 'int32':
    case 'int64':
      return 0
    case 'double':
      return 1
    default:
      return 2
  }
}

function readScalar(field: Field, scalar: Scalar, type: number, reader: WireReader, depth: number): Json | undefined {
  expect(field, type, wireTypeOf(scalar))
  switch (scalar) {
    case 'string':
      return reader.text()
    case 'bool':
      return reader.signed() !== 0
    case 'int32':
      return Number(BigInt.asIntN(32, reader.big()))
    case 'int64':
      return reader.signed()
    case 'double': {
      const value = reader.double()
      if (!Number.isFinite(value)) throw new WireError(`json: unsupported value: ${value}`)
      return value
    }
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64')
    case 'Time': {
      const { seconds, empty } = readTimestamp(reader.part())
      return empty ? undefined : timeText(seconds)
    }
    case 'MicroTime': {
      const { seconds, nanos, empty } = readTimestamp(reader.part())
      return empty ? undefined : microTimeText(seconds, nanos)
    }
    case 'Duration':
      return readDuration(reader.part())
    case 'Quantity':
      return readText(reader.part()) ?? '0'
    case 'IntOrString':
      return readIntOrString(reader.part())
    case 'FieldsV1':
    case 'RawExtension':
    case 'JSON':
      return readJson(reader.part())
    default:
      return readSchemaUnion(scalar, reader.part(), depth + 1)
  }
}

function readTimestamp(reader: WireReader): { seconds: number; nanos: number; empty: boolean } {
  const empty = reader.done
  let seconds = 0
  let nanos = 0
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 0) seconds = reader.signed()
    else if (number === 2 && type === 0) nanos = Number(BigInt.asIntN(32, reader.big()))
    else reader.skip(type)
  }
  return { seconds, nanos, empty }
}

function readDuration(reader: WireReader): string {
  let nanoseconds = 0n
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 0) nanoseconds = BigInt.asIntN(64, reader.big())
    else reader.skip(type)
  }
  return durationText(nanoseconds)
}

function readText(reader: WireReader): string | undefined {
  let text: string | undefined
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 2) text = reader.text()
    else reader.skip(type)
  }
  return text
}

function readIntOrString(reader: WireReader): Json {
  let kind = 0
  let integer = 0
  let text = ''
  while (!reader.done) {
    const { number, type } = reader.tag()
    if (number === 1 && type === 0) kind = reader.signed()
    else if (number === 2 && type === 0) integer = Number(BigInt.asIntN(32, reader.big()))
    else if (number === 3 && type === 2) text = reader.text()
    else reader.skip(type)
  }
  return kind === 0 ? integer : text
}

function readJson(reader: WireReader): Json | undefined {
  const text = readText(reader)
  if (text === undefined || text === '') return undefined
  try {
    return JSON.parse(text) as Json
  } catch (error) {
    throw new WireError((error as Error).message)
  }
}

/** The fields of a JSON schema that hold a schema, or something else. */
function readSchemaUnion(scalar: Scalar, reader: WireReader, depth: number): Json | undefined {
  checkDepth(depth)
  const schema = messageOf('apiextensions/v1.JSONSchemaProps')
  const list: Json[] = []
  let single: JsonObject | undefined
  let allows = false
  while (!reader.done) {
    const { number, type } = reader.tag()
    const isSchema = number === (scalar === 'JSONSchemaPropsOrBool' ? 2 : 1)
    if (isSchema && type === 2) single = readMessage(schema, reader.part(), single ?? {}, depth + 1)
    else if (scalar === 'JSONSchemaPropsOrBool' && number === 1 && type === 0) allows = reader.signed() !== 0
    else if (scalar === 'JSONSchemaPropsOrArray' && number === 2 && type === 2)
      list.push(readMessage(schema, reader.part(), {}, depth + 1))
    else if (scalar === 'JSONSchemaPropsOrStringArray' && number === 2 && type === 2) list.push(reader.text())
    else reader.skip(type)
  }
  // In JSON the list wins for lists of schemas, and for strings when there are any.
  if (list.length > 0) return list
  return single ?? (scalar === 'JSONSchemaPropsOrBool' ? allows : undefined)
}

function expect(field: Field, type: number, wanted: number): void {
  if (type === wanted) return
  const name = field.name === '' ? 'inline' : field.name[0]!.toUpperCase() + field.name.slice(1)
  throw new WireError(`proto: wrong wireType = ${type} for field ${name}`)
}

function ownObject(into: JsonObject, name: string): JsonObject {
  const before = Object.hasOwn(into, name) ? into[name] : undefined
  if (typeof before === 'object' && before !== null && !Array.isArray(before)) return before
  const made: JsonObject = {}
  set(into, name, made)
  return made
}

function ownList(into: JsonObject, name: string): Json[] {
  const before = Object.hasOwn(into, name) ? into[name] : undefined
  if (Array.isArray(before)) return before
  const made: Json[] = []
  set(into, name, made)
  return made
}

/** Sets a member even if its name is `__proto__`, which plain assignment takes for something else. */
function set(into: JsonObject, name: string, value: Json): void {
  if (name !== '__proto__') into[name] = value
  else Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
}
