import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { runLkt } from '../testing/run-lkt.ts'
import type { OpRunDocument } from './op-run.ts'

const SAMPLE = join(import.meta.dirname, '../../../../packages/operators/sample/bin/sample-operator')
const MOM = join(import.meta.dirname, '../../../../../shared/fixtures/mom/multi-operator-manager')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lkt-op-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(file: string, text: string): string {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

const authentication = (conditions: string) =>
  `apiVersion: operator.openshift.io/v1\nkind: Authentication\nmetadata: {name: cluster, resourceVersion: '7'}\nstatus: {conditions: [${conditions}]}\n`

/** A test of the sample operator whose authentication has no conditions, and whose counter stands at 4. */
function makeTest(more = ''): void {
  write(
    'suite/counts/test.yaml',
    `binaryName: ./op\ntestName: counts\ntestType: ApplyConfiguration\nnow: 2026-01-05T08:00:00Z\n${more}`,
  )
  const authentications =
    'suite/counts/input-dir/cluster-scoped-resources/operator.openshift.io/authentications/cluster.yaml'
  write(authentications, authentication(''))
  write(
    'suite/counts/input-dir/namespaces/openshift-authentication/core/configmaps.yaml',
    'apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: foo, namespace: openshift-authentication}\n  data: {counter: "4"}\n',
  )
}

const runTests = (...args: string[]) =>
  runLkt(['op', 'test', join(folder, 'suite'), '--binary', `./op=${SAMPLE}`, ...args])
const below = (path: string) => globSync('**/*.{yaml,xml,log}', { cwd: join(folder, path) }).sort()

describe('op test', () => {
  test('tells what differs, makes it the expectation when asked, and then passes', async () => {
    makeTest()
    mkdirSync(join(folder, 'suite/counts/expected-output'))
    const first = await runTests('--output-dir', join(folder, 'out'))
    expect(first.code).toBe(exitCodes.failed)
    expect(first.out).toMatch(/^FAILED {3}counts \(.*\/suite\/counts\)\n/)
    expect(first.out).toContain(
      '  unexpected: Update configmaps/foo in namespace openshift-authentication of UserWorkload by sample-operator-Demo\n',
    )
    expect(first.out).toContain('  controller sample-operator-Demo: unexpected, Succeeded\n')
    expect(first.out).toMatch(/ {2}output: .*\/out\/counts\n1 test, 1 failed\n$/)
    expect(below('out')).toContain('counts/stdout.log')

    const update = await runTests('--update')
    expect(update).toMatchObject({ code: 0 })
    expect(update.out).toMatch(/^updated {2}counts/)
    const expected = below('suite/counts/expected-output')
    expect(expected).toContain('controller-results.yaml')
    expect(expected.some((file) => file.endsWith('.log'))).toBe(false)

    const passed = await runTests('--junit', join(folder, 'reports/junit.xml'))
    expect(passed).toMatchObject({ code: 0, notes: '' })
    expect(passed.out).toMatch(/^ok {7}counts \(.*\)\n1 test, all passed\n$/)
    const junit = readFileSync(join(folder, 'reports/junit.xml'), 'utf8')
    expect(junit).toContain('tests="3" failures="0"')
    const name = `counts [Binary:&quot;./op&quot;] [Controllers:[]] [Directory:&quot;${join(folder, 'suite/counts')}&quot;]`
    expect(junit).toContain(`<testcase name="${name}"`)
    expect(junit).toContain('<testcase name="remove output directory"')
  })

  test('fields that differ are named by their path', async () => {
    makeTest()
    mkdirSync(join(folder, 'suite/counts/expected-output'))
    await runTests('--update')
    const [body] = globSync('**/UserWorkload/Update/**/*-body-foo.yaml', { cwd: folder })
    const path = join(folder, body!)
    writeFileSync(path, readFileSync(path, 'utf8').replace('counter: "5"', 'counter: "6"'))
    const { code, out } = await runTests('--preserve', 'never', '--output-dir', join(folder, 'out'))
    expect(code).toBe(exitCodes.failed)
    expect(out).toContain('    data.counter: expected "6", got "5"\n')
    expect(below('out')).toEqual(['junit.xml'])
    expect(readFileSync(join(folder, 'out/junit.xml'), 'utf8')).toContain(
      'message="expected results mismatch 1 times with actual results"',
    )
    const json = JSON.parse((await runTests('-o', 'json', '--preserve', 'never')).out) as {
      tests: { passed: boolean }[]
    }
    expect(json.tests.map(({ passed }) => passed)).toEqual([false])
  })

  test('a program that succeeds where it must fail, or is not there, fails the test', async () => {
    makeTest('desiredError: NonZeroReturn\n')
    mkdirSync(join(folder, 'suite/counts/expected-output'))
    await runTests('--update')
    const { code, out } = await runTests('--preserve', 'never')
    expect({ code, out: out.split('\n')[1] }).toEqual({
      code: exitCodes.failed,
      out: `  ${SAMPLE} was expected to fail and did not`,
    })
    const absent = await runLkt([
      'op',
      'test',
      join(folder, 'suite'),
      '--binary',
      './op=/nonexistent/op',
      '--preserve',
      'never',
    ])
    expect(absent.out).toContain('  cannot run /nonexistent/op: ')
  })

  test.each([
    ['testType: Other\nbinaryName: x', /test\.yaml: testType must be ApplyConfiguration, not "Other"/],
    ['testType: ApplyConfiguration', /test\.yaml: binaryName is required: the path of the program to run/],
    [
      'binaryName: x\ntestType: ApplyConfiguration\ndesiredError: x',
      /desiredError must be empty or NonZeroReturn, not "x"/,
    ],
    ['[', /suite\/a\/test\.yaml: /],
  ])('%j is refused with its file', async (text, message) => {
    write('suite/a/test.yaml', text)
    const { code, notes } = await runTests()
    expect(code).toBe(exitCodes.usage)
    expect(notes).toMatch(message)
  })

  test('a folder without tests is told from one that passes', async () => {
    mkdirSync(join(folder, 'suite'))
    expect(await runTests()).toMatchObject({
      code: exitCodes.notFound,
      notes: expect.stringMatching(/no test\.yaml in /),
    })
  })

  test.skipIf(!existsSync(MOM))(
    'runs the tests of others unchanged (skipped where ../shared/fixtures is absent)',
    async () => {
      cpSync(join(MOM, 'apply-configuration'), join(folder, 'suite'), { recursive: true })
      const args = ['op', 'test', join(folder, 'suite'), '--binary', `./sample-operator=${SAMPLE}`]
      const { code, out } = await runLkt(args)
      expect({ code, last: out.split('\n').at(-2) }).toEqual({ code: 0, last: '5 tests, all passed' })
    },
  )
})

describe('op run', () => {
  test('shows what would be written, in its order', async () => {
    makeTest()
    const args = [
      'op',
      'run',
      SAMPLE,
      '--input-dir',
      join(folder, 'suite/counts/input-dir'),
      '--now',
      '2026-01-05T08:00:00Z',
    ]
    const { code, out, notes } = await runLkt(args)
    expect({ code, notes }).toEqual({ code: 0, notes: '' })
    expect(out.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'DESTINATION | ACTION | RESOURCE | NAMESPACE | NAME | CONTROLLER',
      'UserWorkload | Update | configmaps | openshift-authentication | foo | sample-operator-Demo',
      'Configuration | Create | ingresses.config.openshift.io | <none> | cluster | sample-operator-IngressCreator',
      expect.stringMatching(
        /^Management \| Create \| events \| openshift-example-operator \| example-operator\.\w+\.\w+ \| /,
      ),
      'Management | ApplyStatus | authentications.operator.openshift.io | <none> | cluster | sample-operator-example-ResourceSync',
      '',
    ])
    const only = await runLkt([...args, '--controllers', 'sample-operator-Demo', '-o', 'json'])
    const document = JSON.parse(only.out) as OpRunDocument
    expect(document.writes).toHaveLength(1)
    expect(document.controllers.filter(({ status }) => status === 'Skipped')).toHaveLength(4)
  })

  test('an operator that fails ends it with 1, and says why', async () => {
    makeTest()
    const name = 'input-dir/namespaces/openshift-authentication/core/configmaps/fail-check.yaml'
    write(`suite/counts/${name}`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fail-check}\n')
    const { code, notes } = await runLkt(['op', 'run', SAMPLE, '--input-dir', join(folder, 'suite/counts/input-dir')])
    expect(code).toBe(exitCodes.failed)
    expect(notes).toBe('error: controller sample-operator-FailureGenerator failed: fail the process\n')
  })

  test('what is not there is not found', async () => {
    expect(await runLkt(['op', 'run', '/nonexistent', '--input-dir', folder])).toMatchObject({
      code: exitCodes.notFound,
      notes: 'error: there is no program /nonexistent\n',
    })
    expect(await runLkt(['op', 'run', SAMPLE, '--input-dir', join(folder, 'no')])).toMatchObject({
      code: exitCodes.notFound,
    })
  })
})

