import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startWebhooks } from '../admission/webhook-server.test-support.ts'
import type { WebhookServer } from '../admission/webhook-server.test-support.ts'
import { admin, definition, openTestCluster, statusOf, widgets } from '../testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from '../testing/test-cluster.ts'

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const pumps = { ...widgets, plural: 'pumps', kind: 'Pump' }
const MERGE = 'application/merge-patch+json'

const path = (version: string): string => `/apis/example.com/${version}/namespaces/default/pumps`

interface Question {
  readonly uid: string
  readonly desiredAPIVersion: string
  readonly objects: TestObject[]
}

let cluster: TestCluster
let server: WebhookServer
/** What the webhook answers; by default it moves the address between `spec.host`, `spec.port` and `spec.address`. */
let answer: (question: Question) => object

/** v1beta1 has the address in one text, v1 in two fields. */
function converted(object: TestObject, apiVersion: string): object {
  const { host, port, address, ...spec } = object.spec ?? {}
  if (apiVersion.endsWith('/v1')) {
    const [name, number] = String(address).split(':')
    return { ...object, apiVersion, spec: { ...spec, host: name, port: Number(number) } }
  }
  return { ...object, apiVersion, spec: { ...spec, address: `${String(host)}:${String(port)}` } }
}

function convert({ desiredAPIVersion, objects }: Question): object {
  return {
    result: { status: 'Success' },
    convertedObjects: objects.map((object) => converted(object, desiredAPIVersion)),
  }
}

const text = { type: 'string' }

function pumpDefinition(storage: 'v1' | 'v1beta1'): TestObject {
  const schema = (properties: object): object => ({
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
  })
  const body = definition(pumps, {
    storage: storage === 'v1',
    schema: schema({ host: text, port: { type: 'integer' }, mode: { ...text, default: 'auto' } }),
    selectableFields: [{ jsonPath: '.spec.host' }],
  })
  body.spec!['versions'] = [
    ...(body.spec!['versions'] as object[]),
    { name: 'v1beta1', served: true, storage: storage === 'v1beta1', schema: schema({ address: text, mode: text }) },
  ]
  body.spec!['conversion'] = {
    strategy: 'Webhook',
    webhook: {
      clientConfig: { url: `${server.url}/convert`, caBundle: server.caBundle },
      conversionReviewVersions: ['v1'],
    },
  }
  return body
}

beforeEach(async () => {
  cluster = await openTestCluster()
  answer = convert
  server = await startWebhooks((request) => answer(request as unknown as Question))
  await cluster.send('POST', CRD, { body: pumpDefinition('v1beta1') })
})

afterEach(async () => {
  await cluster.server.close()
  await server[Symbol.asyncDispose]()
})

function pump(name: string, version: string, spec: object, metadata: object = {}): object {
  return { apiVersion: `example.com/${version}`, kind: 'Pump', metadata: { name, ...metadata }, spec }
}

function create(name: string, version: string, spec: object): Promise<RawAnswer> {
  return cluster.send('POST', path(version), { body: pump(name, version, spec) })
}

async function read(name: string, version: string): Promise<TestObject> {
  return (await cluster.send('GET', `${path(version)}/${name}`)).json()
}

function questions(): Question[] {
  return server.asked.map(({ request }) => request as unknown as Question)
}

