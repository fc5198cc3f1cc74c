import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { type Answer, listOf, runLkt } from '../testing/run-lkt.ts'

const SAMPLE = join(import.meta.dirname, '../../../../packages/operators/sample/bin/sample-operator')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lkt-explore-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(file: string, text: string): string {
  const path = join(folder, file)
  writeFileSync(path, text)
  return path
}

/** Makes `two` only while there is no `one`, which it makes first. */
const OPERATOR = (isRepaired: boolean) => `
const configMaps = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }
export const operator = {
  name: 'pair',
  controllers: () => [
    {
      name: 'pair',
      atStart: ['pair'],
      reads: [{ cluster: 'management', resource: configMaps, keys: () => ['pair'] }],
      writes: [{ cluster: 'management', resource: configMaps }],
      async reconcile(_, world) {
        const { client, cache } = world.cluster('management')
        const there = (name) => cache(configMaps).get('default/' + name) !== undefined
        const make = async (name) => {
          const metadata = { name, namespace: 'default' }
          await client.apply(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata }, { fieldManager: 'pair', force: true })
        }
        if (!there('seed') || there('${isRepaired ? 'two' : 'one'}')) return
        await make('one')
        await make('two')
      },
    },
  ],
}
`

const SEQUENCE = `apiVersion: test.locktender.dev/v1alpha1
kind: EventSequence
metadata: {name: pair}
clusters:
  main: {}
steps:
- create: {apiVersion: v1, kind: ConfigMap, metadata: {name: seed, namespace: default}}
- advance: 5m
- expect: both are there
  that:
  - exists: {apiVersion: v1, kind: ConfigMap, name: one, namespace: default}
  - exists: {apiVersion: v1, kind: ConfigMap, name: two, namespace: default}
`

