import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { OperatorsFileError, readOperatorsFile } from './operators-file.ts'

const PAGE = join(import.meta.dirname, '../../../docs/how-to/run-an-operator-on-a-management-cluster.md')

function problems(text: string): string[] {
  try {
    readOperatorsFile(text, 'operators.yaml')
  } catch (error) {
    if (error instanceof OperatorsFileError) return error.message.split('\n')
    throw error
  }
  return []
}

test('the smallest file: one operator on the management cluster itself', () => {
  const text = 'clusters: {here: }\noperators: [{name: one, command: [one-operator, -v], cluster: here}]'
  expect(readOperatorsFile(text, '/etc/operators.yaml')).toEqual({
    clusters: { here: {} },
    operators: [
      {
        name: 'one',
        command: ['one-operator', '-v'],
        clusters: { configuration: 'here', management: 'here', userWorkload: 'here' },
      },
    ],
  })
})

test('paths are meant from the folder of the file', () => {
  const text = 'clusters: {a: {kubeconfig: a.kubeconfig}}\noperators: [{name: one, command: [bin/one], cluster: a}]'
  const { clusters, operators } = readOperatorsFile(text, '/etc/operators/file.yaml')
  expect(clusters['a']).toEqual({ kubeconfig: '/etc/operators/a.kubeconfig' })
  expect(operators[0]!.command).toEqual(['/etc/operators/bin/one'])
})

test('the file of the how-to page can be used', () => {
  const [, text = ''] = /```yaml\n(clusters:[^]*?)```/.exec(readFileSync(PAGE, 'utf8')) ?? []
  const { clusters, operators, runsAtOnce } = readOperatorsFile(text, '/etc/locktender/operators.yaml')
  expect(Object.keys(clusters)).toEqual(['guest-a', 'home-a'])
  expect(operators).toHaveLength(1)
  expect(operators[0]).toMatchObject({
    clusters: { configuration: 'guest-a', management: 'home-a', userWorkload: 'guest-a' },
    debounceMs: 1000,
    coolDownMs: 10_000,
    resyncMs: 600_000,
    timeLimitMs: 60_000,
    requestsPerSecond: 5,
  })
  expect(operators[0]!.inputs).not.toHaveLength(0)
  expect(operators[0]!.report).toBeDefined()
  expect(runsAtOnce).toBe(4)
})

test('all that is wrong is said at once, with its place', () => {
  const text = `
clusters:
  a: {kubeconfig: 7, namespace: {x: y}}
operators:
  - name: One
    command: one
    cluster: b
    coolDown: 10
    debounce: soon
    requestsPerSecond: 0
  - name: two
    command: [two]
    cluster: a
    clusters: {configuration: a}
    inputs: [{resource: secrets, from: guest}]
    report: {on: management, version: v1}
  - name: two
    command: [two]
runsAtOnce: 0
typo: true
`
  expect(problems(text)).toEqual(
    [
      'clusters.a.kubeconfig must be a text',
      'clusters.a.namespace is not known',
      'operators[0].name must be lower case letters, digits and -',
      'operators[0].command must be a list of texts',
      'operators[0].command is required: a list of the program and its first arguments',
      'operators[0].debounce cannot be used: "soon" is not a duration: it needs numbers with units; write it like 90s, 30m or 1h30m',
      'operators[0].coolDown must be a text',
      'operators[0].requestsPerSecond must be a number of 0.001 or more',
      'operators[0].cluster names b, which is none of the clusters',
      'operators[1].inputs[0].from must be one of configuration, management, userWorkload',
      'operators[1].report.resource is required',
      'operators[1].report.name is required',
      'operators[1].cluster or clusters is required, and not both',
      'operators[1].clusters.management is required',
      'operators[1].clusters.userWorkload is required',
      'operators[2].cluster or clusters is required, and not both',
      'runsAtOnce must be a number of 1 or more',
      'typo is not known',
      'operators: two is there twice',
    ].map((problem) => `operators.yaml: ${problem}`),
  )
})

test.each([
  ['', ['it must hold members', 'clusters must hold members by name', 'operators: there is none']],
  ['clusters: {}\noperators: []', ['operators: there is none']],
])('a file of nothing: %j', (text, expected) => {
  expect(problems(text)).toEqual(expected.map((problem) => `operators.yaml: ${problem}`))
})

test('what is no YAML', () => {
  expect(problems('clusters: {')[0]).toMatch(/^operators\.yaml: .*at line 1/)
})