describe('a webhook', () => {
  test('is not asked while nobody wants another version than the stored one', async () => {
    await create('a', 'v1beta1', { address: 'x:1' })
    await read('a', 'v1beta1')
    expect(questions()).toEqual([])
  })

  test('converts what is written and what is read', async () => {
    const created = await create('a', 'v1', { host: 'x', port: 1 })
    expect(created.code).toBe(201)
    expect(created.json()).toMatchObject({ apiVersion: 'example.com/v1', spec: { host: 'x', port: 1, mode: 'auto' } })
    expect(questions()).toMatchObject([{ desiredAPIVersion: 'example.com/v1beta1' }])
    const stored = await read('a', 'v1beta1')
    expect(stored).toMatchObject({ apiVersion: 'example.com/v1beta1', spec: { address: 'x:1', mode: 'auto' } })
    expect(await read('a', 'v1')).toEqual(created.json())
    expect(stored.metadata).toEqual(created.json().metadata)
  })

  test('is asked once for all objects of a list, and not again for what is known', async () => {
    for (const name of ['a', 'b', 'c']) await create(name, 'v1beta1', { address: `${name}:1` })
    const list = (await cluster.send('GET', path('v1'))).json<{ items: TestObject[] }>()
    expect(list.items.map(({ spec }) => spec)).toEqual(['a', 'b', 'c'].map((host) => ({ host, port: 1, mode: 'auto' })))
    expect(questions()).toMatchObject([{ objects: [{}, {}, {}], desiredAPIVersion: 'example.com/v1' }])
    await cluster.send('GET', path('v1'))
    expect(questions()).toHaveLength(1)
    const page = (await cluster.send('GET', `${path('v1')}?limit=2`)).json<{ items: TestObject[] }>()
    expect(page.items).toEqual(list.items.slice(0, 2))
    const selected = await cluster.send('GET', `${path('v1')}?fieldSelector=spec.host%3Db`)
    expect(selected.json<{ items: TestObject[] }>().items).toEqual([list.items[1]])
  })

  test('stands behind updates and patches of another version, conflicts and no-ops included', async () => {
    const { metadata } = (await create('a', 'v1beta1', { address: 'x:1' })).json()
    const patched = await cluster.send('PATCH', `${path('v1')}/a`, { body: { spec: { port: 2 } }, type: MERGE })
    expect(patched.json().spec).toEqual({ host: 'x', port: 2, mode: 'auto' })
    expect((await read('a', 'v1beta1')).spec).toEqual({ address: 'x:2', mode: 'auto' })
    const stale = await cluster.send('PUT', `${path('v1')}/a`, { body: pump('a', 'v1', { host: 'y' }, metadata) })
    expect(stale.code).toBe(409)
    const same = await cluster.send('PATCH', `${path('v1')}/a`, { body: { spec: { port: 2 } }, type: MERGE })
    expect(same.json().metadata.resourceVersion).toBe(patched.json().metadata.resourceVersion)
    expect((await cluster.send('DELETE', `${path('v1')}/a`)).code).toBe(200)
    expect((await cluster.send('GET', `${path('v1')}/a`)).code).toBe(404)
  })

  test('is asked before the events of a watch are told, which keep their order', async () => {
    await create('a', 'v1beta1', { address: 'x:1' })
    const query = 'watch=true&timeoutSeconds=5&fieldSelector=spec.host!%3Dgone'
    const { body } = await cluster.transportOf(admin).request({ method: 'GET', path: `${path('v1')}?${query}` })
    await create('b', 'v1beta1', { address: 'y:1' })
    await cluster.send('PATCH', `${path('v1beta1')}/a`, { body: { spec: { address: 'x:2' } }, type: MERGE })
    await cluster.send('PATCH', `${path('v1beta1')}/a`, { body: { spec: { address: 'gone:3' } }, type: MERGE })
    await cluster.send('DELETE', `${path('v1beta1')}/b`)
    await cluster.clock.advance(5000)
    let lines = ''
    for await (const piece of body) lines += Buffer.from(piece).toString()
    const watched = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; object: TestObject })
    expect(watched.map(({ type, object }) => [type, object.metadata.name, object.apiVersion, object.spec])).toEqual([
      ['ADDED', 'a', 'example.com/v1', { host: 'x', port: 1, mode: 'auto' }],
      ['ADDED', 'b', 'example.com/v1', { host: 'y', port: 1, mode: 'auto' }],
      ['MODIFIED', 'a', 'example.com/v1', { host: 'x', port: 2, mode: 'auto' }],
      ['DELETED', 'a', 'example.com/v1', { host: 'x', port: 2, mode: 'auto' }],
      ['DELETED', 'b', 'example.com/v1', { host: 'y', port: 1, mode: 'auto' }],
    ])
  })

  test('may change labels and annotations, and nothing else of the metadata', async () => {
    answer = (question) => ({
      result: { status: 'Success' },
      convertedObjects: question.objects.map((object) => ({
        ...object,
        apiVersion: question.desiredAPIVersion,
        metadata: { ...object.metadata, labels: { from: 'webhook' }, generation: 7 },
      })),
    })
    const { metadata } = (await create('a', 'v1beta1', { address: 'x:1' })).json()
    expect((await read('a', 'v1')).metadata).toEqual({ ...metadata, labels: { from: 'webhook' } })
  })
})

