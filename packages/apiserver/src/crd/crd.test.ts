import { customResourceDefinitions } from '@locktender/kube'
import { beforeEach, describe, expect, test } from 'vitest'
import { definition, openTestCluster, statusOf, W, widget, widgets } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'
import type { CustomResourceDefinition } from './definition.ts'

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const things = { ...widgets, plural: 'things', kind: 'Thing' }
const T = '/apis/example.com/v1/namespaces/default/things'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

function thingDefinition(version: object = {}, names: Record<string, unknown> = {}): TestObject {
  return definition(things, { schema: { openAPIV3Schema: { type: 'object' } }, ...version }, names)
}

function create(body: object): Promise<RawAnswer> {
  return cluster.send('POST', CRD, { body })
}

function thing(name: string, spec: object, apiVersion = 'example.com/v1'): object {
  return { apiVersion, kind: 'Thing', metadata: { name }, spec }
}

test('a definition is completed, accepted and served at once', async () => {
  const answer = (await create(thingDefinition())).json<CustomResourceDefinition>()
  expect(answer.spec).toMatchObject({
    names: { singular: 'thing', listKind: 'ThingList' },
    conversion: { strategy: 'None' },
  })
  expect(answer.status).toMatchObject({
    acceptedNames: { plural: 'things', kind: 'Thing' },
    storedVersions: ['v1'],
    conditions: [
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      { type: 'Established', status: 'True', reason: 'InitialNamesAccepted' },
    ],
  })
  expect((await cluster.send('GET', T)).json()).toMatchObject({ kind: 'ThingList', items: [] })
})

describe('refused are', () => {
  test.each([
    ['a name that is not plural.group', { metadata: { name: 'x.example.com' } }, 'metadata.name'],
    ['an unknown scope', { spec: { ...thingDefinition().spec, scope: 'World' } }, 'spec.scope'],
    ['no versions', { spec: { ...thingDefinition().spec, versions: [] } }, 'spec.versions'],
  ])('%s', async (_what, change, field) => {
    const answer = await create({ ...thingDefinition(), ...change })
    expect(answer.code).toBe(422)
    expect(statusOf(answer).details?.causes?.map((cause) => cause.field)).toContain(field)
  })

  test('schemas that are not structural, and paths that cannot be read', async () => {
    const untyped = await create(thingDefinition({ schema: { openAPIV3Schema: { properties: {} } } }))
    expect(untyped.code).toBe(422)
    const path = await create(
      thingDefinition({ additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: 'a' }] }),
    )
    expect(statusOf(path).details?.causes?.[0]).toMatchObject({
      field: 'spec.additionalPrinterColumns[0].JSONPath',
      message: 'Invalid value: "a": must be a simple json path starting with .',
    })
    const none = await create(thingDefinition({ schema: {} }))
    expect(statusOf(none).message).toContain('spec.versions[0].schema.openAPIV3Schema: Required value')
  })

  test('groups of Kubernetes itself without approval', async () => {
    const body = definition({ ...things, group: 'x.k8s.io' }, { schema: { openAPIV3Schema: { type: 'object' } } })
    expect(statusOf(await create(body)).message).toContain('api-approved.kubernetes.io')
  })
})

test('columns that cannot be read give way to those every kind has', async () => {
  await create(thingDefinition({ additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: '.a[' }] }))
  const table = await cluster.send('GET', T, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const { columnDefinitions } = table.json<{ columnDefinitions: { name: string }[] }>()
  expect(columnDefinitions.map(({ name }) => name)).toEqual(['Name', 'Age'])
})

test('a kind that is taken is not served', async () => {
  const names = { kind: 'Widget', singular: 'thing', listKind: 'ThingList' }
  const body = thingDefinition({}, names)
  const answer = (await create(body)).json<CustomResourceDefinition>()
  expect(answer.status?.conditions).toMatchObject([
    { type: 'NamesAccepted', status: 'False', reason: 'KindConflict', message: '"Widget" is already in use' },
    { type: 'Established', status: 'False' },
  ])
  expect((await cluster.send('GET', T)).code).toBe(404)
})

describe('versions', () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }

  async function twoVersions(): Promise<void> {
    const body = thingDefinition({ schema })
    const { versions, ...spec } = (body as unknown as CustomResourceDefinition).spec
    const beta = { name: 'v1beta1', served: true, storage: false, schema }
    await create({ ...body, spec: { ...spec, versions: [beta, ...versions] } })
  }

  test('show the same object under their own name', async () => {
    await twoVersions()
    const path = T.replace('/v1/', '/v1beta1/')
    const created = await cluster.send('POST', path, { body: thing('a', { x: 1 }, 'example.com/v1beta1') })
    expect(created.json().apiVersion).toBe('example.com/v1beta1')
    const stored = (await cluster.send('GET', `${T}/a`)).json()
    expect(stored).toEqual({ ...created.json(), apiVersion: 'example.com/v1' })
    const group = (await cluster.send('GET', '/apis/example.com')).json<{ versions: { version: string }[] }>()
    expect(group.versions.map(({ version }) => version)).toEqual(['v1', 'v1beta1'])
  })

  test('of one manager’s applies merge into one entry', async () => {
    await twoVersions()
    for (const version of ['v1beta1', 'v1']) {
      await cluster.send('PATCH', `${T.replace('/v1/', `/${version}/`)}/a?fieldManager=m`, {
        body: thing('a', { x: 1 }, `example.com/${version}`),
        type: 'application/apply-patch+yaml',
      })
    }
    expect((await cluster.send('GET', `${T}/a`)).json().metadata.managedFields).toMatchObject([
      { manager: 'm', operation: 'Apply', apiVersion: 'example.com/v1' },
    ])
  })
})

