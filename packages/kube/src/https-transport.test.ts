import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Client } from './client.ts'
import type { Clock } from './clock.ts'
import { ConnectionError } from './errors.ts'
import { readBody } from './http-body.ts'
import { httpsTransport } from './https-transport.ts'
import type { Credentials, HttpsTransportOptions } from './https-transport.ts'
import { TestAuthority } from './testing/certificates.ts'
import { widgets } from './testing/fake-api.ts'
import { clientName, startHttpsServer } from './testing/https-server.ts'
import type { TestServer } from './testing/https-server.ts'
import type { Transport } from './transport.ts'

/** A clock that only counts how often it is held. */
function countingClock() {
  const counts = { held: 0, everHeld: 0 }
  const clock: Clock = {
    now: () => 0,
    after: () => () => {},
    hold() {
      counts.held++
      counts.everHeld++
      return () => {
        counts.held--
      }
    },
  }
  return { clock, counts }
}

/** Says what it got. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        headers: request.headers,
        groups: request.headersDistinct['impersonate-group'],
        body: Buffer.concat(chunks).toString(),
        client: clientName(request),
      }),
    )
  })
}

interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly groups?: string[]
  readonly body: string
  readonly client?: string
}

/** A transport that is closed at the end of its block. */
function open(server: TestServer, options: Partial<HttpsTransportOptions> = {}): Transport & AsyncDisposable {
  const transport = httpsTransport({
    server: server.url,
    certificateAuthority: server.authority.certificate,
    clock: countingClock().clock,
    ...options,
  })
  return {
    request: (request) => transport.request(request),
    close: () => transport.close(),
    [Symbol.asyncDispose]: () => transport.close(),
  }
}

async function ask(transport: Transport, path = '/x'): Promise<Echo> {
  return JSON.parse(await readBody((await transport.request({ method: 'GET', path })).body)) as Echo
}

describe('requests', () => {
  test('carry method, base path, headers and body', async () => {
    await using server = await startHttpsServer(echo)
    await using transport = open(server, { server: `${server.url}/clusters/hub/`, token: 'secret' })
    const response = await transport.request({
      method: 'POST',
      path: '/api/v1/namespaces?dryRun=All',
      headers: { 'content-type': 'application/json' },
      body: '{"a":"ü"}',
    })
    expect(response.status).toBe(200)
    expect(response.headers['content-type']).toBe('application/json')
    expect(JSON.parse(await readBody(response.body))).toMatchObject({
      method: 'POST',
      url: '/clusters/hub/api/v1/namespaces?dryRun=All',
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret' },
      body: '{"a":"ü"}',
    })
  })

  test('prove who we are by client certificate', async () => {
    await using server = await startHttpsServer(echo)
    const { certificate, key } = await server.authority.client('agent-1', ['agents'])
    await using transport = open(server, { clientCertificate: certificate, clientKey: key })
    expect((await ask(transport)).client).toBe('agent-1')
    await using anonymous = open(server)
    expect((await ask(anonymous)).client).toBeUndefined()
  })

  test('impersonate, with several groups', async () => {
    await using server = await startHttpsServer(echo)
    await using transport = open(server, {
      impersonate: { user: 'boss', uid: '7', groups: ['a', 'b'], extra: { 'example.com/scope': ['x'] } },
    })
    const got = await ask(transport)
    expect(got.groups).toEqual(['a', 'b'])
    expect(got.headers).toMatchObject({
      'impersonate-user': 'boss',
      'impersonate-uid': '7',
      'impersonate-extra-example.com%2fscope': 'x',
    })
  })

  test('an error status is an answer', async () => {
    await using server = await startHttpsServer((_request, response) => response.writeHead(503).end('later'))
    await using transport = open(server)
    const response = await transport.request({ method: 'GET', path: '/x' })
    expect([response.status, await readBody(response.body)]).toEqual([503, 'later'])
  })

  test('hold the clock until the body is there, watches do not', async () => {
    const { clock, counts } = countingClock()
    await using server = await startHttpsServer((request, response) => {
      if (request.url!.includes('watch')) {
        response.flushHeaders()
        return
      }
      response.write('half')
      setImmediate(() => response.end(`|${counts.held}`))
    })
    await using transport = open(server, { clock })
    expect(await readBody((await transport.request({ method: 'GET', path: '/x' })).body)).toBe('half|1')
    expect(counts).toEqual({ held: 0, everHeld: 1 })
    await transport.request({ method: 'GET', path: '/x?watch=true' })
    expect(counts.everHeld).toBe(1)
    server.cut()
    await using refused = open(server, { clock, server: 'https://127.0.0.1:1' })
    await expect(refused.request({ method: 'GET', path: '/x' })).rejects.toBeInstanceOf(ConnectionError)
    expect(counts.held).toBe(0)
  })
})

