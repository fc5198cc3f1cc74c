import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compareOutput, isEvent, MENDED, readOutput, readYaml, type RunOutput } from '@locktender/runtime/once'
import { describe, expect, test } from 'vitest'

const MOM = join(import.meta.dirname, '../../../../../shared/fixtures/mom')
const TESTS = join(MOM, 'multi-operator-manager/apply-configuration')
const hasMom = existsSync(MOM)
const names = hasMom ? globSync('*', { cwd: TESTS }).sort() : []

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the operator as a process of its own. */
function operator(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

async function applied(
  name: string,
  compat: string,
): Promise<Ended & { output: RunOutput; files: ReadonlyMap<string, string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sample-operator-'))
  const { now, controllers } = readYaml(readFileSync(join(TESTS, name, 'test.yaml'), 'utf8')) as {
    now: string
    controllers?: string[]
  }
  try {
    const ended = await operator(
      'apply-configuration',
      `--input-dir=${join(TESTS, name, 'input-dir')}`,
      `--output-dir=${folder}`,
      `--now=${now}`,
      `--compat=${compat}`,
      ...(controllers === undefined ? [] : [`--controllers=${controllers.join(',')}`]),
    )
    return { ...ended, output: readOutput(folder, MENDED), files: filesBelow(folder) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function filesBelow(folder: string): ReadonlyMap<string, string> {
  const files = globSync('**/*.yaml', { cwd: folder }).sort()
  return new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
}

/** Files without those of events, which are no part of what a test expects. */
function withoutEvents(files: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...files].filter(([file]) => !file.includes('/core/events/')))
}

describe.skipIf(!hasMom)('the tests of multi-operator-manager (skipped where ../shared/fixtures is absent)', () => {
  test('there are five', () => expect(names).toHaveLength(5))

  test.each(names)('%s: the same files with the same bytes', async (name) => {
    const { code, output, files } = await applied(name, 'strict-2024')
    const expected = filesBelow(join(TESTS, name, 'expected-output'))
    expect(code).toBe(name === 'test-forced-error' ? 1 : 0)
    expect(withoutEvents(files)).toEqual(withoutEvents(expected))
    const goldens = readOutput(join(TESTS, name, 'expected-output'), MENDED)
    const events = (of: RunOutput) =>
      (of.requests.get('Management') ?? []).filter(isEvent).map(({ body, ...request }) => {
        const { source: _, ...event } = readYaml(body) as { source: unknown }
        return { ...request, event }
      })
    expect(events(output)).toEqual(events(goldens))
  })

  test.each(names)('%s: equivalent with its traps mended, in the order of the requests', async (name) => {
    const { output } = await applied(name, 'none')
    expect(compareOutput(readOutput(join(TESTS, name, 'expected-output'), MENDED), output)).toEqual([])
    const sequence = [...output.requests.values()].flat().map((request) => request.sequence)
    expect(sequence.toSorted((left, right) => left! - right!)).toEqual(sequence.map((_, index) => index + 1))
  })

  const entries = (document: unknown): string[] => {
    const texts: string[] = []
    const walk = (value: unknown, path: string): void => {
      if (Array.isArray(value)) for (const item of value) texts.push(`${path} ${JSON.stringify(item)}`)
      else for (const [key, member] of Object.entries(value as object)) walk(member, `${path}.${key}`)
    }
    walk(document, '')
    return texts.sort()
  }

  test('what it may write is what upstream declares', async () => {
    const { code, stdout } = await operator('output-resources')
    expect(code).toBe(0)
    const declared = readYaml(readFileSync(join(MOM, 'derived/sample-operator.output-resources.yaml'), 'utf8'))
    expect(entries(readYaml(stdout))).toEqual(entries(declared))
  })

  test('what it must be given is what upstream declares, and the status that upstream reads undeclared', async () => {
    const { code, stdout, stderr } = await operator('input-resources')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const declared = entries(readYaml(readFileSync(join(MOM, 'derived/sample-operator.input-resources.yaml'), 'utf8')))
    const forgotten = { group: 'operator.openshift.io', name: 'cluster', resource: 'authentications', version: 'v1' }
    const expected = [...declared, `.applyConfigurationResources.exactResources ${JSON.stringify(forgotten)}`]
    expect(entries(readYaml(stdout))).toEqual(expected.sort())
  })
})

describe('the program', () => {
  test('says how it is used', async () => {
    const { code, stdout, stderr } = await operator('help')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^usage: input-resources\n/)
  })

  test('refuses a controller that there is not, and leaves an empty result', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sample-operator-'))
    try {
      const { code, stderr } = await operator(
        'apply-configuration',
        '--input-dir=/nonexistent',
        `--output-dir=${folder}`,
        '--controllers=*,-other',
      )
      expect(code).toBe(1)
      expect(stderr).toMatch(/^error: there is no controller other; there are sample-operator-Demo, /)
      expect(filesBelow(folder)).toEqual(new Map([['controller-results.yaml', 'controllerResults: []\n']]))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
