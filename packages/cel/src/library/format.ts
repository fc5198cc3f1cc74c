import { CelEvaluationError } from '../errors.ts'
import { compareStrings } from '../equality.ts'
import { define, member } from '../functions.ts'
import type { FunctionDeclaration } from '../functions.ts'
import { itemsOf } from '../collections.ts'
import { formatDouble, withExponent } from '../numbers.ts'
import { traversal } from '../prices.ts'
import { formatDuration, formatTimestamp } from '../time.ts'
import { celDyn, celString, listOf, runtimeTypeName } from '../types.ts'
import { typeOfValue } from '../value-types.ts'
import { CelDuration, CelList, CelMap, CelTimestamp, CelTypeValue, CelUint } from '../values.ts'
import type { CelValue } from '../values.ts'

const defaultPrecision = 6
const maxPrecision = 100

/**
 * How values are written: Kubernetes uses the first version of the format functions, which writes nested values as
 * expressions and numbers as English texts do; the standard has since settled on plain forms.
 */
interface Style {
  readonly nested: (value: CelValue) => string
  readonly text: (value: number) => string
  readonly fixed: (value: number, precision: number) => string
  readonly scientific: (value: number, precision: number) => string
  readonly decimalDoubles: boolean
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}

function unwritable(value: CelValue): never {
  throw new CelEvaluationError(
    'error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, ' +
      `types, durations, and timestamps, was given ${runtimeTypeName(typeOfValue(value))}`,
  )
}

function write(value: CelValue, style: Style): string {
  if (value instanceof CelList) return `[${itemsOf(value).map(style.nested).join(', ')}]`
  if (value instanceof CelMap) return writeMap(value, style)
  if (typeof value === 'number') return style.text(value)
  return writeScalar(value)
}

function writeScalar(value: CelValue): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'boolean' || value === null) return String(value)
  if (value instanceof CelUint) return String(value.value)
  if (value instanceof Uint8Array) return decode(value)
  if (value instanceof CelTimestamp) return formatTimestamp(value)
  if (value instanceof CelDuration) return formatDuration(value)
  if (value instanceof CelTypeValue) return runtimeTypeName(value.type)
  return unwritable(value)
}

function writeMap(map: CelMap, style: Style): string {
  const entries = [...map.keys()].map((key): readonly [string, CelValue] => [style.nested(key), map.get(key)!])
  entries.sort(([left], [right]) => compareStrings(left, right))
  const separator = style === standardStyle ? ': ' : ':'
  return `{${entries.map(([key, value]) => key + separator + style.nested(value)).join(', ')}}`
}

/** Rounds half to even on the exact value, as Go does; `toFixed` rounds ties up. */
function roundedFixed(value: number, precision: number): string {
  const text = value.toFixed(precision)
  // Only a tie between neighbours needs a second look, and a tie has an exact short decimal form.
  const exact = value.toFixed(Math.min(precision + 1, 100))
  if (!exact.endsWith('5') || Number(exact) !== value) return text
  const down = exact.slice(0, -1).replace(/\.$/, '')
  return Number(down.at(-1)) % 2 === 0 ? down : text
}

function scientificText(value: number, precision: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential(precision).split('e')
  return withExponent(mantissa, Number(exponent))
}

function word(value: number, infinity: string): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  return Number.isFinite(value) ? undefined : `${value < 0 ? '-' : ''}${infinity}`
}

const standardStyle: Style = {
  nested: (value) => write(value, standardStyle),
  text: (value) => word(value, 'Infinity') ?? (Math.abs(value) < 1e21 ? plainNumber(value) : String(value)),
  fixed: (value, precision) => word(value, 'Infinity') ?? roundedFixed(value, precision),
  scientific: (value, precision) => word(value, 'Infinity') ?? scientificText(value, precision),
  decimalDoubles: true,
}

/** A number without an exponent. */
function plainNumber(value: number): string {
  const text = String(value)
  return text.includes('e') ? value.toFixed(100).replace(/\.?0+$/, '') : text
}

