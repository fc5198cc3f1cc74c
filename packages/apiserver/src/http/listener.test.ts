import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  configMaps,
  httpsTransport,
  isForbidden,
  isUnauthorized,
  leases,
  seededRandom,
  systemClock,
} from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CertificateAuthority } from '../auth/certificates.ts'
import { ApiServer } from '../server.ts'
import type { ListeningAddress } from '../server.ts'
import { admin, CM } from '../testing/test-cluster.ts'
import type { TestObject } from '../testing/test-cluster.ts'

const clock = systemClock()
let directory: string
let server: ApiServer
let address: ListeningAddress

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'apiserver-'))
  await start()
})

afterEach(async () => {
  await server.close()
  await rm(directory, { recursive: true })
})

async function start(): Promise<void> {
  server = await ApiServer.open({ clock, random: seededRandom(1), dataDirectory: directory })
  await server.cluster('hub')
  address = await server.listen()
}

interface Credentials {
  readonly token?: string
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly certificateAuthority?: string
}

/** Runs `use` with a client over HTTPS, and closes its connections. */
async function withClient<T>(credentials: Credentials, use: (client: Client) => Promise<T>): Promise<T> {
  const transport = httpsTransport({
    server: `${address.url}/clusters/hub`,
    certificateAuthority: address.certificateAuthority,
    clock,
    ...credentials,
  })
  try {
    return await use(new Client({ transport }))
  } finally {
    await transport.close()
  }
}

const list = (client: Client): Promise<unknown> => client.list(leases, { namespace: 'default' })
const bob = { name: 'bob', groups: ['devs'] }

interface Plain {
  readonly code: number
  readonly text: string
}

/** One request over HTTP/1.1 with nothing but what is given. */
function plain(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Plain> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      `${address.url}${path}`,
      {
        ca: address.certificateAuthority,
        agent: false,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve({ code: response.statusCode!, text: Buffer.concat(chunks).toString('utf8') }))
      },
    )
    request.on('error', reject)
    request.end(options.body)
  })
}

describe('who asks', () => {
  test('a token is its user, and rights go by the user', async () => {
    await expect(withClient({ token: server.issueToken(admin) }, list)).resolves.toMatchObject({ items: [] })
    const refusal = await withClient({ token: server.issueToken(bob) }, list).catch((error: unknown) => error)
    expect(isForbidden(refusal)).toBe(true)
    expect((refusal as Error).message).toContain('User "bob" cannot list')
  })

  test('a client certificate is its common name, with organizations as groups', async () => {
    const { certificate, key } = await server.issueClientCertificate({
      name: 'alice, x=y',
      groups: ['a', 'system:masters'],
    })
    const review = await withClient({ clientCertificate: certificate, clientKey: key }, (client) =>
      client.requestJson<TestObject>('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
      }),
    )
    expect(review.status).toEqual({
      userInfo: {
        username: 'alice, x=y',
        groups: ['a', 'system:masters', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
      },
    })
  })

  test('a certificate of another authority is refused', async () => {
    const { certificate, key } = await new CertificateAuthority({ directory: undefined, clock }).issueClient(admin)
    const refusal = await withClient({ clientCertificate: certificate, clientKey: key }, list).catch(
      (error: unknown) => error,
    )
    expect(isUnauthorized(refusal)).toBe(true)
  })

  test('a certificate that is worth nothing does not stand in the way of a token', async () => {
    const { certificate, key } = await new CertificateAuthority({ directory: undefined, clock }).issueClient(admin)
    const both = { clientCertificate: certificate, clientKey: key, token: server.issueToken(bob) }
    const refusal = await withClient(both, list).catch((error: unknown) => error)
    expect((refusal as Error).message).toContain('User "bob" cannot list')
  })

  test('nobody gets nothing but health and version', async () => {
    expect(await plain('/clusters/hub/api/v1/namespaces')).toMatchObject({ code: 401 })
    expect(await plain('/clusters/hub/api/v1/namespaces', { headers: { authorization: 'Bearer nope' } })).toMatchObject(
      {
        code: 401,
        text: expect.stringContaining('"message":"Unauthorized"') as string,
      },
    )
    expect(await plain('/clusters/none/apis')).toMatchObject({ code: 401 })
    expect(await plain('/healthz')).toEqual({ code: 200, text: 'ok' })
    expect(await plain('/clusters/hub/readyz')).toEqual({ code: 200, text: 'ok' })
    expect((await plain('/version')).text).toContain('gitVersion')
  })

  test('impersonation needs the right to it', async () => {
    const as = (token: string, user: string): Promise<Plain> =>
      plain(`/clusters/hub${CM}`, { headers: { authorization: `Bearer ${token}`, 'impersonate-user': user } })
    const answer = await as(server.issueToken(admin), 'carol')
    expect([answer.code, answer.text]).toEqual([403, expect.stringContaining('User \\"carol\\" cannot list')])
    const refused = await as(server.issueToken(bob), 'admin')
    expect([refused.code, refused.text]).toEqual([403, expect.stringContaining('User \\"bob\\" cannot impersonate')])
  })
})

