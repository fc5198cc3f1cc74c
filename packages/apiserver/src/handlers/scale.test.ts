import type { ManagedFieldsEntry } from '@locktender/kube'
import { beforeEach, describe, expect, test } from 'vitest'
import { definition, openTestCluster, statusOf, widgets } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'

const sets = { ...widgets, plural: 'sets', kind: 'Set' }
const S = '/apis/example.com/v1/namespaces/default/sets'
const MERGE = 'application/merge-patch+json'
const APPLY = 'application/apply-patch+yaml'

const schema = {
  openAPIV3Schema: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          size: { type: 'object', properties: { wanted: { type: 'integer' } } },
          color: { type: 'string' },
        },
      },
      status: { type: 'object', properties: { count: { type: 'integer' }, selector: { type: 'string' } } },
    },
  },
}

const scaled = {
  schema,
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.size.wanted',
      statusReplicasPath: '.status.count',
      labelSelectorPath: '.status.selector',
    },
  },
}

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
  const body = definition(sets, scaled)
  const plain = { name: 'v1beta1', served: true, storage: false, schema }
  ;(body.spec!['versions'] as object[]).push(plain)
  await cluster.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body })
})

function create(spec: object): Promise<RawAnswer> {
  const body = { apiVersion: 'example.com/v1', kind: 'Set', metadata: { name: 'a' }, spec }
  return cluster.send('POST', `${S}?fieldManager=creator`, { body })
}

function scale(replicas: number | undefined, metadata: object = {}): object {
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name: 'a', namespace: 'default', ...metadata },
    spec: replicas === undefined ? {} : { replicas },
  }
}

async function ownersOf(): Promise<Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'fieldsV1'>[]> {
  const { metadata } = (await cluster.send('GET', `${S}/a`)).json()
  return (metadata.managedFields ?? []).map(({ time: _time, fieldsType: _type, ...entry }) => entry)
}

test('discovery says that a Scale is there', async () => {
  const list = (await cluster.send('GET', '/apis/example.com/v1')).json<{ resources: TestObject[] }>()
  expect(list.resources).toContainEqual({
    name: 'sets/scale',
    singularName: '',
    namespaced: true,
    kind: 'Scale',
    group: 'autoscaling',
    version: 'v1',
    verbs: ['get', 'patch', 'update'],
  })
})

describe('the Scale of a custom resource', () => {
  test('shows the numbers at the declared paths', async () => {
    const created = (await create({ size: { wanted: 3 } })).json()
    const status = { count: 2, selector: 'app=a' }
    await cluster.send('PATCH', `${S}/a/status`, { body: { status }, type: MERGE })
    const { resourceVersion } = (await cluster.send('GET', `${S}/a`)).json().metadata
    const { name, namespace, uid, creationTimestamp } = created.metadata
    expect((await cluster.send('GET', `${S}/a/scale`)).json()).toEqual({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: { replicas: 3 },
      status: { replicas: 2, selector: 'app=a' },
    })
  })

  test('cannot be read without a number of replicas', async () => {
    await create({ color: 'red' })
    const answer = await cluster.send('GET', `${S}/a/scale`)
    expect(answer.code).toBe(500)
    expect(statusOf(answer).message).toBe(
      'Internal error occurred: the spec replicas field ".spec.size.wanted" does not exist',
    )
    const patched = await cluster.send('PATCH', `${S}/a/scale`, { body: { metadata: { labels: {} } }, type: MERGE })
    expect(statusOf(patched)).toMatchObject({
      code: 400,
      message: 'the spec replicas field ".spec.size.wanted" cannot be empty',
    })
  })

  test('can be set by an update, with and without a precondition', async () => {
    await create({ size: { wanted: 3 }, color: 'red' })
    const answer = await cluster.send('PUT', `${S}/a/scale`, { body: scale(5) })
    expect(answer.code).toBe(200)
    expect(answer.json()).toMatchObject({ kind: 'Scale', spec: { replicas: 5 }, status: { replicas: 0 } })
    const live = (await cluster.send('GET', `${S}/a`)).json()
    expect(live).toMatchObject({ spec: { size: { wanted: 5 }, color: 'red' }, metadata: { generation: 2 } })
    expect(live.metadata.resourceVersion).toBe(answer.json().metadata.resourceVersion)
    const stale = await cluster.send('PUT', `${S}/a/scale`, { body: scale(6, { resourceVersion: '1' }) })
    expect(stale.code).toBe(409)
    const zero = await cluster.send('PUT', `${S}/a/scale`, { body: scale(undefined) })
    expect(zero.json().spec).toEqual({})
    expect((await cluster.send('GET', `${S}/a`)).json().spec).toMatchObject({ size: { wanted: 0 } })
  })

  test('takes merge and JSON patches, and no strategic ones', async () => {
    await create({ size: { wanted: 3 } })
    const body = { spec: { replicas: 4 } }
    expect((await cluster.send('PATCH', `${S}/a/scale`, { body, type: MERGE })).json().spec).toEqual({ replicas: 4 })
    const operations = [{ op: 'replace', path: '/spec/replicas', value: 7 }]
    const json = await cluster.send('PATCH', `${S}/a/scale`, { body: operations, type: 'application/json-patch+json' })
    expect(json.json().spec).toEqual({ replicas: 7 })
    const strategic = await cluster.send('PATCH', `${S}/a/scale`, {
      body,
      type: 'application/strategic-merge-patch+json',
    })
    expect(strategic.code).toBe(415)
  })

  test('is not stored in a dry run, and not written when nothing changes', async () => {
    const { metadata } = (await create({ size: { wanted: 3 } })).json()
    const dry = await cluster.send('PUT', `${S}/a/scale?dryRun=All`, { body: scale(9) })
    expect(dry.json().spec).toEqual({ replicas: 9 })
    await cluster.send('PUT', `${S}/a/scale`, { body: scale(3) })
    expect((await cluster.send('GET', `${S}/a`)).json()).toMatchObject({
      metadata: { resourceVersion: metadata.resourceVersion },
      spec: { size: { wanted: 3 } },
    })
  })

  test.each([
    [-1, 422, 'should be a non-negative integer'],
    [2 ** 31, 400, 'should be less than or equal to 2147483647'],
  ])('refuses %i replicas', async (replicas, code, why) => {
    await create({ size: { wanted: 3 } })
    const answer = await cluster.send('PUT', `${S}/a/scale`, { body: scale(replicas) })
    expect(answer.code).toBe(code)
    // Whoever writes the object itself is held to the same.
    const whole = await cluster.send('PATCH', `${S}/a`, { body: { spec: { size: { wanted: replicas } } }, type: MERGE })
    expect(statusOf(whole).details?.causes).toEqual([
      { reason: 'FieldValueInvalid', message: `Invalid value: ${replicas}: ${why}`, field: '.spec.size.wanted' },
    ])
  })

  test.each([
    ['another kind', { ...scale(1), kind: 'Set' }],
    ['another name', scale(1, { name: 'b' })],
    ['a text for a number', { ...scale(1), spec: { replicas: 'many' } }],
  ])('refuses %s', async (_what, body) => {
    await create({ size: { wanted: 3 } })
    expect((await cluster.send('PUT', `${S}/a/scale`, { body })).code).toBe(400)
  })

  test('is missing with its object, and of versions without one', async () => {
    expect((await cluster.send('GET', `${S}/a/scale`)).code).toBe(404)
    expect((await cluster.send('PUT', `${S}/a/scale`, { body: scale(1) })).code).toBe(404)
    await create({ size: { wanted: 3 } })
    expect((await cluster.send('GET', `${S.replace('/v1/', '/v1beta1/')}/a/scale`)).code).toBe(404)
  })
})

