import { createPublicKey } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactVerify, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WireServer } from './testing.ts'
import type { WireAnswer, WireRequest } from './testing.ts'

const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts'
const SELF = '/clusters/hub/apis/authentication.k8s.io/v1/selfsubjectreviews'
const REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews'
const self = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }

let server: WireServer

beforeEach(async () => {
  server = await WireServer.start()
  await server.ok(`/clusters/hub${ACCOUNTS}`, {
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } },
  })
})

afterEach(() => server.close())

function request(
  spec: object,
  options: WireRequest = {},
  cluster: string = 'hub',
  account: string = 'robot',
): Promise<WireAnswer> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
  return server.ask(`/clusters/${cluster}${ACCOUNTS}/${account}/token`, { token: server.token, body, ...options })
}

async function issue(spec: object = {}): Promise<string> {
  const answer = await request(spec)
  expect(answer.code).toBe(201)
  return answer.json().status!['token'] as string
}

const whoami = (token: string): Promise<WireAnswer> => server.ask(SELF, { token, body: self })

function review(
  token: string,
  audiences?: readonly string[],
  cluster: string = 'hub',
): Promise<Record<string, unknown>> {
  const spec = { token, ...(audiences === undefined ? {} : { audiences }) }
  return server
    .ok(`/clusters/${cluster}${REVIEWS}`, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec },
    })
    .then(({ status }) => status!)
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

const issuer = 'https://kubernetes.default.svc/clusters/hub'

describe('a token', () => {
  test('is its service account', async () => {
    const answer = (await request({ expirationSeconds: 600 })).json()
    const expirationTimestamp = new Date(server.clock.now() + 600_000).toISOString().replace('.000Z', 'Z')
    expect(answer).toMatchObject({
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name: 'robot', namespace: 'default' },
      spec: { audiences: [issuer], expirationSeconds: 600 },
      status: { expirationTimestamp },
    })
    const account = await server.ok(`/clusters/hub${ACCOUNTS}/robot`)
    const { uid } = account['metadata'] as { uid: string }
    const token = answer.status!['token'] as string
    const now = server.clock.now() / 1000
    expect(claimsOf(token)).toEqual({
      iss: issuer,
      sub: 'system:serviceaccount:default:robot',
      aud: [issuer],
      exp: now + 600,
      iat: now,
      nbf: now,
      jti: expect.any(String),
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid } },
    })
    const user = (await whoami(token)).json().status!['userInfo']
    expect(user).toEqual({
      username: 'system:serviceaccount:default:robot',
      uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claimsOf(token)['jti'] as string}`] },
    })
    expect(await review(token)).toEqual({ authenticated: true, user, audiences: [issuer] })
  })

  test('lasts as long as it says, by the clock of the server', async () => {
    const token = await issue({ expirationSeconds: 600 })
    await server.clock.advance(599_000)
    expect((await whoami(token)).code).toBe(201)
    await server.clock.advance(1000)
    expect((await whoami(token)).code).toBe(401)
    expect(await review(token)).toEqual({ user: {}, error: 'invalid bearer token' })
  })

  test('ends with its service account, also when another one takes the name', async () => {
    const token = await issue()
    expect((await whoami(token)).code).toBe(201)
    await server.ok(`/clusters/hub${ACCOUNTS}/robot`, { method: 'DELETE' })
    expect((await whoami(token)).code).toBe(401)
    await server.ok(`/clusters/hub${ACCOUNTS}`, {
      body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } },
    })
    expect((await whoami(token)).code).toBe(401)
  })

  test('ends with the object it is bound to', async () => {
    const path = '/clusters/hub/api/v1/namespaces/default/secrets'
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }
    const { metadata } = (await server.ok(path, { body: secret })) as unknown as { metadata: { uid: string } }
    const reference = { apiVersion: 'v1', kind: 'Secret', name: 's' }
    const token = await issue({ boundObjectRef: { ...reference, uid: metadata.uid } })
    expect(claimsOf(token)['kubernetes.io']).toMatchObject({ secret: { name: 's', uid: metadata.uid } })
    expect((await whoami(token)).code).toBe(201)
    expect((await request({ boundObjectRef: { ...reference, uid: 'another' } })).code).toBe(409)
    expect((await request({ boundObjectRef: { ...reference, name: 'none' } })).code).toBe(404)
    expect((await request({ boundObjectRef: { ...reference, kind: 'ConfigMap' } })).code).toBe(400)
    await server.ok(`${path}/s`, { method: 'DELETE' })
    expect((await whoami(token)).code).toBe(401)
  })

  test('is for the audience it was asked for', async () => {
    const token = await issue({ audiences: ['vault', 'builds'] })
    expect((await whoami(token)).code).toBe(401)
    expect(await review(token, ['builds', 'else'])).toMatchObject({ authenticated: true, audiences: ['builds'] })
    expect(await review(token)).toEqual({
      user: {},
      error: `token audiences ["vault" "builds"] is invalid for the target audiences ["${issuer}"]`,
    })
    // Tokens of people are for the server itself.
    expect(await review(server.token)).toMatchObject({ authenticated: true, audiences: [issuer] })
    expect((await review(server.token, ['vault']))['authenticated']).toBeUndefined()
  })

  test.each([[{ expirationSeconds: 599 }], [{ expirationSeconds: 2 ** 32 + 1 }], [{ expirationSeconds: 'long' }]])(
    'cannot be asked for with %j',
    async (spec) => {
      const answer = await request(spec)
      expect([answer.code, answer.json().message]).toEqual([422, expect.stringContaining('spec.expirationSeconds')])
    },
  )

  test('takes a right of its own, and a service account', async () => {
    const bob = { name: 'bob', groups: [] }
    const refused = await request({}, { token: server.server.issueToken(bob) })
    expect([refused.code, refused.json().message]).toEqual([
      403,
      expect.stringContaining('cannot create resource "serviceaccounts/token"'),
    ])
    expect((await request({}, {}, 'hub', 'none')).code).toBe(404)
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await server.ask(`/clusters/hub${ACCOUNTS}/robot/token`, { token: server.token, method })
      expect(answer.code).toBe(405)
    }
    const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } }
    expect((await request({}, { body })).code).toBe(400)
  })
})

describe('nobody gets in with', () => {
  test('the token of another cluster of this server', async () => {
    const made = await request({}, {}, 'other', 'default')
    const token = made.json().status!['token'] as string
    expect((await server.ask(SELF.replace('hub', 'other'), { token, body: self })).code).toBe(201)
    expect((await whoami(token)).code).toBe(401)
    expect(await review(token)).toMatchObject({ error: 'invalid bearer token' })
  })

  test('the token of another server, even one that looks the same in all else', async () => {
    const twin = await WireServer.start()
    try {
      const path = `/clusters/hub${ACCOUNTS}/default/token`
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
      const [own, foreign] = await Promise.all([server, twin].map((one) => one.ok(path, { body })))
      const { jti: _own, ...expected } = claimsOf(own!.status!['token'] as string)
      const { jti: _foreign, ...claims } = claimsOf(foreign!.status!['token'] as string)
      expect(claims).toEqual(expected)
      expect((await whoami(foreign!.status!['token'] as string)).code).toBe(401)
    } finally {
      await twin.close()
    }
  })

  test('a payload, a header or a signature of one’s own', async () => {
    const token = await issue()
    const [header = '', payload = '', signature = ''] = token.split('.')
    const admin = { ...claimsOf(token), sub: 'system:serviceaccount:kube-system:admin' }
    const known = JSON.parse(Buffer.from(header, 'base64url').toString()) as object
    const keys = (await server.ok('/clusters/hub/openid/v1/jwks'))['keys'] as object[]
    const key = createPublicKey({ key: keys[0] as never, format: 'jwk' })
    const pem = key.export({ type: 'spki', format: 'pem' })
    for (const forged of [
      `${header}.${encode(admin)}.${signature}`,
      `${encode({ alg: 'none' })}.${payload}.`,
      `${encode({ ...known, alg: 'none' })}.${payload}.${signature}`,
      `${encode({ ...known, alg: 'None' })}.${encode(admin)}.`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -2)}AA`,
      // The public key as if it were a shared secret.
      await new SignJWT(claimsOf(token)).setProtectedHeader({ ...known, alg: 'HS256' }).sign(Buffer.from(pem)),
    ]) {
      expect((await whoami(forged)).code).toBe(401)
    }
    expect((await whoami(token)).code).toBe(201)
  })

  test.each([
    'Bearer',
    'Bearer ',
    'Basic YWRtaW46YWRtaW4=',
    'Bearer a b',
    'Token abc',
    'Bearer ..',
    'Bearer a.b.c',
    `Bearer ${'x'.repeat(20_000)}`,
    `Bearer ${'x.y.'.repeat(2_000)}`,
  ])('the header %s', async (authorization) => {
    const answer = await server.ask(SELF, { headers: { authorization }, body: self })
    // What is too long for a header at all is refused before.
    expect([401, 431]).toContain(answer.code)
  })
})