describe('the client', () => {
  test('does not trust a server of another authority', async () => {
    const { certificateAuthority } = await new CertificateAuthority({ directory: undefined, clock }).serverIdentity()
    await expect(withClient({ token: server.issueToken(admin), certificateAuthority }, list)).rejects.toThrow(
      /certificate/,
    )
  })
})

describe('what is asked', () => {
  test('logical clusters have paths of their own, and nothing else is there', async () => {
    const headers = { authorization: `Bearer ${server.issueToken(admin)}` }
    expect((await plain('/clusters/none/apis', { headers })).code).toBe(404)
    expect((await plain('/apis', { headers })).code).toBe(404)
    expect((await plain('/clusters/hub/apis', { headers })).code).toBe(200)
    expect((await plain('/clusters/hub/nothing', { headers })).code).toBe(404)
    expect((await plain('/clusters/hub/apis/%zz', { headers })).code).toBe(400)
  })

  test('bodies have a limit, methods too', async () => {
    const headers = { authorization: `Bearer ${server.issueToken(admin)}`, 'content-type': 'application/json' }
    const big = await plain(`/clusters/hub${CM}`, { method: 'POST', headers, body: 'x'.repeat(3 * 1024 * 1024 + 1) })
    expect(big.code).toBe(413)
    expect((await plain(`/clusters/hub${CM}`, { method: 'OPTIONS', headers })).code).toBe(405)
  })
})

describe('watches', () => {
  function lease(name: string): TestObject {
    return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: 'default' } }
  }

  test('tell over HTTP/1.1 what happens, until the client leaves', async () => {
    await withClient({ token: server.issueToken(admin) }, async (client) => {
      const abort = new AbortController()
      const names: string[] = []
      const writes: Promise<unknown>[] = []
      const watch = client.watch(leases, { sendInitialEvents: true, signal: abort.signal })
      for await (const event of watch) {
        if (event.type === 'BOOKMARK') writes.push(client.create(leases, lease('a')))
        else names.push(event.object().metadata.name)
        if (names.length === 1) abort.abort()
      }
      await Promise.all(writes)
      expect(names).toEqual(['a'])
    })
  })

  test('send their headers at once over HTTP/2, and end when the server closes', async () => {
    const session = connect(address.url, { ca: address.certificateAuthority })
    const stream = session.request({
      ':path': `/clusters/hub${CM}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`,
      authorization: `Bearer ${server.issueToken(admin)}`,
    })
    const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])))
    expect(status).toBe(200)
    const ended = new Promise<void>((resolve) => stream.once('end', resolve))
    stream.resume()
    await server.close()
    await ended
    session.destroy()
  })

  test('do not keep the server from closing when their clients have left over HTTP/2', async () => {
    const token = server.issueToken(admin)
    await withClient({ token }, async (client) => {
      const session = connect(address.url, { ca: address.certificateAuthority })
      session.on('error', () => undefined)
      for (let count = 0; count < 10; count++) {
        const path = `/clusters/hub${CM}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`
        const stream = session.request({ ':path': path, authorization: `Bearer ${token}` })
        stream.on('error', () => undefined)
        await new Promise((resolve) => stream.once('response', resolve))
      }
      // Events meet streams that have just gone.
      const writes = Array.from({ length: 20 }, (_, index) =>
        client.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: `c${index}`, namespace: 'default' },
        }),
      )
      await writes[0]
      session.destroy()
      await Promise.all(writes)
    })
    const started = clock.now()
    await server.close()
    expect(clock.now() - started).toBeLessThan(4000)
  })
})

test('a restart keeps objects, authority and tokens; keys are for the owner only, tokens nowhere in clear', async () => {
  const token = server.issueToken(admin)
  await withClient({ token }, (client) =>
    client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' } }),
  )
  const before = address.certificateAuthority
  await server.close()
  await start()
  expect(address.certificateAuthority).toBe(before)
  expect(server.clusters()).toEqual(['hub'])
  const found = await withClient({ token }, (client) => client.get(configMaps, 'a', 'default'))
  expect(found.metadata.name).toBe('a')
  for (const name of await readdir(join(directory, 'pki'))) {
    const path = join(directory, 'pki', name)
    expect((await stat(path)).mode & 0o077).toBe(0)
    expect(await readFile(path, 'utf8')).not.toContain(token)
  }
})
