import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration, Price } from '../functions.ts'
import { comparison, estimated, matching, sizeOf } from '../prices.ts'
import { perCharacter, scale, scaled, times } from '../ranges.ts'
import { patternOf } from '../patterns.ts'
import { inTimeZone } from '../time.ts'
import {
  celBool,
  celBytes,
  celDuration,
  celInt,
  celString,
  celTimestamp,
  listOf,
  mapOf,
  typeParameter,
} from '../types.ts'
import type { CelDuration, CelTimestamp, CelValue } from '../values.ts'

/** What a function reads of a timestamp, on a clock in some time zone. */
const TIMESTAMP_FIELDS: readonly (readonly [string, string, (date: Date) => number])[] = [
  ['getFullYear', 'year', (date) => date.getUTCFullYear()],
  ['getMonth', 'month', (date) => date.getUTCMonth()],
  ['getDayOfYear', 'day_of_year', dayOfYear],
  ['getDayOfMonth', 'day_of_month', (date) => date.getUTCDate() - 1],
  ['getDate', 'day_of_month_1_based', (date) => date.getUTCDate()],
  ['getDayOfWeek', 'day_of_week', (date) => date.getUTCDay()],
]
const TIME_FIELDS: readonly (readonly [string, string, (date: Date) => number, bigint])[] = [
  ['getHours', 'hours', (date) => date.getUTCHours(), 3_600_000_000_000n],
  ['getMinutes', 'minutes', (date) => date.getUTCMinutes(), 60_000_000_000n],
  ['getSeconds', 'seconds', (date) => date.getUTCSeconds(), 1_000_000_000n],
  ['getMilliseconds', 'milliseconds', (date) => date.getUTCMilliseconds(), 1_000_000n],
]

function dayOfYear(date: Date): number {
  const start = new Date(date)
  start.setUTCMonth(0, 1)
  return Math.round((date.getTime() - start.getTime()) / 86_400_000)
}

function timestampField(id: string, read: (date: Date) => number): ReturnType<typeof member>[] {
  return [
    member(`timestamp_to_${id}`, [celTimestamp], celInt, (at: CelTimestamp) => BigInt(read(inTimeZone(at, 'UTC')))),
    member(`timestamp_to_${id}_with_tz`, [celTimestamp, celString], celInt, (at: CelTimestamp, zone: string) =>
      BigInt(read(inTimeZone(at, zone))),
    ),
  ]
}

const size = (value: CelValue): bigint => BigInt(sizeOf(value))
const matches = (text: string, pattern: string): boolean => patternOf(pattern).test(text)

/** Looking for one string in another. */
const searching: Price = {
  actual: ([text, part]) => scaled(sizeOf(text!), perCharacter) * scaled(sizeOf(part!), perCharacter),
  estimate: ([text, part]) => ({ cost: times(scale(text!.size, perCharacter), scale(part!.size, perCharacter)) }),
}

/** The estimate goes by the prefix, the actual cost by the shorter of the two, as Kubernetes' own numbers show. */
const affix = estimated(comparison, ([, part]) => ({ cost: scale(part!.size, perCharacter) }))

const sized = [
  ['bytes', celBytes],
  ['list', listOf(typeParameter('A'))],
  ['map', mapOf(typeParameter('A'), typeParameter('B'))],
  ['string', celString],
] as const

/** Standard functions that are neither operators nor conversions. */
export const standardFunctions: readonly FunctionDeclaration[] = [
  define(
    'size',
    ...sized.flatMap(([name, type]) => [
      overload(`size_${name}`, [type], celInt, size),
      member(`${name}_size`, [type], celInt, size),
    ]),
  ),
  define(
    'contains',
    member('contains_string', [celString, celString], celBool, (a: string, b: string) => a.includes(b), searching),
  ),
  define(
    'startsWith',
    member('starts_with_string', [celString, celString], celBool, (a: string, b: string) => a.startsWith(b), affix),
  ),
  define(
    'endsWith',
    member('ends_with_string', [celString, celString], celBool, (a: string, b: string) => a.endsWith(b), affix),
  ),
  define(
    'matches',
    overload('matches', [celString, celString], celBool, matches),
    member('matches_string', [celString, celString], celBool, matches, matching),
  ),
  ...TIMESTAMP_FIELDS.map(([name, id, read]) => define(name, ...timestampField(id, read))),
  ...TIME_FIELDS.map(([name, id, read, unit]) =>
    define(
      name,
      ...timestampField(id, read),
      member(`duration_to_${id}`, [celDuration], celInt, ({ nanoseconds }: CelDuration) => nanoseconds / unit),
    ),
  ),
]
