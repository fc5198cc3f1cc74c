import { chmodSync, mkdtempSync, rmSync, writeFileSync, existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { operatorProgram, ProgramError, type ProgramOptions } from './program.ts'

let folder: string

beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'program-test-'))))
afterAll(() => rmSync(folder, { recursive: true }))

/** A program in the language of the shell; `$IN` and `$OUT` are its directories. */
function program(script: string, options: Partial<ProgramOptions> = {}) {
  const path = join(folder, `program-${Math.abs(hash(script))}`)
  const flags = 'for f in "$@"; do case "$f" in --input-dir=*) IN=${f#*=};; --output-dir=*) OUT=${f#*=};; esac; done\n'
  writeFileSync(path, `#!/bin/sh\n${flags}${script}\n`)
  chmodSync(path, 0o755)
  return operatorProgram({ command: [path], timeLimitMs: 10_000, ...options })
}

function hash(text: string): number {
  let value = 0
  for (const character of text) value = (value * 31 + character.charCodeAt(0)) | 0
  return value
}

const RESULTS = `mkdir -p "$OUT" && echo "controllerResults: []" > "$OUT/controller-results.yaml"`
const now = Date.UTC(2026, 0, 5, 8)
const files = new Map([['cluster-scoped-resources/core/nodes.yaml', 'kind: NodeList\napiVersion: v1\nitems: []\n']])

describe('a run', () => {
  test('is given its inputs, the time and its controllers, and leaves nothing behind', async () => {
    const seen = join(folder, 'seen')
    const script = `cat "$IN/cluster-scoped-resources/core/nodes.yaml" > ${seen}; echo "$@" >> ${seen}; ${RESULTS}`
    const run = await program(script, { controllers: ['*', '-demo'] }).apply(files, { now })
    expect(run).toEqual({ output: expect.objectContaining({ results: [], undeclared: [] }) })
    const text = readFileSync(seen, 'utf8')
    expect(text).toMatch(/^kind: NodeList\n[^]*\napply-configuration --input-dir=\S+ --output-dir=\S+ /)
    expect(text).toMatch(/ --now=2026-01-05T08:00:00Z --controllers=\*,-demo\n$/)
    const [, input] = /--input-dir=(\S+)/.exec(text)!
    expect(existsSync(input!)).toBe(false)
  })

  test('knows nothing of the environment but what it was given', async () => {
    vi.stubEnv('TOKEN_OF_A_TEST', 'secret')
    const seen = join(folder, 'environment')
    await program(`env > ${seen}; ${RESULTS}`, { environment: { MODE: 'hosted' } }).apply(files, { now })
    const names = readFileSync(seen, 'utf8')
    vi.unstubAllEnvs()
    expect(names).toMatch(/^MODE=hosted$/m)
    expect(names).toMatch(/^PATH=/m)
    expect(names).not.toContain('TOKEN_OF_A_TEST')
  })

  test('that fails still counts for what it did', async () => {
    const run = await program(`${RESULTS}; echo "one controller failed" >&2; exit 1`).apply(files, { now })
    expect(run.problem).toBe('failed with exit code 1: one controller failed')
    expect(run.output?.results).toEqual([])
  })

  test('that dies before it says how its controllers fared counts for nothing', async () => {
    const run = await program('mkdir -p "$OUT/Management"; echo panic >&2; exit 2').apply(files, { now })
    expect(run).toEqual({ problem: 'failed with exit code 2: panic' })
  })

  test('that takes too long is killed with all that it started', async () => {
    const script = `sleep 1000 & echo $! > ${folder}/child; ${RESULTS}; wait`
    const run = await program(script, { timeLimitMs: 300 }).apply(files, { now })
    expect(run).toEqual({ problem: 'was not done after 0.3 s and was killed' })
    const child = Number(readFileSync(join(folder, 'child'), 'utf8'))
    await vi.waitFor(() => expect(isRunning(child)).toBe(false))
  })

  test('that leaves a child behind is over when it ends itself', async () => {
    const run = await program(`sleep 1000 & ${RESULTS}`).apply(files, { now })
    expect(run.problem).toBeUndefined()
  })

  test('that is stopped', async () => {
    const stop = new AbortController()
    const running = program('sleep 1000').apply(files, { now, signal: stop.signal })
    stop.abort()
    expect(await running).toEqual({ problem: 'was stopped' })
  })

  test('that never stops talking is killed', async () => {
    const run = await program('exec cat /dev/zero').apply(files, { now })
    expect(run).toEqual({ problem: 'said too much and was killed' })
  })

  test.each([
    ['no output', 'true', 'it left no output behind'],
    ['no results', 'mkdir -p "$OUT"', 'it left no controller-results.yaml behind'],
    [
      'results that are no YAML',
      `${RESULTS}; echo "{[" > "$OUT/controller-results.yaml"`,
      'its output/controller-results',
    ],
    ['something else', `${RESULTS}; touch "$OUT/core"`, 'its output/core: a run leaves nothing of this name behind'],
    ['a pipe', `${RESULTS}; mkfifo "$OUT/pipe"`, 'its output/pipe: it is neither file nor folder'],
    ['a link', `${RESULTS}; ln -s /etc/passwd "$OUT/link"`, 'its output/link: it is neither file nor folder'],
    ['a file for a folder', `echo x > "$OUT"`, 'it left no output behind'],
  ])('that leaves %s behind', async (_what, script, why) => {
    const { output, problem } = await program(script).apply(files, { now })
    expect(output).toBeUndefined()
    expect(problem).toContain(`left behind what cannot be used: ${why}`)
  })

  test('of a program that is not there', async () => {
    const missing = operatorProgram({ command: ['/nonexistent/operator'] })
    await expect(missing.apply(files, { now })).rejects.toThrow(/^cannot run \/nonexistent\/operator: .*ENOENT/)
  })
})

