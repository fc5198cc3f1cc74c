import { customResourceDefinitions } from '@locktender/kube'
import { beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf, W, widget } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`

interface Groups {
  items: {
    metadata: { name: string | null }
    versions: { version: string; resources: Record<string, unknown>[] }[]
  }[]
}

describe('discovery', () => {
  test('begins at the root, for who may read it', async () => {
    const { paths } = (await cluster.send('GET', '/')).json<{ paths: string[] }>()
    expect(paths).toEqual(paths.toSorted())
    const expected = ['/api/v1', '/apis/apps/v1', '/apis/example.com', '/apis/example.com/v1', '/healthz']
    expect(paths).toEqual(expect.arrayContaining(expected))
    expect((await cluster.send('GET', '/', { user: { name: 'bob', groups: [] } as never })).code).toBe(403)
    expect((await cluster.send('POST', '/', { body: {} })).code).toBe(405)
  })

  test('aggregated, with an ETag that changes with the definitions', async () => {
    const answer = await cluster.send('GET', '/apis', { accept: aggregated('v2') })
    expect(answer.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')
    const groups = answer.json<Groups>().items
    expect(groups.map(({ metadata }) => metadata.name)).toContain('apps')
    const example = groups.find(({ metadata }) => metadata.name === 'example.com')!
    expect(example.versions[0]!.resources[0]).toMatchObject({
      resource: 'widgets',
      responseKind: { group: 'example.com', version: 'v1', kind: 'Widget' },
      scope: 'Namespaced',
      singularResource: 'widget',
      shortNames: ['wd'],
      categories: ['all'],
      subresources: [{ subresource: 'status', verbs: ['get', 'patch', 'update'] }],
    })
    const again = { accept: aggregated('v2'), headers: { 'if-none-match': answer.headers['etag']! } }
    expect((await cluster.send('GET', '/apis', again)).code).toBe(304)
    await cluster.client.delete(customResourceDefinitions, { name: 'widgets.example.com' })
    await cluster.clock.advance(0)
    const changed = await cluster.send('GET', '/apis', again)
    expect(changed.code).toBe(200)
    expect(changed.text).not.toContain('widgets')
  })

  test('in the version asked for, never in another', async () => {
    expect((await cluster.send('GET', '/api', { accept: aggregated('v2beta1') })).headers['content-type']).toContain(
      'v2beta1',
    )
    expect((await cluster.send('GET', '/api', { accept: aggregated('v3') })).json()).toMatchObject({
      kind: 'APIVersions',
    })
    const peerless = aggregated('v2').replace(',', ';profile=nopeer,')
    expect((await cluster.send('GET', '/api', { accept: peerless })).json()).toMatchObject({ kind: 'APIVersions' })
  })

  test('one group and version at a time', async () => {
    expect((await cluster.send('GET', '/api')).json()).toMatchObject({ kind: 'APIVersions', versions: ['v1'] })
    expect((await cluster.send('GET', '/apis')).json()).toMatchObject({ kind: 'APIGroupList' })
    expect((await cluster.send('GET', '/apis/example.com')).json()).toMatchObject({
      kind: 'APIGroup',
      name: 'example.com',
      preferredVersion: { groupVersion: 'example.com/v1', version: 'v1' },
    })
    const core = (await cluster.send('GET', '/api/v1')).json<{ resources: { name: string; namespaced: boolean }[] }>()
    expect(core.resources.find(({ name }) => name === 'configmaps')).toMatchObject({
      namespaced: true,
      kind: 'ConfigMap',
    })
    expect(core.resources.map(({ name }) => name)).toContain('namespaces/finalize')
    expect((await cluster.send('GET', '/apis/nope.example.com/v1')).code).toBe(404)
  })
})

test('OpenAPI: an index of documents, with what kubectl looks for', async () => {
  const { paths } = (await cluster.send('GET', '/openapi/v3')).json<{
    paths: Record<string, { serverRelativeURL: string }>
  }>()
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['api/v1', 'apis/example.com/v1']))
  const url = paths['apis/example.com/v1']!.serverRelativeURL
  expect(url).toMatch(/^\/clusters\/hub\/openapi\/v3\/apis\/example\.com\/v1\?hash=[0-9A-F]{64}$/)
  const document = (await cluster.send('GET', url)).json<{
    paths: Record<string, { patch: { parameters: { name: string }[] } & Record<string, unknown> }>
    components: { schemas: Record<string, { properties: Record<string, unknown> } & Record<string, unknown>> }
  }>()
  const { patch } = document.paths['/apis/example.com/v1/namespaces/{namespace}/widgets/{name}']!
  expect(patch.parameters.map(({ name }) => name)).toContain('fieldValidation')
  expect(patch['x-kubernetes-group-version-kind']).toEqual({ group: 'example.com', version: 'v1', kind: 'Widget' })
  const schema = document.components.schemas['com.example.v1.Widget']!
  expect(schema).toMatchObject({
    description: 'A widget.',
    'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }],
    properties: { spec: { properties: { size: { maximum: 100 } } } },
  })
  const v2 = await cluster.send('GET', '/openapi/v2', {
    accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
  })
  expect([v2.code, v2.headers['content-type'], v2.text]).toEqual([
    200,
    'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
    expect.stringContaining('com.example.v1.Widget'),
  ])
})

test('version and health', async () => {
  const version = (await cluster.send('GET', '/version')).json<Record<string, string>>()
  expect(version['gitVersion']).toMatch(/^v1\.\d+\.\d+\+locktender/)
  for (const path of ['/healthz', '/livez', '/readyz', '/readyz/ping']) {
    expect((await cluster.send('GET', path)).text).toBe('ok')
  }
})

describe('representations', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

  test('a table has the columns of the definition and cells by type', async () => {
    await cluster.send('POST', W, { body: widget('a', { size: 7, name: 'n' }) })
    await cluster.clock.advance(5 * 60_000 + 3000)
    const answer = (await cluster.send('GET', W, { accept: table })).json<{
      kind: string
      columnDefinitions: { name: string; type: string; priority: number }[]
      rows: { cells: unknown[]; object: { kind: string; metadata: { name: string } } }[]
    }>()
    expect(answer.kind).toBe('Table')
    expect(answer.columnDefinitions.map(({ name, type, priority }) => [name, type, priority])).toEqual([
      ['Name', 'string', 0],
      ['Size', 'integer', 0],
      ['Mode', 'string', 0],
      ['Wide', 'string', 1],
      ['Age', 'date', 0],
    ])
    expect(answer.rows[0]).toMatchObject({
      cells: ['a', 7, null, 'n', '5m3s'],
      object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } },
    })
    const full = await cluster.send('GET', `${W}/a?includeObject=Object`, { accept: table })
    expect(full.json<typeof answer>().rows[0]!.object).toMatchObject({ kind: 'Widget' })
  })

  test('without columns of its own a resource shows name and age', async () => {
    const answer = await cluster.send('GET', '/apis/example.com/v1/gadgets', { accept: table })
    expect(answer.json<{ columnDefinitions: { name: string }[] }>().columnDefinitions.map(({ name }) => name)).toEqual([
      'Name',
      'Age',
    ])
  })

  test('metadata only', async () => {
    await cluster.send('POST', W, { body: widget('a', { size: 7 }) })
    const one = await cluster.send('GET', `${W}/a`, {
      accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    })
    expect(one.json()).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' })
    expect(one.json()).not.toHaveProperty('spec')
    const list = await cluster.send('GET', W, {
      accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json',
    })
    expect(list.json()).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ kind: 'PartialObjectMetadata' }] })
  })

  test('what cannot be shown is refused; protobuf comes second to JSON that is accepted too', async () => {
    const refused = await cluster.send('GET', W, { accept: 'text/csv' })
    expect([refused.code, statusOf(refused).reason]).toEqual([406, 'NotAcceptable'])
    const both = await cluster.send('GET', W, { accept: 'application/vnd.kubernetes.protobuf,application/json' })
    expect(both.headers['content-type']).toBe('application/json')
  })
})
