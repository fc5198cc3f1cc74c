import { Agent, request } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { Answer } from './answer.ts'
import type { Sent } from './answer.ts'
import type { Credentials, Endpoint } from './kubeconfig.ts'

const CONNECTIONS = 32

/** Requests of one identity to one server, over connections that are kept. */
export class Connection {
  readonly #endpoint: Endpoint
  readonly #base: URL
  readonly #agent: Agent

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
    this.#base = new URL(endpoint.server)
    const { certificate, key } = endpoint.credentials
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: CONNECTIONS,
      rejectUnauthorized: !endpoint.insecure,
      ...(endpoint.certificateAuthority === undefined ? {} : { ca: endpoint.certificateAuthority }),
      ...(endpoint.serverName === undefined ? {} : { servername: endpoint.serverName }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
    })
  }

  /** The same server as somebody else. */
  as(credentials: Credentials): Connection {
    return new Connection({ ...this.#endpoint, credentials })
  }

  /** Path below the server's URL of a path from the root of the host, as documents of the server give them. */
  relative(path: string): string {
    const base = this.#base.pathname.replace(/\/$/, '')
    return base !== '' && path.startsWith(`${base}/`) ? path.slice(base.length) : path
  }

  /** Sends a request and reads the whole answer. */
  async send(sent: Sent, signal: AbortSignal): Promise<Answer> {
    const message = await this.open(sent, signal, this.#agent)
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    return new Answer(sent, message.statusCode ?? 0, headersOf(message), Buffer.concat(chunks).toString('utf8'))
  }

  /** Sends a request and resolves with the headers; the body is a stream. Takes a connection of its own by default. */
  open(sent: Sent, signal: AbortSignal, agent?: Agent): Promise<IncomingMessage> {
    const { token } = this.#endpoint.credentials
    const options: RequestOptions = {
      ...this.#agent.options,
      agent: agent ?? new Agent({ ...this.#agent.options, keepAlive: false }),
      host: this.#base.hostname,
      port: this.#base.port === '' ? 443 : this.#base.port,
      method: sent.method,
      path: this.#base.pathname.replace(/\/$/, '') + sent.path,
      headers: {
        ...sent.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(sent.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(sent.body)) }),
      },
      signal,
    }
    return new Promise((resolve, reject) => {
      const outgoing = request(options, resolve)
      outgoing.on('error', (error) =>
        reject(new Error(`${sent.method} ${sent.path}: ${error.message}`, { cause: error })),
      )
      outgoing.end(sent.body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

export function headersOf(message: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(message.headersDistinct).map(([name, values = []]) => [name, values.join(', ')]),
  )
}
