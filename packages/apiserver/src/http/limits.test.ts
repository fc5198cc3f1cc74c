import { connect as connectHttp2 } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { systemClock } from '@locktender/kube'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CertificateAuthority } from '../auth/certificates.ts'
import { timeLimits } from './limits.ts'
import { Listener } from './listener.ts'
import type { IncomingRequest } from './listener.ts'
import { jsonReply, textReply } from './reply.ts'
import type { Reply } from './reply.ts'

const SHORT = { ...timeLimits, headersMs: 150, requestMs: 300, idleMs: 200 }
const LARGE = Buffer.from(JSON.stringify({ text: 'a'.repeat(200 * 1024) }))

let listener: Listener
let certificateAuthority: string
let url: string
/** Requests that were aborted before they were answered. */
let aborted = 0

async function handle({ path, readBody, signal }: IncomingRequest): Promise<Reply> {
  signal.addEventListener('abort', () => aborted++)
  switch (path) {
    case '/large':
      return jsonReply(200, LARGE)
    case '/refused':
      return textReply(401, 'no')
    case '/never':
      return new Promise<Reply>(() => {})
    default:
      return textReply(200, `read ${(await readBody()).length}`)
  }
}

beforeAll(async () => {
  const { certificateAuthority: authority, ...identity } = await new CertificateAuthority({
    directory: undefined,
    clock: systemClock(),
  }).serverIdentity()
  certificateAuthority = authority
  const options = { host: '127.0.0.1', port: 0, identity, certificateAuthority, limits: SHORT }
  listener = await Listener.open({ ...options, handle })
  url = `https://127.0.0.1:${listener.port}`
})

afterAll(() => listener.close())

