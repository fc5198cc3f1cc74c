import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { maxInt, minInt } from '../integers.ts'
import { traversal } from '../prices.ts'
import { celBool, celDouble, celInt, celString, opaqueType } from '../types.ts'
import { CelOpaque } from '../values.ts'

const quantityType = opaqueType('kubernetes.Quantity')

const nano = 1_000_000_000n
/** More digits than this are kept in another form, which never counts as an integer. */
const maxDigits = 18

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }

/** A quantity of a resource, `100m` or `2Gi`, exact to a billionth. */
class Quantity extends CelOpaque {
  readonly type = quantityType
  readonly nanos: bigint
  /** Whether it was written without fractions, so that it may be read as an integer. */
  readonly whole: boolean

  constructor(nanos: bigint, whole: boolean) {
    super()
    this.nanos = nanos
    this.whole = whole
  }

  equals(other: CelOpaque): boolean {
    return other instanceof Quantity && other.nanos === this.nanos
  }
}

type ParsedQuantity =
  | { readonly ok: true; readonly quantity: Quantity }
  | { readonly ok: false; readonly reason: string }

function parse(text: string): ParsedQuantity {
  const match = /^([+-]?)(\d*)(?:(\.)(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/.exec(text)
  if (match === null || text === '') {
    const pattern = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
    return { ok: false, reason: `quantities must match the regular expression '${pattern}'` }
  }
  const [, sign = '', whole = '', , fraction = '', suffix = ''] = match
  if (whole === '' && fraction === '') return { ok: false, reason: 'unable to parse numeric part of quantity' }
  const digits = BigInt(whole + fraction)
  const scaled = scale(digits, fraction.length, suffix)
  if (scaled === undefined) return { ok: false, reason: "unable to parse quantity's suffix" }
  const short = whole.replace(/^0+/, '').length + fraction.length <= maxDigits
  const signed = sign === '-' ? -scaled.nanos : scaled.nanos
  return { ok: true, quantity: new Quantity(signed, scaled.whole && short) }
}

/** Nanos of digits, of which `places` stand behind the point, with a suffix. What is smaller than a nano is rounded up. */
function scale(digits: bigint, places: number, suffix: string): { nanos: bigint; whole: boolean } | undefined {
  const power = BINARY[suffix]
  if (power !== undefined) {
    const nanos = divideUp((digits << power) * nano, 10n ** BigInt(places))
    const limit = maxInt * nano
    return { nanos: nanos > limit ? limit : nanos, whole: places === 0 }
  }
  const exponent = DECIMAL[suffix] ?? exponentOf(suffix)
  if (exponent === undefined) return undefined
  const shift = exponent - places + 9
  const nanos = shift >= 0 ? digits * 10n ** BigInt(shift) : divideUp(digits, 10n ** BigInt(-shift))
  return { nanos, whole: exponent - places >= 0 }
}

function exponentOf(suffix: string): number | undefined {
  const match = /^[eE]([+-]?\d+)$/.exec(suffix)
  const exponent = match === null ? undefined : Number(match[1])
  // Nobody means more than this, and powers of ten take memory.
  return exponent === undefined || Math.abs(exponent) > 1000 ? undefined : exponent
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

function toQuantity(text: string): Quantity {
  const parsed = parse(text)
  if (!parsed.ok) throw new CelEvaluationError(parsed.reason)
  return parsed.quantity
}

function integerOf({ nanos, whole }: Quantity): bigint | undefined {
  const value = nanos / nano
  return whole && value >= minInt && value <= maxInt ? value : undefined
}

function asInteger(quantity: Quantity): bigint {
  const value = integerOf(quantity)
  if (value === undefined) throw new CelEvaluationError('cannot convert value to integer')
  return value
}

const ofInt = (value: bigint): Quantity => new Quantity(value * nano, true)
const add = (a: Quantity, b: Quantity): Quantity => new Quantity(a.nanos + b.nanos, a.whole && b.whole)
const subtract = (a: Quantity, b: Quantity): Quantity => new Quantity(a.nanos - b.nanos, a.whole && b.whole)
const order = (a: bigint, b: bigint): bigint => (a < b ? -1n : a > b ? 1n : 0n)

const Q = quantityType

export const quantityFunctions: readonly FunctionDeclaration[] = [
  define('quantity', overload('string_to_quantity', [celString], Q, toQuantity, traversal(0))),
  define(
    'isQuantity',
    overload('is_quantity_string', [celString], celBool, (text: string) => parse(text).ok, traversal(0)),
  ),
  define(
    'sign',
    overload('quantity_sign', [Q], celInt, ({ nanos }: Quantity) => order(nanos, 0n)),
  ),
  define(
    'isGreaterThan',
    member('quantity_is_greater_than', [Q, Q], celBool, (a: Quantity, b: Quantity) => a.nanos > b.nanos),
  ),
  define(
    'isLessThan',
    member('quantity_is_less_than', [Q, Q], celBool, (a: Quantity, b: Quantity) => a.nanos < b.nanos),
  ),
  define(
    'compareTo',
    member('quantity_compare_to', [Q, Q], celInt, (a: Quantity, b: Quantity) => order(a.nanos, b.nanos)),
  ),
  define(
    'asApproximateFloat',
    member('quantity_get_float', [Q], celDouble, ({ nanos }: Quantity) => Number(nanos) / Number(nano)),
  ),
  define('asInteger', member('quantity_get_int', [Q], celInt, asInteger)),
  define(
    'isInteger',
    member('quantity_is_integer', [Q], celBool, (quantity: Quantity) => integerOf(quantity) !== undefined),
  ),
  define(
    'add',
    member('quantity_add', [Q, Q], Q, add),
    member('quantity_add_int', [Q, celInt], Q, (a: Quantity, b: bigint) => add(a, ofInt(b))),
  ),
  define(
    'sub',
    member('quantity_sub', [Q, Q], Q, subtract),
    member('quantity_sub_int', [Q, celInt], Q, (a: Quantity, b: bigint) => subtract(a, ofInt(b))),
  ),
]
