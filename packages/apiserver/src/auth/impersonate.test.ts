import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WireServer } from './testing.ts'
import type { WireAnswer } from './testing.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'
const BASE = '/clusters/hub'
const SELF = `${BASE}/apis/authentication.k8s.io/v1/selfsubjectreviews`

let server: WireServer
let bob: string

beforeAll(async () => {
  server = await WireServer.start({ anonymous: true })
  bob = server.server.issueToken({ name: 'bob', groups: [] })
  const rules = [
    { apiGroups: [''], resources: ['users'], resourceNames: ['carol'], verbs: ['impersonate'] },
    { apiGroups: [''], resources: ['groups'], resourceNames: ['ops', 'a, b'], verbs: ['impersonate'] },
    { apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['robot'], verbs: ['impersonate'] },
    { apiGroups: ['authentication.k8s.io'], resources: ['uids'], resourceNames: ['u1'], verbs: ['impersonate'] },
    {
      apiGroups: ['authentication.k8s.io'],
      resources: ['userextras/scopes'],
      resourceNames: ['view'],
      verbs: ['impersonate'],
    },
  ]
  const metadata = { name: 'impersonators' }
  const roleRef = { kind: 'ClusterRole', name: metadata.name }
  const subjects = [{ kind: 'User', name: 'bob' }]
  const path = `${BASE}/apis/${apiVersion}`
  await server.ok(`${path}/clusterroles`, { body: { apiVersion, kind: 'ClusterRole', metadata, rules } })
  await server.ok(`${path}/clusterrolebindings`, {
    body: { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  })
})

afterAll(() => server.close())

function as(headers: Record<string, string | string[]>, token: string = bob): Promise<WireAnswer> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
  return server.ask(SELF, { token, headers, body })
}

async function user(headers: Record<string, string | string[]>, token: string = bob): Promise<unknown> {
  const answer = await as(headers, token)
  expect(answer.code).toBe(201)
  return answer.json().status!['userInfo']
}

describe('who may impersonate', () => {
  test('becomes the user, with groups, uid and extra fields as they were asked for', async () => {
    expect(await user({ 'Impersonate-User': 'carol' })).toEqual({ username: 'carol', groups: ['system:authenticated'] })
    expect(
      await user({
        'Impersonate-User': 'carol',
        'Impersonate-Group': ['ops', 'a, b'],
        'Impersonate-Uid': 'u1',
        'Impersonate-Extra-Scopes': 'view',
      }),
    ).toEqual({
      username: 'carol',
      uid: 'u1',
      groups: ['ops', 'a, b', 'system:authenticated'],
      extra: { scopes: ['view'] },
    })
  })

  test('can do so over HTTP/2 as well', async () => {
    const answer = await server.askHttp2(`${BASE}/api/v1/nodes`, {
      authorization: `Bearer ${server.token}`,
      'impersonate-user': 'carol',
      'impersonate-group': ['ops', 'a, b'],
    })
    expect([answer.code, answer.json().message]).toEqual([403, expect.stringContaining('User "carol" cannot list')])
  })

  test('becomes a service account with its groups, unless others were asked for', async () => {
    const name = 'system:serviceaccount:default:robot'
    expect(await user({ 'Impersonate-User': name })).toEqual({
      username: name,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    })
    expect(await user({ 'Impersonate-User': name, 'Impersonate-Group': 'ops' })).toMatchObject({
      groups: ['ops', 'system:authenticated'],
    })
  })

  test('becomes nobody, who is not authenticated', async () => {
    const answer = await as({ 'Impersonate-User': 'system:anonymous' }, server.token)
    expect([answer.code, answer.json().message]).toEqual([
      403,
      expect.stringContaining('User "system:anonymous" cannot create resource "selfsubjectreviews"'),
    ])
  })

  test('has the rights of the one it became, and no others', async () => {
    const answer = await server.ask(`${BASE}/api/v1/secrets`, {
      token: server.token,
      headers: { 'Impersonate-User': 'carol' },
    })
    expect([answer.code, answer.json().message]).toEqual([403, expect.stringContaining('User "carol" cannot list')])
    const masters = { 'Impersonate-User': 'carol', 'Impersonate-Group': 'system:masters' }
    const allowed = await server.ask(`${BASE}/api/v1/secrets`, { token: server.token, headers: masters })
    expect(allowed.code).toBe(200)
  })
})