/** A connection of HTTP/1.1 to write anything to, with all that is answered until its end. */
function raw(): { readonly socket: TLSSocket; readonly answer: Promise<string> } {
  const socket = connect({
    host: '127.0.0.1',
    port: listener.port,
    ca: certificateAuthority,
    ALPNProtocols: ['http/1.1'],
  })
  const answer = new Promise<string>((resolve) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
  return { socket, answer }
}

interface Answer {
  readonly code: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

function ask(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(`${url}${path}`, { ca: certificateAuthority, agent: false, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({ code: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.on('error', reject)
    request.end()
  })
}

async function withSession<T>(use: (session: ClientHttp2Session) => Promise<T>): Promise<T> {
  const session = connectHttp2(url, { ca: certificateAuthority })
  session.on('error', () => {})
  try {
    return await use(session)
  } finally {
    session.destroy()
  }
}

describe('slow clients', () => {
  test.each([
    ['headers', 'POST / HTTP/1.1\r\nHost: a\r\n', /^HTTP\/1.1 408 /],
    ['nothing', '', /^(HTTP\/1.1 408 |$)/],
    [
      'a body',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123',
      /^HTTP\/1.1 (504|408) .*"reason":"Timeout"/s,
    ],
  ])('that do not finish %s lose their connection over HTTP/1.1', async (_what, text, expected) => {
    const { socket, answer } = raw()
    socket.write(text)
    expect(await answer).toMatch(expected)
  })

  test('that do not finish a body are told over HTTP/2, and others on the connection go on', async () => {
    await withSession(async (session) => {
      const stream = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
      stream.on('error', () => {})
      stream.write('123')
      const { promise, resolve } = Promise.withResolvers<number | undefined>()
      stream.on('response', (headers) => resolve(headers[':status']))
      stream.resume()
      expect(await promise).toBe(504)
      const other = session.request({ ':path': '/' })
      other.resume()
      expect(await new Promise((done) => other.on('response', (headers) => done(headers[':status'])))).toBe(200)
    })
  })

  test('cannot keep a stream open that has been answered', async () => {
    await withSession(async (session) => {
      const stream = session.request({ ':path': '/refused', ':method': 'POST' }, { endStream: false })
      stream.write('123')
      const codes: unknown[] = []
      stream.on('response', (headers) => codes.push(headers[':status']))
      stream.on('error', (error) => codes.push(error))
      stream.resume()
      await new Promise((resolve) => stream.on('close', resolve))
      expect(codes).toEqual([401])
    })
  })

  test('that ask for nothing lose their HTTP/2 connection, though they keep it busy', async () => {
    const ended = (session: ClientHttp2Session): Promise<boolean> =>
      new Promise((resolve) => session.on('close', () => resolve(session.destroyed)))
    await withSession(async (session) => {
      await new Promise((resolve) => session.on('connect', resolve))
      const ping = (): void => {
        if (!session.destroyed) session.ping(() => ping())
      }
      ping()
      expect(await ended(session)).toBe(true)
    })
    await withSession(async (session) => {
      session.request({ ':path': '/' }).resume()
      expect(await ended(session)).toBe(true)
    })
  })
})

test('what takes too long is answered without its result, and given up', async () => {
  const before = aborted
  const { code, headers, body } = await ask('/never')
  expect([code, headers['retry-after']]).toEqual([504, undefined])
  expect(JSON.parse(body.toString())).toMatchObject({
    kind: 'Status',
    reason: 'Timeout',
    message: 'Timeout: request did not complete within the allotted timeout',
  })
  expect(aborted).toBe(before + 1)
})

test('connections are used again after an answer', async () => {
  const { socket, answer } = raw()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect((await answer).match(/HTTP\/1.1 200 /g)).toHaveLength(2)
})

describe('what is too large', () => {
  test('is refused among headers', async () => {
    const { socket, answer } = raw()
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)
    // The connection may break before the answer has been read, as the rest of the headers is still under way.
    expect(await answer).toMatch(/^(HTTP\/1.1 431 .*"code":431|$)/s)
    await withSession(async (session) => {
      const stream = session.request({ ':path': '/', x: 'x'.repeat(100_000) })
      await expect(
        new Promise((resolve, reject) =>
          stream.on('error', reject).on('response', (found) => resolve(found[':status'])),
        ),
      ).rejects.toThrow(/stream|closed/i)
    })
  })

  test.each([`${3 * 1024 * 1024 + 1}`, undefined])(
    'is refused as a body, with its length announced as %s',
    async (length) => {
      await withSession(async (session) => {
        const stream = session.request({
          ':path': '/',
          ':method': 'POST',
          ...(length === undefined ? {} : { 'content-length': length }),
        })
        stream.on('error', () => {})
        stream.end(Buffer.alloc(3 * 1024 * 1024 + 1))
        expect(await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))).toBe(
          413,
        )
      })
    },
  )

  test('is made smaller as an answer, for who can read that', async () => {
    const plain = await ask('/large')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.body).toEqual(LARGE)
    for (const [encoding, expected] of [
      ['gzip', true],
      ['deflate, gzip;q=0.5', true],
      ['gzip;q=0', false],
      ['gzip;q=0.0, br', false],
      ['br', false],
    ] as const) {
      const { headers, body } = await ask('/large', { 'accept-encoding': encoding })
      expect(headers['content-encoding'] === 'gzip').toBe(expected)
      expect(expected ? gunzipSync(body) : body).toEqual(LARGE)
      expect(headers['content-length']).toBe(String(body.length))
    }
    expect((await ask('/', { 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined()
  })
})

test('what is no request at all is answered with a Status', async () => {
  const { socket, answer } = raw()
  socket.write('nonsense\r\n\r\n')
  const text = await answer
  expect(text).toMatch(/^HTTP\/1.1 400 /)
  expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ kind: 'Status', code: 400 })
})

test('every answer has a number, the client’s own if it has one', async () => {
  const given = '5f0e0b1c-0000-4000-8000-000000000001'
  expect((await ask('/', { 'audit-id': given })).headers['audit-id']).toBe(given)
  const made = (await ask('/', { 'audit-id': 'not fit for a header <' })).headers['audit-id']
  expect(made).toMatch(/^[0-9a-f-]{36}$/)
  expect((await ask('/')).headers['audit-id']).not.toBe(made)
})

test('hundreds of requests may be open on one connection', async () => {
  await withSession(async (session) => {
    await new Promise((resolve) => session.on('remoteSettings', resolve))
    expect(session.remoteSettings.maxConcurrentStreams).toBeGreaterThanOrEqual(250)
    const codes = await Promise.all(
      Array.from({ length: 300 }, () => {
        const stream = session.request({ ':path': '/' })
        stream.resume()
        return new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
      }),
    )
    expect(new Set(codes)).toEqual(new Set([200]))
  })
})
