import { describe, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { CustomResourceDefinition } from './definition.ts'
import { fixtureDefinitions, haveFixtures, unfinishedDefinitions } from './fixture-definitions.ts'

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

interface ResourceList {
  resources: { name: string; kind: string; namespaced: boolean; verbs: string[] }[]
}

describe.skipIf(!haveFixtures)('definitions of real products', () => {
  test.each([...unfinishedDefinitions])('are refused for rules that nobody could read: %s', async (file, why) => {
    const cluster = await openTestCluster()
    const { definition } = fixtureDefinitions().find((fixture) => fixture.file === file)!
    const answer = await cluster.send('POST', CRD, { body: definition })
    expect(answer.code).toBe(422)
    expect(statusOf(answer).message).toContain(why)
  })

  const finished = fixtureDefinitions().filter(({ file }) => !unfinishedDefinitions.has(file))
  test.each(finished.map(({ file, definition }) => [file, definition] as const))(
    'install unchanged: %s',
    async (_file, definition) => {
      const cluster = await openTestCluster()
      const answer = await cluster.send('POST', CRD, { body: definition })
      // A refusal says what it did not like.
      expect(answer.code === 201 ? '' : statusOf(answer).message).toBe('')
      const installed = answer.json<CustomResourceDefinition>()
      // What the author wrote comes back as it was, completed by defaults, without what is false and so says nothing.
      const { preserveUnknownFields: _false, ...spec } = definition.spec
      expect(installed.spec).toMatchObject(spec)
      expect(installed.status?.conditions).toMatchObject([
        { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
        {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        },
      ])
      const { group, names, scope, versions } = definition.spec
      expect(installed.status?.storedVersions).toEqual(versions.filter((one) => one.storage).map((one) => one.name))
      for (const version of versions.filter(({ served }) => served)) {
        const listed = (await cluster.send('GET', `/apis/${group}/${version.name}`)).json<ResourceList>()
        expect(listed.resources).toContainEqual(
          expect.objectContaining({ name: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' }),
        )
        const subresources = listed.resources
          .map(({ name }) => name)
          .filter((name) => name.startsWith(`${names.plural}/`))
        expect(subresources).toEqual([
          ...(version.subresources?.status === undefined ? [] : [`${names.plural}/status`]),
          ...(version.subresources?.scale === undefined ? [] : [`${names.plural}/scale`]),
        ])
        const list = await cluster.send('GET', `/apis/${group}/${version.name}/${names.plural}`)
        expect(list.json()).toMatchObject({ kind: names.listKind, items: [] })
      }
    },
  )
})
