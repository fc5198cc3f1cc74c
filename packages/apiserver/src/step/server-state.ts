import { hash52 } from '@locktender/kube'
import type { RangeOptions, RangeResult } from '../store/store-state.ts'
import type { StoredValue } from '../store/store-types.ts'

/** A stored value with a number that stands for all of it. */
export interface HeldValue extends StoredValue {
  /** Below 2^52; different values have different ones, as good as surely. */
  readonly hash: number
}

/** One write, as it shows: what was there before and what is there after it. */
export interface Change {
  readonly key: string
  readonly before: HeldValue | undefined
  readonly after: HeldValue | undefined
}

/** The objects of one resource. */
interface Shelf {
  /** In the order of their keys. */
  readonly values: readonly HeldValue[]
  /** Sum of the hashes of the values. */
  readonly hash: number
  /** How often objects that are gone were written, by key: a new one of that name counts on. */
  readonly graves: ReadonlyMap<string, number>
  /** How many objects have gone. */
  readonly gone: number
}

/**
 * Everything an API server holds at one moment. Never changes. Writes of different objects commute: the state after
 * them does not tell in which order they came.
 */
export interface ServerState {
  /** By the prefix of the keys of a resource: `/cluster/group/plural/`. */
  readonly shelves: ReadonlyMap<string, Shelf>
  /** Sum of the hashes of all values. */
  readonly hash: number
  /** The same of what the server itself works by: definitions, roles, webhooks. */
  readonly configuration: number
  readonly writes: number
}

/** Hashes are below this, so that the sum of two is still a whole number exactly. */
const HASH_RANGE = 2 ** 52

const NO_GRAVES: ReadonlyMap<string, number> = new Map()
const EMPTY_SHELF: Shelf = { values: [], hash: 0, graves: NO_GRAVES, gone: 0 }

export const emptyState: ServerState = { shelves: new Map(), hash: 0, configuration: 0, writes: 0 }

/** `/cluster/group/plural/` of a key or of a longer prefix; undefined for shorter ones. */
function shelfName(key: string): string | undefined {
  let end = 0
  for (let slashes = 1; slashes < 4; slashes++) {
    end = key.indexOf('/', end + 1)
    if (end === -1) return undefined
  }
  return key.slice(0, end + 1)
}

function shelfOf(state: ServerState, key: string): Shelf {
  const name = shelfName(key)
  return (name === undefined ? undefined : state.shelves.get(name)) ?? EMPTY_SHELF
}

export function valueAt(state: ServerState, key: string): HeldValue | undefined {
  const { values } = shelfOf(state, key)
  const found = values[lowerBound(values, key)]
  return found?.key === key ? found : undefined
}

/** How often the object of this name was written before, including its removal. */
export function writesBefore(state: ServerState, key: string): number {
  return shelfOf(state, key).graves.get(key) ?? 0
}

/** How many objects of the resource of `key` there are and were. */
export function creationsOf(state: ServerState, key: string): { readonly gone: number; readonly present: number } {
  const { gone, values } = shelfOf(state, key)
  return { gone, present: values.length }
}

/** The values whose keys start with `prefix`, in order. */
export function valuesBelow(state: ServerState, prefix: string): readonly HeldValue[] {
  const name = shelfName(prefix)
  if (name === undefined) {
    const names = [...state.shelves.keys()].filter((shelf) => shelf.startsWith(prefix)).sort()
    return names.flatMap((shelf) => state.shelves.get(shelf)!.values)
  }
  const { values } = state.shelves.get(name) ?? EMPTY_SHELF
  if (name === prefix) return values
  const start = lowerBound(values, prefix)
  let end = start
  while (end < values.length && values[end]!.key.startsWith(prefix)) end++
  return values.slice(start, end)
}

/** A number that stands for what {@link rangeOf} finds. */
export function rangeHash(state: ServerState, prefix: string, options: RangeOptions): number {
  const { startAfter, limit } = options
  if (startAfter === undefined && limit === undefined) {
    if (prefix === '' || prefix === '/') return state.hash
    const shelf = state.shelves.get(prefix)
    if (shelf !== undefined) return shelf.hash
  }
  const { items, remaining } = rangeOf(state, prefix, options)
  let hash = remaining
  for (const item of items) hash = sum(hash, (item as HeldValue).hash)
  return hash
}

export function rangeOf(state: ServerState, prefix: string, { startAfter, limit }: RangeOptions): RangeResult {
  const all = valuesBelow(state, prefix)
  if (startAfter === undefined && limit === undefined) return { items: [...all], more: false, remaining: 0 }
  const start = startAfter === undefined ? 0 : lowerBound(all, `${startAfter}\0`)
  const items = all.slice(start, limit === undefined ? undefined : start + limit)
  const remaining = all.length - start - items.length
  return { items, more: remaining > 0, remaining }
}

/** The state after a write. `configures` says that the server itself works by what is written. */
export function withChange(state: ServerState, { key, before, after }: Change, configures: boolean): ServerState {
  const name = shelfName(key)!
  const shelf = state.shelves.get(name) ?? EMPTY_SHELF
  const at = lowerBound(shelf.values, key)
  const values = shelf.values.toSpliced(at, before === undefined ? 0 : 1, ...(after === undefined ? [] : [after]))
  const difference = sum(after?.hash ?? 0, HASH_RANGE - (before?.hash ?? 0))
  let { graves, gone } = shelf
  if (after === undefined) {
    graves = new Map(graves).set(key, writesOf(before!.revision) + 1)
    gone++
  } else if (graves.has(key)) {
    const kept = new Map(graves)
    kept.delete(key)
    graves = kept
  }
  const shelves = new Map(state.shelves).set(name, { values, hash: sum(shelf.hash, difference), graves, gone })
  return {
    shelves,
    hash: sum(state.hash, difference),
    configuration: configures ? sum(state.configuration, difference) : state.configuration,
    writes: state.writes + 1,
  }
}

/** What a revision of an object begins with: how often the object was written. The rest stands for its content. */
const REVISIONS_PER_WRITE = 1e12

/** How often the object was written that has this revision. */
export function writesOf(revision: number): number {
  return Math.floor(revision / REVISIONS_PER_WRITE)
}

/**
 * The revision of the write of number `writes` of an object: greater than all earlier ones of the object, and the same
 * for the same content, wherever in a schedule it is written.
 */
export function revisionOf(writes: number, content: string): number {
  return writes * REVISIONS_PER_WRITE + (hash52(content) % REVISIONS_PER_WRITE)
}

/** Adds hashes; any order gives the same. */
export function sum(left: number, right: number): number {
  return (left + right) % HASH_RANGE
}

function lowerBound(values: readonly HeldValue[], key: string): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
