import { connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { seededRandom, VirtualClock } from '@locktender/kube'
import { ApiServer } from '../server.ts'
import type { ApiServerOptions, ListeningAddress } from '../server.ts'
import type { UserInfo } from '../user.ts'

/** For tests: what came back over a real connection. */
export interface WireAnswer {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
  /** The body, which must be JSON. */
  json(): Record<string, unknown> & { readonly message?: string; readonly status?: Record<string, unknown> }
}

/** For tests: how to ask over a real connection. */
export interface WireRequest {
  readonly method?: string
  readonly token?: string
  readonly certificate?: { readonly certificate: string; readonly key: string }
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: unknown
}

const administrator: UserInfo = { name: 'admin', groups: ['system:masters'] }

/** For tests: a listening server by a virtual clock, with the logical clusters `hub` and `other`. */
export class WireServer {
  readonly server: ApiServer
  readonly address: ListeningAddress
  readonly clock: VirtualClock
  readonly token: string

  private constructor(server: ApiServer, address: ListeningAddress, clock: VirtualClock) {
    this.server = server
    this.address = address
    this.clock = clock
    this.token = server.issueToken(administrator)
  }

  static async start(options: Partial<ApiServerOptions> & { readonly clock?: VirtualClock } = {}): Promise<WireServer> {
    const { clock = new VirtualClock() } = options
    const server = await ApiServer.open({ random: seededRandom(1), ...options, clock })
    for (const name of ['hub', 'other']) await server.cluster(name)
    return new WireServer(server, await server.listen(), clock)
  }

  close(): Promise<void> {
    return this.server.close()
  }

  /** One request over HTTP/1.1 and a connection of its own, with nothing but what is given. */
  ask(path: string, { method, token, certificate, headers = {}, body }: WireRequest = {}): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        `${this.address.url}${path}`,
        {
          ca: this.address.certificateAuthority,
          agent: false,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: {
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(certificate === undefined ? {} : { cert: certificate.certificate, key: certificate.key }),
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => resolve(answerOf(response.statusCode!, response.headers, chunks)))
        },
      )
      request.on('error', reject)
      request.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  /** One GET over HTTP/2. */
  askHttp2(path: string, headers: Readonly<Record<string, string | string[]>>): Promise<WireAnswer> {
    const session = connect(this.address.url, { ca: this.address.certificateAuthority })
    return new Promise<WireAnswer>((resolve, reject) => {
      session.on('error', reject)
      const stream = session.request({ ':path': path, ...headers })
      const chunks: Buffer[] = []
      let code = 0
      let received: WireAnswer['headers'] = {}
      stream.on('response', (found) => {
        code = found[':status'] ?? 0
        received = found as WireAnswer['headers']
      })
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => resolve(answerOf(code, received, chunks)))
      stream.on('error', reject)
    }).finally(() => session.destroy())
  }

  /** Asks as the administrator, unless the request says otherwise; the answer must be a success. */
  async ok(path: string, request: WireRequest = {}): Promise<ReturnType<WireAnswer['json']>> {
    const answer = await this.ask(path, { token: this.token, ...request })
    if (answer.code >= 300) throw new Error(`${path} was answered with ${answer.code}: ${answer.bytes.toString()}`)
    return answer.json()
  }
}

function answerOf(code: number, headers: WireAnswer['headers'], chunks: readonly Buffer[]): WireAnswer {
  const bytes = Buffer.concat(chunks)
  return { code, headers, bytes, json: () => JSON.parse(bytes.toString('utf8')) as ReturnType<WireAnswer['json']> }
}
