const QUANTITY = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,4})?$/

/** Powers of ten of the decimal suffixes, and of 1024 of the binary ones. */
const DECIMAL: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const LARGEST = 2n ** 63n - 1n
const NANO = 10n ** 9n

/**
 * A resource quantity in the one form Kubernetes writes it in: no fraction, and the largest suffix that allows that.
 * Undefined when it is none.
 */
export function canonicalQuantity(text: string): string | undefined {
  // Most are in that form already.
  if (/^[1-9]\d{0,2}(?:m|Ki|Mi|Gi)?$/.test(text) && !/^\d*000/.test(text)) return text
  const parsed = parse(text)
  if (parsed === undefined) return undefined
  const { minus, nanos, binary, exponential } = parsed
  if (nanos === 0n) return '0'
  // Binary suffixes are for whole numbers of 1024 and more.
  if (binary > 0 && nanos > 1023n * NANO) return minus + binaryText((nanos + NANO - 1n) / NANO)
  return minus + decimalText(nanos, exponential)
}

/** A resource quantity in billionths; 0 when it is none. */
export function quantityValue(text: unknown): bigint {
  const { minus = '', nanos = 0n } = (typeof text === 'string' ? parse(text) : undefined) ?? {}
  return minus === '-' ? -nanos : nanos
}

interface Parsed {
  readonly minus: string
  readonly nanos: bigint
  /** Position of the suffix among the powers of 1024. */
  readonly binary: number
  readonly exponential: boolean
}

function parse(text: string): Parsed | undefined {
  const match = QUANTITY.exec(text)
  if (match === null) return undefined
  const [, sign, digits = '', suffix = ''] = match
  const [whole = '', fraction = ''] = digits.split('.')
  const binary = BINARY.indexOf(suffix)
  const exponential = /^[eE][+-]?\d/.test(suffix)
  let nanos = BigInt(whole + fraction) * NANO
  if (binary > 0) nanos *= 1024n ** BigInt(binary)
  const exponent = exponential ? Number(suffix.slice(1)) : (DECIMAL.find(([name]) => name === suffix)?.[1] ?? 0)
  nanos = scaled(nanos, exponent - fraction.length)
  // Short decimal numbers never had a limit.
  if ((binary > 0 || digits.length > 18) && nanos > LARGEST * NANO) nanos = LARGEST * NANO
  return { minus: sign === '-' ? '-' : '', nanos, binary, exponential }
}

/** Times a power of ten; what is smaller than a billionth is rounded up. */
function scaled(value: bigint, exponent: number): bigint {
  if (exponent >= 0) return value * 10n ** BigInt(Math.min(exponent, 100))
  const divisor = 10n ** BigInt(Math.min(-exponent, 10_000))
  return (value + divisor - 1n) / divisor
}

function binaryText(value: bigint): string {
  let rest = value
  let power = 0
  while (rest % 1024n === 0n && power < BINARY.length - 1) {
    rest /= 1024n
    power++
  }
  return `${rest}${BINARY[power]}`
}

function decimalText(nanos: bigint, exponential: boolean): string {
  let rest = nanos
  let exponent = -9
  while (rest % 1000n === 0n && exponent < 18) {
    rest /= 1000n
    exponent += 3
  }
  if (exponential) return exponent === 0 ? String(rest) : `${rest}e${exponent}`
  return `${rest}${DECIMAL.find(([, power]) => power === exponent)![0]}`
}
