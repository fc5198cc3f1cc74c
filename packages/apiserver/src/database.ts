import { clone, timestamp } from '@locktender/kube'
import type { Clock, Random } from '@locktender/kube'
import type { AnyObject } from './objects/object.ts'
import { encodeJson } from './objects/object.ts'
import { ParsedCache } from './parsed-cache.ts'
import type { ServedResource } from './served-resource.ts'
import type { KeyValueStore } from './store/store.ts'
import type { StoredValue, StoreEvent } from './store/store-types.ts'

/** Bytes of parsed objects kept beside the stored bytes, measured by their JSON. */
const PARSED_CACHE_BYTES = 64 * 1024 * 1024
const CONVERTED_CACHE_BYTES = 16 * 1024 * 1024

/**
 * An object is asked for in a version that only a webhook can make of it, and the webhook was not asked before: see
 * {@link Database.keep}.
 */
export class NotConverted extends Error {
  readonly stored: Stored

  constructor(stored: Stored) {
    super(`${stored.key} has not been converted`)
    this.stored = stored
  }
}

interface Converted {
  readonly object: AnyObject
  readonly bytes: Uint8Array
}

/** One state of one object in bytes. */
export type Stored = Pick<StoredValue, 'key' | 'value' | 'revision'>

/**
 * Kubernetes objects over the store: keys, encoding with the resource version, parsing at most once, and conversion
 * between the stored and the served version.
 */
export class Database {
  readonly store: KeyValueStore
  readonly clock: Clock
  readonly random: Random
  readonly #parsed = new ParsedCache<AnyObject>(PARSED_CACHE_BYTES)
  readonly #converted = new ParsedCache<Converted>(CONVERTED_CACHE_BYTES)
  /** Conversions that a request still needs, with how many do. */
  readonly #kept = new Map<string, { readonly converted: Converted; users: number }>()

  /** The second {@link now} was last asked in, and its answer. */
  #second = -1
  #now = ''

  constructor(store: KeyValueStore, clock: Clock, random: Random) {
    this.store = store
    this.clock = clock
    this.random = random
  }

  /** RFC 3339 with seconds, as object metadata carries times. */
  now(): string {
    const second = Math.floor(this.clock.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#now = timestamp(second * 1000)
    }
    return this.#now
  }

  /** Prefix of all keys of a resource, of one namespace if given. */
  prefix(cluster: string, storedAs: { group: string; plural: string }, namespace?: string): string {
    const root = `/${cluster}/${storedAs.group}/${storedAs.plural}/`
    return namespace === undefined ? root : `${root}${namespace}/`
  }

  key(
    cluster: string,
    storedAs: { group: string; plural: string },
    namespace: string | undefined,
    name: string,
  ): string {
    return `/${cluster}/${storedAs.group}/${storedAs.plural}/${namespace ?? ''}/${name}`
  }

  /** The newest written object of a key, in the stored version. */
  read(key: string): AnyObject | undefined {
    const stored = this.store.get(key)
    return stored === undefined ? undefined : this.parse(stored)
  }

  /** The stored object, parsed at most once while it stays in the cache. */
  parse(stored: Stored): AnyObject {
    const cached = this.#parsed.get(stored.key, stored.revision)
    if (cached !== undefined) return cached
    const object = decode(stored.value)
    this.#parsed.set(stored.key, stored.revision, object, stored.value.length)
    return object
  }

  /** The object as `served` shows it: its apiVersion, with defaults the stored bytes may lack. */
  objectAs(served: ServedResource, stored: Stored): AnyObject {
    return this.#isServedAsStored(served, stored) ? this.parse(stored) : this.#convert(served, stored).object
  }

  /** JSON of {@link objectAs}. */
  bytesAs(served: ServedResource, stored: Stored): Uint8Array {
    return this.#isServedAsStored(served, stored) ? stored.value : this.#convert(served, stored).bytes
  }

  /**
   * Stores `object`, which this call takes over, under the next revision; resolves when that is durable. Check and
   * visibility to later writers are immediate.
   * @throws RevisionMismatch (as rejection) when the key is not at `expected`
   */
  async write(key: string, expected: number, object: AnyObject): Promise<Stored> {
    let value: Uint8Array | undefined
    const stored = typeFirst(object)
    const revision = await this.store.write(key, expected, (revision) => {
      stored.metadata.resourceVersion = String(revision)
      value = encodeJson(stored)
      this.#parsed.set(key, revision, stored, value.length)
      return value
    })
    return { key, value: value!, revision }
  }