test('defaults of a newer schema show in older objects, at their old version', async () => {
  const withSize = (size: object): object => ({
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { size } } } } },
  })
  const live = (await create(thingDefinition(withSize({ type: 'integer' })))).json<CustomResourceDefinition>()
  const old = (await cluster.send('POST', T, { body: thing('a', {}) })).json()
  const next = thingDefinition(withSize({ type: 'integer', default: 4 }))
  await cluster.send('PUT', `${CRD}/things.example.com`, { body: { ...next, metadata: live.metadata } })
  const seen = (await cluster.send('GET', `${T}/a`)).json()
  expect(seen).toEqual({ ...old, spec: { size: 4 } })
  const list = (await cluster.send('GET', T)).json<{ items: TestObject[] }>()
  expect(list.items).toEqual([seen])
})

test('the status of a definition belongs to the server', async () => {
  const owned = ({ metadata }: TestObject) =>
    metadata.managedFields?.find(({ subresource }) => subresource === 'status') as
      | { manager: string; fieldsV1: { 'f:status': Record<string, object> } }
      | undefined
  const made = owned((await create(thingDefinition())).json())
  expect(made).toMatchObject({ manager: 'kube-apiserver', operation: 'Update' })
  expect(Object.keys(made!.fieldsV1['f:status']).toSorted()).toEqual(['f:acceptedNames', 'f:conditions'])
  expect(made!.fieldsV1['f:status']['f:acceptedNames']).not.toHaveProperty('f:shortNames')
  const patch = { spec: { names: { shortNames: ['tg'] } } }
  const type = 'application/merge-patch+json'
  const next = await cluster.send('PATCH', `${CRD}/things.example.com`, { body: patch, type })
  expect(owned(next.json())!.fieldsV1['f:status']['f:acceptedNames']).toHaveProperty('f:shortNames')
})

test('formats that nothing enforces are warned of when they are new', async () => {
  const typed = (properties: object): object => ({ schema: { openAPIV3Schema: { type: 'object', properties } } })
  const before = {
    a: { type: 'string', format: 'one' },
    b: { type: 'string', format: 'date-time' },
    c: { type: 'integer', format: 'int32' },
    d: { type: 'array', items: { type: 'object', additionalProperties: { type: 'string', format: 'two' } } },
  }
  const made = await create(thingDefinition(typed(before)))
  expect(made.headers['warning']).toBe(
    String.raw`299 - "unrecognized format \"one\"", 299 - "unrecognized format \"two\""`,
  )
  const { metadata } = made.json()
  const body = { ...thingDefinition(typed({ ...before, e: { type: 'string', format: 'three' } })), metadata }
  const updated = await cluster.send('PUT', `${CRD}/things.example.com`, { body })
  expect(updated.headers['warning']).toBe(String.raw`299 - "unrecognized format \"three\""`)
})

test('a deleted definition takes its objects with it', async () => {
  await cluster.send('POST', W, { body: widget('a', {}, { finalizers: ['example.com/f'] }) })
  await cluster.send('POST', W, { body: widget('b') })
  const answer = await cluster.send('DELETE', `${CRD}/widgets.example.com`)
  expect(answer.json<CustomResourceDefinition>().status?.conditions?.at(-1)).toMatchObject({
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
  })
  expect(answer.json().metadata).toMatchObject({ generation: 1, deletionTimestamp: expect.any(String) })
  expect(answer.json().metadata).not.toHaveProperty('deletionGracePeriodSeconds')
  await cluster.clock.advance(0)
  expect((await cluster.send('GET', `${W}/b`)).code).toBe(404)
  const refused = await cluster.send('POST', W, { body: widget('c') })
  expect(refused.code).toBe(403)
  await cluster.send('PATCH', `${W}/a`, {
    body: { metadata: { finalizers: null } },
    type: 'application/merge-patch+json',
  })
  await cluster.clock.advance(0)
  expect((await cluster.send('GET', W)).code).toBe(404)
  expect((await cluster.send('GET', `${CRD}/widgets.example.com`)).code).toBe(404)
})

test('definitions belong to their logical cluster', async () => {
  await cluster.server.cluster('other')
  const transport = cluster.server.transport({ cluster: 'other', user: { name: 'a', groups: ['system:masters'] } })
  const answer = await transport.request({ method: 'GET', path: W })
  expect(answer.status).toBe(404)
  await expect(cluster.client.get(customResourceDefinitions, 'widgets.example.com')).resolves.toBeDefined()
})

test('requests for a deprecated version are warned, whatever comes of them', async () => {
  const schema = { openAPIV3Schema: { type: 'object' } }
  const version = (name: string, more: object): object => ({ name, served: true, storage: false, schema, ...more })
  const made = thingDefinition()
  const versions = [
    version('v1', { storage: true }),
    version('v2', {}),
    version('v1alpha1', { deprecated: true }),
    version('v1beta1', { deprecated: true, deprecationWarning: 'use the "new" one' }),
    version('v3', { deprecated: true }),
  ]
  expect((await create({ ...made, spec: { ...made.spec, versions } })).code).toBe(201)
  const warningOf = async (name: string): Promise<string | undefined> =>
    (await cluster.send('GET', `${T.replace('v1', name)}/none`)).headers['warning']
  expect(await warningOf('v1')).toBeUndefined()
  expect(await warningOf('v1alpha1')).toBe('299 - "example.com/v1alpha1 Thing is deprecated; use example.com/v2 Thing"')
  expect(await warningOf('v1beta1')).toBe('299 - "use the \\"new\\" one"')
  expect(await warningOf('v3')).toBe('299 - "example.com/v3 Thing is deprecated"')
})