describe('nobody becomes more than he may', () => {
  test.each([
    [
      { 'Impersonate-User': 'admin' },
      'users "admin" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      { 'Impersonate-User': 'carol', 'Impersonate-Group': ['ops', 'system:masters'] },
      'groups "system:masters" is forbidden',
    ],
    [
      { 'Impersonate-User': 'carol', 'Impersonate-Group': 'ops, system:masters' },
      'groups "ops, system:masters" is forbidden',
    ],
    [{ 'Impersonate-User': 'carol', 'Impersonate-Uid': 'u2' }, 'uids.authentication.k8s.io "u2" is forbidden'],
    [
      { 'Impersonate-User': 'carol', 'Impersonate-Extra-Scopes': ['view', 'edit'] },
      'userextras.authentication.k8s.io "edit" is forbidden: User "bob" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io"',
    ],
    [
      { 'Impersonate-User': 'carol', 'Impersonate-Extra-Other': 'view' },
      'cannot impersonate resource "userextras/other"',
    ],
    [
      { 'Impersonate-User': 'carol', 'Impersonate-Extra-Sco%70es%2Fx': 'view' },
      'cannot impersonate resource "userextras/scopes/x"',
    ],
    [
      { 'Impersonate-User': 'system:serviceaccount:kube-system:robot2' },
      'serviceaccounts "robot2" is forbidden: User "bob" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "kube-system"',
    ],
    [{ 'Impersonate-User': 'system:serviceaccount:a:b:robot' }, 'users "system:serviceaccount:a:b:robot" is forbidden'],
    [
      { 'Impersonate-User': ['carol', 'admin'], 'Impersonate-Group': 'system:masters' },
      'groups "system:masters" is forbidden',
    ],
  ] as [Record<string, string | string[]>, string][])('with %j', async (headers, message) => {
    const answer = await as(headers)
    expect([answer.code, answer.json().message]).toEqual([403, expect.stringContaining(message)])
  })

  test.each([
    [{ 'Impersonate-Group': 'system:masters' }, 'requested [{Group  system:masters    }] without impersonating a user'],
    [{ 'Impersonate-User': '', 'Impersonate-Group': 'ops' }, 'without impersonating a user'],
    [{ 'Impersonate-Uid': 'u1' }, 'without impersonating a user'],
    [{ 'Impersonate-Extra-Scopes': 'view' }, 'without impersonating a user'],
  ] as [Record<string, string>, string][])('by leaving out the user: %j', async (headers, message) => {
    for (const token of [bob, server.token]) {
      const answer = await as(headers, token)
      expect([answer.code, answer.json().message]).toEqual([400, expect.stringContaining(message)])
    }
  })

  test('without saying who he is', async () => {
    const answer = await server.ask(`${BASE}/apis`, { headers: { 'Impersonate-User': 'carol' } })
    expect([answer.code, answer.json().message]).toEqual([
      403,
      expect.stringContaining('User "system:anonymous" cannot impersonate'),
    ])
  })
})

test('a transport without sockets impersonates in the same way', async () => {
  const transport = server.server.transport({ cluster: 'hub', user: { name: 'bob', groups: [] } })
  const statusFor = async (name: string): Promise<number> =>
    (await transport.request({ method: 'GET', path: '/api', headers: { 'impersonate-user': name } })).status
  expect([await statusFor('carol'), await statusFor('admin')]).toEqual([200, 403])
})

describe('a server that lets nobody in by default, and by its option', () => {
  test('goes by roles for who says nothing', async () => {
    const answer = await server.ask(`${BASE}/api/v1/nodes`)
    expect([answer.code, answer.json().message]).toEqual([
      403,
      expect.stringContaining('User "system:anonymous" cannot list resource "nodes"'),
    ])
    expect((await server.ask(`${BASE}/healthz`)).code).toBe(200)
    // Wrong credentials are not none.
    expect((await server.ask(`${BASE}/healthz`, { token: 'wrong' })).code).toBe(401)
    const closed = await WireServer.start()
    try {
      expect((await closed.ask(`${BASE}/api/v1/nodes`)).code).toBe(401)
      expect((await closed.ask(`${BASE}/healthz`)).code).toBe(200)
    } finally {
      await closed.close()
    }
  })
})