describe('op inputs and outputs', () => {
  test('are tables, or the documents themselves', async () => {
    const { out } = await runLkt(['op', 'inputs', SAMPLE])
    expect(out).toMatch(/^LIST +RESOURCE +NAMESPACE +SELECTS\n/)
    expect(out).toMatch(/input +configmaps +openshift-authentication +fail-check\n/)
    expect(out).toMatch(/input +secrets +openshift-oauth-apiserver +operator\.openshift\.io\/controller-instance-name=/)
    expect(out).toMatch(/input +secrets +openshift-config +named by ingresses\/cluster at \$\.spec\.componentRoutes/)
    expect(out).toMatch(/operand, management +deployments\.apps +openshift-authentication +oauth-server\n/)
    const outputs = await runLkt(['op', 'outputs', SAMPLE])
    expect(outputs.out).toMatch(/management +events +openshift-example-operator +all\n/)
    const json = JSON.parse((await runLkt(['op', 'outputs', SAMPLE, '-o', 'json'])).out) as object
    expect(Object.keys(json)).toEqual(['configurationResources', 'managementResources', 'userWorkloadResources'])
  })

  test('a program that fails is told with what it said', async () => {
    const program = write('fails', '#!/bin/sh\necho no lists here >&2\nexit 3\n')
    chmodSync(program, 0o755)
    expect(await runLkt(['op', 'inputs', program])).toMatchObject({
      code: exitCodes.failed,
      notes: `no lists here\nerror: ${program} input-resources failed with exit code 3\n`,
    })
  })
})

