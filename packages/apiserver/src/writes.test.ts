import { beforeEach, describe, expect, test } from 'vitest'
import { CM, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

const MERGE = 'application/merge-patch+json'

async function create(name: string, metadata: object = {}): Promise<TestObject> {
  return (await cluster.send('POST', W, { body: widget(name, {}, metadata) })).json()
}

function patch(name: string, body: object): Promise<RawAnswer> {
  return cluster.send('PATCH', `${W}/${name}`, { body, type: MERGE })
}

describe('owners', () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'u1' }

  test('said twice are kept once, with a warning', async () => {
    const { uid = '' } = (await create('real')).metadata
    const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'real', uid }
    const body = widget('a', {}, { ownerReferences: [owner, { ...owner }] })
    const answer = await cluster.send('POST', W, { body })
    expect(answer.code).toBe(201)
    expect(answer.json().metadata.ownerReferences).toEqual([owner])
    expect(answer.headers['warning']).toContain(
      '.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+',
    )
    expect(answer.headers['warning']).toContain(`duplicate UID(s) observed: ${uid}`)
    const patched = await patch('a', { metadata: { ownerReferences: [owner, owner, owner] } })
    expect(patched.json().metadata.ownerReferences).toEqual([owner])
    expect(patched.headers['warning']).toContain('duplicate entries after mutating admission happens')
    expect(patched.headers['warning']).toContain(`observed: ${uid}, ${uid}`)
  })

  test('that differ in more than the uid all stay', async () => {
    const ownerReferences = [owner, { ...owner, name: 'b' }]
    const answer = await cluster.send('POST', W, { body: widget('a', {}, { ownerReferences }) })
    expect(answer.json().metadata.ownerReferences).toEqual(ownerReferences)
    expect(answer.headers['warning']).toBeUndefined()
  })

  test.each([
    ['apiVersion', 'version must not be empty'],
    ['kind', 'must not be empty'],
    ['name', 'must not be empty'],
    ['uid', 'must not be empty'],
  ])('without %s are refused', async (field, why) => {
    const ownerReferences = [{ ...owner, [field]: '' }]
    const answer = await cluster.send('POST', W, { body: widget('a', {}, { ownerReferences }) })
    expect(statusOf(answer).details?.causes).toEqual([
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: "": ${why}`,
        field: `metadata.ownerReferences.${field}`,
      },
    ])
  })

  test('may have one controller, and be no event', async () => {
    const two = [
      { ...owner, controller: true },
      { ...owner, name: 'b', uid: 'u2', controller: true },
    ]
    const answer = await cluster.send('POST', W, { body: widget('a', {}, { ownerReferences: two }) })
    expect(statusOf(answer).message).toContain(
      'Only one reference can have Controller set to true. Found "true" in references for ConfigMap/a and ConfigMap/b',
    )
    const event = await cluster.send('POST', W, {
      body: widget('a', {}, { ownerReferences: [{ ...owner, kind: 'Event' }] }),
    })
    expect(statusOf(event).message).toContain('/v1, Kind=Event is disallowed from being an owner')
  })
})

describe('a new object', () => {
  test('says that the one in its place is still going away', async () => {
    await create('a', { finalizers: ['example.com/f'] })
    await cluster.send('DELETE', `${W}/a`)
    expect(statusOf(await cluster.send('POST', W, { body: widget('a') })).message).toBe(
      'object is being deleted: widgets.example.com "a" already exists',
    )
  })

  test('that is only rehearsed has no resource version', async () => {
    const { metadata } = (await cluster.send('POST', `${W}?dryRun=All`, { body: widget('a') })).json()
    expect(metadata).not.toHaveProperty('resourceVersion')
    expect(metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('an update', () => {
  test('must name the object', async () => {
    const live = await create('a')
    const { name: _, ...metadata } = live.metadata
    const answer = await cluster.send('PUT', `${W}/a`, { body: { ...live, metadata } })
    expect([answer.code, statusOf(answer).message]).toEqual([
      400,
      'the name of the object (a based on URL) was undeterminable: name must be provided',
    ])
  })

  test('of another kind is refused', async () => {
    const live = await create('a')
    const answer = await cluster.send('PUT', `${W}/a`, { body: { ...live, kind: 'Gadget' } })
    expect([answer.code, statusOf(answer).message]).toEqual([
      422,
      'Gadget.example.com "a" is invalid: kind: Invalid value: "Gadget": must be Widget',
    ])
  })

  test('cannot begin a deletion', async () => {
    const live = await create('a')
    const metadata = { ...live.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 5 }
    const answer = await cluster.send('PUT', `${W}/a`, { body: { ...live, metadata } })
    const said = [
      ['metadata.deletionTimestamp', 'Invalid value: "2026-01-01T00:00:00Z": field is immutable'],
      ['metadata.deletionGracePeriodSeconds', 'Invalid value: 5: field is immutable'],
    ]
    // Twice, as Kubernetes says it.
    expect(statusOf(answer).details?.causes?.map(({ field, message }) => [field, message])).toEqual([...said, ...said])
  })

  test('cannot end one either', async () => {
    await create('a', { finalizers: ['example.com/f'] })
    const live = (await cluster.send('DELETE', `${W}/a`)).json()
    const { deletionTimestamp, deletionGracePeriodSeconds: _, ...metadata } = live.metadata
    const answer = await cluster.send('PUT', `${W}/a`, { body: { ...live, metadata } })
    expect(answer.json().metadata).toMatchObject({ deletionTimestamp, deletionGracePeriodSeconds: 0 })
  })

  test('with resourceVersion 0 is one without', async () => {
    const live = await create('a')
    const body = { ...live, metadata: { ...live.metadata, resourceVersion: '0' } }
    expect((await cluster.send('PUT', `${W}/a`, { body })).code).toBe(422)
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' } }
    await cluster.send('POST', CM, { body: map })
    const changed = { ...map, metadata: { name: 'm', resourceVersion: '0' }, data: { a: 'b' } }
    expect((await cluster.send('PUT', `${CM}/m`, { body: changed })).code).toBe(200)
  })
})

describe('a JSON patch', () => {
  test('cannot make an object of any size by copying', async () => {
    await create('a')
    const body: object[] = [{ op: 'add', path: '/spec/blob', value: { x: 'x'.repeat(1000) } }]
    for (let times = 0; times < 14; times++) body.push({ op: 'copy', from: '/spec/blob', path: `/spec/blob/c${times}` })
    const answer = await cluster.send('PATCH', `${W}/a`, { body, type: 'application/json-patch+json' })
    expect(answer.code).toBe(422)
    const few = await cluster.send('PATCH', `${W}/a`, { body: body.slice(0, 5), type: 'application/json-patch+json' })
    expect(few.code).toBe(200)
  })
})

test('a PUT that creates needs the right to create', async () => {
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  const rules = [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['update'] }]
  await cluster.send('POST', `${rbac}/clusterroles`, {
    body: { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'r' }, rules },
  })
  await cluster.send('POST', `${rbac}/clusterrolebindings`, {
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'bob' }],
    },
  })
  const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: {} }
  const user = { name: 'bob', groups: [] }
  const refused = await cluster.send('PUT', `${path}/l`, { body: lease, user })
  expect([refused.code, statusOf(refused).message]).toEqual([
    403,
    'leases.coordination.k8s.io "l" is forbidden: User "bob" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default"',
  ])
  expect((await cluster.send('PUT', `${path}/l`, { body: lease })).code).toBe(201)
  // What is there is not overwritten unseen.
  expect((await cluster.send('PUT', `${path}/l`, { body: lease, user })).code).toBe(422)
})

describe('delete options', () => {
  test('in YAML', async () => {
    const { metadata } = await create('a')
    const options = { body: `preconditions:\n  uid: other\n`, type: 'application/yaml' }
    const answer = await cluster.send('DELETE', `${W}/a`, options)
    expect([answer.code, statusOf(answer).message]).toEqual([
      409,
      `Operation cannot be fulfilled on Widget.example.com "a": the UID in the precondition (other) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    ])
  })

  test('with a stale version', async () => {
    const { metadata } = await create('a')
    const answer = await cluster.send('DELETE', `${W}/a`, { body: { preconditions: { resourceVersion: '1' } } })
    expect(statusOf(answer).message).toContain(
      `the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
  })

  test('a body says everything, the query then nothing', async () => {
    await create('a')
    await create('b')
    expect((await cluster.send('DELETE', `${W}/a?dryRun=All`)).code).toBe(200)
    expect((await cluster.send('GET', `${W}/a`)).code).toBe(200)
    await cluster.send('DELETE', `${W}/b?dryRun=All`, { body: { propagationPolicy: 'Background' } })
    expect((await cluster.send('GET', `${W}/b`)).code).toBe(404)
  })

  test.each([
    [{ kind: 'Status' }, 'no kind "Status" is registered for version "" in scheme "pkg/runtime/scheme.go:111"'],
    [[], 'the delete options are not an object'],
    [
      { propagationPolicy: 1 },
      'json: cannot unmarshal number into Go struct field DeleteOptions.propagationPolicy of type v1.DeletionPropagation',
    ],
    [
      { orphanDependents: 'yes' },
      'json: cannot unmarshal string into Go struct field DeleteOptions.orphanDependents of type bool',
    ],
    [{ dryRun: 'All' }, 'dryRun of the delete options is not a list of strings'],
    [{ preconditions: [] }, 'the preconditions of the delete options are not an object'],
    [{ preconditions: { uid: 1 } }, 'the preconditions of the delete options are not strings'],
  ])('%j', async (body, why) => {
    await create('a')
    const answer = await cluster.send('DELETE', `${W}/a`, { body })
    expect([answer.code, statusOf(answer).message]).toEqual([400, why])
  })

  test('who does not want orphans, in the old words, is told that it takes time', async () => {
    await create('a', { finalizers: ['example.com/f'] })
    expect((await cluster.send('DELETE', `${W}/a`, { body: { orphanDependents: false } })).code).toBe(202)
    expect((await cluster.send('DELETE', `${W}/a?orphanDependents=false`)).code).toBe(202)
    expect((await cluster.send('DELETE', `${W}/a`)).code).toBe(200)
    await create('b')
    expect((await cluster.send('DELETE', `${W}/b?orphanDependents=false`)).code).toBe(200)
  })

  test('policies that contradict each other', async () => {
    await create('a')
    const body = { propagationPolicy: 'Orphan', orphanDependents: true }
    expect(statusOf(await cluster.send('DELETE', `${W}/a`, { body })).message).toBe(
      'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    )
    expect(statusOf(await cluster.send('DELETE', `${W}/a?propagationPolicy=Later`)).message).toContain(
      'Unsupported value: "Later": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
  })

  test('hold for each object of a collection', async () => {
    await create('a')
    await create('b')
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] }
    expect((await cluster.send('DELETE', W, { body })).code).toBe(200)
    expect((await cluster.send('GET', `${W}/a`)).code).toBe(200)
    const held = await cluster.send('DELETE', W, { body: { propagationPolicy: 'Orphan' } })
    expect(held.json<{ items: TestObject[] }>().items.map(({ metadata }) => metadata.finalizers)).toEqual([
      ['orphan'],
      ['orphan'],
    ])
  })
})
