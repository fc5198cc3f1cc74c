import { ApiError, ConnectionError } from './errors.ts'
import type { Status } from './errors.ts'
import { objectKey } from './types.ts'
import type { KubeObject, WatchEventType } from './types.ts'

/** Annotation of the bookmark that ends the initial events of a WatchList. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'

const CLOSING_BRACE = 0x7d

/** What servers written in Go, and ours, put before the object of an event. */
const PREFIXES: readonly (readonly [WatchEventType, Buffer])[] = (
  ['MODIFIED', 'ADDED', 'DELETED', 'BOOKMARK', 'ERROR'] as const
).map((type) => [type, Buffer.from(`{"type":"${type}","object":`)])

/** One event of a watch: the bytes of its object, which is parsed at most once and only when asked for. */
export class RawWatchEvent {
  readonly type: WatchEventType
  /** JSON of the object; may be a view of a larger buffer. */
  readonly bytes: Uint8Array
  #object: KubeObject | undefined

  private constructor(type: WatchEventType, bytes: Uint8Array, object?: KubeObject) {
    this.type = type
    this.bytes = bytes
    this.#object = object
  }

  /** @throws ConnectionError when the line is not an event */
  static fromLine(line: Uint8Array): RawWatchEvent {
    if (line[line.length - 1] === CLOSING_BRACE) {
      for (const [type, prefix] of PREFIXES) {
        if (startsWith(line, prefix)) return new RawWatchEvent(type, line.subarray(prefix.length, line.length - 1))
      }
    }
    return RawWatchEvent.#fromUnusualLine(line)
  }

  /** Other order of members or extra white space: correct before fast. */
  static #fromUnusualLine(line: Uint8Array): RawWatchEvent {
    const event = parse<{ type?: WatchEventType; object?: KubeObject } | null>(line)
    const { type, object } = event ?? {}
    if (type === undefined || object === undefined) throw new ConnectionError('a line of the watch is not an event')
    return new RawWatchEvent(type, Buffer.from(JSON.stringify(object)), object)
  }

  /** @throws ConnectionError when the bytes are no object of Kubernetes */
  object<T extends KubeObject = KubeObject>(): T {
    this.#object ??= parseObject(this.bytes)
    return this.#object as T
  }

  /** `namespace/name` or `name`. */
  get key(): string {
    return objectKey(this.object())
  }

  get resourceVersion(): string {
    return this.object().metadata.resourceVersion ?? ''
  }

  /** Whether this is the bookmark after which a WatchList has told its initial state. */
  get endsInitialEvents(): boolean {
    return this.type === 'BOOKMARK' && this.object().metadata.annotations?.[INITIAL_EVENTS_END] === 'true'
  }

  /** The error an ERROR event carries. */
  error(): ApiError {
    return new ApiError(parse<Status>(this.bytes))
  }
}

function startsWith(line: Uint8Array, prefix: Uint8Array): boolean {
  if (line.length < prefix.length) return false
  // From the end: the types differ there, the beginning is the same for all.
  for (let index = prefix.length - 1; index >= 0; index--) {
    if (line[index] !== prefix[index]) return false
  }
  return true
}

function parseObject(bytes: Uint8Array): KubeObject {
  const object = parse<Partial<KubeObject> | null>(bytes)
  if (typeof object?.metadata !== 'object') throw new ConnectionError('an event of the watch has no object')
  return object as KubeObject
}

function parse<T>(bytes: Uint8Array): T {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as T
  } catch (error) {
    throw new ConnectionError('a line of the watch is not JSON', { cause: error })
  }
}
