import { timestamp } from '@locktender/kube'
const ZERO_SECONDS = -62_135_596_800
const MAX_SECONDS = 253_402_300_799

/** metav1.Time: RFC 3339 in UTC, whole seconds. Undefined for Go's zero time, and for what no calendar has. */
export function timeText(seconds: number): string | undefined {
  if (seconds <= ZERO_SECONDS || seconds > MAX_SECONDS) return undefined
  return timestamp(seconds * 1000)
}

/** metav1.MicroTime: RFC 3339 in UTC with exactly six decimals. */
export function microTimeText(seconds: number, nanos: number): string | undefined {
  const carry = Math.floor(nanos / 1e9)
  const whole = timeText(seconds + carry)
  if (whole === undefined) return undefined
  const micros = Math.floor((nanos - carry * 1e9) / 1000)
  return `${whole.slice(0, -1)}.${String(micros).padStart(6, '0')}Z`
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/

/** Seconds and nanoseconds of an RFC 3339 time; undefined when it is none. */
export function parseTime(text: string): { readonly seconds: number; readonly nanos: number } | undefined {
  const match = RFC3339.exec(text)
  if (match === null) return undefined
  const milliseconds = Date.parse(match[1]! + match[3]!)
  if (Number.isNaN(milliseconds)) return undefined
  // Date rolls the 30th of February over into March.
  if (new Date(Date.parse(`${match[1]!}Z`)).toISOString().slice(0, 19) !== match[1]) return undefined
  return { seconds: milliseconds / 1000, nanos: Number((match[2] ?? '').slice(0, 9).padEnd(9, '0')) }
}

const CHUNKS: readonly (readonly [string, RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d/],
]
const FRACTION: readonly [string, RegExp] = ['.000000', /^[.,]\d{6}/]
const ZONE: readonly [string, RegExp] = ['Z07:00', /^(Z|[+-]\d\d:\d\d)/]

/**
 * Where a text is not like RFC 3339, in the words of Go's parser; undefined when it is. Exactly six decimals are asked
 * for with `micro`, and any number allowed without.
 */
export function timeProblem(text: string, micro: boolean): string | undefined {
  const start = `parsing time ${JSON.stringify(text)}`
  const layout = `2006-01-02T15:04:05${micro ? '.000000' : ''}Z07:00`
  let rest = text
  for (const [chunk, pattern] of [...CHUNKS, ...(micro ? [FRACTION] : []), ZONE]) {
    if (chunk === 'Z07:00' && !micro) rest = rest.replace(/^[.,]\d+/, '')
    const match = pattern.exec(rest)
    if (match === null) return `${start} as "${layout}": cannot parse ${JSON.stringify(rest)} as "${chunk}"`
    rest = rest.slice(match[0].length)
  }
  if (rest !== '') return `${start}: extra text: ${JSON.stringify(rest)}`
  const [month, day, hour, minute, second] = [5, 8, 11, 14, 17].map((at) => Number(text.slice(at, at + 2)))
  if (month! < 1 || month! > 12) return `${start}: month out of range`
  if (hour! > 23) return `${start}: hour out of range`
  if (minute! > 59) return `${start}: minute out of range`
  if (second! > 59) return `${start}: second out of range`
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), month!, 0)).getUTCDate()
  return day! < 1 || day! > days ? `${start}: day out of range` : undefined
}

const UNITS: readonly (readonly [string, bigint])[] = [
  ['h', 3_600_000_000_000n],
  ['m', 60_000_000_000n],
]

/** A duration as Go writes it: `1h30m0s`, `1.5s`, `100ms`, `0s`. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s'
  const sign = nanoseconds < 0n ? '-' : ''
  let rest = nanoseconds < 0n ? -nanoseconds : nanoseconds
  if (rest < 1_000n) return `${sign}${rest}ns`
  if (rest < 1_000_000n) return `${sign}${decimal(rest, 3)}µs`
  if (rest < 1_000_000_000n) return `${sign}${decimal(rest, 6)}ms`
  let text = sign
  for (const [unit, size] of UNITS) {
    if (rest >= size || text.length > sign.length) text += `${rest / size}${unit}`
    rest %= size
  }
  return `${text}${decimal(rest, 9)}s`
}

function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits)
  const fraction = String(value % scale)
    .padStart(digits, '0')
    .replace(/0+$/, '')
  return fraction === '' ? String(value / scale) : `${value / scale}.${fraction}`
}
