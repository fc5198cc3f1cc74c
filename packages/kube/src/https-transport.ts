import type * as Undici from 'undici'
import type { Agent, Dispatcher } from 'undici'
import { holding } from './clock.ts'
import type { Clock } from './clock.ts'
import { ConnectionError } from './errors.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** What proves who we are. Certificates and keys are PEM. */
export interface Credentials {
  readonly token?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
}

/** Acts as somebody else, if the server allows it. */
export interface Impersonation {
  readonly user: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface HttpsTransportOptions extends Credentials {
  /** URL with the base path, if any: `https://127.0.0.1:6443/clusters/hub`. */
  readonly server: string
  /** PEM; the authorities known to Node when absent. */
  readonly certificateAuthority?: string
  /**
   * Asked before each request, so it should remember its answer; asked again with what the server has just answered
   * 401 to. Its answer goes before the fixed credentials.
   */
  readonly credentialProvider?: (rejected?: Credentials) => Promise<Credentials>
  /** Accepts any server certificate: only for people who know why. */
  readonly insecureSkipTlsVerify?: boolean
  /** Name to expect in the server's certificate instead of the host in `server`. */
  readonly serverName?: string
  /** An http or https proxy. */
  readonly proxyUrl?: string
  readonly impersonate?: Impersonation
  /** Held while a request other than a watch is in flight. */
  readonly clock: Clock
}

/** Connections for requests; watches have their own, so that they never keep requests waiting. */
const REQUEST_CONNECTIONS = 32
/** kube-apiserver ends every request but a watch after 60 s; a little more lets its own answer come through. */
const REQUEST_TIMEOUT_MS = 65_000

let loading: Promise<typeof Undici> | undefined

/** A server in this process is reached without a network, and should start fast. */
function loadUndici(): Promise<typeof Undici> {
  return (loading ??= import('undici'))
}

interface Dispatchers {
  readonly requests: Dispatcher
  readonly watches: Dispatcher
}

/**
 * A transport over HTTPS (HTTP/1.1, kept-alive connections). Plain http is accepted without credentials only, for
 * local proxies: a credential must not travel in the clear.
 * @throws TypeError when the options contradict each other
 */
export function httpsTransport(options: HttpsTransportOptions): Transport {
  return new HttpsTransport(options)
}

class HttpsTransport implements Transport {
  readonly #options: HttpsTransportOptions
  readonly #origin: string
  readonly #basePath: string
  readonly #fixedHeaders: Readonly<Record<string, string | string[]>>
  /** By client certificate and key, which belong to a connection and not to a request. */
  readonly #dispatchers = new Map<string, Dispatchers>()
  #closed = false

  constructor(options: HttpsTransportOptions) {
    const url = parseServer(options.server)
    const secret = options.token ?? options.clientKey ?? options.credentialProvider
    if (url.protocol === 'http:' && secret !== undefined) {
      throw new TypeError(`${options.server} is not https: credentials would travel in the clear`)
    }
    this.#options = options
    this.#origin = url.origin
    this.#basePath = url.pathname.replace(/\/+$/, '')
    this.#fixedHeaders = impersonationHeaders(options.impersonate)
  }

