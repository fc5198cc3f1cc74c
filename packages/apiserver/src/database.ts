import { clone } from '@locktender/kube'
import type { Clock, Random } from '@locktender/kube'
import type { AnyObject } from './object.ts'
import { encodeJson } from './object.ts'
import { ParsedCache } from './parsed-cache.ts'
import type { ServedResource } from './served-resource.ts'
import type { Store } from './store/store.ts'
import type { StoredValue, StoreEvent } from './store/store-types.ts'

/** Bytes of parsed objects kept beside the stored bytes, measured by their JSON. */
const PARSED_CACHE_BYTES = 64 * 1024 * 1024
const CONVERTED_CACHE_BYTES = 16 * 1024 * 1024

/** One state of one object in bytes. */
export type Stored = Pick<StoredValue, 'key' | 'value' | 'revision'>

/**
 * Kubernetes objects over the store: keys, encoding with the resource version, parsing at most once, and conversion
 * between the stored and the served version.
 */
export class Database {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly #parsed = new ParsedCache<AnyObject>(PARSED_CACHE_BYTES)
  readonly #converted = new ParsedCache<{ object: AnyObject; bytes: Uint8Array }>(CONVERTED_CACHE_BYTES)

  /** The second {@link now} was last asked in, and its answer. */
  #second = -1
  #now = ''

  constructor(store: Store, clock: Clock, random: Random) {
    this.store = store
    this.clock = clock
    this.random = random
  }

  /** RFC 3339 with seconds, as object metadata carries times. */
  now(): string {
    const second = Math.floor(this.clock.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#now = rfc3339(second * 1000)
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
    const revision = await this.store.write(key, expected, (revision) => {
      object.metadata.resourceVersion = String(revision)
      value = encodeJson(object)
      this.#parsed.set(key, revision, object, value.length)
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
    return { key, value: encodeJson({ ...last, metadata }), revision }
  }

  #isServedAsStored(served: ServedResource, stored: Stored): boolean {
    return (
      served.conversion === undefined &&
      stored.revision > served.schemaRevision &&
      apiVersionText(served) === served.storedApiVersion
    )
  }

  #convert(served: ServedResource, stored: Stored): { object: AnyObject; bytes: Uint8Array } {
    const cacheKey = `${served.schemaRevision} ${apiVersionText(served)} ${stored.key}`
    const cached = this.#converted.get(cacheKey, stored.revision)
    if (cached !== undefined) return cached
    const object = toServed(served, this.parse(stored))
    const converted = { object, bytes: encodeJson(object) }
    this.#converted.set(cacheKey, stored.revision, converted, converted.bytes.length)
    return converted
  }
}

/** RFC 3339 in UTC with seconds: `2026-01-05T08:00:00Z`. */
function rfc3339(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`
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
  let object: AnyObject = { ...stored, apiVersion: apiVersionText(served), kind: served.resource.kind }
  if (served.compiled !== undefined) {
    object = served.compiled.prune(clone(object)).value as unknown as AnyObject
    object = served.compiled.applyDefaults(object) as unknown as AnyObject
  }
  return object
}
