import 'reflect-metadata'
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Obj } from './answer.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const YEAR_MS = 365 * 24 * 3_600_000

/** What a server asks about one request. */
export interface AdmissionRequest {
  readonly uid: string
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly subResource?: string
  readonly requestKind?: object
  readonly requestResource?: object
  readonly name: string
  readonly namespace?: string
  readonly operation: string
  readonly userInfo: { readonly username: string; readonly groups: readonly string[] }
  readonly object: Obj | null
  readonly oldObject: Obj | null
  readonly dryRun: boolean
  readonly options: object | null
}

export interface AdmissionResponse {
  readonly allowed: boolean
  readonly status?: object
  readonly warnings?: readonly string[]
  /** A JSON patch. */
  readonly patch?: readonly object[]
}

/** How one path answers; undefined never answers. */
export type Handler = (request: AdmissionRequest) => AdmissionResponse | undefined

/** An admission webhook server of a case's own: HTTPS on loopback with a certificate nobody else has. */
export class WebhookServer {
  readonly #server: Server
  readonly #certificate: string
  readonly #handlers = new Map<string, Handler>()
  readonly #asked: AdmissionRequest[] = []

  private constructor(server: Server, certificate: string) {
    this.#server = server
    this.#certificate = certificate
  }

  static async start(): Promise<WebhookServer> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        name: 'CN=webhook',
        keys,
        signingAlgorithm: ALGORITHM,
        notBefore: new Date(Date.now() - YEAR_MS),
        notAfter: new Date(Date.now() + YEAR_MS),
        extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
      },
      webcrypto,
    )
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
    const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
    const cert = certificate.toString('pem')
    const server = createServer({ key, cert })
    const started = new WebhookServer(server, cert)
    server.on('request', (incoming, outgoing) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const [path = ''] = (incoming.url ?? '').split('?')
        const answer = started.#answer(path, Buffer.concat(chunks).toString('utf8'))
        if (answer === undefined) return
        outgoing.writeHead(answer === '' ? 500 : 200, { 'content-type': 'application/json' })
        outgoing.end(answer)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return started
  }

  /** Answers at this path; the client configuration for it. */
  handle(path: string, handler: Handler): { readonly url: string; readonly caBundle: string } {
    this.#handlers.set(path, handler)
    const { port } = this.#server.address() as AddressInfo
    return {
      url: `https://127.0.0.1:${port}${path}`,
      caBundle: Buffer.from(this.#certificate).toString('base64'),
    }
  }

  /** Every request so far. */
  get asked(): readonly AdmissionRequest[] {
    return this.#asked
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(path: string, body: string): string | undefined {
    const handler = this.#handlers.get(path)
    const { request } = JSON.parse(body) as { request: AdmissionRequest }
    this.#asked.push(request)
    if (handler === undefined) return ''
    const given = handler(request)
    if (given === undefined) return undefined
    const { patch, ...rest } = given
    const patched =
      patch === undefined
        ? {}
        : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') }
    const response = { uid: request.uid, ...rest, ...patched }
    return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response })
  }
}
