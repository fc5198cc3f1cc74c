import { beforeEach, describe, expect, test } from 'vitest'
import { CM, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
  await cluster.send('POST', W, { body: widget('w', { size: 1, name: 'x', tags: ['a'], steps: ['s'] }) })
})

function json(body: unknown, query = ''): Promise<RawAnswer> {
  return cluster.send('PATCH', `${W}/w${query}`, { body, type: 'application/json-patch+json' })
}

function merge(body: unknown, path = `${W}/w`): Promise<RawAnswer> {
  return cluster.send('PATCH', path, { body, type: 'application/merge-patch+json' })
}

describe('JSON patch', () => {
  test('runs its operations', async () => {
    const answer = await json(
      [
        { op: 'test', path: '/spec/size', value: 1 },
        { op: 'replace', path: '/spec/size', value: 2 },
        { op: 'add', path: '/spec/tags/-', value: 'b' },
        { op: 'remove', path: '/spec/name' },
        { op: 'copy', from: '/spec/steps', path: '/spec/blob', value: null },
      ].slice(0, 4),
    )
    expect(answer.json().spec).toEqual({ size: 2, tags: ['a', 'b'], steps: ['s'] })
  })

  test('that fails is 422, that is none is 400', async () => {
    for (const patch of [
      [{ op: 'test', path: '/spec/size', value: 7 }],
      [{ op: 'replace', path: '/nope/nope', value: 7 }],
      [{ op: 'jump', path: '/a' }],
    ]) {
      expect((await json(patch)).code).toBe(422)
    }
    expect((await json({ op: 'add' })).code).toBe(400)
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/kind', value: 'Widget' }))
    expect((await json(many)).code).toBe(413)
  })
})

describe('merge patch', () => {
  test('merges, deletes with null, replaces lists', async () => {
    const answer = await merge({ spec: { name: null, tags: ['z'], blob: { a: { b: 1 } } } })
    expect(answer.json().spec).toEqual({ size: 1, tags: ['z'], steps: ['s'], blob: { a: { b: 1 } } })
  })

  test('removing a field with a default gives the default', async () => {
    expect((await merge({ spec: { size: null } })).json().spec).toMatchObject({ size: 3 })
  })

  test('a version in it is a condition', async () => {
    expect((await merge({ metadata: { resourceVersion: '1' }, spec: { size: 2 } })).code).toBe(409)
  })

  test('cannot rename, and cannot touch what is not there', async () => {
    expect((await merge({ metadata: { name: 'v' } })).code).toBe(400)
    expect((await merge({}, `${W}/none`)).code).toBe(404)
  })

  test('is validated like any write', async () => {
    const answer = await merge({ spec: { size: 101, mode: 'C' } })
    expect(answer.code).toBe(422)
    expect(
      statusOf(answer)
        .details?.causes?.map(({ reason, field }) => [reason, field])
        .toSorted(),
    ).toEqual([
      ['FieldValueInvalid', 'spec.size'],
      ['FieldValueNotSupported', 'spec.mode'],
    ])
  })

  test('an empty one changes nothing', async () => {
    const before = (await cluster.send('GET', `${W}/w`)).json()
    await cluster.clock.advance(10_000)
    expect((await merge({})).json()).toEqual(before)
    expect((await merge({ spec: { size: 1 } })).json()).toEqual(before)
  })

  test('parallel ones on different fields all take effect', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`)
    await Promise.all(keys.map((key) => merge({ metadata: { annotations: { [key]: key } } })))
    const { annotations } = (await cluster.send('GET', `${W}/w`)).json().metadata
    expect(Object.keys(annotations ?? {}).toSorted()).toEqual(keys.toSorted())
  })

  test('force belongs to applies', async () => {
    const answer = await cluster.send('PATCH', `${W}/w?force=true`, { body: {}, type: 'application/merge-patch+json' })
    expect(answer.code).toBe(422)
  })
})

test('the status path writes status and nothing else', async () => {
  const live = (await cluster.send('GET', `${W}/w`)).json()
  const answer = await merge(
    { metadata: { labels: { a: 'b' } }, spec: { size: 9 }, status: { phase: 'p' } },
    `${W}/w/status`,
  )
  expect(answer.json()).toMatchObject({ spec: live.spec, status: { phase: 'p' }, metadata: { generation: 1 } })
  expect(answer.json().metadata.labels).toBeUndefined()
  expect(answer.json().metadata.managedFields).toMatchObject([
    { manager: 'tester', operation: 'Update' },
    { manager: 'tester', operation: 'Update', subresource: 'status', fieldsV1: { 'f:status': { 'f:phase': {} } } },
  ])
})

test('custom resources have no strategic merge patch', async () => {
  const answer = await cluster.send('PATCH', `${W}/w`, { body: {}, type: 'application/strategic-merge-patch+json' })
  expect(answer.code).toBe(415)
  for (const type of ['json-patch+json', 'merge-patch+json', 'apply-patch+yaml']) {
    expect(statusOf(answer).message).toContain(`application/${type}`)
  }
})

test.each([
  ['apiVersion', { a: 1 }, 'object'],
  ['kind', 5, 'number'],
  ['apiVersion', true, 'bool'],
])('that makes %s %j is refused', async (field, value, type) => {
  const why = `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string`
  await cluster.send('POST', CM, { body: { metadata: { name: 'c' } } })
  for (const path of [`${W}/w`, `${CM}/c`]) {
    const answer = await merge({ [field]: value }, path)
    expect([answer.code, statusOf(answer).message]).toEqual([422, expect.stringMatching(/^ "" is invalid: patch: /)])
    expect(statusOf(answer).message).toContain(why)
  }
})
