import { webcrypto } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { loadX509 } from '../auth/x509.ts'
import type { TestObject } from '../testing/test-cluster.ts'

/** The request of a review, with the fields tests look at. */
export interface ReviewRequest {
  readonly uid: string
  readonly name?: string
  readonly namespace?: string
  readonly operation: string
  readonly subResource?: string
  readonly dryRun: boolean
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly requestKind: unknown
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string }
  readonly requestResource: unknown
  readonly userInfo: { readonly username: string; readonly groups: readonly string[] }
  readonly object: TestObject | null
  readonly oldObject: TestObject | null
  readonly options: Record<string, unknown>
}

/** What a webhook does with a review: gives the members of a response, or answers itself and returns undefined. */
export type Reviewer = (
  request: ReviewRequest,
  response: ServerResponse,
  path: string,
) => object | undefined | Promise<object | undefined>

export interface WebhookServer extends AsyncDisposable {
  readonly url: string
  /** The server's own certificate: PEM in base64. */
  readonly caBundle: string
  /** Every question so far. */
  readonly asked: { readonly path: string; readonly apiVersion: string; readonly request: ReviewRequest }[]
}

/** Webhooks on the loopback interface, over HTTPS; each path is one. */
export async function startWebhooks(
  reviewer: Reviewer,
  names: readonly string[] = ['127.0.0.1'],
): Promise<WebhookServer> {
  const asked: WebhookServer['asked'][number][] = []
  const { certificate, key } = await selfSigned(names)
  const server = createServer({ cert: certificate, key }, (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        apiVersion: string
        kind: string
        request: ReviewRequest
      }
      const { apiVersion, kind, request } = review
      const path = incoming.url ?? ''
      asked.push({ path, apiVersion, request })
      void Promise.resolve(reviewer(request, response, path.replace(/\?.*/, ''))).then((members) => {
        if (members === undefined) return
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, ...members } }))
      })
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caBundle: Buffer.from(certificate).toString('base64'),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

/** A certificate that vouches for itself, for DNS names and IPv4 addresses. */
async function selfSigned(names: readonly string[]): Promise<{ certificate: string; key: string }> {
  const { SubjectAlternativeNameExtension, X509CertificateGenerator } = await loadX509()
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=webhooks',
      // So long that the tests do not grow old.
      notBefore: new Date('2020-01-01T00:00:00Z'),
      notAfter: new Date('2049-12-31T00:00:00Z'),
      keys,
      signingAlgorithm: algorithm,
      extensions: [
        new SubjectAlternativeNameExtension(
          names.map((value) => ({ type: /^[0-9.]+$/.test(value) ? 'ip' : 'dns', value })),
        ),
      ],
    },
    webcrypto as unknown as typeof globalThis.crypto,
  )
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  }
}

/** Members of a response that changes the object. */
export function patching(...operations: readonly object[]): object {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64')
  return { allowed: true, patchType: 'JSONPatch', patch }
}

/** A webhook for everything that happens to widgets, unless said otherwise. */
export function webhook(server: WebhookServer, path: string, members: object = {}): Record<string, unknown> {
  return {
    name: `${path.slice(1)}.example.com`,
    clientConfig: { url: `${server.url}${path}`, caBundle: server.caBundle },
    rules: [{ operations: ['*'], apiGroups: ['example.com'], apiVersions: ['*'], resources: ['*/*'] }],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...members,
  }
}

export function configuration(type: 'Mutating' | 'Validating', name: string, ...webhooks: object[]): TestObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${type}WebhookConfiguration`,
    metadata: { name },
    webhooks,
  } as unknown as TestObject
}
