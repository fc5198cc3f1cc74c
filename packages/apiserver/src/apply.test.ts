import { beforeEach, describe, expect, test } from 'vitest'
import { openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

interface ApplyOptions {
  readonly manager?: string
  readonly force?: boolean
  readonly path?: string
}

function apply(
  spec: object,
  { manager = 'm1', force = false, path = `${W}/w` }: ApplyOptions = {},
): Promise<RawAnswer> {
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, ...spec }
  return cluster.send('PATCH', `${path}?fieldManager=${manager}&force=${force}`, {
    body,
    type: 'application/apply-patch+yaml',
  })
}

function managersOf(answer: RawAnswer): unknown[] {
  return (answer.json().metadata.managedFields ?? []).map(({ manager, operation, fieldsV1 }) => [
    manager,
    operation,
    fieldsV1,
  ])
}

test('creates what is not there, and again changes nothing', async () => {
  const created = await apply({ spec: { name: 'x' } })
  expect(created.code).toBe(201)
  expect(created.json().spec).toEqual({ name: 'x', size: 3 })
  // Defaults are nobody's.
  expect(managersOf(created)).toEqual([['m1', 'Apply', { 'f:spec': { 'f:name': {} } }]])
  await cluster.clock.advance(60_000)
  const again = await apply({ spec: { name: 'x' } })
  expect(again.code).toBe(200)
  expect(again.json()).toEqual(created.json())
})

test('a field that is no longer applied goes away, or back to its default', async () => {
  await apply({ spec: { name: 'x', size: 9 } })
  const answer = await apply({ spec: {} })
  expect(answer.json().spec).toEqual({ size: 3 })
})

describe('two managers', () => {
  test('conflict over a value; force takes it', async () => {
    await apply({ spec: { size: 5 } })
    const refused = await apply({ spec: { size: 6 } }, { manager: 'm2' })
    expect(refused.code).toBe(409)
    expect(statusOf(refused)).toMatchObject({
      reason: 'Conflict',
      message: 'Apply failed with 1 conflict: conflict with "m1": .spec.size',
      details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.spec.size' }] },
    })
    const forced = await apply({ spec: { size: 6 } }, { manager: 'm2', force: true })
    expect(forced.json().spec).toMatchObject({ size: 6 })
    expect(managersOf(forced)).toEqual([['m2', 'Apply', { 'f:spec': { 'f:size': {} } }]])
  })

  test('share an equal value until the last one lets go', async () => {
    await apply({ spec: { name: 'x' } })
    await apply({ spec: { name: 'x' } }, { manager: 'm2' })
    expect((await apply({ spec: {} })).json().spec).toMatchObject({ name: 'x' })
    expect((await apply({ spec: {} }, { manager: 'm2' })).json().spec).not.toHaveProperty('name')
  })

  test('own their items of one list', async () => {
    await apply({ spec: { items: [{ name: 'a', value: '1' }] } })
    await apply({ spec: { items: [{ name: 'b', value: '2' }] } }, { manager: 'm2' })
    expect((await apply({ spec: {} })).json().spec?.['items']).toEqual([{ name: 'b', value: '2' }])
  })

  test('a plain update is a manager too, and takes over silently', async () => {
    await apply({ spec: { size: 5 } })
    await cluster.send('PATCH', `${W}/w?fieldManager=u1`, {
      body: { spec: { size: 7 } },
      type: 'application/merge-patch+json',
    })
    const refused = await apply({ spec: { size: 5 } })
    expect(statusOf(refused).message).toBe(
      'Apply failed with 1 conflict: conflict with "u1" using example.com/v1: .spec.size',
    )
  })
})

test('status is applied through its own path, and ignored on the main one', async () => {
  await apply({ spec: {}, status: { phase: 'main' } })
  expect((await cluster.send('GET', `${W}/w`)).json().status).toBeUndefined()
  const answer = await apply({ spec: { size: 99 }, status: { phase: 'p' } }, { manager: 's', path: `${W}/w/status` })
  expect(answer.json()).toMatchObject({ spec: { size: 3 }, status: { phase: 'p' } })
  expect(answer.json().metadata.managedFields?.find(({ manager }) => manager === 's')).toMatchObject({
    subresource: 'status',
    fieldsV1: { 'f:status': { 'f:phase': {} } },
  })
  const missing = await apply({ status: {} }, { path: `${W}/none/status` })
  expect(missing.code).toBe(404)
})

test('objects without managed fields get a manager from before', async () => {
  const live = (await cluster.send('POST', W, { body: widget('w', { size: 8 }) })).json()
  await cluster.send('PUT', `${W}/w`, { body: { ...live, metadata: { ...live.metadata, managedFields: [] } } })
  const answer = await apply({ spec: { size: 9 } }, { force: true })
  expect(managersOf(answer)).toEqual([
    ['m1', 'Apply', { 'f:spec': { 'f:size': {} } }],
    ['before-first-apply', 'Update', { 'f:spec': {} }],
  ])
  const refused = await apply({ spec: { size: 7 } }, { manager: 'm2' })
  expect(refused.code).toBe(409)
})

test('what an apply must not say', async () => {
  const path = `${W}/w`
  const type = 'application/apply-patch+yaml'
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } }
  const unnamed = await cluster.send('PATCH', path, { body, type })
  expect([unnamed.code, statusOf(unnamed).message]).toEqual([
    422,
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
  ])
  const send = (change: object): Promise<RawAnswer> =>
    cluster.send('PATCH', `${path}?fieldManager=m`, { body: { ...body, ...change }, type })
  expect((await send({ metadata: { name: 'w', managedFields: [] } })).code).toBe(400)
  expect((await send({ apiVersion: 'example.com/v9' })).code).toBe(400)
  expect(statusOf(await send({ spec: { foo: 1 } })).message).toContain('.spec.foo: field not declared in schema')
  expect((await send({ metadata: { name: 'w', uid: 'x' } })).code).toBe(409)
})

test('YAML bodies are applied', async () => {
  const body = 'apiVersion: example.com/v1\nkind: Widget\nmetadata:\n  name: w\nspec:\n  tags: [a, b]\n'
  const answer = await cluster.send('PATCH', `${W}/w?fieldManager=m`, { body, type: 'application/apply-patch+yaml' })
  expect(answer.json().spec).toEqual({ size: 3, tags: ['a', 'b'] })
})

test('built-in kinds are applied without a schema', async () => {
  const path = '/api/v1/namespaces/default/configmaps/c?fieldManager='
  const send = (manager: string, data: object): Promise<RawAnswer> =>
    cluster.send('PATCH', path + manager, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data },
      type: 'application/apply-patch+yaml',
    })
  await send('m1', { a: '1' })
  await send('m2', { b: '2' })
  expect((await send('m1', {})).json().data).toEqual({ b: '2' })
})
