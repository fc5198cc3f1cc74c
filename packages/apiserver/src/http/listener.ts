import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ApiError, methodNotAllowed, requestEntityTooLarge, systemClock, timeoutError } from '@locktender/kube'
import type { HttpMethod } from '@locktender/kube'
import type { PeerIdentity } from '../auth/authenticate.ts'
import { isImpersonation, valueSeparator } from '../auth/impersonate.ts'
import type { KeyPair } from '../auth/certificates.ts'
import { isBinary } from '../present/media-types.ts'
import { compressed } from './compression.ts'
import { asApiError } from './handle-request.ts'
import { limitHttp1, limitSession, maxConcurrentStreams, maxHeaderBytes, timeLimits } from './limits.ts'
import type { TimeLimits } from './limits.ts'
import { errorReply } from './reply.ts'
import type { Reply } from './reply.ts'
import { send } from './send.ts'

/** Largest request body, as in kube-apiserver. */
const MAX_BODY_BYTES = 3 * 1024 * 1024
/** Memory one HTTP/2 connection may use for all its watches; Node's default of 10 MB ends busy ones. */
const SESSION_MEMORY_MB = 256
/** How long requests under way may take to finish when the server closes; in the time of the machine, as sockets are. */
const CLOSE_GRACE_MS = 5_000
/** Codes of errors in what a client sends, with the answers to them; to all others it is 400. */
const UNREADABLE: Readonly<Record<string, readonly [code: number, reason: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}
/** Made once: an error of its own for each client would cost more than to answer it. */
const CLIENT_LEFT = new Error('the client has left')
const METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** A request as it came over the network. */
export interface IncomingRequest {
  readonly method: HttpMethod
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * Reads the body, when it is known that the client may send one; bytes only when it is protobuf.
   * @throws ApiError RequestEntityTooLarge (as rejection)
   */
  readonly readBody: () => Promise<string | Uint8Array>
  readonly peer: PeerIdentity
  readonly signal: AbortSignal
}

export interface ListenerOptions {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  readonly identity: KeyPair
  /** PEM of the authority that signs client certificates. */
  readonly certificateAuthority: string
  /** Must not reject. */
  readonly handle: (request: IncomingRequest) => Promise<Reply>
  readonly limits?: TimeLimits
}

/** Serves HTTP/2 and HTTP/1.1 over TLS. */
export class Listener {
  readonly #server: Http2SecureServer
  readonly #sockets = new Set<TLSSocket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  /** By connection, as reading a certificate takes longer than many a request. */
  readonly #peers = new WeakMap<object, PeerIdentity>()
  readonly #handle: ListenerOptions['handle']
  readonly #limits: TimeLimits
  /** Resolves the wait for the last request. */
  #onIdle: (() => void) | undefined
  #inFlight = 0