describe('op explore', () => {
  test('finds what goes wrong, keeps a small plan that replays it, and says so with its code', async () => {
    const [sequence, operator] = [write('pair.yaml', SEQUENCE), write('pair.mjs', OPERATOR(false))]
    const found = await runLkt(['op', 'explore', sequence, '--operator', operator, '--out', join(folder, 'plans')])
    expect(found).toMatchObject({ code: exitCodes.failed, notes: '' })
    expect(found.out).toMatch(/^WRONG +expectation: both are there: ConfigMap default\/two is missing$/m)
    expect(found.out).toMatch(/^UNUSUAL +\S.*$/m)
    expect(found.out).toMatch(/^PLAN +.*pair-expectation\.plan\.yaml \(3 of \d parts\)\n\d+ schedules, .*: 1 wrong$/m)
    const plan = join(folder, 'plans/pair-expectation.plan.yaml')
    expect(readFileSync(plan, 'utf8')).toContain('source:\n  sequence: ../pair.yaml\n  operator: ../pair.mjs\n')

    const replayed = await runLkt(['op', 'replay', plan])
    expect(replayed.code).toBe(exitCodes.failed)
    expect(found.out.startsWith(replayed.out)).toBe(true)
    const document = JSON.parse((await runLkt(['op', 'replay', plan, '-o', 'json'])).out) as { fails: boolean }
    expect(document).toMatchObject({ kind: 'Replay', fails: true, findings: [{ oracle: 'expectation' }] })

    const repaired = write('repaired.mjs', OPERATOR(true))
    const mended = await runLkt(['op', 'replay', plan, '--operator', repaired])
    expect(mended).toMatchObject({
      code: exitCodes.done,
      notes: 'it does not fail by the oracle expectation any more\n',
    })
    const fine = await runLkt(['op', 'explore', sequence, '--operator', repaired, '--mode', 'exhaustive', '-o', 'json'])
    expect(fine.code).toBe(exitCodes.done)
    expect(JSON.parse(fine.out)).toMatchObject({ kind: 'Exploration', mode: 'exhaustive', failures: [] })
  })

  test('runs scenarios of modules, and stops where it is told to', async () => {
    const scenario = write(
      'scenario.mjs',
      `${OPERATOR(true)}\nexport default { name: 'quiet', clusters: { management: {} }, processes: { pair: operator.controllers } }`,
    )
    const { code, out } = await runLkt(['op', 'explore', scenario, '--schedules', '7', '--seed', '3'])
    expect({ code, out }).toEqual({
      code: exitCodes.done,
      out: expect.stringMatching(/^7 schedules, \d+ states, .* s of processor time: nothing wrong\n$/) as string,
    })
  })

  test('runs a program that knows the three commands, each run as one step', { timeout: 60_000 }, async () => {
    const definition = (plural: string, kind: string, group: string) => `    - apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: ${plural}.${group}}
      spec:
        group: ${group}
        scope: Cluster
        names: {plural: ${plural}, singular: ${kind.toLowerCase()}, kind: ${kind}, listKind: ${kind}List}
        versions:
        - name: v1
          served: true
          storage: true
          subresources: {status: {}}
          schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
    const sequence = write(
      'counter.yaml',
      `apiVersion: test.locktender.dev/v1alpha1
kind: EventSequence
metadata: {name: counter}
clusters:
  configuration:
    objects:
${definition('authentications', 'Authentication', 'operator.openshift.io')}${definition('ingresses', 'Ingress', 'config.openshift.io')}    - {apiVersion: operator.openshift.io/v1, kind: Authentication, metadata: {name: cluster}}
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: foo, namespace: openshift-authentication}, data: {counter: '4'}}
steps:
- expect: it has counted once and made an ingress
  that:
  - exists: {apiVersion: config.openshift.io/v1, kind: Ingress, name: cluster}
  - matches: {apiVersion: v1, kind: ConfigMap, metadata: {name: foo, namespace: openshift-authentication}, data: {counter: '5'}}
`,
    )
    const { code, out, notes } = await runLkt(['op', 'explore', sequence, '--binary', SAMPLE, '--out', folder])
    expect({ code, notes }).toEqual({ code: exitCodes.failed, notes: '' })
    // What it writes is an input of its own, so it counts on.
    expect(out).toMatch(
      /made an ingress: ConfigMap openshift-authentication\/foo: data\.counter: expected "5", got "\d+"/,
    )
    expect(out).toMatch(/operator-sample-operator +replaces configmaps openshift-authentication\/foo -> 200/)
  })

  test.each([
    [['none.yaml'], exitCodes.usage, 'cannot read none.yaml'],
    [['none.ts'], exitCodes.notFound, 'there is no file none.ts'],
    [['pair.yaml'], exitCodes.usage, 'say what is to run in the sequence: --operator MODULE, or --binary PROGRAM'],
    [['pair.yaml', '--operator', 'pair.yaml'], exitCodes.usage, 'cannot load'],
    [['pair.yaml', '--operator', 'empty.mjs'], exitCodes.usage, 'exports no operator: an object with name and contr'],
    [['pair.mjs'], exitCodes.usage, 'exports no scenario: an object with clusters and processes'],
    [['pair.mjs', '--operator', 'pair.mjs'], exitCodes.usage, '--operator and --binary are for event sequences'],
    [['broken.yaml', '--operator', 'pair.mjs'], exitCodes.usage, 'broken.yaml:7: steps[0]: must have one of create'],
    [['pair.yaml', '--operator', 'pair.mjs', '--for', 'ever'], exitCodes.usage, '--for takes a duration such as 30s'],
    [
      ['pair.yaml', '--operator', 'pair.mjs', '--plan', 'a', '--failures', '2'],
      exitCodes.usage,
      '--plan names one file',
    ],
  ])('refuses %j with what to do', async (args, code, message) => {
    write('pair.yaml', SEQUENCE)
    write('broken.yaml', SEQUENCE.replace('- create', '- make'))
    write('pair.mjs', OPERATOR(false))
    write('empty.mjs', 'export const nothing = {}')
    const isFile = (arg: string) => /\.(yaml|ts|mjs)$/.test(arg) && !arg.startsWith('none')
    const refused = await runLkt(['op', 'explore', ...args.map((arg) => (isFile(arg) ? join(folder, arg) : arg))])
    expect(refused.code).toBe(code)
    expect(refused.notes).toContain(message)
  })
})

describe('op record', () => {
  const CORE: Answer = { body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] } }

  test('writes what is there as initial objects', async () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default', uid: '7' } }
    const { code, out } = await runLkt(
      ['op', 'record', '--resource', 'configmaps', '-n', 'default', '--name', 'story'],
      {
        answers: { 'GET /api/v1': CORE, 'GET /api/v1/namespaces/default/configmaps': listOf(object) },
      },
    )
    expect(code).toBe(exitCodes.done)
    expect(out).toContain('metadata:\n  name: story\n')
    expect(out).toContain(
      '    objects:\n      - apiVersion: v1\n        kind: ConfigMap\n        metadata:\n          name: a\n          namespace: default\n',
    )
    expect(out).not.toContain('uid')
  })

  test('says when there is no such resource', async () => {
    const { code, notes } = await runLkt(['op', 'record', '--resource', 'gadgets.example.com'], {
      answers: { 'GET /apis': { body: { groups: [] } } },
    })
    expect(code).toBe(exitCodes.notFound)
    expect(notes).toContain('the API server serves no gadgets.example.com; name it as plural or plural.group')
  })
})
