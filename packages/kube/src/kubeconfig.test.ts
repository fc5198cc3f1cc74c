import { describe, expect, test } from 'vitest'
import { KubeconfigError, mergeKubeconfigs, resolveContext } from './kubeconfig.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const first = {
  path: '/home/a/config',
  text: `
apiVersion: v1
kind: Config
current-context: hub
clusters:
- name: hub
  cluster:
    server: https://hub:6443
    certificate-authority: pki/ca.crt
    tls-server-name: kubernetes
- name: shared
  cluster: {server: https://first, certificate-authority-data: ${base64('CA')}, certificate-authority: ignored.crt}
users:
- name: admin
  user: {client-certificate-data: ${base64('CERT')}, client-key-data: ${base64('KEY')}}
contexts:
- name: hub
  context: {cluster: hub, user: admin, namespace: fleet}
`,
}
const second = {
  path: '/home/b/config',
  text: `
current-context: other
clusters:
- name: shared
  cluster: {server: https://second}
users:
- name: token
  user: {token: abc}
- name: file
  user: {tokenFile: tokens/me, token: fallback}
- name: plugin
  user:
    as: boss
    as-groups: [admins]
    as-uid: "7"
    as-user-extra: {scopes: [a, b]}
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./bin/login
      args: [--port, 80]
      env: [{name: A, value: b}]
      interactiveMode: Never
      provideClusterInfo: true
      installHint: get it
contexts:
- {name: other, context: {cluster: shared, user: token}}
- {name: file, context: {cluster: shared, user: file}}
- {name: plugin, context: {cluster: shared, user: plugin}}
- {name: nobody, context: {cluster: shared}}
- {name: lost-cluster, context: {cluster: gone, user: token}}
- {name: lost-user, context: {cluster: shared, user: gone}}
`,
}
const merged = mergeKubeconfigs([first, { path: '/home/empty', text: '' }, second])

describe('merging and resolving', () => {
  test('the first file decides about the current context; relative files belong to their file', () => {
    expect(resolveContext(merged)).toEqual({
      context: 'hub',
      namespace: 'fleet',
      server: 'https://hub:6443',
      certificateAuthority: { file: '/home/a/pki/ca.crt' },
      serverName: 'kubernetes',
      insecureSkipTlsVerify: false,
      clientCertificate: { data: 'CERT' },
      clientKey: { data: 'KEY' },
    })
  })

  test('entries of later files are there, and do not replace earlier ones; data goes before files', () => {
    expect(resolveContext(merged, 'other')).toEqual({
      context: 'other',
      namespace: 'default',
      server: 'https://first',
      certificateAuthority: { data: 'CA' },
      insecureSkipTlsVerify: false,
      token: 'abc',
    })
    expect(mergeKubeconfigs([second, first]).currentContext).toBe('other')
    expect(resolveContext(mergeKubeconfigs([second, first])).server).toBe('https://second')
  })

  test('token files, plugins and impersonation', () => {
    expect(resolveContext(merged, 'file')).toMatchObject({ tokenFile: '/home/b/tokens/me', token: 'fallback' })
    expect(resolveContext(merged, 'plugin')).toMatchObject({
      impersonate: { user: 'boss', uid: '7', groups: ['admins'], extra: { scopes: ['a', 'b'] } },
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: '/home/b/bin/login',
        args: ['--port', '80'],
        env: { A: 'b' },
        interactiveMode: 'Never',
        provideClusterInfo: true,
        installHint: 'get it',
      },
    })
  })

  test('a context without a user is anonymous', () => {
    expect(resolveContext(merged, 'nobody')).not.toHaveProperty('token')
  })

  test.each([
    ['gone', 'context "gone" does not exist; known contexts: hub, other, file, plugin'],
    ['lost-cluster', 'refers to cluster "gone", which does not exist'],
    ['lost-user', 'refers to user "gone", which does not exist'],
  ])('context %s is refused', (name, message) => {
    expect(() => resolveContext(merged, name)).toThrow(message)
    expect(() => resolveContext(merged, name)).toThrow(KubeconfigError)
  })

  test('without a current context one must be named', () => {
    const none = mergeKubeconfigs([{ path: '/c', text: first.text.replace('current-context: hub', '') }])
    expect(() => resolveContext(none)).toThrow('no context is chosen; name one of: hub')
    expect(() => resolveContext(mergeKubeconfigs([]))).toThrow('none exists')
  })
})

function withUser(user: string, cluster = '{server: https://x}'): string {
  return `
current-context: c
clusters: [{name: c, cluster: ${cluster}}]
users: [{name: u, user: ${user}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
`
}

test.each([
  ['no YAML', 'a: [', 'is not YAML'],
  ['a list', '[]', 'must be a mapping'],
  ['clusters that are no list', 'clusters: {}', 'clusters must be a list'],
  ['an entry that is no mapping', 'users: [5]', 'users[0] must be a mapping'],
  ['an entry twice', 'users: [{name: u}, {name: u}]', 'user "u" in /c is there twice'],
  ['a cluster without server', withUser('{}', '{}'), 'has no server'],
  [
    'verification both ways',
    withUser('{}', '{server: https://x, insecure-skip-tls-verify: true, certificate-authority: a}'),
    'remove one',
  ],
  ['a certificate without key', withUser('{client-certificate: a}'), 'needs both'],
  ['a password', withUser('{username: a, password: b}'), 'use a token'],
  ['an auth provider', withUser('{auth-provider: {name: gcp}}'), 'use an exec plugin'],
  ['groups of nobody', withUser('{as-groups: [a]}'), 'set "as" too'],
  ['a token that is a number', withUser('{token: 5}'), 'token must be a string'],
  [
    'an old plugin',
    withUser('{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}}'),
    'exec.apiVersion',
  ],
  [
    'a plugin without command',
    withUser('{exec: {apiVersion: client.authentication.k8s.io/v1beta1}}'),
    'exec.command is missing',
  ],
  [
    'a v1 plugin without mode',
    withUser('{exec: {apiVersion: client.authentication.k8s.io/v1, command: a}}'),
    'interactiveMode',
  ],
])('refuses %s', (_name, text, message) => {
  const use = () => resolveContext(mergeKubeconfigs([{ path: '/c', text }]))
  expect(use).toThrow(KubeconfigError)
  expect(use).toThrow(message)
})

test('a v1beta1 plugin may leave out the mode; bare commands stay bare; the cluster may carry configuration for it', () => {
  const text = withUser(
    '{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: login}}',
    '{server: https://x, extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: y}}]}',
  )
  expect(resolveContext(mergeKubeconfigs([{ path: '/c', text }]))).toMatchObject({
    exec: { command: 'login', interactiveMode: 'IfAvailable', args: [], env: {}, provideClusterInfo: false },
    execClusterConfig: { audience: 'y' },
  })
})
