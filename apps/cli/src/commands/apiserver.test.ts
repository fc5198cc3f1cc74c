import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { runLkt } from '../testing/run-lkt.ts'

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lkt-apiserver-'))
})

afterEach(() => rm(folder, { recursive: true }))

interface Running {
  readonly url: string
  readonly kubeconfig: string
  readonly pid: number
  stop(): Promise<number | null>
}

/** Runs `lkt apiserver` as a process, until it has said where it is. */
async function start(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [main, 'apiserver', '-o', 'json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'close') as Promise<[number | null]>
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    ...(JSON.parse(line.toString()) as Omit<Running, 'stop'>),
    async stop() {
      child.kill('SIGTERM')
      return (await exited)[0]
    },
  }
}

describe('lkt apiserver', () => {
  test('serves until it is asked to end, and takes its temporary kubeconfig with it', async () => {
    const server = await start()
    try {
      expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
      expect((await stat(server.kubeconfig)).mode & 0o777).toBe(0o600)
      expect(await readFile(server.kubeconfig, 'utf8')).toContain(`server: ${server.url}\n`)
      const again = await runLkt(['apiserver', '--port', new URL(server.url).port])
      expect(again).toMatchObject({ code: exitCodes.conflict, out: '' })
      expect(again.notes).toMatch(/^error: port \d+ is taken: choose another with --port, or leave it out/)
    } finally {
      expect(await server.stop()).toBe(0)
    }
    await expect(stat(server.kubeconfig)).rejects.toThrow(/ENOENT/)
  })

  test('keeps its data to itself, and says whether it is whole', async () => {
    const server = await start('--data', folder)
    try {
      expect(server.kubeconfig).toBe(join(folder, 'kubeconfig'))
      for (const args of [['apiserver'], ['apiserver', 'check'], ['apiserver', 'repair']]) {
        const second = await runLkt([...args, '--data', folder])
        expect(second.code).toBe(exitCodes.conflict)
        expect(second.notes).toContain(`is in use by process ${server.pid}`)
      }
    } finally {
      await server.stop()
    }
    const checked = await runLkt(['apiserver', 'check', '--data', folder])
    expect(checked).toMatchObject({
      code: 0,
      out: expect.stringMatching(/is whole: \d+ objects at revision \d+/) as string,
    })
    const repaired = await runLkt(['apiserver', 'repair', '--data', folder, '-o', 'json'])
    expect(JSON.parse(repaired.out)).toMatchObject({ lostWrites: [], lostObjects: 0 })
  })

  test('tells damage, and goes back to before it', async () => {
    expect(await (await start('--data', folder)).stop()).toBe(0)
    const checked = await runLkt(['apiserver', 'check', '--data', folder, '-o', 'json'])
    const { directory } = JSON.parse(checked.out) as { directory: string }
    const log = join(directory, 'log-0000000000000002')
    const bytes = await readFile(log)
    bytes[100]! ^= 0xff
    await writeFile(log, bytes)
    const refused = await runLkt(['apiserver', '--data', folder])
    expect(refused.code).toBe(exitCodes.failed)
    expect(refused.notes).toMatch(/^error: the data file .* is damaged at byte \d+: .*lkt apiserver repair/)
    const damaged = await runLkt(['apiserver', 'check', '--data', folder])
    expect(damaged).toMatchObject({ code: exitCodes.failed, out: expect.stringContaining('is damaged: ') as string })
    const repaired = await runLkt(['apiserver', 'repair', '--data', folder])
    expect(repaired).toMatchObject({ code: 0, out: expect.stringContaining('The damaged files are in ') as string })
    expect(await runLkt(['apiserver', 'check', '--data', folder])).toMatchObject({ code: 0 })
  })

  test.each([
    [['--crds', main], /^error: .*main\.ts cannot be used: .*name another folder\n$/],
    [['--port', '65536'], /whole number from 0 to 65535/],
    [['--history-events', '0'], /whole number from 1 to/],
    [['check'], /^error: say which folder with --data\n$/],
    [['repair', '--data', main], /^error: .*main\.ts cannot be used/],
  ])('%j is a usage error', async (args, message) => {
    const result = await runLkt(['apiserver', ...args])
    expect(result).toMatchObject({ code: exitCodes.usage, out: '' })
    expect(result.notes).toMatch(message)
  })

  test('a definition that is wrong is told with its line', async () => {
    const path = join(folder, 'crd.yaml')
    await writeFile(path, 'kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1beta1\n')
    const result = await runLkt(['apiserver', '--crds', folder])
    expect(result).toMatchObject({ code: exitCodes.usage })
    expect(result.notes).toContain(`${path}:2: apiVersion must be apiextensions.k8s.io/v1`)
  })
})
