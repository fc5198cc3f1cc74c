import { objectKey } from './types.ts'
import type { KubeObject } from './types.ts'

/** An object as it arrives: its encoded form and a way to get at the parsed one, which should remember its result. */
export interface EncodedObject {
  readonly key: string
  readonly resourceVersion: string
  readonly bytes: Uint8Array
  object<T extends KubeObject>(): T
}

/** A change of a cache. For a deletion, `object` is the last state. */
export interface ObjectChange<T extends KubeObject = KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** `namespace/name`, or `name`. */
  readonly key: string
  object(): T
  previous(): T | undefined
}

export interface ObjectCacheOptions {
  /** How many objects are surely kept parsed; up to twice as many may be. @default 2048 */
  readonly parsedObjects?: number
  /** Freezes parsed objects, so that a mutation throws where it happens. Costs a third of the parsing speed. */
  readonly freeze?: boolean
}

interface Entry {
  readonly bytes: Uint8Array
  readonly resourceVersion: string
  readonly uid: string
  /** Values by index, in the order in which the indexes were added. */
  readonly indexed: (readonly string[])[]
}

interface Index<T> {
  readonly name: string
  readonly valuesOf: (object: T) => readonly string[]
  readonly keys: Map<string, Set<string>>
}

/**
 * Objects of one resource, kept as bytes: one or two heap objects each instead of some hundred, which keeps garbage
 * collection pauses short at 100,000 objects. The ones in use are also kept parsed. What `get` returns is shared by
 * everybody and must not be changed.
 */
export class ObjectCache<T extends KubeObject = KubeObject> {
  readonly #entries = new Map<string, Entry>()
  readonly #indexes: Index<T>[] = []
  readonly #parsedObjects: number
  readonly #freeze: boolean
  /** Two generations: what is used moves to the younger; when that is full it becomes the older, which is dropped. */
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  constructor(options: ObjectCacheOptions = {}) {
    this.#parsedObjects = options.parsedObjects ?? 2048
    this.#freeze = options.freeze ?? false
  }

  get size(): number {
    return this.#entries.size
  }

  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** The object, shared and not to be changed. */
  get(key: string): T | undefined {
    const recent = this.#young.get(key)
    if (recent !== undefined) return recent
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    const object = this.#old.get(key) ?? this.#prepared(parse<T>(entry.bytes))
    this.#remember(key, object)
    return object
  }

  /** The resource version of the object, without parsing it. */
  resourceVersion(key: string): string | undefined {
    return this.#entries.get(key)?.resourceVersion
  }

  /** In the order in which the keys were first seen. */
  keys(): MapIterator<string> {
    return this.#entries.keys()
  }

  *values(): Generator<T> {
    for (const [key, entry] of this.#entries) {
      // A walk over everything must not push out what is in use.
      yield this.#young.get(key) ?? this.#old.get(key) ?? this.#prepared(parse<T>(entry.bytes))
    }
  }