  request(request: TransportRequest): Promise<TransportResponse> {
    const watch = /[?&]watch=(true|1)(&|$)/.test(request.path)
    return watch ? this.#ask(request, true) : holding(this.#options.clock, () => this.#ask(request, false))
  }

  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#dispatchers.values()].flatMap(({ requests, watches }) => [requests, watches])
    this.#dispatchers.clear()
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()))
  }

  async #ask(request: TransportRequest, watch: boolean): Promise<TransportResponse> {
    const credentials = await this.#credentials()
    const response = await this.#send(request, credentials, watch)
    if (response.statusCode !== 401 || this.#options.credentialProvider === undefined) {
      return this.#answer(request, response, watch)
    }
    const fresh = await this.#credentials(credentials)
    if (same(credentials, fresh)) return this.#answer(request, response, watch)
    await response.body.dump()
    return this.#answer(request, await this.#send(request, fresh, watch), watch)
  }

  async #credentials(rejected?: Credentials): Promise<Credentials> {
    const { token, clientCertificate, clientKey, credentialProvider } = this.#options
    const provided = await credentialProvider?.(rejected)
    return {
      ...(token === undefined ? {} : { token }),
      ...(clientCertificate === undefined ? {} : { clientCertificate }),
      ...(clientKey === undefined ? {} : { clientKey }),
      ...provided,
    }
  }

  async #send(request: TransportRequest, credentials: Credentials, watch: boolean): Promise<Dispatcher.ResponseData> {
    const { requests, watches } = this.#dispatchersFor(await loadUndici(), credentials)
    const dispatcher = watch ? watches : requests
    const authorization = credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` }
    try {
      return await dispatcher.request({
        origin: this.#origin,
        path: this.#basePath + request.path,
        method: request.method,
        headers: { ...request.headers, ...this.#fixedHeaders, ...authorization },
        ...(request.body === undefined ? {} : { body: request.body }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      })
    } catch (error) {
      throw this.#broken(request, error)
    }
  }

  async #answer(
    request: TransportRequest,
    response: Dispatcher.ResponseData,
    watch: boolean,
  ): Promise<TransportResponse> {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
    }
    if (watch) return { status: response.statusCode, headers, body: this.#stream(request, response.body) }
    try {
      const bytes = await response.body.bytes()
      return { status: response.statusCode, headers, body: single(bytes) }
    } catch (error) {
      throw this.#broken(request, error)
    }
  }

  async *#stream(request: TransportRequest, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body
    } catch (error) {
      throw this.#broken(request, error)
    }
  }

  #broken(request: TransportRequest, error: unknown): unknown {
    if (request.signal?.aborted) return request.signal.reason
    const why = error instanceof Error ? reasonOf(error) : String(error)
    return new ConnectionError(`${request.method} ${this.#origin}${this.#basePath}${request.path}: ${why}`, {
      cause: error,
    })
  }

  #dispatchersFor(undici: typeof Undici, { clientCertificate = '', clientKey = '' }: Credentials): Dispatchers {
    if (this.#closed) throw new ConnectionError(`the connection to ${this.#origin} has been closed`)
    const key = `${clientCertificate}\n${clientKey}`
    const known = this.#dispatchers.get(key)
    if (known !== undefined) return known
    // Certificates have been renewed: what still runs on the old ones may finish.
    for (const [old, { requests, watches }] of this.#dispatchers) {
      this.#dispatchers.delete(old)
      requests.close().catch(() => {})
      watches.close().catch(() => {})
    }
    const made = {
      requests: this.#dispatcher(undici, clientCertificate, clientKey, {
        connections: REQUEST_CONNECTIONS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        bodyTimeout: REQUEST_TIMEOUT_MS,
      }),
      // A quiet kind may send nothing for minutes; the reflector limits how long a watch lasts.
      watches: this.#dispatcher(undici, clientCertificate, clientKey, {
        headersTimeout: REQUEST_TIMEOUT_MS,
        bodyTimeout: 0,
      }),
    }
    this.#dispatchers.set(key, made)
    return made
  }

  #dispatcher(undici: typeof Undici, clientCertificate: string, clientKey: string, limits: Agent.Options): Dispatcher {
    const { certificateAuthority, serverName, insecureSkipTlsVerify, proxyUrl } = this.#options
    const tls = {
      rejectUnauthorized: insecureSkipTlsVerify !== true,
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(clientCertificate === '' ? {} : { cert: clientCertificate }),
      ...(clientKey === '' ? {} : { key: clientKey }),
    }
    const common = { ...limits, pipelining: 1, allowH2: false }
    if (proxyUrl !== undefined) return new undici.ProxyAgent({ ...common, uri: proxyUrl, requestTls: tls })
    return new undici.Agent({ ...common, connect: tls })
  }
}

function parseServer(server: string): URL {
  const url = URL.parse(server)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TypeError(`${JSON.stringify(server)} is not an https URL`)
  }
  return url
}

function impersonationHeaders(impersonate: Impersonation | undefined): Record<string, string | string[]> {
  if (impersonate === undefined) return {}
  const headers: Record<string, string | string[]> = { 'impersonate-user': impersonate.user }
  if (impersonate.uid !== undefined) headers['impersonate-uid'] = impersonate.uid
  if (impersonate.groups !== undefined) headers['impersonate-group'] = [...impersonate.groups]
  for (const [key, values] of Object.entries(impersonate.extra ?? {})) {
    headers[`impersonate-extra-${encodeURIComponent(key)}`] = [...values]
  }
  return headers
}

function same(left: Credentials, right: Credentials): boolean {
  return (
    left.token === right.token &&
    left.clientCertificate === right.clientCertificate &&
    left.clientKey === right.clientKey
  )
}

/** Failed attempts on several addresses come as one error without a message of its own. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner instanceof Error ? inner.message : error.name
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}