  /** Removes a key; resolves with the revision of the removal when it is durable. */
  remove(key: string, expected: number): Promise<number> {
    return this.store.write(key, expected, () => undefined)
  }

  /** What an event replaced or removed, at the revision of the event. */
  lastState(event: StoreEvent): Stored {
    const { key, revision } = event
    const last = this.parse(event.previous!)
    const { name, generateName, namespace, uid, resourceVersion: _version, ...rest } = last.metadata
    const metadata = { name, generateName, namespace, uid, resourceVersion: String(revision), ...rest }
    // Where the object lives on, its last state must not be taken for the one it has at this revision.
    const identity = event.value === undefined ? key : `${key}\u0000`
    return { key: identity, value: encodeJson({ ...last, metadata }), revision }
  }

  /** Whether only a webhook can make of a stored object what `served` shows, and its answer is not here yet. */
  needsWebhook(served: ServedResource, stored: Stored): boolean {
    if (served.webhookConversion === undefined || this.parse(stored).apiVersion === apiVersionText(served)) return false
    const key = this.#convertedKey(served, stored)
    return !this.#kept.has(`${key} ${stored.revision}`) && this.#converted.get(key, stored.revision) === undefined
  }

  /**
   * Keeps what a webhook made of a stored object, in the version of `served`, at least until the returned function is
   * called. Without an answer it is one that is here already.
   */
  keep(served: ServedResource, stored: Stored, answer?: AnyObject): () => void {
    const converted =
      answer === undefined ? this.#convert(served, stored) : this.#remember(served, stored, completed(served, answer))
    const key = `${this.#convertedKey(served, stored)} ${stored.revision}`
    const kept = this.#kept.get(key) ?? { converted, users: 0 }
    kept.users++
    this.#kept.set(key, kept)
    return () => {
      kept.users--
      if (kept.users === 0) this.#kept.delete(key)
    }
  }

  #isServedAsStored(served: ServedResource, stored: Stored): boolean {
    if (served.conversion !== undefined || stored.revision <= served.schemaRevision) return false
    if (served.webhookConversion !== undefined) return this.parse(stored).apiVersion === apiVersionText(served)
    return apiVersionText(served) === served.storedApiVersion
  }

  #convertedKey(served: ServedResource, stored: Stored): string {
    return `${served.schemaRevision} ${apiVersionText(served)} ${stored.key}`
  }

  #convert(served: ServedResource, stored: Stored): Converted {
    const key = this.#convertedKey(served, stored)
    const kept = this.#kept.size === 0 ? undefined : this.#kept.get(`${key} ${stored.revision}`)
    const cached = kept?.converted ?? this.#converted.get(key, stored.revision)
    if (cached !== undefined) return cached
    if (this.needsWebhook(served, stored)) throw new NotConverted(stored)
    return this.#remember(served, stored, toServed(served, this.parse(stored)))
  }

  #remember(served: ServedResource, stored: Stored, object: AnyObject): Converted {
    const converted = { object, bytes: encodeJson(object) }
    this.#converted.set(this.#convertedKey(served, stored), stored.revision, converted, converted.bytes.length)
    return converted
  }
}

/** The object with its type before everything else, where lists can leave it out without reading the rest. */
function typeFirst(object: AnyObject): AnyObject {
  const [first, second] = Object.keys(object)
  if (first === 'apiVersion' && second === 'kind') return object
  const { apiVersion, kind, ...rest } = object
  return { apiVersion, kind, ...rest } as AnyObject
}

function apiVersionText(served: ServedResource): string {
  const { group, version } = served.resource
  return group === '' ? version : `${group}/${version}`
}

function decode(bytes: Uint8Array): AnyObject {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as AnyObject
}

function toServed(served: ServedResource, stored: AnyObject): AnyObject {
  if (served.conversion !== undefined) return served.conversion.toServed(stored)
  return completed(served, { ...stored, apiVersion: apiVersionText(served), kind: served.resource.kind })
}

/** The object without what the schema does not know, and with its defaults. */
function completed(served: ServedResource, converted: AnyObject): AnyObject {
  let object = converted
  if (served.compiled !== undefined) {
    object = served.compiled.prune(clone(object)).value as unknown as AnyObject
    object = served.compiled.applyDefaults(object) as unknown as AnyObject
  }
  return object
}
