import { operators } from '../ast.ts'
import { ArrayList, itemsOf } from '../collections.ts'
import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { celBool, celInt, listOf, mapOf, optionalOf, typeParameter } from '../types.ts'
import { CelDuration, CelList, CelMap, CelObject, CelOptional, CelTimestamp, CelUint } from '../values.ts'
import type { CelValue } from '../values.ts'

const K = typeParameter('K')
const V = typeParameter('V')
const list = listOf(V)
const map = mapOf(K, V)
const optional = optionalOf(V)

/** The value that a type has without being told: 0, "", an empty list. */
function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === 0n || value === 0 || value === '') return true
  if (value instanceof CelUint) return value.value === 0n
  if (value instanceof CelDuration) return value.nanoseconds === 0n
  // The first moment of the first year.
  if (value instanceof CelTimestamp) return value.nanoseconds === -62_135_596_800_000_000_000n
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof CelObject) return [...value.fieldNames()].length === 0
  return value instanceof CelOptional && value.value === undefined
}

function valueOf({ value }: CelOptional): CelValue {
  if (value === undefined) throw new CelEvaluationError('optional.none() dereference')
  return value
}

function unwrap(items: CelList): ArrayList {
  return new ArrayList(
    itemsOf(items).flatMap((item) => (item instanceof CelOptional && item.value !== undefined ? [item.value] : [])),
  )
}

function at(items: CelList, index: number): CelOptional {
  return items.size === 0 ? CelOptional.none : new CelOptional(items.at(index))
}

/** The planner evaluates what stands here with it, because not all arguments are needed always. */
const planned = (): never => {
  throw new CelEvaluationError('no such overload')
}

export const optionalFunctions: readonly FunctionDeclaration[] = [
  define(
    'optional.of',
    overload('optional_of', [V], optional, (value: CelValue) => new CelOptional(value)),
  ),
  define(
    'optional.ofNonZeroValue',
    overload('optional_ofNonZeroValue', [V], optional, (value: CelValue) =>
      isZero(value) ? CelOptional.none : new CelOptional(value),
    ),
  ),
  define(
    'optional.none',
    overload('optional_none', [], optional, () => CelOptional.none),
  ),
  define('value', member('optional_value', [optional], V, valueOf)),
  define(
    'hasValue',
    member('optional_hasValue', [optional], celBool, ({ value }: CelOptional) => value !== undefined),
  ),
  define('or', member('optional_or_optional', [optional, optional], optional, planned)),
  define('orValue', member('optional_orValue_value', [optional, V], V, planned)),
  define(
    'first',
    member('list_first', [list], optional, (items: CelList) => at(items, 0)),
  ),
  define(
    'last',
    member('list_last', [list], optional, (items: CelList) => at(items, items.size - 1)),
  ),
  define('optional.unwrap', overload('optional_unwrap', [listOf(optional)], list, unwrap)),
  define('unwrapOpt', member('optional_unwrapOpt', [listOf(optional)], list, unwrap)),
  define(
    operators.index,
    overload('index_list', [list, celInt], V, planned),
    overload('index_map', [map, K], V, planned),
    overload('optional_list_index_int', [optionalOf(list), celInt], optional, planned),
    overload('optional_map_index_value', [optionalOf(map), K], optional, planned),
  ),
  define(
    operators.optionalIndex,
    overload('list_optindex_optional_int', [list, celInt], optional, planned),
    overload('optional_list_optindex_optional_int', [optionalOf(list), celInt], optional, planned),
    overload('map_optindex_optional_value', [map, K], optional, planned),
    overload('optional_map_optindex_optional_value', [optionalOf(map), K], optional, planned),
  ),
  define(operators.conditional, overload('conditional', [celBool, V, V], V, planned)),
]