describe('op minimise', () => {
  test('keeps what is declared, in a file or by a program', async () => {
    makeTest()
    const gathered = join(folder, 'suite/counts/input-dir')
    const other = 'suite/counts/input-dir/namespaces/openshift-authentication/core/configmaps/other.yaml'
    write(other, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: openshift-authentication}\n')
    const args = ['op', 'minimise', '--must-gather-dir', gathered, '--output-dir', join(folder, 'small')]
    const { code, out } = await runLkt([...args, '--binary', SAMPLE])
    expect(code).toBe(0)
    expect(out.trim().split('\n').sort()).toEqual(below('small'))
    expect(below('small')).toEqual([
      'cluster-scoped-resources/operator.openshift.io/authentications.yaml',
      'namespaces/openshift-authentication/core/configmaps.yaml',
    ])
    const kept = readFileSync(join(folder, 'small', below('small')[1]!), 'utf8')
    expect(kept).toContain('name: foo')
    expect(kept).not.toContain('name: other')
    const inputs = write(
      'inputs.yaml',
      'applyConfigurationResources:\n  exactResources:\n  - {version: v2, resource: configmaps, namespace: openshift-authentication, name: foo}\n',
    )
    const wrong = await runLkt([...args, '--input-resources', inputs])
    expect(wrong.code).toBe(exitCodes.usage)
    expect(wrong.notes).toContain('configmaps "foo" is stored as v1 and was asked for as v2')
    expect(await runLkt(args)).toMatchObject({ code: exitCodes.usage, notes: expect.stringContaining('--binary') })
  })
})

describe('op compare', () => {
  test('tells two outputs apart', async () => {
    const results = (status: string) => `controllerResults:\n- controllerName: a\n  status: ${status}\n`
    write('one/controller-results.yaml', results('Succeeded'))
    write('two/controller-results.yaml', results('Failed\n  errors:\n  - message: no luck'))
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    expect(await runLkt(['op', 'compare', one, one])).toMatchObject({ code: 0, out: '', notes: 'Equivalent\n' })
    const different = await runLkt(['op', 'compare', one, two])
    expect(different).toMatchObject({
      code: exitCodes.failed,
      out: 'controller a: expected Succeeded, got Failed: no luck\n',
    })
    const json = JSON.parse((await runLkt(['op', 'compare', one, two, '-o', 'json'])).out) as { equivalent: boolean }
    expect(json.equivalent).toBe(false)
    write('two/other.txt', '')
    expect(await runLkt(['op', 'compare', one, two])).toMatchObject({
      code: exitCodes.usage,
      notes: `error: ${join(two, 'other.txt')}: a run leaves nothing of this name behind\n`,
    })
  })
})
