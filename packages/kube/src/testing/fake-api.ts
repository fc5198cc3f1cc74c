import { ConnectionError, badRequest, expired, notFound } from '../errors.ts'
import type { ApiError } from '../errors.ts'
import type { Transport, TransportRequest, TransportResponse } from '../transport.ts'
import type { KubeObject, Resource, WatchEventType } from '../types.ts'
import { ByteStream } from './byte-stream.ts'

/** The one resource that a {@link FakeApi} serves. */
export const widgets: Resource = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
}

export interface Widget extends KubeObject {
  spec: { size: number }
}

interface Recorded {
  readonly revision: number
  readonly line: string
}

interface OpenWatch {
  readonly stream: ByteStream
}

/**
 * The least of an API server that a reflector can tell from a real one: pages with continue tokens, a history that
 * can be forgotten, watches that can be dropped. Tests play the rest of the world.
 */
export class FakeApi implements Transport {
  readonly requests: TransportRequest[] = []
  /** Answers given instead of the right one, first come first served. */
  readonly faults: (ApiError | Error | 'empty-watch')[] = []
  /** Runs before each answer to a list. */
  beforeList: (() => void) | undefined
  revision = 100
  readonly #objects = new Map<string, Widget>()
  #history: Recorded[] = []
  #forgotten = 0
  #uids = 0
  #watches: OpenWatch[] = []

  get objects(): ReadonlyMap<string, Widget> {
    return this.#objects
  }

  get openWatches(): number {
    return this.#watches.length
  }

  /** Creates or changes an object of the namespace `ns`. */
  put(name: string, size: number): void {
    const key = `ns/${name}`
    const before = this.#objects.get(key)
    const object: Widget = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: {
        name,
        namespace: 'ns',
        uid: before?.metadata.uid ?? `uid-${++this.#uids}`,
        resourceVersion: String(++this.revision),
      },
      spec: { size },
    }
    this.#objects.set(key, object)
    this.#record(before === undefined ? 'ADDED' : 'MODIFIED', object)
  }

  remove(name: string): void {
    const before = this.#objects.get(`ns/${name}`)
    if (before === undefined) return
    this.#objects.delete(`ns/${name}`)
    const metadata = { ...before.metadata, resourceVersion: String(++this.revision) }
    this.#record('DELETED', { ...before, metadata })
  }

  /** Says how far the server is to all watches; other resources may have moved it by `by`. */
  bookmark(by = 0): void {
    this.revision += by
    const object = {
      kind: 'Widget',
      apiVersion: 'example.com/v1',
      metadata: { resourceVersion: String(this.revision) },
    }
    this.#send(eventLine('BOOKMARK', object))
  }

  /** Forgets the history so far: watches and continue tokens from before it fail. */
  compact(): void {
    this.#history = []
    this.#forgotten = this.revision
  }

  /** Ends all watches in order, or breaks them. */
  endWatches(error?: Error): void {
    const watches = this.#watches
    this.#watches = []
    for (const { stream } of watches) stream.end(error)
  }

  /** Breaks all connections in the middle of a line. */
  tear(): void {
    this.#send('{"type":"MODIFIED","object":{"metada')
    this.endWatches(new ConnectionError('socket hang up'))
  }

  /** Sends an ERROR event and ends the watches, as servers do when a watcher falls behind the history. */
  sendError(error: ApiError): void {
    this.#send(eventLine('ERROR', error.status))
    this.endWatches()
  }

  request(request: TransportRequest): Promise<TransportResponse> {
    this.requests.push(request)
    const url = new URL(request.path, 'https://fake')
    const query = url.searchParams
    if (request.signal?.aborted) return Promise.reject(request.signal.reason as Error)
    const fault = this.faults.shift()
    if (fault === 'empty-watch') return Promise.resolve(answer(200, new ByteStreamOf('')))
    if (fault !== undefined) {
      return 'status' in fault ? Promise.resolve(refusal(fault)) : Promise.reject(fault)
    }
    if (!url.pathname.endsWith('/widgets'))
      return Promise.resolve(refusal(notFound({ group: '', resource: 'paths' }, url.pathname)))
    return Promise.resolve(query.get('watch') === 'true' ? this.#watch(request, query) : this.#list(query))
  }

  close(): Promise<void> {
    this.endWatches(new ConnectionError('closed'))
    return Promise.resolve()
  }

  #list(query: URLSearchParams): TransportResponse {
    this.beforeList?.()
    const limit = Number(query.get('limit') ?? '0')
    const token = query.get('continue')
    const [version, start] = token === null ? [this.revision, ''] : readToken(token)
    if (Number.isNaN(version)) return refusal(badRequest('continue key is not valid'))
    if (version < this.#forgotten) return refusal(expired('The provided continue parameter is too old'))
    const after = [...this.#objects.entries()]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .filter(([key]) => key > start)
    const page = limit > 0 ? after.slice(0, limit) : after
    const more = page.length < after.length
    const metadata = {
      resourceVersion: String(version),
      ...(more ? { continue: `${version}:${page.at(-1)![0]}` } : {}),
    }
    const items = page.map(([, object]) => object)
    return answer(
      200,
      new ByteStreamOf(JSON.stringify({ apiVersion: 'example.com/v1', kind: 'WidgetList', metadata, items })),
    )
  }

  #watch(request: TransportRequest, query: URLSearchParams): TransportResponse {
    const after = Number(query.get('resourceVersion'))
    const stream = new ByteStream()
    if (after < this.#forgotten) {
      stream.push(eventLine('ERROR', expired(`too old resource version: ${after} (${this.#forgotten})`).status))
      stream.end()
      return answer(200, stream)
    }
    for (const { revision, line } of this.#history) {
      if (revision > after) stream.push(line)
    }
    const watch = { stream }
    this.#watches.push(watch)
    request.signal?.addEventListener('abort', () => {
      this.#watches = this.#watches.filter((other) => other !== watch)
      stream.end(request.signal!.reason as Error)
    })
    return answer(200, stream)
  }

  #record(type: WatchEventType, object: Widget): void {
    const line = eventLine(type, object)
    this.#history.push({ revision: this.revision, line })
    this.#send(line)
  }

  #send(text: string): void {
    for (const { stream } of this.#watches) stream.push(text)
  }
}

class ByteStreamOf implements AsyncIterable<Uint8Array> {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    if (this.#text !== '') yield Buffer.from(this.#text)
  }
}

function answer(status: number, body: AsyncIterable<Uint8Array>): TransportResponse {
  return { status, headers: { 'content-type': 'application/json' }, body }
}

function refusal(error: ApiError): TransportResponse {
  return answer(error.code, new ByteStreamOf(JSON.stringify(error.status)))
}

function eventLine(type: WatchEventType, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`
}

function readToken(token: string): [version: number, start: string] {
  const colon = token.indexOf(':')
  return [Number(token.slice(0, colon)), token.slice(colon + 1)]
}
