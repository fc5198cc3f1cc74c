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
  optionalOf,
} from './types.ts'
import type { CelType } from './types.ts'
import { CelDuration, CelList, CelMap, CelOptional, CelTimestamp, CelTypeValue, CelUint } from './values.ts'
import type { CelValue } from './values.ts'

const anyList = listOf(celDyn)
const anyMap = mapOf(celDyn, celDyn)
const anyOptional = optionalOf(celDyn)

/** The type of a value, as far as the value itself knows. */
export function typeOfValue(value: CelValue): CelType {
  switch (typeof value) {
    case 'boolean':
      return celBool
    case 'bigint':
      return celInt
    case 'number':
      return celDouble
    case 'string':
      return celString
    default:
  }
  if (value === null) return celNull
  if (value instanceof CelList) return anyList
  if (value instanceof CelMap) return anyMap
  if (value instanceof CelUint) return celUint
  if (value instanceof Uint8Array) return celBytes
  if (value instanceof CelTimestamp) return celTimestamp
  if (value instanceof CelDuration) return celDuration
  if (value instanceof CelOptional) return anyOptional
  if (value instanceof CelTypeValue) return celType
  return value.type
}

/** Whether a value may be passed where a parameter has this type. Parts of lists and maps are not looked at. */
export function fitsType(value: CelValue, type: CelType): boolean {
  if (type.kind === 'dyn' || type.kind === 'parameter') return true
  const own = typeOfValue(value)
  if (own.kind !== type.kind) return false
  return own.kind !== 'opaque' || type.kind !== 'opaque' || own.name === type.name
}
