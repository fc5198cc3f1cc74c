import type { Answer, Obj, Sent } from './answer.ts'
import type { Connection } from './connection.ts'
import { Watch } from './watch.ts'

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface SendOptions extends RequestOptions {
  /** Sent as it is when it is a text or bytes, as JSON otherwise. */
  readonly body?: unknown
  /** Content type of the body; '' sends none. */
  readonly type?: string
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const
export type PatchType = keyof typeof patchTypes

/** Requests of one identity. Paths are those of the API server, from `/api` or `/apis` on. */
export class Requester {
  readonly #connection: Connection
  readonly #signal: AbortSignal

  constructor(connection: Connection, signal: AbortSignal) {
    this.#connection = connection
    this.#signal = signal
  }

  get(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.send('GET', path, options)
  }

  post(path: string, body: unknown, options: SendOptions = {}): Promise<Answer> {
    return this.send('POST', path, { ...options, body })
  }

  put(path: string, body: unknown, options: SendOptions = {}): Promise<Answer> {
    return this.send('PUT', path, { ...options, body })
  }

  patch(path: string, type: PatchType, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.send('PATCH', path, { ...options, body, type: patchTypes[type] })
  }

  /** Server-side apply as `manager`. */
  apply(path: string, manager: string, body: unknown, options: RequestOptions = {}): Promise<Answer> {
    return this.patch(path, 'apply', body, { ...options, query: { ...options.query, fieldManager: manager } })
  }

  delete(path: string, options?: unknown, more: RequestOptions = {}): Promise<Answer> {
    return this.send('DELETE', path, options === undefined ? more : { ...more, body: options })
  }

  /** Creates an object, which must succeed. */
  async create(path: string, object: unknown): Promise<Obj> {
    return (await this.post(path, object)).is(201)
  }

  /** Reads an object, which must succeed. */
  async read<T = Obj>(path: string): Promise<T> {
    return (await this.get(path)).is<T>(200)
  }

  /** A path for these methods, from one that begins at the root of the host. */
  relative(path: string): string {
    return this.#connection.relative(path)
  }

  send(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
    return this.#connection.send(sentOf(method, path, options), this.#signal)
  }

  /** Opens a watch and resolves with its headers. Ends with the case. */
  async watch(path: string, options: RequestOptions = {}): Promise<Watch> {
    const sent = sentOf('GET', path, { ...options, query: { watch: true, ...options.query } })
    return new Watch(sent, await this.#connection.open(sent, this.#signal))
  }
}

function sentOf(method: string, path: string, options: SendOptions): Sent {
  const { query = {}, accept = 'application/json', headers, body } = options
  const { type = body === undefined ? '' : 'application/json' } = options
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  return {
    method,
    path: pairs.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${pairs.join('&')}`,
    headers: {
      accept,
      'user-agent': 'conformance/1.0',
      ...(type === '' ? {} : { 'content-type': type }),
      ...headers,
    },
    body: raw ? (body as string | Uint8Array | undefined) : JSON.stringify(body),
  }
}
