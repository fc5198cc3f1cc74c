const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
const LARGEST = 2n ** 63n - 1n
const PART = /([0-9]*)(?:(\.)([0-9]*))?(ns|us|µs|μs|ms|s|m|h)/y

/** The longest duration Go knows, in nanoseconds; Open Cluster Management reads it as "no duration". */
export const LONGEST_DURATION = LARGEST

/** Nanoseconds of a duration in Go's syntax such as `1h30m` or `-1.5s`; undefined if it is none or does not fit. */
export function parseGoDuration(text: string): bigint | undefined {
  const negative = text.startsWith('-')
  const digits = negative || text.startsWith('+') ? text.slice(1) : text
  if (digits === '0') return 0n
  if (digits === '') return undefined
  let sum = 0n
  for (PART.lastIndex = 0; PART.lastIndex < digits.length;) {
    const part = PART.exec(digits)
    if (part === null) return undefined
    const [, whole = '', , fraction = '', unit = ''] = part
    if (whole === '' && fraction === '') return undefined
    const size = UNITS[unit] ?? 0n
    sum += BigInt(whole) * size + fractionOf(fraction, size)
    if (sum > LARGEST + 1n) return undefined
  }
  if (negative) return -sum
  return sum > LARGEST ? undefined : sum
}

/** Rounded down to whole nanoseconds, in floating point like Go. */
function fractionOf(digits: string, unit: bigint): bigint {
  if (digits === '') return 0n
  const read = digits.slice(0, 18)
  return BigInt(Math.floor(Number(read) * (Number(unit) / 10 ** read.length)))
}

// An underscore may stand between two digits, and after 0x.
const DECIMAL =
  /^[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?$/
const HEXADECIMAL =
  /^([+-]?)0[xX](_?[0-9a-fA-F](?:_?[0-9a-fA-F])*)?(?:\.([0-9a-fA-F](?:_?[0-9a-fA-F])*)?)?[pP]([+-]?[0-9](?:_?[0-9])*)$/

/** A number in the syntax that Go's ParseFloat accepts, NaN and infinities among them; undefined if it is none. */
export function parseGoFloat(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text.replaceAll('_', ''))
    return Number.isFinite(value) ? value : undefined
  }
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  const parts = HEXADECIMAL.exec(text)
  if (parts === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = ''] = parts.map((part) => part?.replaceAll('_', ''))
  if (whole === '' && fraction === '') return undefined
  const value = Number(`0x${whole}${fraction}`) * 2 ** (Number(exponent) - 4 * fraction.length)
  if (!Number.isFinite(value)) return undefined
  return sign === '-' ? -value : value
}
