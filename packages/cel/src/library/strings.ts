import { describeKey } from '../access.ts'
import { ArrayList, itemsOf } from '../collections.ts'
import { CelEvaluationError } from '../errors.ts'
import { define, member, overload } from '../functions.ts'
import type { FunctionDeclaration, Price, SizedArgument } from '../functions.ts'
import { resized, sizeOf, transformation, traversal } from '../prices.ts'
import { exactly, perCharacter, plus, scale, scaled, times } from '../ranges.ts'
import type { Range } from '../ranges.ts'
import { characterCount, characterIndex, characters, offsetOf } from '../text.ts'
import { celInt, celString, listOf } from '../types.ts'
import type { CelList, CelValue } from '../values.ts'

function outOfRange(index: bigint): never {
  throw new CelEvaluationError(`index out of range: ${index}`)
}

function charAt(text: string, index: bigint): string {
  const all = characters(text)
  if (index < 0n || index > BigInt(all.length)) return outOfRange(index)
  return all.slice(Number(index), Number(index) + 1)
}

function indexOf(text: string, part: string, from = 0n): bigint {
  if (from < 0n) return outOfRange(from)
  const length = BigInt(characterCount(text))
  if (part === '') return from > length ? length : from
  if (from >= length) return -1n
  const found = text.indexOf(part, offsetOf(text, Number(from)))
  return found < 0 ? -1n : BigInt(characterIndex(text, found))
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  if (from !== undefined && from < 0n) return outOfRange(from)
  const length = BigInt(characterCount(text))
  if (part === '') return from === undefined || from > length ? length : from
  if (from !== undefined && from >= length) return -1n
  const found = text.lastIndexOf(part, from === undefined ? undefined : offsetOf(text, Number(from)))
  return found < 0 ? -1n : BigInt(characterIndex(text, found))
}

function substring(text: string, from: bigint, to?: bigint): string {
  const all = characters(text)
  const length = BigInt(all.length)
  const end = to ?? length
  if (to !== undefined && from > to) {
    throw new CelEvaluationError(`invalid substring range. start: ${from}, end: ${to}`)
  }
  if (from < 0n || from > length) return outOfRange(from)
  if (end < 0n || end > length) return outOfRange(end)
  return all.slice(Number(from), Number(end))
}

/** Replaces at most `count` times; a negative count means always. */
function replace(text: string, part: string, by: string, count = -1n): string {
  if (count < 0n) return part === '' ? replaceGaps(text, by, Infinity) : text.replaceAll(part, () => by)
  if (part === '') return replaceGaps(text, by, Number(count))
  const pieces = text.split(part)
  const replaced = Math.min(Number(count), pieces.length - 1)
  return [...pieces.slice(0, replaced), pieces.slice(replaced).join(part)].join(by)
}

/** The empty string is found before every character and at the end. */
function replaceGaps(text: string, by: string, count: number): string {
  const all = Array.from(text)
  const pieces = all.map((character, index) => (index < count ? by + character : character))
  return pieces.join('') + (all.length < count ? by : '')
}

function split(text: string, separator: string, count = -1n): ArrayList {
  if (count === 0n) return new ArrayList([])
  const pieces = separator === '' ? Array.from(text) : text.split(separator)
  if (count < 0n || BigInt(pieces.length) <= count) return new ArrayList(pieces)
  const kept = Number(count) - 1
  return new ArrayList([...pieces.slice(0, kept), pieces.slice(kept).join(separator)])
}

function joinable(item: CelValue): string {
  if (typeof item === 'string') return item
  throw new CelEvaluationError(`join: invalid input: ${describeKey(item)}`)
}

function join(list: CelList, separator = ''): string {
  return itemsOf(list).map(joinable).join(separator)
}

const QUOTED: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return `"${text.toWellFormed().replace(/[\u0007\b\f\n\r\t\v\\"]/g, (character) => QUOTED[character]!)}"`
}

const asciiLower = (text: string): string => text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase())
const asciiUpper = (text: string): string => text.replace(/[a-z]+/g, (lower) => lower.toUpperCase())

/** Unicode white space as Go sees it: JavaScript's, with NEL and without the byte order mark. */
const trim = (text: string): string =>
  text.replace(/^[\s\u0085]+|[\s\u0085]+$/g, (space) => (space.includes('\ufeff') ? trimMarks(space) : ''))
const trimMarks = (space: string): string => space.slice(space.indexOf('\ufeff'), space.lastIndexOf('\ufeff') + 1)