describe('trust', () => {
  test('a server of another authority is refused, unless verification is off', async () => {
    await using server = await startHttpsServer(echo)
    await using strict = open(server, { certificateAuthority: (await TestAuthority.create('other')).certificate })
    await expect(ask(strict)).rejects.toBeInstanceOf(ConnectionError)
    const transport = httpsTransport({
      server: server.url,
      insecureSkipTlsVerify: true,
      clock: countingClock().clock,
    })
    expect((await ask(transport)).method).toBe('GET')
    await transport.close()
  })

  test('the certificate must carry the host, or the name given instead', async () => {
    await using server = await startHttpsServer(echo, ['hub.test'])
    await using byHost = open(server)
    await expect(ask(byHost)).rejects.toThrow(/127\.0\.0\.1/)
    await using byName = open(server, { serverName: 'hub.test' })
    expect((await ask(byName)).method).toBe('GET')
  })

  test('credentials are not sent in the clear', () => {
    const { clock } = countingClock()
    const server = 'http://127.0.0.1:8001'
    expect(() => httpsTransport({ server, token: 't', clock })).toThrow('in the clear')
    expect(() => httpsTransport({ server, clientKey: 'k', clientCertificate: 'c', clock })).toThrow('in the clear')
    expect(() => httpsTransport({ server, credentialProvider: () => Promise.resolve({}), clock })).toThrow(
      'in the clear',
    )
    expect(() => httpsTransport({ server, clock })).not.toThrow()
  })

  test.each(['', 'hub', 'ftp://hub', 'hub:6443'])('%j is not a server', (server) => {
    expect(() => httpsTransport({ server, clock: countingClock().clock })).toThrow(TypeError)
  })
})

describe('credential providers', () => {
  function tokenServer(accepted: () => string) {
    return startHttpsServer((request, response) => {
      if (request.headers.authorization === `Bearer ${accepted()}`) echo(request, response)
      else response.writeHead(401).end('{}')
    })
  }

  test('are asked again when the server says 401, and the request is sent once more', async () => {
    await using server = await tokenServer(() => 'new')
    const rejections: (Credentials | undefined)[] = []
    await using transport = open(server, {
      credentialProvider(rejected) {
        rejections.push(rejected)
        return Promise.resolve({ token: rejected === undefined ? 'old' : 'new' })
      },
    })
    expect((await ask(transport)).headers['authorization']).toBe('Bearer new')
    expect(rejections).toEqual([undefined, { token: 'old' }])
  })

  test('that have nothing better let the 401 through', async () => {
    await using server = await tokenServer(() => 'other')
    let asked = 0
    await using transport = open(server, {
      credentialProvider() {
        asked++
        return Promise.resolve({ token: 'old' })
      },
    })
    expect((await transport.request({ method: 'GET', path: '/x' })).status).toBe(401)
    expect(asked).toBe(2)
  })

  test('may renew client certificates while a watch on the old one goes on', async () => {
    await using server = await startHttpsServer((request, response) => {
      if (request.url!.includes('watch')) response.write(`${clientName(request)}\n`)
      else echo(request, response)
    })
    let current = await server.authority.client('first')
    await using transport = open(server, {
      credentialProvider: () => Promise.resolve({ clientCertificate: current.certificate, clientKey: current.key }),
    })
    const watch = await transport.request({ method: 'GET', path: '/x?watch=true' })
    const lines = watch.body[Symbol.asyncIterator]()
    expect(Buffer.from((await lines.next()).value as Uint8Array).toString()).toBe('first\n')
    current = await server.authority.client('second')
    expect((await ask(transport)).client).toBe('second')
    expect((await ask(transport)).client).toBe('second')
    const next = lines.next()
    server.cut()
    await expect(next).rejects.toBeInstanceOf(ConnectionError)
  })

  test('whose failure is the failure of the request', async () => {
    await using server = await startHttpsServer(echo)
    const { clock, counts } = countingClock()
    const broken = new Error('no credentials today')
    await using transport = open(server, { clock, credentialProvider: () => Promise.reject(broken) })
    await expect(transport.request({ method: 'GET', path: '/x' })).rejects.toBe(broken)
    expect(counts.held).toBe(0)
  })
})

