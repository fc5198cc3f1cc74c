import { beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

const PATH = '/api/v1/namespaces'

function namespace(name: string, members: object = {}): object {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, ...members }
}

function create(name: string, members: object = {}): Promise<RawAnswer> {
  return cluster.send('POST', PATH, { body: namespace(name, members) })
}

function finalize(name: string, finalizers: unknown): Promise<RawAnswer> {
  return cluster.send('PUT', `${PATH}/${name}/finalize`, { body: namespace(name, { spec: { finalizers } }) })
}

function conditions(answer: RawAnswer): [string, string, string, string][] {
  const list = answer.json<TestObject & { status: { conditions: Record<string, string>[] } }>().status.conditions
  return list.map(({ type, status, reason, message }) => [type!, status!, reason!, message!])
}

test('a new one is active and held by the cluster, and by whom its creator says', async () => {
  const { spec, status, metadata } = (await create('n', { spec: { finalizers: ['example.com/f'] } })).json()
  expect([spec, status]).toEqual([{ finalizers: ['example.com/f', 'kubernetes'] }, { phase: 'Active' }])
  expect(metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'n' })
})

test.each([
  ['plain', 'name is neither a standard finalizer name nor is it fully qualified'],
  ['a b/c', 'prefix part a lowercase RFC 1123 subdomain'],
])('the finalizer %j is refused', async (finalizer, why) => {
  expect(statusOf(await create('n', { spec: { finalizers: [finalizer] } })).message).toContain(why)
  await create('n')
  const answer = await finalize('n', ['kubernetes', finalizer])
  expect([answer.code, statusOf(answer).details?.causes?.[0]?.field]).toEqual([422, 'spec.finalizers[1]'])
})

test('finalizers that are no list are refused', async () => {
  await create('n')
  expect((await finalize('n', 'kubernetes')).code).toBe(400)
})

test('finalizers change only where they should', async () => {
  await create('n')
  const changed = await cluster.send('PATCH', `${PATH}/n`, {
    body: { spec: { finalizers: null }, metadata: { labels: { a: 'b' } } },
    type: 'application/merge-patch+json',
  })
  expect(changed.json()).toMatchObject({ spec: { finalizers: ['kubernetes'] }, metadata: { labels: { a: 'b' } } })
  expect((await finalize('n', [])).json().spec).toEqual({ finalizers: [] })
})

test('its status tells what holds it, and that nothing in it does any more', async () => {
  await create('n', { spec: { finalizers: ['example.com/f'] } })
  const path = '/apis/example.com/v1/namespaces/n/widgets'
  const body = widget('held', {}, { namespace: 'n', finalizers: ['example.com/w'] })
  expect((await cluster.send('POST', path, { body })).code).toBe(201)
  const answer = await cluster.send('DELETE', `${PATH}/n`)
  expect(answer.json()).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } })
  await cluster.clock.advance(0)
  expect(conditions(await cluster.send('GET', `${PATH}/n`)).slice(3)).toEqual([
    [
      'NamespaceContentRemaining',
      'True',
      'SomeResourcesRemain',
      'Some resources are remaining: widgets.example.com has 1 resource instances',
    ],
    [
      'NamespaceFinalizersRemaining',
      'True',
      'SomeFinalizersRemain',
      'Some content in the namespace has finalizers remaining: example.com/w in 1 resource instances',
    ],
  ])
  const late = await cluster.send('POST', path, { body: widget('late', {}, { namespace: 'n' }) })
  expect([late.code, statusOf(late).message, statusOf(late).details?.causes]).toEqual([
    403,
    'widgets.example.com "late" is forbidden: unable to create new content in namespace n because it is being terminated',
    [
      {
        reason: 'NamespaceTerminating',
        message: 'namespace n is being terminated',
        field: 'metadata.namespace',
      },
    ],
  ])
  const type = 'application/merge-patch+json'
  const changed = await cluster.send('PATCH', `${path}/held`, { body: { spec: { size: 9 } }, type })
  expect(changed.code).toBe(200)
  await cluster.send('PATCH', `${path}/held`, { body: { metadata: { finalizers: null } }, type })
  await cluster.clock.advance(0)
  const left = await cluster.send('GET', `${PATH}/n`)
  expect(left.json().spec).toEqual({ finalizers: ['example.com/f'] })
  expect(conditions(left).slice(3)).toEqual([
    ['NamespaceContentRemaining', 'False', 'ContentRemoved', 'All content successfully removed'],
    ['NamespaceFinalizersRemaining', 'False', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ])
  expect((await finalize('n', [])).code).toBe(200)
  expect((await cluster.send('GET', `${PATH}/n`)).code).toBe(404)
})

test.each(['default', 'kube-system', 'kube-public'])('%s stays', async (name) => {
  const answer = await cluster.send('DELETE', `${PATH}/${name}`)
  expect([answer.code, statusOf(answer).message]).toEqual([
    403,
    `namespaces "${name}" is forbidden: this namespace may not be deleted`,
  ])
  // They cannot be deleted all at once either, nor can any others.
  expect((await cluster.send('DELETE', PATH)).code).toBe(405)
})
