import { holding } from '@locktender/kube'
import type { Clock } from '@locktender/kube'
import type { Agent, Dispatcher } from 'undici'

/** Where a webhook is, as in admissionregistration.k8s.io/v1 WebhookClientConfig. */
export interface ClientConfig {
  readonly url?: string
  readonly service?: ServiceReference
  /** PEM in base64: who may have signed the server's certificate; the authorities known to Node when absent. */
  readonly caBundle?: string
}

export interface ServiceReference {
  readonly namespace: string
  readonly name: string
  readonly path?: string
  /** 443 when absent. */
  readonly port?: number
}

/**
 * Where a Service is really served: an origin like `https://127.0.0.1:9443`, or undefined when it is not known. There is
 * no cluster network here, so somebody has to know. The certificate must still be for `<name>.<namespace>.svc`.
 */
export type ServiceResolver = (service: {
  readonly cluster: string
  readonly namespace: string
  readonly name: string
  readonly port: number
}) => string | undefined | Promise<string | undefined>

/** A webhook could not be asked, or what it said could not be read. The message is in the words of Go's client. */
export class WebhookUnreachable extends Error {
  override readonly name = 'WebhookUnreachable'
}

/** Enough for the patch of the largest object there can be. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024
/** Endpoints whose connections are kept; the one not used for longest goes first. */
const MAX_ENDPOINTS = 64
/** Characters of an error page that are repeated. */
const MAX_SHOWN = 2048

export interface WebhookClientOptions {
  readonly clock: Clock
  readonly serviceResolver?: ServiceResolver | undefined
}

interface Endpoint {
  readonly origin: string
  readonly path: string
  /** As error messages show it. */
  readonly shown: string
  readonly serverName: string | undefined
}

export interface WebhookCall {
  /** Name of the logical cluster, for the service resolver. */
  readonly cluster: string
  readonly config: ClientConfig
  /** Sent as JSON. */
  readonly body: unknown
  readonly timeoutMs: number
}

/** Posts reviews to webhooks over HTTPS, with connections kept per endpoint. The clock is held while one is asked. */
export class WebhookClient {
  readonly #options: WebhookClientOptions
  readonly #agents = new Map<string, Promise<Agent>>()

  constructor(options: WebhookClientOptions) {
    this.#options = options
  }

  /**
   * The JSON a webhook answers with.
   * @throws WebhookUnreachable
   */
  post(call: WebhookCall): Promise<unknown> {
    return holding(this.#options.clock, async () => {
      const endpoint = await this.#resolve(call)
      const query = `?timeout=${Math.ceil(call.timeoutMs / 1000)}s`
      const url = `${endpoint.shown}${query}`
      const agent = await this.#agent(endpoint, call.config.caBundle)
      let answer: { readonly status: number; readonly text: string }
      try {
        answer = await send(agent, endpoint.origin, endpoint.path + query, call)
      } catch (error) {
        throw new WebhookUnreachable(`Post ${JSON.stringify(url)}: ${reasonOf(error, endpoint)}`, { cause: error })
      }
      if (answer.status < 200 || answer.status > 299) throw new WebhookUnreachable(refusal(answer))
      return parse(answer.text)
    })
  }

  /** Cuts all connections. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    await Promise.all(agents.map(async (agent) => (await agent).destroy()))
  }

  async #resolve({ cluster, config }: WebhookCall): Promise<Endpoint> {
    const { url, service } = config
    if (service === undefined) {
      const parsed = URL.parse(url ?? '')
      if (parsed === null) throw new WebhookUnreachable('webhook configuration must have either service or URL')
      return { origin: parsed.origin, path: parsed.pathname, shown: url!, serverName: undefined }
    }
    const { namespace, name, port = 443, path = '' } = service
    const serverName = `${name}.${namespace}.svc`
    const rooted = path === '' || path.startsWith('/') ? path : `/${path}`
    const shown = `https://${serverName}:${port}${rooted}`
    const origin = await this.#options.serviceResolver?.({ cluster, namespace, name, port })
    if (origin === undefined) {
      throw new WebhookUnreachable(
        `Post ${JSON.stringify(shown)}: it is not known where the service ${JSON.stringify(name)} of the namespace ` +
          `${JSON.stringify(namespace)} is served: there is no cluster network here; give the server a service ` +
          'resolver that knows it, or use clientConfig.url',
      )
    }
    return { origin: new URL(origin).origin, path: rooted === '' ? '/' : rooted, shown, serverName }
  }

  /** Loaded when the first webhook is asked: most servers never ask one. */
  #agent({ origin, serverName }: Endpoint, caBundle: string | undefined): Promise<Agent> {
    const key = JSON.stringify([origin, serverName, caBundle])
    const known = this.#agents.get(key)
    if (known !== undefined) {
      this.#agents.delete(key)
      this.#agents.set(key, known)
      return known
    }
    const made = import('undici').then(
      ({ Agent }) =>
        new Agent({
          allowH2: false,
          pipelining: 1,
          maxResponseSize: MAX_ANSWER_BYTES,
          connect: {
            ...(caBundle === undefined || caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
            ...(serverName === undefined ? {} : { servername: serverName }),
          },
        }),
    )
    this.#agents.set(key, made)
    if (this.#agents.size > MAX_ENDPOINTS) {
      const [oldest, agent] = this.#agents.entries().next().value!
      this.#agents.delete(oldest)
      // What still runs on it may finish.
      void agent.then((unused) => unused.close()).catch(() => {})
    }
    return made
  }
}

async function send(
  agent: Dispatcher,
  origin: string,
  path: string,
  { body, timeoutMs }: WebhookCall,
): Promise<{ status: number; text: string }> {
  // The other side lives in real time, whatever clock is used here.
  const signal = AbortSignal.timeout(timeoutMs)
  const late = Promise.withResolvers<never>()
  // The request itself would first wait for its connection.
  signal.addEventListener('abort', () => late.reject(signal.reason), { once: true })
  const request = agent.request({
    origin,
    path,
    method: 'POST',
    headers: { accept: 'application/json, */*', 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  const answer = await Promise.race([request, late.promise])
  return { status: answer.statusCode, text: await answer.body.text() }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WebhookUnreachable(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
}

/** A failed answer in the words of Go's client, which knows a few codes. */
function refusal({ status, text }: { readonly status: number; readonly text: string }): string {
  if (status === 404) return 'the server could not find the requested resource'
  if (status === 401) return 'the server has asked for the client to provide credentials'
  if (status < 500) return 'the server rejected our request for an unknown reason'
  const shown = text === '' ? 'unknown' : text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)} ...` : text
  return `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`
}

const UNKNOWN_AUTHORITY = new Set([
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** Why no answer came, in the words of Go's client where it has some. */
function reasonOf(error: unknown, { origin, serverName }: Endpoint): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'context deadline exceeded'
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { code, message } = first as { readonly code?: string; readonly message: string }
  const { host, hostname } = new URL(origin)
  const untrusted = (why: string): string => `tls: failed to verify certificate: x509: ${why}`
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${host}: connect: connection refused`
    case 'ENOTFOUND':
      return `dial tcp: lookup ${hostname}: no such host`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
      return 'EOF'
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return `the answer is larger than the ${MAX_ANSWER_BYTES} bytes that are read of it`
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `dial tcp ${host}: i/o timeout`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return untrusted(`certificate is not valid for ${serverName ?? hostname}: ${message}`)
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return untrusted('certificate has expired or is not yet valid')
    default:
      return code !== undefined && UNKNOWN_AUTHORITY.has(code)
        ? untrusted('certificate signed by unknown authority')
        : message
  }
}