test('others can check tokens by themselves', async () => {
  const token = await issue()
  const configuration = await server.ok('/clusters/hub/.well-known/openid-configuration')
  expect(configuration).toEqual({
    issuer,
    jwks_uri: `${server.address.url}/clusters/hub/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  })
  const keys = await server.ask('/clusters/hub/openid/v1/jwks', { token })
  expect([keys.code, keys.headers['content-type']]).toEqual([200, 'application/jwk-set+json'])
  const [key] = keys.json()['keys'] as (Record<string, string> & { kid: string })[]
  expect(key).toMatchObject({ use: 'sig', kty: 'EC', alg: 'ES256' })
  expect(key).not.toHaveProperty('d')
  const { protectedHeader } = await compactVerify(token, createPublicKey({ key: key as never, format: 'jwk' }))
  expect(protectedHeader.kid).toBe(key!.kid)
  expect(
    (await server.ask('/clusters/hub/openid/v1/jwks', { token: server.server.issueToken({ name: 'bob', groups: [] }) }))
      .code,
  ).toBe(403)
})

test('tokens outlive a restart; the key is for the owner only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tokens-'))
  const { clock } = server
  await server.close()
  try {
    server = await WireServer.start({ dataDirectory: directory, clock })
    const answer = await request({}, {}, 'hub', 'default')
    const token = answer.json().status!['token'] as string
    await server.close()
    server = await WireServer.start({ dataDirectory: directory, clock })
    expect((await whoami(token)).code).toBe(201)
    expect((await stat(join(directory, 'pki', 'service-accounts.key'))).mode & 0o077).toBe(0)
  } finally {
    await server.close()
    await rm(directory, { recursive: true })
  }
})
