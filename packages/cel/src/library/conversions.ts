import { CelEvaluationError } from '../errors.ts'
import { define, nominal, overload } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { int, maxInt, maxUint, minInt, uint } from '../integers.ts'
import { formatDouble } from '../numbers.ts'
import { resized, traversal } from '../prices.ts'
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp, timestamp, unixSeconds } from '../time.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  celUint,
  typeOf,
  typeParameter,
} from '../types.ts'
import { typeOfValue } from '../value-types.ts'
import { CelTypeValue, CelUint } from '../values.ts'
import type { CelDuration, CelTimestamp, CelValue } from '../values.ts'

const A = typeParameter('A')

const same = (value: CelValue): CelValue => value

function failure(from: string, to: string): never {
  throw new CelEvaluationError(`type conversion error from '${from}' to '${to}'`)
}

function doubleToInt(value: number): bigint {
  // The doubles at the ends of the range stand for numbers beyond it too, so they are not taken.
  if (!(value > -(2 ** 63) && value < 2 ** 63)) throw new CelEvaluationError('integer overflow')
  return BigInt(Math.trunc(value))
}

function doubleToUint(value: number): CelUint {
  if (!(value >= 0 && value < 2 ** 64)) throw new CelEvaluationError('unsigned integer overflow')
  return new CelUint(BigInt(Math.trunc(value)))
}

function parseInteger(text: string, to: 'int' | 'uint'): bigint {
  if (!(to === 'int' ? /^[+-]?\d+$/ : /^\d+$/).test(text)) return failure('string', to)
  const value = BigInt(text.replace(/^\+/, ''))
  const fits = to === 'int' ? value >= minInt && value <= maxInt : value <= maxUint
  return fits ? value : failure('string', to)
}

function parseDouble(text: string): number {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : failure('string', 'double')
  }
  const word = /^([+-]?)(?:inf|infinity)$/i.exec(text)
  if (word !== null) return word[1] === '-' ? -Infinity : Infinity
  return /^nan$/i.test(text) ? Number.NaN : failure('string', 'double')
}

function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : failure('string', 'bool')
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CelEvaluationError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const toBytesPrice = resized(traversal(0), 0, ({ min, max }) => ({ min, max: Math.min(max * 4, 2 ** 64) }))
const toStringPrice = resized(traversal(0), 0, ({ min, max }) => ({ min: Math.floor(min / 4), max }))

/** `int(…)`, `string(…)`, `type(…)` and so on. */
export const conversionFunctions: readonly FunctionDeclaration[] = [
  define(
    'type',
    overload('type', [A], typeOf(A), (value: CelValue) => new CelTypeValue(typeOfValue(value))),
  ),
  define('dyn', overload('to_dyn', [A], celDyn, same, nominal)),
  define(
    'bool',
    overload('bool_to_bool', [celBool], celBool, same),
    overload('string_to_bool', [celString], celBool, parseBool),
  ),
  define(
    'bytes',
    overload('bytes_to_bytes', [celBytes], celBytes, same),
    overload('string_to_bytes', [celString], celBytes, (text: string) => new TextEncoder().encode(text), toBytesPrice),
  ),
  define(
    'double',
    overload('double_to_double', [celDouble], celDouble, same),
    overload('int64_to_double', [celInt], celDouble, (value: bigint) => Number(value)),
    overload('string_to_double', [celString], celDouble, parseDouble),
    overload('uint64_to_double', [celUint], celDouble, ({ value }: CelUint) => Number(value)),
  ),
  define(
    'duration',
    overload('duration_to_duration', [celDuration], celDuration, same),
    overload('string_to_duration', [celString], celDuration, parseDuration),
  ),
  define(
    'int',
    overload('int64_to_int64', [celInt], celInt, same),
    overload('double_to_int64', [celDouble], celInt, doubleToInt),
    overload('duration_to_int64', [celDuration], celInt, ({ nanoseconds }: CelDuration) => nanoseconds),
    overload('string_to_int64', [celString], celInt, (text: string) => parseInteger(text, 'int')),
    overload('timestamp_to_int64', [celTimestamp], celInt, unixSeconds),
    overload('uint64_to_int64', [celUint], celInt, ({ value }: CelUint) => int(value)),
  ),
  define(
    'string',
    overload('string_to_string', [celString], celString, same),
    overload('bool_to_string', [celBool], celString, String),
    overload('bytes_to_string', [celBytes], celString, decode, toStringPrice),
    overload('double_to_string', [celDouble], celString, formatDouble),
    overload('duration_to_string', [celDuration], celString, formatDuration),
    overload('int64_to_string', [celInt], celString, String),
    overload('timestamp_to_string', [celTimestamp], celString, formatTimestamp),
    overload('uint64_to_string', [celUint], celString, ({ value }: CelUint) => String(value)),
  ),
  define(
    'timestamp',
    overload('timestamp_to_timestamp', [celTimestamp], celTimestamp, same),
    overload('int64_to_timestamp', [celInt], celTimestamp, (seconds: bigint): CelTimestamp =>
      timestamp(seconds * 1_000_000_000n),
    ),
    overload('string_to_timestamp', [celString], celTimestamp, parseTimestamp),
  ),
  define(
    'uint',
    overload('uint64_to_uint64', [celUint], celUint, same),
    overload('double_to_uint64', [celDouble], celUint, doubleToUint),
    overload('int64_to_uint64', [celInt], celUint, uint),
    overload('string_to_uint64', [celString], celUint, (text: string) => new CelUint(parseInteger(text, 'uint'))),
  ),
]
