import { beforeEach, describe, expect, test } from 'vitest'
import { CM, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

async function create(name: string, metadata: object = {}): Promise<TestObject> {
  return (await cluster.send('POST', W, { body: widget(name, {}, metadata) })).json()
}

function remove(name: string, body?: object): Promise<RawAnswer> {
  return cluster.send('DELETE', `${W}/${name}`, body === undefined ? {} : { body })
}

async function exists(path: string): Promise<boolean> {
  // Controllers act on what has happened; they need no time.
  await cluster.clock.advance(0)
  return (await cluster.send('GET', path)).code === 200
}

test('says what is gone', async () => {
  const { metadata } = await create('a')
  const answer = await remove('a')
  expect(answer.code).toBe(200)
  expect(statusOf(answer)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name: 'a', group: 'example.com', kind: 'widgets', uid: metadata.uid },
  })
  expect((await remove('a')).code).toBe(404)
})

describe('finalizers', () => {
  test('hold an object back until they are removed', async () => {
    const live = await create('a', { finalizers: ['example.com/f'] })
    const answer = await remove('a')
    expect(answer.code).toBe(200)
    expect(answer.json().metadata).toMatchObject({
      deletionTimestamp: '2026-01-05T08:00:00Z',
      deletionGracePeriodSeconds: 0,
      generation: 2,
    })
    await cluster.clock.advance(5000)
    expect((await remove('a')).json()).toEqual(answer.json())
    const added = await cluster.send('PATCH', `${W}/a`, {
      body: { metadata: { finalizers: ['example.com/f', 'example.com/g'] } },
      type: 'application/merge-patch+json',
    })
    expect(added.code).toBe(422)
    expect(statusOf(added).message).toContain('metadata.finalizers: Forbidden: no new finalizers can be added')
    const released = await cluster.send('PATCH', `${W}/a`, {
      body: { metadata: { finalizers: null } },
      type: 'application/merge-patch+json',
    })
    expect([released.code, released.json().metadata.uid]).toEqual([200, live.metadata.uid])
    expect(await exists(`${W}/a`)).toBe(false)
  })

  test('must be qualified names', async () => {
    const answer = await cluster.send('POST', W, { body: widget('a', {}, { finalizers: ['not ok'] }) })
    expect(statusOf(answer).details?.causes?.[0]?.field).toBe('metadata.finalizers')
  })
})

test('preconditions', async () => {
  const { metadata } = await create('a')
  expect((await remove('a', { preconditions: { uid: 'other' } })).code).toBe(409)
  expect((await remove('a', { preconditions: { resourceVersion: '1' } })).code).toBe(409)
  const { uid, resourceVersion } = metadata
  expect((await remove('a', { preconditions: { uid, resourceVersion } })).code).toBe(200)
})

test.each([{ propagationPolicy: 'Later' }, { propagationPolicy: 'Orphan', orphanDependents: true }])(
  '%j is refused',
  async (body) => {
    await create('a')
    expect((await remove('a', body)).code).toBe(422)
  },
)

test('a collection goes by selector', async () => {
  await create('a', { labels: { x: 'y' } })
  await create('b', { labels: { x: 'y' }, finalizers: ['example.com/f'] })
  await create('c')
  const answer = await cluster.send('DELETE', `${W}?labelSelector=x%3Dy`)
  expect(answer.json<{ items: TestObject[] }>().items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b'])
  expect(await exists(`${W}/a`)).toBe(false)
  expect(await exists(`${W}/b`)).toBe(true)
  expect(await exists(`${W}/c`)).toBe(true)
})

describe('owners', () => {
  async function family(): Promise<void> {
    const { metadata } = await create('owner')
    const owner = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      name: 'owner',
      uid: metadata.uid,
      blockOwnerDeletion: true,
    }
    await create('child', { ownerReferences: [owner] })
  }

  test('in the background, dependents follow', async () => {
    await family()
    await remove('owner', { propagationPolicy: 'Background' })
    expect(await exists(`${W}/child`)).toBe(false)
  })

  test('in the foreground, dependents go first', async () => {
    await family()
    const answer = await remove('owner', { propagationPolicy: 'Foreground' })
    expect(answer.json().metadata.finalizers).toEqual(['foregroundDeletion'])
    expect(await exists(`${W}/child`)).toBe(false)
    expect(await exists(`${W}/owner`)).toBe(false)
  })

  test('orphans stay, without their owner', async () => {
    await family()
    await remove('owner', { propagationPolicy: 'Orphan' })
    expect(await exists(`${W}/owner`)).toBe(false)
    expect((await cluster.send('GET', `${W}/child`)).json().metadata.ownerReferences).toBeUndefined()
  })

  test('there is one controller at most', async () => {
    const owner = (uid: string): object => ({ apiVersion: 'v1', kind: 'X', name: 'x', uid, controller: true })
    const answer = await cluster.send('POST', W, {
      body: widget('a', {}, { ownerReferences: [owner('1'), owner('2')] }),
    })
    expect(statusOf(answer).message).toContain('Only one reference can have Controller set to true')
  })
})

describe('namespaces', () => {
  const namespace = (name: string): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })

  test('start active', async () => {
    const answer = await cluster.send('POST', '/api/v1/namespaces', { body: namespace('n') })
    expect(answer.json()).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'n' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  })

  test('go away with everything in them, after it', async () => {
    await cluster.send('POST', '/api/v1/namespaces', { body: namespace('n') })
    const path = W.replace('default', 'n')
    await cluster.send('POST', path, {
      body: widget('held', {}, { namespace: 'n', finalizers: ['example.com/f'] }),
    })
    await cluster.send('POST', CM.replace('default', 'n'), {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
    })
    const answer = await cluster.send('DELETE', '/api/v1/namespaces/n')
    expect(answer.json().status).toEqual({ phase: 'Terminating' })
    expect(await exists(`${CM.replace('default', 'n')}/c`)).toBe(false)
    expect(await exists('/api/v1/namespaces/n')).toBe(true)
    const refused = await cluster.send('POST', path, { body: widget('late', {}, { namespace: 'n' }) })
    expect(refused.code).toBe(403)
    expect(statusOf(refused)).toMatchObject({
      message:
        'widgets.example.com "late" is forbidden: unable to create new content in namespace n because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] },
    })
    await cluster.send('PATCH', `${path}/held`, {
      body: { metadata: { finalizers: null } },
      type: 'application/merge-patch+json',
    })
    expect(await exists('/api/v1/namespaces/n')).toBe(false)
  })

  test('that every cluster needs stay', async () => {
    const answer = await cluster.send('DELETE', '/api/v1/namespaces/default')
    expect([answer.code, statusOf(answer).message]).toEqual([
      403,
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ])
  })
})

test('events are forgotten after an hour, without a trace left in time', async () => {
  const path = '/api/v1/namespaces/default/events'
  await cluster.send('POST', path, { body: { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' } } })
  await cluster.clock.advance(59 * 60_000)
  expect(await exists(`${path}/e`)).toBe(true)
  await cluster.clock.advance(2 * 60_000)
  expect(await exists(`${path}/e`)).toBe(false)
})