describe('declarations', () => {
  test('are read from what the program prints, whatever it leaves out', async () => {
    const lists =
      'applyConfigurationResources: {exactResources: [{version: v1, resource: secrets, name: a, group: null}]}'
    const inputs = await program(`echo "${lists}"`).inputResources()
    expect(inputs.applyConfigurationResources).toEqual({
      exactResources: [{ group: '', version: 'v1', resource: 'secrets', name: 'a' }],
    })
    const outputs = await program('echo "managementResources: {eventingNamespaces: [default]}"').outputResources()
    expect(outputs).toEqual({
      configurationResources: {},
      managementResources: { eventingNamespaces: ['default'] },
      userWorkloadResources: {},
    })
  })

  test.each([
    ['rubbish', 'echo "{["', /^input-resources printed what cannot be used: /],
    ['a text', 'echo hello', /^input-resources printed what cannot be used: it holds no lists of resources$/],
    ['nothing', 'true', /^input-resources printed what cannot be used: it holds no lists of resources$/],
    ['a complaint', 'echo no >&2; exit 3', /^input-resources failed with exit code 3: no$/],
    [
      'an entry without a name',
      'echo "applyConfigurationResources: {exactResources: [{version: v1, resource: secrets}]}"',
      /^input-resources cannot be used: applyConfigurationResources\.exactResources\[0\]\.name is required$/,
    ],
  ])('that are %s', async (_what, script, message) => {
    const reading = program(script).inputResources()
    await expect(reading).rejects.toThrow(ProgramError)
    await expect(program(script).inputResources()).rejects.toThrow(message)
  })

  test('of outputs that are no lists', async () => {
    const reading = program('echo "managementResources: {exactResources: all}"').outputResources()
    await expect(reading).rejects.toThrow(/^output-resources printed .*: managementResources holds no lists$/)
  })
})

function isRunning(pid: number): boolean {
  try {
    // A zombie that nobody has taken note of is not running.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