/** Looking for a string goes through the text once; the actual cost is rounded down. */
const searchPrice: Price = {
  actual: ([text]) => Math.floor(new TextEncoder().encode(text as string).length * perCharacter),
  estimate: ([text]) => ({ cost: scale(text!.size, perCharacter) }),
}

const splitPrice: Price = {
  actual: ([text]) => scaled(sizeOf(text!), 2 * perCharacter),
  estimate: ([text, , count]) => ({
    cost: scale(text!.size, 2 * perCharacter),
    size: { min: 0, max: typeof count?.literal === 'bigint' ? wrapped(count.literal) : text!.size.max },
  }),
}

/** A count of -1 becomes the greatest uint64. */
function wrapped(value: bigint): number {
  return Number(BigInt.asUintN(64, value))
}

const joinPrice: Price = {
  actual: (_args, result) => scaled(sizeOf(result), 2 * perCharacter),
  estimate: ([list, separator]) => {
    const items = list!.item === undefined ? exactly(0) : times(list!.size, list!.item.size)
    const between = { min: Math.max(list!.size.min - 1, 0), max: Math.max(list!.size.max - 1, 0) }
    const size = separator === undefined ? items : plus(items, times(separator.size, between))
    return { cost: scale(size, perCharacter), size }
  },
}

const replacePrice: Price = {
  actual: ([text]) => scaled(sizeOf(text!), 2 * perCharacter),
  estimate: ([text, part, by]) => ({
    cost: scale(text!.size, 2 * perCharacter),
    size: replacedSize(text!, part!, by!),
  }),
}

/** The size after replacing as often as possible what makes the result longest, or shortest. */
function replacedSize(text: SizedArgument, part: SizedArgument, by: SizedArgument): Range {
  const longest =
    part.size.min === 0
      ? (text.size.max + 1) * by.size.max + text.size.max
      : by.size.max <= part.size.min
        ? text.size.max
        : Math.ceil(text.size.max / part.size.min) * by.size.max
  const shortest =
    part.size.max === 0
      ? (text.size.min + 1) * by.size.min + text.size.min
      : part.size.max <= by.size.min
        ? text.size.min
        : Math.ceil(text.size.min / part.size.max) * by.size.min
  return { min: Math.min(shortest, 2 ** 64), max: Math.min(longest, 2 ** 64) }
}

const quotePrice = resized(traversal(0), 0, ({ min, max }) => ({ min: min + 2, max: Math.min(max * 2 + 2, 2 ** 64) }))

/** The string functions that go beyond the standard; `format` is in a file of its own. */
export const stringFunctions: readonly FunctionDeclaration[] = [
  define('charAt', member('string_char_at_int', [celString, celInt], celString, charAt)),
  define(
    'indexOf',
    member('string_index_of_string', [celString, celString], celInt, indexOf, searchPrice),
    member('string_index_of_string_int', [celString, celString, celInt], celInt, indexOf, searchPrice),
  ),
  define(
    'lastIndexOf',
    member('string_last_index_of_string', [celString, celString], celInt, lastIndexOf, searchPrice),
    member('string_last_index_of_string_int', [celString, celString, celInt], celInt, lastIndexOf, searchPrice),
  ),
  define('lowerAscii', member('string_lower_ascii', [celString], celString, asciiLower, transformation)),
  define('upperAscii', member('string_upper_ascii', [celString], celString, asciiUpper, transformation)),
  define(
    'replace',
    member('string_replace_string_string', [celString, celString, celString], celString, replace, replacePrice),
    member(
      'string_replace_string_string_int',
      [celString, celString, celString, celInt],
      celString,
      replace,
      replacePrice,
    ),
  ),
  define(
    'split',
    member('string_split_string', [celString, celString], listOf(celString), split, splitPrice),
    member('string_split_string_int', [celString, celString, celInt], listOf(celString), split, splitPrice),
  ),
  define(
    'substring',
    member('string_substring_int', [celString, celInt], celString, substring, transformation),
    member('string_substring_int_int', [celString, celInt, celInt], celString, substring, transformation),
  ),
  define('trim', member('string_trim', [celString], celString, trim, transformation)),
  define(
    'join',
    member('list_join', [listOf(celString)], celString, join, joinPrice),
    member('list_join_string', [listOf(celString), celString], celString, join, joinPrice),
  ),
  define('strings.quote', overload('strings_quote', [celString], celString, quote, quotePrice)),
]
