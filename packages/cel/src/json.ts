import { CelEvaluationError } from './errors.ts'
import { durationFromJson, timestampFromJson } from './time.ts'
import { formatType } from './types.ts'
import type { CelListMerge, CelListType, CelObjectType, CelType } from './types.ts'
import {
  CelDuration,
  CelList,
  CelMap,
  CelObject,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
} from './values.ts'
import type { CelValue } from './values.ts'
import { ArrayList, EntryMap } from './collections.ts'
import { celDyn } from './types.ts'

/** A list read from a JSON array, item by item. */
export class JsonList extends CelList {
  readonly json: readonly unknown[]
  readonly #element: CelType
  readonly merge: CelListMerge | undefined

  constructor(json: readonly unknown[], type: Pick<CelListType, 'element' | 'merge'>) {
    super()
    this.json = json
    this.#element = type.element
    this.merge = type.merge
  }

  get size(): number {
    return this.json.length
  }

  at(index: number): CelValue {
    return fromJson(this.json[index], this.#element)
  }
}

type JsonObject = Readonly<Record<string, unknown>>

/** A map read from a JSON object, value by value. */
class JsonMap extends CelMap {
  readonly json: JsonObject
  readonly #value: CelType
  #size = -1

  constructor(json: JsonObject, value: CelType) {
    super()
    this.json = json
    this.#value = value
  }

  get size(): number {
    if (this.#size < 0) this.#size = Object.keys(this.json).length
    return this.#size
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.json, key)) return undefined
    return fromJson(this.json[key], this.#value)
  }

  keys(): Iterable<CelValue> {
    return Object.keys(this.json)
  }
}

/** An object read from a JSON object, field by field. A field that is null is not there, as in Kubernetes. */
export class JsonFields extends CelObject {
  readonly json: JsonObject
  readonly type: CelObjectType

  constructor(json: JsonObject, type: CelObjectType) {
    super()
    this.json = json
    this.type = type
  }

  get(name: string): CelValue | undefined {
    const field = this.type.fields.get(name)
    if (field === undefined || !Object.hasOwn(this.json, field.property)) return undefined
    const json = this.json[field.property]
    return json === undefined || json === null ? undefined : fromJson(json, field.type)
  }

  *fieldNames(): Iterable<string> {
    for (const [name, field] of this.type.fields) {
      if (Object.hasOwn(this.json, field.property) && (this.json[field.property] ?? undefined) !== undefined) yield name
    }
  }
}

/** Whether two values were read from the same JSON, so that they are equal without a look inside. */
export function sameJson(left: CelValue, right: CelValue): boolean {
  return (
    (left instanceof JsonList && right instanceof JsonList && left.json === right.json) ||
    (left instanceof JsonMap && right instanceof JsonMap && left.json === right.json) ||
    (left instanceof JsonFields && right instanceof JsonFields && left.json === right.json)
  )
}

/** Reads JSON as a value of a declared type. Throws CelEvaluationError when it does not fit. */
export function fromJson(json: unknown, type: CelType): CelValue {
  if (json === null) return null
  switch (type.kind) {
    case 'string':
      if (typeof json === 'string') return json
      break
    case 'bool':
      if (typeof json === 'boolean') return json
      break
    case 'int':
      if (typeof json === 'bigint') return json
      if (Number.isInteger(json)) return BigInt(json as number)
      break
    case 'uint':
      if (Number.isInteger(json) && (json as number) >= 0) return new CelUint(BigInt(json as number))
      break
    case 'double':
      if (typeof json === 'number') return json
      break
    case 'bytes':
      if (typeof json === 'string') return fromBase64(json)
      break
    case 'timestamp':
      if (typeof json === 'string') return timestampFromJson(json)
      break
    case 'duration':
      if (typeof json === 'string') return durationFromJson(json)
      break
    case 'list':
      if (Array.isArray(json)) return new JsonList(json, type)
      break
    case 'map':
      if (isJsonObject(json)) return new JsonMap(json, type.value)
      break
    case 'object':
      if (isJsonObject(json)) return new JsonFields(json, type)
      break
    case 'dyn':
      return fromUntypedJson(json)
    default:
  }
  if (isValue(json)) return json
  throw new CelEvaluationError(`expected a value of type ${formatType(type)}, got ${describe(json)}`)
}

const untypedList = { element: celDyn } satisfies Partial<CelListType>

function fromUntypedJson(json: unknown): CelValue {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : json
  if (typeof json === 'string' || typeof json === 'boolean') return json
  if (Array.isArray(json)) return new JsonList(json, untypedList)
  if (isValue(json)) return json
  if (isJsonObject(json)) return new JsonMap(json, celDyn)
  throw new CelEvaluationError(`expected a value, got ${describe(json)}`)
}

/** Whether something that comes in as JSON is a value already, of a kind that JSON does not have. */
function isValue(json: unknown): json is CelValue {
  return (
    typeof json === 'bigint' ||
    json instanceof CelUint ||
    json instanceof CelTimestamp ||
    json instanceof CelDuration ||
    json instanceof CelList ||
    json instanceof CelMap ||
    json instanceof CelObject ||
    json instanceof CelOptional ||
    json instanceof CelTypeValue ||
    json instanceof CelOpaque ||
    json instanceof Uint8Array
  )
}

function isJsonObject(json: unknown): json is JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
  const prototype: unknown = Object.getPrototypeOf(json)
  return prototype === Object.prototype || prototype === null
}

function describe(json: unknown): string {
  if (Array.isArray(json)) return 'an array'
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    throw new CelEvaluationError('invalid base64')
  }
}

/** A map of strings to lists of strings, for functions that make one. */
export function stringListMap(entries: Iterable<readonly [string, readonly string[]]>): EntryMap {
  const map = new EntryMap()
  for (const [key, values] of entries) map.insert(key, new ArrayList(values), () => 'repeated key')
  return map
}