  private constructor(options: ListenerOptions) {
    this.#handle = options.handle
    this.#limits = options.limits ?? timeLimits
    this.#server = createSecureServer(
      {
        allowHTTP1: true,
        cert: options.identity.certificate,
        key: options.identity.key,
        ca: options.certificateAuthority,
        requestCert: true,
        // A bad certificate is answered with 401, which clients understand better than a broken handshake.
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        maxSessionMemory: SESSION_MEMORY_MB,
        noDelay: true,
        handshakeTimeout: this.#limits.handshakeMs,
        settings: { maxConcurrentStreams, maxHeaderListSize: maxHeaderBytes },
      },
      (request, response) => void this.#serve(request, response),
    )
    limitHttp1(this.#server, this.#limits)
    this.#server.on('clientError', refuseUnreadable)
    this.#server.on('secureConnection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('session', (session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
      limitSession(session, this.#limits)
      // Clients that go away without a word are nothing to report.
      session.on('error', () => session.destroy())
    })
  }

  /** @throws Error when the port is taken */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options)
    const server = listener.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return listener
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Takes no new connections, lets the requests under way finish, and closes. Watches must have been ended. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const session of this.#sessions) session.close()
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        // A client that does not read its answer must not keep the server from closing.
        const cancel = systemClock().after(CLOSE_GRACE_MS, resolve)
        this.#onIdle = () => {
          cancel()
          resolve()
        }
      })
    }
    for (const session of this.#sessions) session.destroy()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    this.#inFlight++
    const abort = new AbortController()
    response.once('close', () => {
      // An answer that was sent whole leaves nothing to abort.
      if (!response.writableFinished) abort.abort(CLIENT_LEFT)
    })
    // Written to after the client has left.
    response.on('error', () => abort.abort(CLIENT_LEFT))
    request.on('error', () => abort.abort(CLIENT_LEFT))
    try {
      const inTime = await this.#inTime(request, abort)
      const reply = await compressed(inTime ?? errorReply(tooLate()), request.headers['accept-encoding'])
      const headers = { ...reply.headers, 'audit-id': auditId(request.headers['audit-id']) }
      // Responses of both protocols have the same methods, but no common type.
      await send({ ...reply, headers }, response as unknown as ServerResponse)
      // What is still to come of it is not wanted any more.
      if (inTime === undefined) request.destroy()
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) this.#onIdle?.()
    }
  }

  /** The answer to a request; undefined when it takes too long, for example because the client does not finish it. */
  async #inTime(request: Http2ServerRequest, abort: AbortController): Promise<Reply | undefined> {
    const answer = this.#answer(request, abort.signal)
    const late = Promise.withResolvers<undefined>()
    const cancel = systemClock().after(this.#limits.requestMs, () => late.resolve(undefined))
    const reply = await Promise.race([answer, late.promise])
    cancel()
    if (reply === undefined) {
      abort.abort()
      void answer.then(({ body }) => (body instanceof Uint8Array ? undefined : body.return()))
    }
    return reply
  }

  async #answer(request: Http2ServerRequest, signal: AbortSignal): Promise<Reply> {
    try {
      if (!METHODS.includes(request.method)) throw methodNotAllowed({ group: '', resource: '' }, request.method)
      return await this.#handle({
        method: request.method as HttpMethod,
        path: request.url,
        headers: headersOf(request),
        readBody: () => (request.method === 'GET' ? Promise.resolve('') : readBody(request, signal)),
        peer: peerOf(request, this.#peers),
        signal,
      })
    } catch (error) {
      return errorReply(error instanceof ApiError ? error : asApiError(error))
    }
  }
}

function tooLate(): ApiError {
  return timeoutError('request did not complete within the allotted timeout')
}

/** What cannot be read as a request is answered as far as there is still somebody to answer. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [code, reason] = UNREADABLE[error.code ?? ''] ?? [400, 'Bad Request']
  const message = `the request cannot be read: ${reason.toLowerCase()}`
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: code === 408 ? 'Timeout' : 'BadRequest',
    code,
  }
  const body = JSON.stringify(status)
  socket.end(
    `HTTP/1.1 ${code} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** The client's own number for a request, or a new one. */
function auditId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID()
}

function headersOf(request: Http2ServerRequest): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(':')) continue
    headers[name] = isImpersonation(name)
      ? valuesOf(request.rawHeaders, name).join(valueSeparator)
      : Array.isArray(value)
        ? value.join(',')
        : value
  }
  if (headers['host'] === undefined && request.authority !== undefined) headers['host'] = request.authority
  return headers
}

/** All values of a header, in the order they were sent. */
function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_text, index) => index % 2 === 1 && raw[index - 1]!.toLowerCase() === name)
}

/** By events, as iterating over a stream takes twice the time. */
function readBody(request: Http2ServerRequest, signal: AbortSignal): Promise<string | Uint8Array> {
  return new Promise((resolve, reject) => {
    // Of a request that is over nothing more is heard.
    if (signal.aborted) reject(CLIENT_LEFT)
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else {
        chunks.length = 0
        reject(requestEntityTooLarge(`limit is ${MAX_BODY_BYTES}`))
      }
    })
    request.once('end', () => {
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      resolve(isBinary(request.headers['content-type']) ? bytes : bytes.toString('utf8'))
    })
    request.once('error', reject)
    request.once('close', () => reject(CLIENT_LEFT))
  })
}

function peerOf(request: Http2ServerRequest, known: WeakMap<object, PeerIdentity>): PeerIdentity {
  // The compatibility layer gives a proxy for HTTP/2; the session has the socket itself.
  const session = (request.stream as typeof request.stream | undefined)?.session
  const socket = (session?.socket ?? request.socket) as TLSSocket
  let peer = known.get(socket)
  if (peer === undefined) known.set(socket, (peer = { certificate: socket.getPeerX509Certificate() }))
  return peer
}
