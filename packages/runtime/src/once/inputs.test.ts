import { describe, expect, test } from 'vitest'
import { InputDirectory } from './input-directory.ts'
import { InputFiles } from './input-files.ts'
import { jsonPathProblem, textsAt } from './json-path.ts'
import { prune } from './prune.ts'
import { readYaml } from './read-yaml.ts'
import { inputProblems, inputResourcesFrom } from './resource-lists.ts'
import { inFolder, writeFiles } from './testing/fixtures.ts'

const inputsOf = (lists: string) => inputResourcesFrom(readYaml(`applyConfigurationResources: ${lists}`))

describe('a document of inputs', () => {
  test.each([
    [
      '{exactResources: [{resource: secrets, name: a}]}',
      ['applyConfigurationResources.exactResources[0].version is required'],
    ],
    [
      '{exactResources: [{version: v1, resource: secrets}]}',
      ['applyConfigurationResources.exactResources[0].name is required'],
    ],
    [
      '{labelSelectedResources: [{version: v1, resource: secrets, labelSelector: {matchExpressions: [{key: a, operator: Exists}]}}]}',
      [
        'applyConfigurationResources.labelSelectedResources[0].labelSelector.matchExpressions is not supported; use matchLabels',
      ],
    ],
    [
      '{resourceReferences: [{type: ClusterScopedReference, referringResource: {version: v1, resource: a, name: b}}]}',
      [
        'applyConfigurationResources.resourceReferences[0].type "ClusterScopedReference" is not supported; use ImplicitNamespacedReference',
      ],
    ],
    ['{generatedNameResources: [{}]}', []],
    ['{}', []],
  ])('%s', (text, problems) => {
    expect(inputProblems(inputsOf(text), jsonPathProblem)).toEqual(problems)
  })

  test('a path that cannot be read is told with its place', () => {
    const reference = '{version: v1, resource: secrets, namespace: n, nameJSONPath: "$.["}'
    const text = `{resourceReferences: [{type: ImplicitNamespacedReference, referringResource: {version: v1, resource: a, name: b}, implicitNamespacedReference: ${reference}}]}`
    const [problem, ...more] = inputProblems(inputsOf(text), jsonPathProblem)
    expect(more).toEqual([])
    expect(problem).toMatch(/resourceReferences\[0\]\.implicitNamespacedReference\.nameJSONPath cannot be read: /)
  })

  test('a text that is none is refused', () => {
    expect(() => inputResourcesFrom('a')).toThrow('it holds no lists of resources')
  })
})

test('paths lead to texts and lists of texts, and to nothing else', () => {
  const value = { names: ['a', 'b'], one: 'c', deep: [{ name: 'd' }, { name: 'e', kind: 'x' }], number: 1 }
  expect(textsAt('$.names', value)).toEqual(['a', 'b'])
  expect(textsAt('$.one', value)).toEqual(['c'])
  expect(textsAt('$.deep[*].name', value)).toEqual(['d', 'e'])
  expect(textsAt('$.deep[?(@.name == "e" && @.kind == "x")].name', value)).toEqual(['e'])
  expect(textsAt('$.absent.name', value)).toEqual([])
  expect(() => textsAt('$.number', value)).toThrow('there is no name at $.number, but 1')
})

test('pruning takes generated names by their beginning, and refuses two versions of a resource', async () => {
  const secret = (name: string) => `apiVersion: v1\nkind: Secret\nmetadata: {name: ${name}, namespace: n}\n`
  await inFolder(async (folder) => {
    writeFiles(folder, {
      'namespaces/n/core/secrets/made-x2z4b.yaml': secret('made-x2z4b'),
      'namespaces/n/core/secrets/other.yaml': secret('other'),
    })
    const inputs = inputsOf('{generatedNameResources: [{version: v1, resource: secrets, name: made-}]}')
    const files = await prune(new InputDirectory(folder), inputs)
    expect([...files.keys()]).toEqual(['namespaces/n/core/secrets.yaml'])
    expect(readYaml(files.get('namespaces/n/core/secrets.yaml')!)).toMatchObject({
      kind: 'SecretList',
      items: [{ metadata: { name: 'made-x2z4b' } }],
    })
  })
  const files = new InputFiles()
  const object = { apiVersion: 'a/v1', kind: 'Thing', metadata: { name: 't' } }
  files.add({ group: 'a', version: 'v1', resource: 'things' }, object)
  expect(() => files.add({ group: 'a', version: 'v2', resource: 'things' }, object)).toThrow(
    'things.a are declared in the versions v1 and v2; use one',
  )
})
