import { sumOfHashes, type HeldValue, type ServerState } from '@locktender/apiserver'
import type { NormalObject } from './normal-form.ts'
import type { Json } from '@locktender/kube'
import type { PreparedServer } from './prepared-server.ts'
import { nameOf } from './write-watch.ts'

/** One API server and what it holds. */
export interface HeldState {
  readonly prepared: PreparedServer
  readonly state: ServerState
}

const PRESENT = 0x5bd1e995
const GONE = 0x1b873593

/** What an end state wants to know of the objects of one resource; most resources stay as they are for many schedules. */
interface ShelfFacts {
  /** Sum of the hashes of their normal forms. */
  readonly hash: number
  readonly uids: readonly string[]
  /** Objects that name others by their uid. */
  readonly referring: readonly NormalObject[]
}

type Shelf = ServerState['shelves'] extends ReadonlyMap<string, infer S> ? S : never

const shelfFacts = new WeakMap<Shelf, ShelfFacts>()

function factsOf(prepared: PreparedServer, shelf: Shelf): ShelfFacts {
  let facts = shelfFacts.get(shelf)
  if (facts === undefined) {
    const normals = shelf.values.map((value) => prepared.normal(value))
    facts = {
      hash: normals.reduce((sum, { hash }) => sumOfHashes(sum, hash), 0),
      uids: normals.map(({ uid = '' }) => uid),
      referring: normals.filter(({ references }) => references.length > 0),
    }
    shelfFacts.set(shelf, facts)
  }
  return facts
}

/** A number that is the same for ends that are the same but for what always differs between schedules. */
export function endHash(servers: readonly HeldState[]): number {
  let hash = 0
  for (const { prepared, state } of servers) {
    const all: ShelfFacts[] = []
    for (const [name, shelf] of state.shelves) if (!prepared.isTale(name)) all.push(factsOf(prepared, shelf))
    const exists = (uid: string): boolean => all.some(({ uids }) => uids.includes(uid))
    for (const facts of all) {
      hash = sumOfHashes(hash, facts.hash)
      for (const { hash: own, references } of facts.referring) {
        for (const [index, uid] of references.entries()) {
          // Mixed with the object, so that it counts which of its references leads nowhere.
          hash = sumOfHashes(hash, ((own % 0x1_0000_0000) ^ ((exists(uid) ? PRESENT : GONE) + index)) >>> 0)
        }
      }
    }
  }
  return hash
}

/** An object that is not at an end as it is at that of the reference run; an absent side has none. */
export interface ObjectDifference {
  /** `plural namespace/name` */
  readonly name: string
  readonly expected?: Json
  readonly found?: Json
}

/** What differs between an end and that of the reference run. */
export function objectDifferences(
  reference: readonly HeldState[],
  end: readonly HeldState[],
): readonly ObjectDifference[] {
  const [expected, found] = [textsOf(reference), textsOf(end)]
  const differences: ObjectDifference[] = []
  for (const [text, { name, count }] of expected) {
    if ((found.get(text)?.count ?? 0) >= count) continue
    const other = [...found].find(([other, one]) => one.name === name && !expected.has(other))
    differences.push({ name, expected: parsed(text), ...(other !== undefined && { found: parsed(other[0]) }) })
  }
  for (const [text, { name, count }] of found) {
    if ((expected.get(text)?.count ?? 0) >= count) continue
    if ([...expected].some(([other, one]) => one.name === name && !found.has(other))) continue
    differences.push({ name, found: parsed(text) })
  }
  return differences
}

/** How an end differs from that of the reference run, in a few words. */
export function describeDifference(reference: readonly HeldState[], end: readonly HeldState[]): string {
  const lines = objectDifferences(reference, end).map(({ name, expected, found }) => {
    if (found === undefined) return `${name} is missing`
    if (expected === undefined) return `${name} should not be there`
    return `${name} differs: ${firstDifference(expected, found)}`
  })
  const shown = lines.slice(0, MAX_SHOWN)
  return shown.join('; ') + (lines.length > MAX_SHOWN ? `; and ${lines.length - MAX_SHOWN} more` : '')
}

const MAX_SHOWN = 3

function* valuesOf({ prepared, state }: HeldState): Generator<HeldValue> {
  for (const [name, shelf] of state.shelves) {
    if (!prepared.isTale(name)) yield* shelf.values
  }
}

function uidsOf(server: HeldState): Set<string> {
  const uids = new Set<string>()
  for (const value of valuesOf(server)) uids.add(server.prepared.normal(value).uid ?? '')
  return uids
}

/** Objects by their normal form, with how many there are of it. */
function textsOf(servers: readonly HeldState[]): Map<string, { readonly name: string; count: number }> {
  const texts = new Map<string, { readonly name: string; count: number }>()
  for (const server of servers) {
    const uids = uidsOf(server)
    for (const value of valuesOf(server)) {
      const { text, references } = server.prepared.normal(value)
      const loose = references.map((uid) => (uids.has(uid) ? 'present' : 'gone'))
      const full =
        references.length === 0 ? text : JSON.stringify({ ...(JSON.parse(text) as object), 'what it refers to': loose })
      const known = texts.get(full)
      if (known === undefined) texts.set(full, { name: nameOf(value.key), count: 1 })
      else known.count++
    }
  }
  return texts
}

/** The first field in which two objects differ, with both values. */
function firstDifference(expected: Json, found: Json): string {
  const differ = (left: unknown, right: unknown, path: string): string | undefined => {
    if (JSON.stringify(left) === JSON.stringify(right)) return undefined
    const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
    if (isTree(left) && isTree(right)) {
      for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
        const inner = differ(left[name], right[name], path === '' ? name : `${path}.${name}`)
        if (inner !== undefined) return inner
      }
    }
    return `${path} is ${shown(right)} instead of ${shown(left)}`
  }
  return differ(expected, found, '') ?? 'the order of fields'
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  const text = JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

function parsed(text: string): Json {
  return JSON.parse(text) as Json
}