describe('a webhook fails a request', () => {
  const success = { result: { status: 'Success' } }
  const one = (change: (object: TestObject, version: string) => object) => (question: Question) => ({
    ...success,
    convertedObjects: question.objects.map((object) => change(object, question.desiredAPIVersion)),
  })

  test.each<[string, (question: Question) => object, string]>([
    ['that it refuses', () => ({ result: { status: 'Failed', message: 'no way' } }), 'failed: no way'],
    [
      'without a word',
      () => ({ result: { status: 'Failed' } }),
      "failed: response.result.status was 'Failed', not 'Success'",
    ],
    ['with too few objects', () => ({ ...success, convertedObjects: [] }), 'returned 0 objects, expected 1'],
    [
      'that answers something else',
      (question) => ({ ...convert(question), uid: 'other' }),
      'failed: expected response.uid=',
    ],
    [
      'with the wrong version',
      one((object) => object),
      'invalid groupVersion (expected example.com/v1, received example.com/v1beta1)',
    ],
    [
      'with the wrong kind',
      one((object, apiVersion) => ({ ...object, apiVersion, kind: 'Well' })),
      'invalid kind (expected Pump, received Well)',
    ],
    [
      'with another name',
      one((object, apiVersion) => ({ ...object, apiVersion, metadata: { ...object.metadata, name: 'b' } })),
      'must have the same name: a != "b"',
    ],
    [
      'without metadata',
      one((object, apiVersion) => ({ apiVersion, kind: object.kind })),
      'missing metadata in converted object',
    ],
  ])('%s', async (_what, wrong, message) => {
    await create('a', 'v1beta1', { address: 'x:1' })
    answer = wrong
    const refused = await cluster.send('GET', `${path('v1')}/a`)
    expect(refused.code).toBe(500)
    expect(statusOf(refused).message).toContain('conversion webhook for example.com/v1beta1, Kind=Pump ')
    expect(statusOf(refused).message).toContain(message)
    // Who asks for the stored version needs no webhook.
    expect((await cluster.send('GET', `${path('v1beta1')}/a`)).code).toBe(200)
  })

  test('and ends a watch with the reason', async () => {
    answer = () => ({ result: { status: 'Failed', message: 'no way' } })
    const watch = cluster.send('GET', `${path('v1')}?watch=true`)
    await create('a', 'v1beta1', { address: 'x:1' })
    await cluster.clock.advance(0)
    const event = JSON.parse((await watch).text) as { type: string; object: { message: string } }
    expect(event).toMatchObject({ type: 'ERROR', object: { message: expect.stringContaining('no way') } })
  })
})

test('objects move to another storage version when they are written again, even without a change', async () => {
  await create('a', 'v1beta1', { address: 'x:1' })
  const live = (await cluster.send('GET', `${CRD}/pumps.example.com`)).json()
  const moved = { ...pumpDefinition('v1'), metadata: live.metadata }
  const updated = await cluster.send('PUT', `${CRD}/pumps.example.com`, { body: moved })
  expect(updated.json().status?.['storedVersions']).toEqual(['v1beta1', 'v1'])
  const before = await read('a', 'v1')
  expect(before.spec).toEqual({ host: 'x', port: 1, mode: 'auto' })
  const written = await cluster.send('PUT', `${path('v1')}/a`, { body: before })
  expect(written.json().metadata.resourceVersion).not.toBe(before.metadata.resourceVersion)
  const asked = questions().length
  expect((await read('a', 'v1')).spec).toEqual(before.spec)
  expect(questions()).toHaveLength(asked)
  expect((await read('a', 'v1beta1')).spec).toEqual({ address: 'x:1', mode: 'auto' })
})
