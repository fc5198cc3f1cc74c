import { ArrayList, EntryMap } from '../collections.ts'
import { parseDuration, parseTimestamp } from '../time.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celNull,
  celString,
  celTimestamp,
  celType,
  celUint,
  listOf,
  mapOf,
  objectType,
  optionalOf,
  typeOf,
} from '../types.ts'
import type { CelType } from '../types.ts'
import { CelTypeValue, CelUint } from '../values.ts'
import type { CelValue } from '../values.ts'

/** A value or type of the specification's tests, as protobuf writes it in JSON. */
export type SpecJson = Readonly<Record<string, unknown>>

const PRIMITIVES: Readonly<Record<string, CelType>> = {
  BOOL: celBool,
  INT64: celInt,
  UINT64: celUint,
  DOUBLE: celDouble,
  STRING: celString,
  BYTES: celBytes,
}

/** A declared type; undefined when it is a protobuf message. */
export function specType(json: SpecJson): CelType | undefined {
  if (typeof json.primitive === 'string') return PRIMITIVES[json.primitive]
  if (typeof json.wrapper === 'string') {
    const primitive = PRIMITIVES[json.wrapper]
    return primitive === undefined ? undefined : ({ ...primitive, nullable: true } as CelType)
  }
  if (json.wellKnown === 'TIMESTAMP') return celTimestamp
  if (json.wellKnown === 'DURATION') return celDuration
  if ('dyn' in json) return celDyn
  if ('null' in json) return celNull
  if ('listType' in json) {
    const element = specType((json.listType as SpecJson).elemType as SpecJson)
    return element === undefined ? undefined : listOf(element)
  }
  if ('mapType' in json) {
    const key = specType((json.mapType as SpecJson).keyType as SpecJson)
    const value = specType((json.mapType as SpecJson).valueType as SpecJson)
    return key === undefined || value === undefined ? undefined : mapOf(key, value)
  }
  if ('type' in json) {
    const of = specType(json.type as SpecJson)
    return of === undefined ? celType : typeOf(of)
  }
  if ('abstractType' in json) {
    const { name, parameterTypes } = json.abstractType as { name: string; parameterTypes?: SpecJson[] }
    const of = name === 'optional_type' ? specType(parameterTypes![0]!) : undefined
    return of === undefined ? undefined : optionalOf(of)
  }
  return undefined
}

const TYPES: Readonly<Record<string, CelType>> = {
  bool: celBool,
  bytes: celBytes,
  double: celDouble,
  int: celInt,
  list: listOf(celDyn),
  map: mapOf(celDyn, celDyn),
  null_type: celNull,
  optional_type: optionalOf(celDyn),
  string: celString,
  type: celType,
  uint: celUint,
  'google.protobuf.Timestamp': celTimestamp,
  'google.protobuf.Duration': celDuration,
}

/** A value; undefined when it is a protobuf message. */
export function specValue(json: SpecJson): CelValue | undefined {
  const [[kind, value] = ['', undefined]] = Object.entries(json)
  switch (kind) {
    case 'nullValue':
      return null
    case 'boolValue':
      return value as boolean
    case 'int64Value':
      return BigInt(value as string)
    case 'uint64Value':
      return new CelUint(BigInt(value as string))
    case 'doubleValue':
      return Number(value)
    case 'stringValue':
      return value as string
    case 'bytesValue':
      return Uint8Array.from(atob(value as string), (character) => character.charCodeAt(0))
    case 'typeValue':
      return new CelTypeValue(TYPES[value as string] ?? objectType(value as string, {}))
    case 'listValue': {
      const items = ((value as { values?: SpecJson[] }).values ?? []).map(specValue)
      return items.includes(undefined) ? undefined : new ArrayList(items as CelValue[])
    }
    case 'mapValue': {
      const map = new EntryMap()
      for (const entry of (value as { entries?: { key: SpecJson; value: SpecJson }[] }).entries ?? []) {
        const item = specValue(entry.value)
        if (item === undefined) return undefined
        map.insert(specValue(entry.key)!, item, () => 'repeated key')
      }
      return map
    }
    case 'objectValue': {
      const message = value as { '@type': string; value: string }
      if (message['@type'].endsWith('google.protobuf.Timestamp')) return parseTimestamp(message.value)
      if (message['@type'].endsWith('google.protobuf.Duration')) return parseDuration(message.value)
      return undefined
    }
    default:
      return undefined
  }
}
