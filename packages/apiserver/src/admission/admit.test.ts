import { configMaps, forbidden } from '@locktender/kube'
import { beforeEach, expect, test } from 'vitest'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { openTestCluster, statusOf, W, widget, widgets } from '../testing/test-cluster.ts'
import type { TestCluster, TestObject } from '../testing/test-cluster.ts'

let requests: AdmissionRequest[]
let cluster: TestCluster

/** Stamps who wrote a widget last, allows one widget of mode B, and refuses to delete widgets called `keep`. */
const plugin: AdmissionPlugin = {
  name: 'test',
  admit(request, reader) {
    if (request.resource.plural !== 'widgets') return undefined
    requests.push(request)
    const target = { group: 'example.com', resource: 'widgets' }
    if (request.operation === 'DELETE') {
      if (request.name === 'keep') throw forbidden(target, request.name, 'it must stay')
      return undefined
    }
    const object = request.object as TestObject
    const others = reader.list<TestObject>(widgets, 'default').filter(({ metadata }) => metadata.name !== request.name)
    if (object.spec?.['mode'] === 'B' && others.some(({ spec }) => spec?.['mode'] === 'B')) {
      throw forbidden(target, request.name, 'there is one already')
    }
    if (reader.get(configMaps, 'frozen', 'default') !== undefined) throw forbidden(target, request.name, 'frozen')
    const { metadata } = object
    const annotations = { ...metadata.annotations, writer: request.user.name }
    return { ...object, metadata: { ...metadata, annotations } }
  },
}

beforeEach(async () => {
  requests = []
  cluster = await openTestCluster({ admission: [plugin] })
})

test('a plugin sees each write and may change what is stored', async () => {
  const created = await cluster.send('POST', W, { body: widget('a') })
  expect(created.json().metadata.annotations).toEqual({ writer: 'admin' })
  const patch = { body: { status: { phase: 'p' } }, type: 'application/merge-patch+json' }
  await cluster.send('PATCH', `${W}/a/status?dryRun=All`, patch)
  await cluster.send('DELETE', `${W}/a`)
  expect(
    requests.map(({ cluster: name, operation, subresource, dryRun, object, oldObject }) => [
      name,
      operation,
      subresource,
      dryRun,
      object !== undefined,
      oldObject !== undefined,
    ]),
  ).toEqual([
    ['hub', 'CREATE', undefined, false, true, false],
    ['hub', 'UPDATE', 'status', true, true, true],
    ['hub', 'DELETE', undefined, false, false, true],
  ])
})

test('a plugin may refuse, by what it reads', async () => {
  expect((await cluster.send('POST', W, { body: widget('a', { mode: 'B' }) })).code).toBe(201)
  const second = await cluster.send('POST', W, { body: widget('b', { mode: 'B' }) })
  expect([second.code, statusOf(second).message]).toEqual([
    403,
    'widgets.example.com "b" is forbidden: there is one already',
  ])
  expect((await cluster.send('GET', `${W}/b`)).code).toBe(404)
  await cluster.send('POST', W, { body: widget('keep') })
  expect((await cluster.send('DELETE', `${W}/keep`)).code).toBe(403)
  await cluster.send('POST', '/api/v1/namespaces/default/configmaps', {
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'frozen' } },
  })
  const frozen = await cluster.send('PATCH', `${W}/a`, {
    body: { spec: { size: 5 } },
    type: 'application/merge-patch+json',
  })
  expect(statusOf(frozen).message).toContain('frozen')
})

test('what a plugin makes is validated too', async () => {
  const bad: AdmissionPlugin = {
    name: 'bad',
    admit: ({ object }) =>
      object === undefined || object.kind !== 'Widget'
        ? undefined
        : ({ ...object, spec: { size: 1000 } } as TestObject),
  }
  cluster = await openTestCluster({ admission: [bad] })
  expect((await cluster.send('POST', W, { body: widget('a') })).code).toBe(422)
})