describe('who scales', () => {
  test('takes the number of replicas from its owner, and nothing else', async () => {
    await create({ size: { wanted: 3 }, color: 'red' })
    await cluster.send('PUT', `${S}/a/scale?fieldManager=scaler`, { body: scale(5) })
    expect(await ownersOf()).toEqual([
      {
        manager: 'scaler',
        operation: 'Update',
        apiVersion: 'example.com/v1',
        fieldsV1: { 'f:spec': { 'f:size': { 'f:wanted': {} } } },
        subresource: 'scale',
      },
      {
        manager: 'creator',
        operation: 'Update',
        apiVersion: 'example.com/v1',
        fieldsV1: { 'f:spec': { '.': {}, 'f:color': {}, 'f:size': {} } },
      },
    ])
  })

  test('conflicts with later applies of another number, unless they are forced', async () => {
    const apply = (wanted: number, force = false): Promise<RawAnswer> =>
      cluster.send('PATCH', `${S}/a?fieldManager=applier&force=${force}`, {
        body: { apiVersion: 'example.com/v1', kind: 'Set', metadata: { name: 'a' }, spec: { size: { wanted } } },
        type: APPLY,
      })
    await apply(3)
    await cluster.send('PUT', `${S}/a/scale?fieldManager=scaler`, { body: scale(5) })
    const refused = await apply(3)
    expect(refused.code).toBe(409)
    expect(statusOf(refused).details?.causes).toMatchObject([
      {
        field: '.spec.size.wanted',
        message: expect.stringContaining('conflict with "scaler" with subresource "scale"'),
      },
    ])
    expect((await apply(3, true)).code).toBe(200)
    expect((await ownersOf()).map(({ manager }) => manager)).toEqual(['applier'])
  })

  test('can apply, and then owns the number in the version of the object', async () => {
    await create({ size: { wanted: 3 } })
    const applied = (replicas: number, force: boolean): Promise<RawAnswer> =>
      cluster.send('PATCH', `${S}/a/scale?fieldManager=applier&force=${force}`, { body: scale(replicas), type: APPLY })
    expect(statusOf(await applied(4, false)).message).toContain('conflict with "creator" using autoscaling/v1')
    expect((await applied(4, true)).json().spec).toEqual({ replicas: 4 })
    expect(await ownersOf()).toContainEqual({
      manager: 'applier',
      operation: 'Apply',
      apiVersion: 'example.com/v1',
      fieldsV1: { 'f:spec': { 'f:size': { 'f:wanted': {} } } },
      subresource: 'scale',
    })
    // The same again changes nothing.
    const before = (await cluster.send('GET', `${S}/a`)).json()
    await applied(4, false)
    expect((await cluster.send('GET', `${S}/a`)).json()).toEqual(before)
  })
})
