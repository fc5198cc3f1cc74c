import { CelEvaluationError } from './errors.ts'
import { noSuchOverload } from './frame.ts'
import { formatDouble } from './numbers.ts'
import { formatType } from './types.ts'
import { typeOfValue } from './value-types.ts'
import { CelList, CelMap, CelObject, CelUint } from './values.ts'
import type { CelValue } from './values.ts'

/** The value of a field; undefined when it is not there. Throws CelEvaluationError for values without fields. */
export function fieldOf(value: CelValue, field: string): CelValue | undefined {
  if (value instanceof CelObject || value instanceof CelMap) return value.get(field)
  return noSuchOverload()
}

/** Whether a value can have fields at all. */
export function hasFields(value: CelValue): boolean {
  return value instanceof CelObject || value instanceof CelMap
}

/** The value at an index or key; undefined when there is none. */
export function itemOf(value: CelValue, index: CelValue): CelValue | undefined {
  if (value instanceof CelList) {
    const position = positionOf(index)
    return position === undefined || position < 0 || position >= value.size ? undefined : value.at(position)
  }
  if (value instanceof CelMap) return value.get(index)
  if (value instanceof CelObject && typeof index === 'string') return value.get(index)
  return noSuchOverload()
}

/** A whole number of any type as an index. */
function positionOf(index: CelValue): number | undefined {
  if (typeof index === 'bigint') return Number(index)
  if (index instanceof CelUint) return Number(index.value)
  if (typeof index === 'number') return Number.isInteger(index) ? index : undefined
  return noSuchOverload()
}

export function missingKey(key: string): never {
  throw new CelEvaluationError(`no such key: ${key}`)
}

export function missingItem(value: CelValue, index: CelValue): never {
  const text = describeKey(index)
  throw new CelEvaluationError(value instanceof CelList ? `index out of bounds: ${text}` : `no such key: ${text}`)
}

/** A key as messages show it. */
export function describeKey(key: CelValue): string {
  if (key instanceof CelUint) return String(key.value)
  if (typeof key === 'number') return formatDouble(key)
  return typeof key === 'object' && key !== null ? formatType(typeOfValue(key)) : String(key)
}