const kubernetesStyle: Style = {
  nested: (value) => {
    if (typeof value === 'string') return JSON.stringify(value)
    if (value instanceof Uint8Array) return `b${JSON.stringify(decode(value))}`
    if (value instanceof CelTimestamp) return `timestamp("${formatTimestamp(value)}")`
    if (value instanceof CelDuration) return `duration("${formatDuration(value)}")`
    if (typeof value !== 'number') return write(value, kubernetesStyle)
    const special = word(value, 'Inf')
    return special === undefined ? value.toFixed(defaultPrecision) : `"${special === 'Inf' ? '+Inf' : special}"`
  },
  text: formatDouble,
  fixed: (value, precision) => {
    const text = word(value, '\u221e')
    if (text !== undefined) return text
    const [whole = '', fraction] = roundedFixed(value, precision).split('.')
    const grouped = whole.replace(/\B(?=(?:\d{3})+$)/g, ',')
    return fraction === undefined ? grouped : `${grouped}.${fraction}`
  },
  scientific: (value, precision) => {
    const text = word(value, '\u221e')
    if (text !== undefined) return text
    const [mantissa = '', exponent = ''] = scientificText(value, precision).split('e')
    const raised = exponent.replace(/^\+/, '').replace(/[-\d]/g, (digit) => SUPERSCRIPTS[digit]!)
    return `${mantissa}\u00d710${raised}`
  },
  decimalDoubles: false,
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = {
  '-': '\u207b',
  '0': '\u2070',
  '1': '\u00b9',
  '2': '\u00b2',
  '3': '\u00b3',
  '4': '\u2074',
  '5': '\u2075',
  '6': '\u2076',
  '7': '\u2077',
  '8': '\u2078',
  '9': '\u2079',
}

function wrongArgument(clause: string, value: CelValue): never {
  throw new CelEvaluationError(`error during formatting: ${clause}, was given ${runtimeTypeName(typeOfValue(value))}`)
}

function integerOf(value: CelValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  return value instanceof CelUint ? value.value : undefined
}

/** A double, or a string that names one that has no digits. */
function doubleOf(value: CelValue): number | undefined {
  if (typeof value === 'number') return value
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined
}

function hexadecimal(value: CelValue): string {
  const integer = integerOf(value)
  if (integer !== undefined) return integer.toString(16)
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  if (!(bytes instanceof Uint8Array)) {
    return wrongArgument('only integers, byte buffers, and strings can be formatted as hex', value)
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function formatClause(clause: string, precision: number, value: CelValue, style: Style): string {
  const integer = integerOf(value)
  switch (clause) {
    case 's':
      return write(value, style)
    case 'd':
      if (integer !== undefined) return String(integer)
      if (style.decimalDoubles && typeof value === 'number') return style.text(value)
      return wrongArgument('decimal clause can only be used on integers', value)
    case 'f': {
      const double = doubleOf(value)
      if (double === undefined) return wrongArgument('fixed-point clause can only be used on doubles', value)
      return style.fixed(double, precision)
    }
    case 'e': {
      const double = doubleOf(value)
      if (double === undefined) return wrongArgument('scientific clause can only be used on doubles', value)
      return style.scientific(double, precision)
    }
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0'
      return integer?.toString(2) ?? wrongArgument('only integers and bools can be formatted as binary', value)
    case 'o':
      return integer?.toString(8) ?? wrongArgument('octal clause can only be used on integers', value)
    case 'x':
      return hexadecimal(value)
    case 'X':
      return hexadecimal(value).toUpperCase()
    default:
      throw new CelEvaluationError(
        `could not parse formatting clause: unrecognized formatting clause ${JSON.stringify(clause)}`,
      )
  }
}

function format(text: string, list: CelList, style: Style): string {
  let next = 0
  return text.replace(/%(?:(%)|(?:\.(\d+))?([^]?))/gu, (_match, percent?: string, digits?: string, clause = '') => {
    if (percent !== undefined) return '%'
    if (next >= list.size) throw new CelEvaluationError(`index ${next} out of range`)
    if (clause === '') throw new CelEvaluationError('unexpected end of string')
    const precision = digits === undefined ? defaultPrecision : Number(digits)
    if (precision > maxPrecision) {
      throw new CelEvaluationError(
        'could not parse formatting clause: error while parsing precision: ' +
          `precision ${precision} exceeds maximum allowed precision ${maxPrecision}`,
      )
    }
    return formatClause(clause as string, precision, list.at(next++), style)
  })
}

function formatFunction(style: Style): FunctionDeclaration {
  const run = (text: string, list: CelList): string => format(text, list, style)
  return define('format', member('string_format', [celString, listOf(celDyn)], celString, run, traversal(0)))
}

/** `'%s of %d'.format([…])`. */
export const kubernetesFormat = formatFunction(kubernetesStyle)
export const standardFormat = formatFunction(standardStyle)
