import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'ocm-compat-'))
afterAll(() => rmSync(folder, { recursive: true }))

const zero = {
  id: 'zero',
  kind: 'quirk',
  strategy: { type: 'Progressive', progressive: { maxConcurrency: 0 } },
  groups: [{ name: 'canary', index: 0, clusters: ['c1'] }],
  statuses: [],
  expect: { rollout: [{ cluster: 'c1', group: { name: 'canary', index: 0 }, status: 'ToApply' }] },
}
const wrong = { ...zero, id: 'wrong', kind: 'rule', expect: { rollout: [], maxFailureBreach: true } }

function run(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'ocm-compat.ts'), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, INIT_CWD: folder },
    },
  )
  return { status, stdout, stderr }
}

function file(name: string, ...lines: readonly unknown[]): string {
  writeFileSync(
    join(folder, name),
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  )
  return name
}

describe('npm run ocm-compat', () => {
  test('cases that agree, as JSON', () => {
    const { status, stdout } = run(file('good.jsonl', zero), '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      mode: 'compatible',
      passed: 1,
      failed: 0,
      mismatches: [],
      mended: [],
      malformed: [],
    })
  })

  test('a mismatch, in words', () => {
    expect(run(file('good.jsonl', zero), file('wrong.jsonl', wrong))).toEqual({
      status: 1,
      stdout: `MISMATCH wrong (rule)
  rollout[0]: expected null, came c1 ToApply in group 0 "canary"
  maxFailureBreach: expected true, came false
compatible: 1 passed, 1 failed
`,
      stderr: '',
    })
  })

  test.each([
    ['strict', ['--mode', 'strict']],
    ['what-if', ['--mend', 'zeroConcurrencyIsAll']],
  ])('quirks that are mended are named: %s', (mode, options) => {
    expect(run(file('good.jsonl', zero), ...options)).toEqual({
      status: 0,
      stdout: `mended zero (quirk): zeroConcurrencyIsAll
  rollout[0]: expected c1 ToApply in group 0 "canary", came null
${mode}: 1 passed, 1 of these differ where a quirk is mended, 0 failed
`,
      stderr: '',
    })
  })

  test('what cannot be read is named, and the rest still checked', () => {
    const { status, stdout, stderr } = run(
      file('bad.jsonl', zero, 'nonsense', { ...zero, groups: 3 }),
      'absent.json',
      '--json',
    )
    expect(status).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({ passed: 1, failed: 0, malformed: [{}, {}, {}] })
    expect(stderr.split('\n')).toEqual([
      'bad.jsonl:2 is not JSON; write one case as one JSON object on a line',
      'bad.jsonl:3: groups is 3; write a list',
      'absent.json does not exist; name a file of cases',
      '',
    ])
  })

  test.each([
    [[], 'No file was named.'],
    [['x', '--mode', 'lax'], 'The mode "lax" is unknown: write compatible or strict.'],
    [['x', '--mend', 'all'], 'The quirk "all" is unknown.'],
    [['x', '--fast'], "Unknown option '--fast'"],
  ])('usage: %j', (args, message) => {
    const { status, stderr } = run(...args)
    expect(status).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).toContain('npm run ocm-compat -- FILE…')
  })

  test('help goes to stdout', () => {
    expect(run('--help')).toMatchObject({ status: 0, stderr: '' })
  })
})