describe('watches', () => {
  test('deliver each line as it comes', async () => {
    const opened = Promise.withResolvers<ServerResponse>()
    await using server = await startHttpsServer((_request, response) => {
      response.flushHeaders()
      opened.resolve(response)
    })
    await using transport = open(server)
    const events = new Client({ transport }).watch(widgets, { resourceVersion: '1' })
    for (const name of ['a', 'b', 'c']) {
      const next = events.next()
      const response = await opened.promise
      response.write(`{"type":"ADDED","object":{"metadata":{"name":"${name}"}}}\n`)
      expect((await next).value?.key).toBe(name)
    }
    const last = events.next()
    const response = await opened.promise
    response.end()
    expect((await last).done).toBe(true)
  })

  test('never keep requests waiting, however many there are', async () => {
    let watching = 0
    await using server = await startHttpsServer((request, response) => {
      if (request.url!.includes('watch=true')) {
        watching++
        response.flushHeaders()
      } else echo(request, response)
    })
    await using transport = open(server)
    await Promise.all(Array.from({ length: 60 }, () => transport.request({ method: 'GET', path: '/x?watch=true' })))
    expect(watching).toBe(60)
    const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => ask(transport, `/${index}`)))
    expect(answers.map((answer) => answer.url)).toEqual(Array.from({ length: 60 }, (_, index) => `/${index}`))
  })

  test('end when aborted, and the server sees it', async () => {
    const closed = Promise.withResolvers<void>()
    await using server = await startHttpsServer((_request, response) => {
      response.on('close', () => closed.resolve())
      response.write('{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}\n')
    })
    await using transport = open(server)
    const controller = new AbortController()
    const events = new Client({ transport }).watch(widgets, { resourceVersion: '1', signal: controller.signal })
    expect((await events.next()).value?.resourceVersion).toBe('5')
    const next = events.next()
    controller.abort()
    expect((await next).done).toBe(true)
    await closed.promise
  })

  test('that are cut off, and requests too, are connection errors that say where', async () => {
    await using server = await startHttpsServer((request, response) => {
      if (request.url === '/dies') request.socket.destroy()
      else response.write('half of a li')
    })
    await using transport = open(server)
    const { body } = await transport.request({ method: 'GET', path: '/x?watch=true' })
    const chunks = body[Symbol.asyncIterator]()
    await chunks.next()
    const next = chunks.next()
    server.cut()
    await expect(next).rejects.toBeInstanceOf(ConnectionError)
    await expect(transport.request({ method: 'GET', path: '/dies' })).rejects.toThrow(`GET ${server.url}/dies: `)
  })
})

test('closing ends watches and refuses requests', async () => {
  await using server = await startHttpsServer((_request, response) => response.flushHeaders())
  const transport = open(server)
  const { body } = await transport.request({ method: 'GET', path: '/x?watch=true' })
  const end = body[Symbol.asyncIterator]()
    .next()
    .catch((error: unknown) => error)
  await transport.close()
  expect(await end).toBeInstanceOf(ConnectionError)
  await expect(transport.request({ method: 'GET', path: '/x' })).rejects.toThrow('has been closed')
})

test('goes through a proxy, end to end encrypted', async () => {
  await using server = await startHttpsServer(echo)
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    asked.push(request.url!)
    const target = new URL(server.url)
    const upstream = connect(Number(target.port), target.hostname, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket)
      socket.pipe(upstream)
    })
    const end = () => {
      upstream.destroy()
      socket.destroy()
    }
    for (const side of [upstream, socket]) side.on('close', end).on('error', end)
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  const { certificate, key } = await server.authority.client('me')
  const transport = open(server, {
    proxyUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    clientCertificate: certificate,
    clientKey: key,
  })
  expect((await ask(transport)).client).toBe('me')
  expect(asked).toEqual([new URL(server.url).host])
  await transport.close()
  await new Promise((resolve) => {
    proxy.close(resolve)
  })
})
