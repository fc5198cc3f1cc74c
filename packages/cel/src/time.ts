import { CelEvaluationError } from './errors.ts'
import { maxInt, minInt } from './integers.ts'
import { CelDuration, CelTimestamp } from './values.ts'

const nanosecondsPerSecond = 1_000_000_000n
const nanosecondsPerMillisecond = 1_000_000n

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z. */
const minTimestamp = -62_135_596_800n * nanosecondsPerSecond
const maxTimestamp = 253_402_300_800n * nanosecondsPerSecond - 1n

/** A timestamp if it is in the range of CEL; throws CelEvaluationError otherwise. */
export function timestamp(nanoseconds: bigint, offset = 0): CelTimestamp {
  if (nanoseconds < minTimestamp || nanoseconds > maxTimestamp) throw new CelEvaluationError('timestamp overflow')
  return new CelTimestamp(nanoseconds, offset)
}

/** A duration if its nanoseconds fit an int, about 292 years; throws CelEvaluationError otherwise. */
export function duration(nanoseconds: bigint): CelDuration {
  if (nanoseconds < minInt || nanoseconds > maxInt) throw new CelEvaluationError('duration overflow')
  return new CelDuration(nanoseconds)
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/

/** Reads RFC 3339, as `timestamp('…')` does. Throws CelEvaluationError. */
export function parseTimestamp(text: string): CelTimestamp {
  const match = RFC3339.exec(text)
  if (match === null) return notA(text, 'google.protobuf.Timestamp')
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const offsetHours = Number(match[9] ?? 0)
  const offsetMinutes = Number(match[10] ?? 0)
  const at = dateTime(year, month, day)
  if (at === undefined || hour > 23 || minute > 59 || second > 59 || offsetHours > 23 || offsetMinutes > 59) {
    return notA(text, 'google.protobuf.Timestamp')
  }
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === '-' ? -1 : 1)
  const seconds = BigInt(at / 1000 + hour * 3600 + (minute - offset) * 60 + second)
  return timestamp(seconds * nanosecondsPerSecond + BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0')), offset)
}

/** Reads a JSON string of format date-time or date. */
export function timestampFromJson(text: string): CelTimestamp {
  return parseTimestamp(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
}

/** Milliseconds at the start of a day; undefined when there is no such day. */
function dateTime(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return month >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined
}

/** RFC 3339, with the offset it was written with. */
export function formatTimestamp({ nanoseconds, offset }: CelTimestamp): string {
  const utc = floorDivide(nanoseconds, nanosecondsPerSecond)
  const fraction = nanoseconds - utc * nanosecondsPerSecond
  const seconds = utc + BigInt(offset) * 60n
  // The years from 1 to 9999 have four digits in ISO format too.
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19)
  return `${date}${fractionText(fraction)}${offsetText(offset)}`
}

function offsetText(offset: number): string {
  if (offset === 0) return 'Z'
  const digits = (value: number): string => String(value).padStart(2, '0')
  const size = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${digits(Math.floor(size / 60))}:${digits(size % 60)}`
}

function fractionText(fraction: bigint): string {
  return fraction === 0n ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
}

/** Whole seconds since 1970, towards the past. */
export function unixSeconds({ nanoseconds }: CelTimestamp): bigint {
  return floorDivide(nanoseconds, nanosecondsPerSecond)
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  '\u00b5s': 1000n,
  '\u03bcs': 1000n,
  ms: nanosecondsPerMillisecond,
  s: nanosecondsPerSecond,
  m: 60n * nanosecondsPerSecond,
  h: 3600n * nanosecondsPerSecond,
}

/** Reads `1h30m`, `-1.5s`, `0`, as `duration('…')` does. Throws CelEvaluationError. */
export function parseDuration(text: string): CelDuration {
  if (/^[+-]?0$/.test(text)) return new CelDuration(0n)
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/.exec(text)
  if (match === null) return notA(text, 'google.protobuf.Duration')
  let total = 0n
  for (const [, whole = '', fraction = '', unit = ''] of match[2]!.matchAll(/(\d*)\.?(\d*)([^\d.]+)/g)) {
    const scale = UNITS[unit]!
    total += BigInt(whole === '' ? '0' : whole) * scale
    total += (BigInt(fraction === '' ? '0' : fraction) * scale) / 10n ** BigInt(fraction.length)
  }
  const signed = match[1] === '-' ? -total : total
  if (signed < minInt || signed > maxInt) return notA(text, 'google.protobuf.Duration')
  return new CelDuration(signed)
}

const LONG_UNITS: readonly (readonly [RegExp, bigint])[] = [
  [/^(?:ns|nanos?|nanosec(?:ond)?s?)$/, 1n],
  [/^(?:us|\u00b5s|micros?|microsec(?:ond)?s?)$/, 1000n],
  [/^(?:ms|millis?|millisec(?:ond)?s?)$/, nanosecondsPerMillisecond],
  [/^(?:s|secs?|seconds?)$/, nanosecondsPerSecond],
  [/^(?:m|mins?|minutes?)$/, 60n * nanosecondsPerSecond],
  [/^(?:h|hrs?|hours?)$/, 3600n * nanosecondsPerSecond],
  [/^(?:d|days?)$/, 86_400n * nanosecondsPerSecond],
  [/^(?:w|weeks?)$/, 604_800n * nanosecondsPerSecond],
]

/** Reads a JSON string of format duration, which may also say `2 days`. */
export function durationFromJson(text: string): CelDuration {
  const parts = [...text.matchAll(/(\d+)\s*([A-Za-z\u00b5]+)/g)]
  if (!/[dw ]|sec|min|hour|hr|nano|micro|milli/.test(text) || parts.length === 0) return parseDuration(text)
  let total = 0n
  for (const [, count = '0', name = ''] of parts) {
    const unit = LONG_UNITS.find(([pattern]) => pattern.test(name))
    if (unit === undefined) return notA(text, 'google.protobuf.Duration')
    total += BigInt(count) * unit[1]
  }
  return duration(total)
}

/** `90.5s`: seconds, without an exponent. */
export function formatDuration({ nanoseconds }: CelDuration): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds
  const fraction = fractionText(size % nanosecondsPerSecond)
  return `${nanoseconds < 0n ? '-' : ''}${size / nanosecondsPerSecond}${fraction}s`
}

function notA(text: string, type: string): never {
  throw new CelEvaluationError(`type conversion error from 'string' to '${type}': ${JSON.stringify(text)}`)
}

/** A timestamp as a clock in a time zone shows it. The UTC fields of `date` are those of the zone. */
export function inTimeZone(at: CelTimestamp, zone: string): Date {
  const milliseconds = Number(floorDivide(at.nanoseconds, nanosecondsPerMillisecond))
  return new Date(milliseconds + zoneOffset(milliseconds, zone))
}

const FORMATS = new Map<string, Intl.DateTimeFormat>()
/** Few zones are ever used; a bound keeps made-up ones out of memory. */
const maxFormats = 64

function zoneOffset(milliseconds: number, zone: string): number {
  if (zone === '' || zone === 'UTC') return 0
  if (zone.includes(':')) return fixedOffset(zone)
  let format = FORMATS.get(zone)
  if (format === undefined) {
    format = zoneFormat(zone)
    if (FORMATS.size >= maxFormats) FORMATS.clear()
    FORMATS.set(zone, format)
  }
  const parts = new Map(format.formatToParts(milliseconds).map(({ type, value }) => [type, value]))
  const field = (name: Intl.DateTimeFormatPartTypes): number => Number(parts.get(name))
  const local = new Date(0)
  local.setUTCFullYear(
    field('year') * (parts.get('era')?.startsWith('B') === true ? -1 : 1),
    field('month') - 1,
    field('day'),
  )
  local.setUTCHours(field('hour'), field('minute'), field('second'))
  return local.getTime() - Math.floor(milliseconds / 1000) * 1000
}

function zoneFormat(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    throw new CelEvaluationError(`unknown time zone ${timeZone}`)
  }
}

/** `+05:30`, `-02:00`, `02:00`. */
function fixedOffset(zone: string): number {
  const match = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone)
  if (match === null) throw new CelEvaluationError(`unknown time zone ${zone}`)
  const minutes = Number(match[3])
  if (minutes > 59) throw new CelEvaluationError(`timezone offset minutes out of range [0, 59]: ${zone}`)
  return (Number(match[2]) * 60 + minutes) * 60_000 * (match[1] === '-' ? -1 : 1)
}
