import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Client } from '../client.ts'
import { clientName, startHttpsServer } from '../testing/https-server.ts'
import { VirtualClock } from '../virtual-clock.ts'
import { loadKubeconfig, transportFromKubeconfig } from './kubeconfig.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  // Nothing of the machine must shine through.
  vi.stubEnv('HOME', folder)
  vi.stubEnv('KUBECONFIG', '')
  vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function write(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

function config(server: string, user: object, cluster: object = {}): string {
  return JSON.stringify({
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  })
}

describe('loadKubeconfig', () => {
  test('reads the files of KUBECONFIG, first things first, and skips those that do not exist', async () => {
    const first = await write('first', config('https://first', { token: 'a' }))
    const second = await write('second', config('https://second', { token: 'b' }).replaceAll('"c"', '"d"'))
    vi.stubEnv('KUBECONFIG', [join(folder, 'missing'), first, second].join(delimiter))
    expect(await loadKubeconfig()).toMatchObject({ server: 'https://first', token: 'a' })
    expect(await loadKubeconfig({ context: 'd' })).toMatchObject({ server: 'https://second' })
  })

  test('a path given goes before everything else and must exist', async () => {
    vi.stubEnv('KUBECONFIG', await write('env', config('https://env', {})))
    const path = await write('flag', config('https://flag', {}))
    expect(await loadKubeconfig({ path })).toMatchObject({ server: 'https://flag' })
    await expect(loadKubeconfig({ path: join(folder, 'missing') })).rejects.toThrow('missing does not exist')
  })

  test('says what to do when there is none', async () => {
    await expect(loadKubeconfig()).rejects.toThrow('set KUBECONFIG or pass the file with --kubeconfig')
  })
})

describe('transportFromKubeconfig', () => {
  const whoami = () =>
    startHttpsServer((request, response) => {
      const user = clientName(request) ?? request.headers.authorization ?? 'nobody'
      response.end(JSON.stringify({ user }))
    })

  async function userOf(path: string): Promise<string> {
    const transport = await transportFromKubeconfig(await loadKubeconfig({ path }), { clock: new VirtualClock() })
    try {
      return (await new Client({ transport }).requestJson<{ user: string }>('GET', '/whoami')).user
    } finally {
      await transport.close()
    }
  }

  test('client certificates, in files beside the kubeconfig and in place', async () => {
    await using server = await whoami()
    const { certificate, key } = await server.authority.client('alice')
    await write('ca.crt', server.authority.certificate)
    await write('alice.crt', certificate)
    await write('alice.key', key)
    const files = { 'client-certificate': 'alice.crt', 'client-key': 'alice.key' }
    expect(await userOf(await write('files', config(server.url, files, { 'certificate-authority': 'ca.crt' })))).toBe(
      'alice',
    )
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const data = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
    const authority = { 'certificate-authority-data': base64(server.authority.certificate) }
    expect(await userOf(await write('data', config(server.url, data, authority)))).toBe('alice')
  })

  test('tokens, from the kubeconfig and from a file', async () => {
    await using server = await whoami()
    const authority = { 'certificate-authority-data': Buffer.from(server.authority.certificate).toString('base64') }
    await write('token', 'from-file\n')
    expect(await userOf(await write('a', config(server.url, { token: 'plain' }, authority)))).toBe('Bearer plain')
    expect(await userOf(await write('b', config(server.url, { token: 'plain', tokenFile: 'token' }, authority)))).toBe(
      'Bearer from-file',
    )
  })

  test('credential plugins, with our environment and theirs', async () => {
    await using server = await whoami()
    const authority = { 'certificate-authority-data': Buffer.from(server.authority.certificate).toString('base64') }
    const script = `
      const request = JSON.parse(process.env.KUBERNETES_EXEC_INFO)
      const status = { token: [process.env.OURS, process.env.THEIRS, new URL(request.spec.cluster.server).protocol].join('-') }
      console.log(JSON.stringify({ kind: 'ExecCredential', apiVersion: request.apiVersion, status }))
    `
    vi.stubEnv('OURS', 'ours')
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      env: [{ name: 'THEIRS', value: 'theirs' }],
      interactiveMode: 'Never',
      provideClusterInfo: true,
    }
    expect(await userOf(await write('exec', config(server.url, { exec }, authority)))).toBe('Bearer ours-theirs-https:')
    const failing = { ...exec, args: ['-e', 'process.exit(3)'] }
    await expect(userOf(await write('exit', config(server.url, { exec: failing }, authority)))).rejects.toThrow(
      'exit code 3',
    )
    const missing = { ...exec, command: './no-such-plugin', installHint: 'install it' }
    await expect(userOf(await write('none', config(server.url, { exec: missing }, authority)))).rejects.toThrow(
      /ENOENT[^]*install it/,
    )
  })

  test('a file that cannot be read is named', async () => {
    const path = await write('broken', config('https://x', {}, { 'certificate-authority': 'gone.crt' }))
    await expect(userOf(path)).rejects.toThrow('gone.crt cannot be read')
  })
})