  /**
   * Keeps the keys of all objects by the values that `valuesOf` gives for them, objects already there included.
   * @throws TypeError when the name is taken
   */
  addIndex(name: string, valuesOf: (object: T) => readonly string[]): void {
    if (this.#indexes.some((index) => index.name === name)) throw new TypeError(`index ${name} exists already`)
    const index: Index<T> = { name, valuesOf, keys: new Map() }
    const first: [string, readonly string[]][] = []
    for (const key of this.#entries.keys()) first.push([key, valuesOf(this.get(key)!)])
    this.#indexes.push(index)
    for (const [key, values] of first) {
      this.#entries.get(key)!.indexed.push(values)
      enter(index, values, key)
    }
  }

  /**
   * Keys of the objects that have `value` in the index.
   * @throws TypeError when there is no such index
   */
  byIndex(name: string, value: string): string[] {
    const index = this.#indexes.find((candidate) => candidate.name === name)
    if (index === undefined) throw new TypeError(`there is no index ${name}`)
    return [...(index.keys.get(value) ?? [])]
  }

  /**
   * Adds or replaces one object and says what changed: nothing when the version is the one already there, a deletion
   * and an addition when it is another object of the same name.
   */
  set(incoming: EncodedObject): ObjectChange<T>[] {
    const { key } = incoming
    const before = this.#entries.get(key)
    if (before !== undefined && before.resourceVersion === incoming.resourceVersion && incoming.resourceVersion !== '')
      return []
    const object = this.#prepared(incoming.object<T>())
    const uid = object.metadata.uid ?? ''
    const recreated = before !== undefined && before.uid !== uid
    const changes: ObjectChange<T>[] = recreated ? this.delete(key) : []
    const previous = before === undefined || recreated ? undefined : this.#lastState(key, before)
    const indexed: (readonly string[])[] = []
    for (const [position, index] of this.#indexes.entries()) {
      const values = index.valuesOf(object)
      const earlier = recreated ? undefined : before?.indexed[position]
      if (earlier === undefined || !sameValues(earlier, values)) {
        if (earlier !== undefined) leave(index, earlier, key)
        enter(index, values, key)
      }
      indexed.push(values)
    }
    this.#entries.set(key, { bytes: ownBytes(incoming.bytes), resourceVersion: incoming.resourceVersion, uid, indexed })
    this.#remember(key, object)
    changes.push(
      previous === undefined
        ? { type: 'ADDED', key, object: () => object, previous: nothing }
        : { type: 'MODIFIED', key, object: () => object, previous },
    )
    return changes
  }

  /** Removes one object. With `final`, that is the last state told, else the one in the cache is. */
  delete(key: string, final?: EncodedObject): ObjectChange<T>[] {
    const before = this.#entries.get(key)
    if (before === undefined) return []
    const last = this.#lastState(key, before)
    for (const [position, index] of this.#indexes.entries()) leave(index, before.indexed[position]!, key)
    this.#entries.delete(key)
    this.#young.delete(key)
    this.#old.delete(key)
    return [{ type: 'DELETED', key, object: final === undefined ? last : () => final.object<T>(), previous: last }]
  }

  /** Makes `objects` the whole content; deletions of what vanished come first. */
  replace(objects: Iterable<EncodedObject>): ObjectChange<T>[] {
    const incoming = new Map<string, EncodedObject>()
    for (const object of objects) incoming.set(object.key, object)
    const changes: ObjectChange<T>[] = []
    for (const key of this.#entries.keys()) {
      if (!incoming.has(key)) changes.push(...this.delete(key))
    }
    for (const object of incoming.values()) changes.push(...this.set(object))
    return changes
  }

  /** The object of `entry`, parsed when first asked for, also after the cache has moved on. */
  #lastState(key: string, entry: Entry): () => T {
    let object = this.#young.get(key) ?? this.#old.get(key)
    return () => (object ??= this.#prepared(parse<T>(entry.bytes)))
  }

  #remember(key: string, object: T): void {
    if (this.#young.size >= this.#parsedObjects && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, object)
    // Else an outdated state could come back from here when the younger generation is dropped.
    this.#old.delete(key)
  }

  #prepared(object: T): T {
    return this.#freeze ? deepFreeze(object) : object
  }
}

/** Encodes an object that arrived parsed, in a list. */
export function encodeObject(object: KubeObject): EncodedObject {
  return {
    key: objectKey(object),
    resourceVersion: object.metadata.resourceVersion ?? '',
    bytes: Buffer.from(JSON.stringify(object)),
    object: <T extends KubeObject>() => object as T,
  }
}

function nothing(): undefined {
  return undefined
}

/** A copy where keeping the view would keep a much larger buffer alive. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.byteLength * 1.25 + 64 ? new Uint8Array(bytes) : bytes
}

function parse<T>(bytes: Uint8Array): T {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as T
}

function enter<T>(index: Index<T>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.keys.get(value)
    if (keys === undefined) index.keys.set(value, new Set([key]))
    else keys.add(key)
  }
}

function leave<T>(index: Index<T>, values: readonly string[], key: string): void {
  for (const value of values) {
    const keys = index.keys.get(value)
    if (keys === undefined) continue
    keys.delete(key)
    if (keys.size === 0) index.keys.delete(value)
  }
}

function sameValues(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false
  return left.every((value, position) => value === right[position])
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}
