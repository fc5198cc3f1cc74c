import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Explorer } from '../explore.ts'
import { copier } from '../scenarios.test-support.ts'
import { durationMs, durationText } from './duration.ts'
import { parseSequence } from './event-sequence.ts'
import { sequenceScenario } from './sequence-scenario.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sequence-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(file: string, text: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

const HEAD = 'apiVersion: test.locktender.dev/v1alpha1\nkind: EventSequence\nmetadata: {name: copies}\n'
const A = '{apiVersion: v1, kind: ConfigMap, name: a, namespace: default}'
const COPIES = `${HEAD}clusters:
  main:
    objects:
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}, data: {x: '1'}}
steps:
- settle: true
- change: ${A}
  to: {data: {x: '2'}}
- advance: 1m30s
- expect: the copy is the same
  that:
  - matches: {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: default}, data: {x: '2'}}
  - exists: ${A}
  - count: {apiVersion: v1, kind: ConfigMap, namespace: default}
    is: 2
- delete: ${A}
- expect: nothing else goes
  that:
  - absent: ${A}
`

/** What is wrong with controllers in the usual order, in words. */
async function wrongWith(text: string, controllers = [copier('copier', 'a', 'b')]): Promise<string[]> {
  const scenario = await sequenceScenario(parseSequence(text, 'sequence.yaml'), folder)
  const processes = { copier: () => controllers }
  const explorer = await Explorer.open({ ...scenario, processes })
  const { findings } = await explorer.replay({ scenario: scenario.name, choices: [] })
  return findings.map(({ oracle, message }) => `${oracle}: ${message}`)
}

describe('an event sequence', () => {
  test('runs, and its expectations hold or not', async () => {
    expect(await wrongWith(COPIES)).toEqual([])
    expect(await wrongWith(COPIES, [])).toEqual([
      'expectation: the copy is the same: ConfigMap default/b is missing; there are 1 configmaps, not 2',
    ])
    const other = COPIES.replace("{x: '2'}}\n  - exists", "{x: '3'}}\n  - exists").replace('- absent', '- exists')
    expect(await wrongWith(other)).toEqual([
      'expectation: the copy is the same: ConfigMap default/b: data.x: expected "3", got "2"',
    ])
    expect(await wrongWith(COPIES.replace('- absent', '- exists'))).toEqual([
      'expectation: nothing else goes: ConfigMap default/a is missing',
    ])
  })

  test('knows what can happen to a cluster and its surroundings', async () => {
    const steps = `steps:
- create: {apiVersion: v1, kind: Node, metadata: {name: node-1}, status: {conditions: [{type: Ready, status: 'True'}]}}
- nodeLost: node-1
- expect: the node is not ready
  that:
  - condition: {apiVersion: v1, kind: Node, name: node-1}
    type: Ready
    status: Unknown
  - matches: {apiVersion: v1, kind: Node, metadata: {name: node-1}, spec: {taints: [{effect: NoExecute}]}}
- answer: https://id.example.com/
  with: {status: 200, body: fine}
- answer: https://id.example.com/
  with: unreachable
- deny: copier
  resource: {apiVersion: v1, kind: ConfigMap}
  verbs: [patch]
- allow: copier
  resource: {apiVersion: v1, kind: ConfigMap}
- outage: main
- restore: main
- restart: copier
`
    expect(await wrongWith(COPIES.replace(/steps:[^]*$/, steps))).toEqual([])
  })

  test('begins with the objects of files, of folders, and of a must-gather', async () => {
    const lists = 'gathered/namespaces/shop/core/configmaps.yaml'
    write(lists, 'kind: ConfigMapList\napiVersion: v1\nitems:\n- metadata: {name: a, uid: old, resourceVersion: "7"}\n')
    write(
      'crds/widgets.yaml',
      `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`,
    )
    write('one.yaml', 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\n')
    const text = `${HEAD}clusters:
  main: {files: [gathered, crds, one.yaml]}
  hosted: {sameAs: main}
steps:
- expect: everything is there
  that:
  - exists: {apiVersion: example.com/v1, kind: Widget, name: w, namespace: shop}
    cluster: hosted
  - exists: {apiVersion: v1, kind: ConfigMap, name: a, namespace: shop}
`
    expect(await wrongWith(text)).toEqual([])
    await expect(wrongWith(text.replace('one.yaml', 'two.yaml'))).rejects.toThrow('two.yaml: there is no such file')
    write('one.yaml', 'apiVersion: example.com/v1\n---\nmetadata: {}\n')
    await expect(wrongWith(text)).rejects.toThrow('one.yaml:1: this is no Kubernetes object')
  })

  test.each([
    ['- settle: true', '- settle: now', 'sequence.yaml:9: steps[0].settle: must be true'],
    ['- settle: true', '- wait: true', 'sequence.yaml:9: steps[0]: must have one of create, change, delete, settle'],
    ['- settle: true', '- {settle: true, restart: me}', 'steps[0]: has both settle and restart; make two of it'],
    ['advance: 1m30s', 'advance: soon', 'sequence.yaml:12: steps[2].advance: must be a duration such as 90s'],
    ['name: a, namespace: default}\n  to', 'name: 7}\n  to', 'sequence.yaml:10: steps[1].change.name: must be a text'],
    ['    is: 2', '    is: many', 'sequence.yaml:18: steps[3].that[2].is: must be a whole number from 0 on'],
    ['  - absent', '  - gone', 'sequence.yaml:22: steps[5].that[0]: must have one of exists, absent, matches'],
    ['  main:', '  main:\n    sameAs: other', 'sequence.yaml:6: clusters.main.sameAs: must be one of main'],
    ['  to:', '  cluster: none\n  to:', 'sequence.yaml:11: steps[1].cluster: must be one of main'],
    ['kind: ConfigMap, metadata: {name: a', 'metadata: {name: a', 'clusters.main.objects[0].kind: must be a text'],
  ])('with %s changed to %s is refused with the place', (from, to, message) => {
    expect(COPIES).toContain(from)
    expect(() => parseSequence(COPIES.replace(from, to), 'sequence.yaml')).toThrow(message)
  })

  test('about a kind that nobody serves is refused', async () => {
    await expect(wrongWith(COPIES.replace('- absent: {apiVersion: v1', '- absent: {apiVersion: v9'))).rejects.toThrow(
      'a step is about ConfigMap of v9, which nothing serves: add its definition',
    )
  })

  test('has durations as people write them', () => {
    for (const text of ['90s', '1h30m', '5m', '1m30s250ms', '0s']) {
      expect(durationMs(durationText(durationMs(text)!))).toBe(durationMs(text))
    }
    expect(durationMs('1h30m')).toBe(5_400_000)
    expect(durationText(90_250)).toBe('1m30s250ms')
    for (const text of ['', '5', 'm5', '5 m']) expect(durationMs(text)).toBeUndefined()
  })
})
