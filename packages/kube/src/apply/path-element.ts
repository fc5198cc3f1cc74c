import type { Json } from '../types.ts'
import { compareStrings, isEmptyMap, kindOf, member } from './json-values.ts'
import type { JsonList, JsonMap } from './json-values.ts'
import type { ListKey, ListType } from './field-type.ts'

/**
 * One step of a path, in its FieldsV1 spelling, which is canonical here: equal steps are equal strings.
 * `f:<field>`, `k:<JSON object of an item's keys>`, `v:<JSON of a set's item>`, `i:<index>`.
 */
export type PathElement = string

/** Why a list item has no path element; the message follows the wording of Kubernetes. */
export class ItemError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ItemError'
  }
}

/** The path element of an item of a set or of a list of keyed maps. Throws {@link ItemError}. */
export function itemElement(type: ListType, item: Json): PathElement {
  return type.keys.length === 0 ? setItemElement(item) : keyedItemElement(type.keys, item)
}

function keyedItemElement(keys: readonly ListKey[], item: Json): PathElement {
  const kind = kindOf(item)
  if (kind === 'null') throw new ItemError('associative list with keys may not have a null element')
  if (kind !== 'map') throw new ItemError('associative list with keys may not have non-map elements')
  let text = ''
  for (const key of keys) {
    const value = member(item as JsonMap, key.name) ?? key.default
    if (value === undefined) continue
    text += (text === '' ? '' : ',') + key.prefix + encoded(value)
  }
  if (text === '') {
    const names = keys.map((key) => JSON.stringify(key.name)).join(' ')
    throw new ItemError(
      `associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`,
    )
  }
  return `k:{${text}}`
}

function setItemElement(item: Json): PathElement {
  switch (kindOf(item)) {
    case 'map':
      throw new ItemError("associative list without keys has an element that's a map type")
    case 'list':
      throw new ItemError('not supported: associative list with lists as elements')
    case 'null':
      throw new ItemError("associative list without keys has an element that's an explicit null")
    default:
      return `v:${encoded(item)}`
  }
}

const NEEDS_NO_ESCAPES = /^[\w ./:@-]*$/

/** JSON text; most keys are plain names, for which this is faster than the general way. */
function encoded(value: Json): string {
  return typeof value === 'string' && NEEDS_NO_ESCAPES.test(value) ? `"${value}"` : JSON.stringify(value)
}

/** Lists longer than this are not searched for repeated keys pair by pair. */
const FEW_ITEMS = 16

/**
 * Whether two lists surely have the same path elements in the same order, none of them repeated. Cheap, since no path
 * element is made; false for anything unusual.
 */
export function sameElements(type: ListType, left: JsonList, right: JsonList): boolean {
  const { length } = left
  if (length !== right.length || length > FEW_ITEMS) return false
  for (let index = 0; index < length; index++) {
    const item = left[index]
    if (!sameKey(type.keys, item, right[index])) return false
    for (let earlier = 0; earlier < index; earlier++) {
      if (sameKey(type.keys, item, left[earlier])) return false
    }
  }
  return true
}

/** Keys that are absent and have a default are unusual enough to count as different. */
function sameKey(keys: readonly ListKey[], left: Json | undefined, right: Json | undefined): boolean {
  if (keys.length === 0) return left === right && kindOf(left) === 'scalar'
  if (kindOf(left) !== 'map' || kindOf(right) !== 'map') return false
  for (const key of keys) {
    const value = (left as JsonMap)[key.name]
    if (value !== (right as JsonMap)[key.name] || kindOf(value) !== 'scalar') return false
  }
  return true
}

/**
 * The canonical spelling of a path element written by someone else; undefined for prefixes that are not known, which
 * readers skip. Throws SyntaxError when the rest is not JSON.
 */
export function canonicalElement(text: string): PathElement | undefined {
  const rest = text.slice(2)
  switch (text.slice(0, 2)) {
    case 'f:':
      return text
    case 'k:': {
      const keys: unknown = JSON.parse(rest)
      if (kindOf(keys as Json) !== 'map' || isEmptyMap(keys as JsonMap)) throw new SyntaxError(`no keys in ${text}`)
      const fields = Object.entries(keys as JsonMap).toSorted(([a], [b]) => compareStrings(a, b))
      return `k:{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
    }
    case 'v:':
      return `v:${JSON.stringify(JSON.parse(rest))}`
    case 'i:':
      if (!/^-?\d+$/.test(rest)) throw new SyntaxError(`no index in ${text}`)
      return `i:${Number(rest)}`
    default:
      return undefined
  }
}

/** The step as people read it in conflict messages: `.spec`, `[name="a"]`, `[="x"]`, `[0]`. */
export function describeElement(element: PathElement): string {
  const rest = element.slice(2)
  switch (element[0]) {
    case 'k':
      return `[${Object.entries(JSON.parse(rest) as JsonMap)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(',')}]`
    case 'v':
      return `[=${rest}]`
    case 'i':
      return `[${rest}]`
    default:
      return `.${rest}`
  }
}

/** Order of path elements in FieldsV1: fields, keys, values, indexes. */
export function compareElements(left: PathElement, right: PathElement): number {
  if (left === right) return 0
  const rank = rankOf(left) - rankOf(right)
  if (rank !== 0) return rank
  switch (left[0]) {
    case 'k':
      return compareKeys(
        Object.entries(JSON.parse(left.slice(2)) as JsonMap),
        Object.entries(JSON.parse(right.slice(2)) as JsonMap),
      )
    case 'v':
      return compareValues(JSON.parse(left.slice(2)) as Json, JSON.parse(right.slice(2)) as Json)
    case 'i':
      return Number(left.slice(2)) - Number(right.slice(2))
    default:
      return compareStrings(left, right)
  }
}

/** `.`, the mark of membership, comes before everything. */
function rankOf(element: PathElement): number {
  return '.fkvi'.indexOf(element.charAt(0))
}

function compareKeys(left: readonly [string, Json][], right: readonly [string, Json][]): number {
  for (const [index, [name, value]] of left.entries()) {
    const other = right[index]
    if (other === undefined) break
    const order = compareStrings(name, other[0]) || compareValues(value, other[1])
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Numbers, strings, booleans, lists, maps, null; inside a kind by value. */
function compareValues(left: Json, right: Json): number {
  const rank = valueRank(left) - valueRank(right)
  if (rank !== 0) return rank
  if (typeof left === 'string') return compareStrings(left, right as string)
  if (typeof left === 'number' || typeof left === 'boolean') return Number(left) - Number(right)
  if (left === null) return 0
  if (!Array.isArray(left)) return compareKeys(sortedEntries(left), sortedEntries(right as JsonMap))
  const items = right as readonly Json[]
  for (const [index, item] of left.entries()) {
    const other = items[index]
    if (other === undefined) break
    const order = compareValues(item, other)
    if (order !== 0) return order
  }
  return left.length - items.length
}

function valueRank(value: Json): number {
  if (typeof value === 'number') return 0
  if (typeof value === 'string') return 1
  if (typeof value === 'boolean') return 2
  if (value === null) return 5
  return Array.isArray(value) ? 3 : 4
}

function sortedEntries(map: JsonMap): [string, Json][] {
  return Object.entries(map).toSorted(([a], [b]) => compareStrings(a, b))
}
