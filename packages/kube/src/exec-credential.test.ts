import { describe, expect, test } from 'vitest'
import { execCredentialProvider } from './exec-credential.ts'
import type { ExecCredentialOptions, RunCommand } from './exec-credential.ts'
import { KubeconfigError } from './kubeconfig.ts'
import type { ExecPlugin } from './kubeconfig.ts'
import { VirtualClock } from './virtual-clock.ts'

const API = 'client.authentication.k8s.io/v1'
const plugin: ExecPlugin = {
  apiVersion: API,
  command: 'login',
  args: ['--cluster', 'hub'],
  env: { REGION: 'eu' },
  provideClusterInfo: false,
  interactiveMode: 'IfAvailable',
}

function answer(status: object, apiVersion = API): string {
  return JSON.stringify({ kind: 'ExecCredential', apiVersion, status })
}

function setup(outputs: readonly (string | Error)[], changes: Partial<ExecCredentialOptions> = {}) {
  const calls: Parameters<RunCommand>[0][] = []
  const clock = new VirtualClock(Date.UTC(2026, 0, 1))
  const provider = execCredentialProvider({
    plugin,
    cluster: { server: 'https://hub', insecureSkipTlsVerify: false },
    terminal: false,
    clock,
    run(command) {
      calls.push(command)
      const output = outputs[Math.min(calls.length, outputs.length) - 1]!
      return output instanceof Error ? Promise.reject(output) : Promise.resolve(output)
    },
    ...changes,
  })
  return { provider, calls, clock }
}

describe('execCredentialProvider', () => {
  test('runs the plugin with its arguments and environment, and remembers the answer', async () => {
    const { provider, calls, clock } = setup([answer({ token: 't1' })])
    expect(await provider()).toEqual({ token: 't1' })
    await clock.advance(365 * 24 * 3600 * 1000)
    await provider()
    expect(calls).toHaveLength(1)
    const { env, ...rest } = calls[0]!
    expect(rest).toEqual({ command: 'login', args: ['--cluster', 'hub'], interactive: false })
    expect(env['REGION']).toBe('eu')
    expect(JSON.parse(env['KUBERNETES_EXEC_INFO']!)).toEqual({
      kind: 'ExecCredential',
      apiVersion: API,
      spec: { interactive: false },
    })
  })

  test('asks again when the answer has expired', async () => {
    const { provider, calls, clock } = setup([
      answer({ token: 't1', expirationTimestamp: '2026-01-01T00:10:00Z' }),
      answer({ token: 't2', expirationTimestamp: '2026-01-01T00:20:00Z' }),
    ])
    await provider()
    await clock.advance(599_999)
    expect(await provider()).toEqual({ token: 't1' })
    await clock.advance(1)
    expect(await provider()).toEqual({ token: 't2' })
    expect(calls).toHaveLength(2)
  })

  test('many requests at once share one run, also when all are rejected with the same credentials', async () => {
    const { provider, calls } = setup([answer({ token: 't1' }), answer({ token: 't2' })])
    const first = await Promise.all([provider(), provider(), provider()])
    expect(first).toEqual([{ token: 't1' }, { token: 't1' }, { token: 't1' }])
    const second = await Promise.all(first.map((rejected) => provider({ ...rejected })))
    expect(second).toEqual([{ token: 't2' }, { token: 't2' }, { token: 't2' }])
    // Rejected late, with what has been replaced already.
    expect(await provider({ token: 't1' })).toEqual({ token: 't2' })
    expect(calls).toHaveLength(2)
  })

  test('a failed run is not remembered', async () => {
    const { provider } = setup([new Error('no network'), answer({ token: 't1' })])
    await expect(provider()).rejects.toThrow('the credential plugin login failed: no network')
    expect(await provider()).toEqual({ token: 't1' })
  })

  test('client certificates come through', async () => {
    const { provider } = setup([answer({ clientCertificateData: 'CERT', clientKeyData: 'KEY' })])
    expect(await provider()).toEqual({ clientCertificate: 'CERT', clientKey: 'KEY' })
  })

  test('tells the plugin about the cluster when it asks for it', async () => {
    const { provider, calls } = setup([answer({ token: 't' })], {
      plugin: { ...plugin, provideClusterInfo: true },
      cluster: {
        server: 'https://hub',
        certificateAuthority: 'PEM',
        serverName: 'hub.example',
        insecureSkipTlsVerify: false,
        proxyUrl: 'http://proxy',
        config: { audience: 'x' },
      },
    })
    await provider()
    expect(JSON.parse(calls[0]!.env['KUBERNETES_EXEC_INFO']!)).toMatchObject({
      spec: {
        cluster: {
          server: 'https://hub',
          'certificate-authority-data': Buffer.from('PEM').toString('base64'),
          'tls-server-name': 'hub.example',
          'proxy-url': 'http://proxy',
          config: { audience: 'x' },
        },
      },
    })
  })

  test.each([
    ['Never', true, false],
    ['IfAvailable', true, true],
    ['IfAvailable', false, false],
    ['Always', true, true],
  ] as const)('mode %s with a terminal %s: interactive %s', async (interactiveMode, terminal, interactive) => {
    const { provider, calls } = setup([answer({ token: 't' })], { plugin: { ...plugin, interactiveMode }, terminal })
    await provider()
    expect(calls[0]!.interactive).toBe(interactive)
  })

  test('mode Always without a terminal is refused without running anything', async () => {
    const { provider, calls } = setup([answer({ token: 't' })], { plugin: { ...plugin, interactiveMode: 'Always' } })
    await expect(provider()).rejects.toThrow('needs a terminal')
    expect(calls).toEqual([])
  })

  test('the hint how to install it is part of a failure', async () => {
    const { provider } = setup([new Error('ENOENT')], { plugin: { ...plugin, installHint: 'see the handbook' } })
    await expect(provider()).rejects.toThrow(/ENOENT\nsee the handbook$/)
  })

  test.each([
    ['no JSON', 'secret-token'],
    ['another kind', JSON.stringify({ kind: 'Token', apiVersion: API, status: { token: 't' } })],
    ['another version', answer({ token: 't' }, 'client.authentication.k8s.io/v1beta1')],
    ['nothing', answer({})],
    ['an empty token', answer({ token: '' })],
    ['a certificate without key', answer({ token: 't', clientCertificateData: 'CERT' })],
    ['a wrong time', answer({ token: 't', expirationTimestamp: 'soon' })],
  ])('refuses an answer with %s, without showing it', async (_name, output) => {
    const { provider } = setup([output])
    const error = await provider().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(KubeconfigError)
    expect((error as Error).message).not.toContain('secret-token')
  })
})
