import type { Json, JsonObject } from '@locktender/kube'
import type { Field, Message } from './field-table.ts'
import { canonicalScalar } from './canonical-scalar.ts'
import { mismatch } from './type-mismatch.ts'

/** Where unknown fields are noted, as `spec.foo[0].bar`. */
export type Unknown = string[]

/**
 * An object of a built-in kind as a server with compiled-in types writes it after reading it: unknown fields are
 * dropped, as are nulls and the empty values that such types leave out; those they always write are put in, lists and
 * maps as null; times, quantities and the like are spelled in the one way they are. `metadata` of the object itself is
 * left alone. Returns the same object when nothing changes.
 * @throws TypeMismatch when a value has a type its field cannot take
 */
export function canonicalObject(message: Message, object: JsonObject, unknown: Unknown): JsonObject {
  return canonicalFields(message, object, '', unknown, message.kind)
}

function canonicalFields(
  message: Message,
  value: JsonObject,
  path: string,
  unknown: Unknown,
  isRoot: boolean,
): JsonObject {
  const { fields } = message
  let copy: JsonObject | undefined
  for (const name in value) {
    if (isRoot && (name === 'apiVersion' || name === 'kind' || name === 'metadata')) continue
    const field = fields.get(name)
    const at = path === '' ? name : `${path}.${name}`
    let after: Json | undefined
    if (field === undefined) {
      if (message.kind && (name === 'apiVersion' || name === 'kind')) after = typeMeta(message, value[name]!, at)
      else unknown.push(at)
    } else after = canonicalField(message, field, value[name]!, at, unknown)
    if (after === value[name]) continue
    copy ??= { ...value }
    if (after === undefined) delete copy[name]
    else copy[name] = after
  }
  for (const field of alwaysWritten(message)) {
    if (isRoot && field.name === 'metadata') continue
    if (Object.hasOwn(copy ?? value, field.name)) continue
    copy ??= { ...value }
    copy[field.name] = isAlwaysNull(field) ? null : emptyOf(field)
  }
  return copy ?? value
}

/** What is embedded in another object, such as the template of a claim, carries no type unless it is stated. */
function typeMeta(message: Message, value: Json, path: string): Json | undefined {
  if (typeof value !== 'string' && value !== null) throw mismatch(message, undefined, 'item', value, path)
  return value === null || value === '' ? undefined : value
}

/** The value to write, undefined for none. */
function canonicalField(owner: Message, field: Field, value: Json, path: string, unknown: Unknown): Json | undefined {
  if (value === null) return isAlwaysNull(field) ? null : undefined
  if (field.shape === 'single') {
    const after = canonicalValue(owner, field, value, path, unknown)
    if (field.pointer || field.always) return after
    return after === '' || after === 0 || after === false ? undefined : after
  }
  if (field.shape === 'list') {
    const items = canonicalList(owner, field, value, path, unknown)
    return items.length === 0 && !field.always ? undefined : items
  }
  return canonicalMap(owner, field, value, path, unknown)
}

function canonicalList(owner: Message, field: Field, value: Json, path: string, unknown: Unknown): Json[] {
  if (!Array.isArray(value)) throw mismatch(owner, field, 'container', value, path)
  let copy: Json[] | undefined
  for (let index = 0; index < value.length; index++) {
    const before = value[index]!
    const after = before === null ? emptyOf(field) : canonicalValue(owner, field, before, `${path}[${index}]`, unknown)
    if (after === before) continue
    copy ??= [...value]
    copy[index] = after
  }
  return copy ?? value
}

function canonicalMap(
  owner: Message,
  field: Field,
  value: Json,
  path: string,
  unknown: Unknown,
): JsonObject | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mismatch(owner, field, 'container', value, path)
  }
  let copy: JsonObject | undefined
  let empty = true
  for (const key in value) {
    empty = false
    const before = value[key]!
    // Of a value that is no message, the key is not said.
    const at = field.message === undefined ? path : `${path}.${key}`
    let after: Json
    if (field.wrapped) after = before === null ? [] : canonicalList(owner, field, before, at, unknown)
    else after = before === null ? emptyOf(field) : canonicalValue(owner, field, before, at, unknown)
    if (after === before) continue
    copy ??= { ...value }
    copy[key] = after
  }
  return empty && !field.always ? undefined : (copy ?? value)
}

/** One value: the field's own, or an item of it. */
function canonicalValue(owner: Message, field: Field, value: Json, path: string, unknown: Unknown): Json {
  if (field.message === undefined) return canonicalScalar(owner, field, value, path, unknown, canonicalSchema)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw mismatch(owner, field, 'item', value, path)
  }
  return canonicalFields(field.message, value, path, unknown, false)
}

function canonicalSchema(message: Message, value: JsonObject, path: string, unknown: Unknown): JsonObject {
  return canonicalFields(message, value, path, unknown, false)
}

const alwaysByMessage = new WeakMap<Message, readonly Field[]>()

/** Fields that are written even when nobody states them. */
function alwaysWritten(message: Message): readonly Field[] {
  let fields = alwaysByMessage.get(message)
  if (fields === undefined) {
    fields = [...message.fields.values()].filter(
      (field) =>
        isTime(message, field) ||
        isAlwaysNull(field) ||
        (field.always && field.shape === 'single' && isZeroWritten(field)),
    )
    alwaysByMessage.set(message, fields)
  }
  return fields
}

/** Whether what nobody states, a list, a map or what a pointer leads to, is written all the same: as null. */
function isAlwaysNull({ always, shape, pointer }: Field): boolean {
  return always && (shape !== 'single' || pointer)
}

function isZeroWritten({ message, scalar }: Field): boolean {
  return message !== undefined || ZEROS.has(scalar!)
}

/** A time that is not behind a pointer is written as null when there is none, but for the one in metadata. */
export function isTime(message: Message, { shape, pointer, scalar }: Field): boolean {
  if (shape !== 'single' || pointer || message.name === 'meta/v1.ObjectMeta') return false
  return scalar === 'Time' || scalar === 'MicroTime'
}

const ZEROS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['string', ''],
  ['bool', false],
  ['int32', 0],
  ['int64', 0],
  ['double', 0],
  ['Quantity', '0'],
])

/** What a compiled-in type has where nothing was stated. */
export function emptyScalar(scalar: string): Json {
  return ZEROS.get(scalar) ?? null
}

function emptyOf(field: Field): Json {
  return field.message === undefined
    ? (ZEROS.get(field.scalar!) ?? null)
    : canonicalFields(field.message, {}, '', [], false)
}
