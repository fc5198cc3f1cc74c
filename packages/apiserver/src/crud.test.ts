import { beforeEach, describe, expect, test } from 'vitest'
import { admin, CM, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { TestCluster, TestObject } from './testing/test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

function configMap(name: string, data: Record<string, string>): TestObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}

describe('create', () => {
  test('fills in what belongs to the server', async () => {
    const answer = await cluster.send('POST', `${W}?fieldManager=me`, {
      body: widget('w1', { name: 'x' }, { uid: 'mine', generation: 9, deletionTimestamp: '2020-01-01T00:00:00Z' }),
    })
    expect(answer.code).toBe(201)
    const { metadata, spec } = answer.json()
    expect(spec).toEqual({ name: 'x', size: 3 })
    expect(metadata).toMatchObject({
      name: 'w1',
      namespace: 'default',
      generation: 1,
      creationTimestamp: '2026-01-05T08:00:00Z',
    })
    expect(metadata.deletionTimestamp).toBeUndefined()
    expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    expect(Number(metadata.resourceVersion)).toBeGreaterThan(0)
    expect(metadata.managedFields).toMatchObject([{ manager: 'me', operation: 'Update' }])
  })

  test('drops a status sent along', async () => {
    const answer = await cluster.send('POST', W, { body: { ...widget('w1'), status: { phase: 'x' } } })
    expect(answer.json().status).toBeUndefined()
  })

  test('a second object of the same name is refused', async () => {
    await cluster.send('POST', W, { body: widget('w1') })
    const answer = await cluster.send('POST', W, { body: widget('w1') })
    expect(answer.code).toBe(409)
    expect(statusOf(answer)).toMatchObject({
      reason: 'AlreadyExists',
      message: 'widgets.example.com "w1" already exists',
      details: { name: 'w1', group: 'example.com', kind: 'widgets' },
    })
  })

  test('names are generated from a prefix, cut to 63 characters', async () => {
    const create = async (generateName: string): Promise<string> => {
      const body = { ...widget(''), metadata: { generateName } }
      return (await cluster.send('POST', W, { body })).json().metadata.name
    }
    const names = [await create('a-'), await create('a-'), await create('a-')]
    expect(new Set(names).size).toBe(3)
    for (const name of names) expect(name).toMatch(/^a-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(await create('b'.repeat(70))).toHaveLength(63)
  })

  test.each([
    ['A', 'metadata.name'],
    ['a_b', 'metadata.name'],
    ['x'.repeat(254), 'metadata.name'],
  ])('the name %s is refused', async (name, field) => {
    const answer = await cluster.send('POST', W, { body: widget(name) })
    expect(answer.code).toBe(422)
    expect(statusOf(answer).details?.causes?.[0]).toMatchObject({ reason: 'FieldValueInvalid', field })
  })

  test('no name at all is refused', async () => {
    const answer = await cluster.send('POST', W, { body: { ...widget(''), metadata: {} } })
    expect(statusOf(answer).message).toBe(
      'Widget.example.com "" is invalid: metadata.name: Required value: name or generateName is required',
    )
  })

  test('URL and body must agree', async () => {
    expect((await cluster.send('POST', W, { body: widget('w', {}, { namespace: 'other' }) })).code).toBe(400)
    const kind = await cluster.send('POST', W, { body: { ...widget('w'), kind: 'Gadget' } })
    expect([kind.code, statusOf(kind).message]).toEqual([
      422,
      'Gadget.example.com "w" is invalid: kind: Invalid value: "Gadget": must be Widget',
    ])
    const version = await cluster.send('POST', W, { body: { ...widget('w'), apiVersion: 'example.com/v2' } })
    expect(statusOf(version).message).toBe(
      'the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)',
    )
    const set = await cluster.send('POST', W, { body: widget('w', {}, { resourceVersion: '5' }) })
    expect([set.code, statusOf(set).reason]).toEqual([500, undefined])
    expect(statusOf(set).message).toBe('resourceVersion should not be set on objects to be created')
  })

  test('the namespace must exist', async () => {
    const answer = await cluster.send('POST', W.replace('default', 'nope'), {
      body: widget('w', {}, { namespace: 'nope' }),
    })
    expect(answer.code).toBe(404)
    expect(statusOf(answer).message).toBe('namespaces "nope" not found')
  })

  test('labels and annotations are checked', async () => {
    const bad = await cluster.send('POST', W, { body: widget('w', {}, { labels: { 'a b': 'x', ok: '-' } }) })
    expect(statusOf(bad).details?.causes?.map(({ field }) => field)).toEqual(['metadata.labels', 'metadata.labels'])
    const big = await cluster.send('POST', W, { body: widget('w', {}, { annotations: { a: 'x'.repeat(256 * 1024) } }) })
    expect(statusOf(big).details?.causes?.[0]).toMatchObject({ reason: 'FieldValueTooLong' })
    const number = await cluster.send('POST', W, { body: widget('w', {}, { labels: { a: 1 } }) })
    expect(number.code).toBe(400)
  })

  test('YAML is understood, other types are not', async () => {
    const yaml = 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 7}\n'
    const answer = await cluster.send('POST', W, { body: yaml, type: 'application/yaml' })
    expect(answer.json().spec).toEqual({ size: 7 })
    const refused = await cluster.send('POST', W, { body: yaml, type: 'text/plain' })
    expect(refused.code).toBe(415)
    expect(statusOf(refused).message).toContain('application/json')
    const broken = await cluster.send('POST', W, { body: '{' })
    expect(broken.code).toBe(400)
  })
})

describe('update', () => {
  test('a stale version is a conflict, and a custom resource needs one', async () => {
    const first = (await cluster.send('POST', W, { body: widget('w') })).json()
    await cluster.send('PUT', `${W}/w`, { body: { ...first, spec: { size: 4 } } })
    const stale = await cluster.send('PUT', `${W}/w`, { body: { ...first, spec: { size: 5 } } })
    expect(stale.code).toBe(409)
    expect(statusOf(stale).message).toBe(
      'Operation cannot be fulfilled on widgets.example.com "w": the object has been modified; please apply your ' +
        'changes to the latest version and try again',
    )
    const without = await cluster.send('PUT', `${W}/w`, { body: widget('w') })
    expect(statusOf(without).message).toBe(
      'widgets.example.com "w" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    )
  })

  test('built-in kinds may be overwritten without a version; leases may be created', async () => {
    await cluster.send('POST', CM, { body: configMap('c', { a: '1' }) })
    const answer = await cluster.send('PUT', `${CM}/c`, { body: configMap('c', { b: '2' }) })
    expect(answer.json().data).toEqual({ b: '2' })
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec: {} }
    const path = '/apis/coordination.k8s.io/v1/namespaces/default/leases/l'
    expect((await cluster.send('PUT', path, { body: lease })).code).toBe(201)
    expect((await cluster.send('PUT', `${W}/none`, { body: widget('none', {}, { resourceVersion: '1' }) })).code).toBe(
      404,
    )
  })

  test('an identical write changes nothing', async () => {
    const before = (await cluster.send('POST', W, { body: widget('w') })).json()
    await cluster.clock.advance(5000)
    const after = (await cluster.send('PUT', `${W}/w`, { body: before })).json()
    expect(after).toEqual(before)
  })

  test('generation counts changes of the spec only', async () => {
    let live = (await cluster.send('POST', W, { body: widget('w') })).json()
    const put = async (path: string, change: object): Promise<number | undefined> => {
      live = (await cluster.send('PUT', path, { body: { ...live, ...change } })).json()
      return live.metadata.generation
    }
    expect(await put(`${W}/w`, { metadata: { ...live.metadata, labels: { a: 'b' } } })).toBe(1)
    expect(await put(`${W}/w`, { spec: { size: 9 } })).toBe(2)
    expect(await put(`${W}/w/status`, { status: { phase: 'x' }, spec: { size: 1 } })).toBe(2)
    expect(live).toMatchObject({ spec: { size: 9 }, status: { phase: 'x' } })
    expect(await put(`${W}/w`, { status: { phase: 'y' } })).toBe(2)
    expect(live.status).toEqual({ phase: 'x' })
  })

  test('without a status subresource status counts as well, and has no path of its own', async () => {
    const G = '/apis/example.com/v1/gadgets'
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' }, status: { a: 1 } }
    const live = (await cluster.send('POST', G, { body: gadget })).json()
    expect(live.status).toEqual({ a: 1 })
    const next = (await cluster.send('PUT', `${G}/g`, { body: { ...live, status: { a: 2 } } })).json()
    expect(next.metadata.generation).toBe(2)
    expect((await cluster.send('GET', `${G}/g/status`)).code).toBe(404)
  })

  test('identity cannot be changed', async () => {
    const live = (await cluster.send('POST', W, { body: widget('w') })).json()
    const other = await cluster.send('PUT', `${W}/w`, { body: { ...live, metadata: { ...live.metadata, uid: 'x' } } })
    expect(other.code).toBe(409)
    expect(statusOf(other).message).toContain('Precondition failed: UID in precondition: x')
    const times = { ...live.metadata, creationTimestamp: '2000-01-01T00:00:00Z', generation: 77, labels: { a: 'b' } }
    const next = (await cluster.send('PUT', `${W}/w`, { body: { ...live, metadata: times } })).json()
    expect(next.metadata).toMatchObject({ creationTimestamp: live.metadata.creationTimestamp, generation: 1 })
    expect((await cluster.send('PUT', `${W}/w`, { body: widget('v', {}, { resourceVersion: '1' }) })).code).toBe(400)
  })
})

describe('field validation', () => {
  const body =
    '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"foo":1,"size":1,"size":2,"blob":{"any":1}}}'

  test('Strict refuses unknown and repeated fields', async () => {
    const answer = await cluster.send('POST', `${W}?fieldValidation=Strict`, { body })
    expect(answer.code).toBe(400)
    expect(statusOf(answer).message).toBe(
      'Widget in version "v1" cannot be handled as a Widget: strict decoding error: duplicate field "spec.size", ' +
        'unknown field "spec.foo"',
    )
  })

  test('Warn, the default, prunes and says so; Ignore prunes silently', async () => {
    const warned = await cluster.send('POST', W, { body })
    expect(warned.code).toBe(201)
    expect(warned.headers['warning']).toBe(
      '299 - "duplicate field \\"spec.size\\"", 299 - "unknown field \\"spec.foo\\""',
    )
    expect(warned.json().spec).toEqual({ size: 2, blob: { any: 1 } })
    const silent = await cluster.send('POST', `${W}?fieldValidation=Ignore`, { body: body.replace('"w"', '"v"') })
    expect(silent.headers['warning']).toBeUndefined()
    expect(silent.json().spec).toEqual({ size: 2, blob: { any: 1 } })
  })

  test('a strict patch names the patch', async () => {
    await cluster.send('POST', W, { body: widget('w') })
    const answer = await cluster.send('PATCH', `${W}/w?fieldValidation=Strict`, {
      body: { spec: { foo: 1 } },
      type: 'application/merge-patch+json',
    })
    expect(answer.code).toBe(422)
    expect(statusOf(answer).details?.causes?.[0]?.field).toBe('patch')
    expect(statusOf(answer).message).toContain('strict decoding error: unknown field "spec.foo"')
  })

  test.each(['dryRun=Yes', 'fieldValidation=Maybe', `fieldManager=${'x'.repeat(129)}`])(
    '%s is refused',
    async (query) => {
      expect((await cluster.send('POST', `${W}?${query}`, { body: widget('w') })).code).toBe(422)
    },
  )
})

test('a dry run answers as if and stores nothing', async () => {
  const created = await cluster.send('POST', `${W}?dryRun=All`, { body: widget('w', { size: 4 }) })
  expect(created.code).toBe(201)
  expect(created.json().spec).toEqual({ size: 4 })
  expect((await cluster.send('GET', `${W}/w`)).code).toBe(404)
  const live = (await cluster.send('POST', W, { body: widget('w') })).json()
  const put = await cluster.send('PUT', `${W}/w?dryRun=All`, { body: { ...live, spec: { size: 8 } } })
  expect(put.json()).toMatchObject({ spec: { size: 8 }, metadata: { resourceVersion: live.metadata.resourceVersion } })
  expect((await cluster.send('DELETE', `${W}/w?dryRun=All`)).code).toBe(200)
  expect((await cluster.send('GET', `${W}/w`)).json()).toEqual(live)
})

test('what is not there says so in the words of Kubernetes', async () => {
  expect(statusOf(await cluster.send('GET', `${W}/x`))).toMatchObject({
    code: 404,
    message: 'widgets.example.com "x" not found',
    details: { name: 'x', group: 'example.com', kind: 'widgets' },
  })
  for (const path of ['/apis/apps/v2', '/apis/apps/v1/nope', '/api/v1/nope', `${CM}/a/b`]) {
    const answer = await cluster.send('GET', path)
    expect([path, answer.code, statusOf(answer).message]).toEqual([
      path,
      404,
      'the server could not find the requested resource',
    ])
  }
  // Where there are no built-in kinds, nobody knows more than that there is no such page.
  for (const path of ['/apis/nope', '/apis/nope/v1/x', '/apis/example.com/v1/nope', '/nope', '/readyz/nope']) {
    const { code, text, headers } = await cluster.send('GET', path)
    expect([path, code, text, headers['content-type']]).toEqual([
      path,
      404,
      '404 page not found\n',
      'text/plain; charset=utf-8',
    ])
  }
  expect((await cluster.send('POST', '/api/v1/configmaps', { body: {} })).code).toBe(405)
  expect((await cluster.send('POST', '/apis/example.com/v1/widgets', { body: {} })).code).toBe(404)
  expect((await cluster.send('POST', '/api', { body: {} })).code).toBe(405)
})

test('a path may end in a slash, and ask for a watch in the old way', async () => {
  await cluster.send('POST', CM, { body: configMap('a', {}) })
  expect((await cluster.send('GET', `${CM}/a/`)).json().metadata.name).toBe('a')
  const path = `/api/v1/watch/namespaces/default/configmaps/a?timeoutSeconds=1`
  const abort = new AbortController()
  const answer = await cluster.transportOf(admin).request({ method: 'GET', path, signal: abort.signal })
  for await (const chunk of answer.body) {
    expect(JSON.parse(Buffer.from(chunk).toString('utf8'))).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'a' } },
    })
    break
  }
  abort.abort()
})

test('paths that fit no verb, and names that are none', async () => {
  expect((await cluster.send('POST', `${W}/w`, { body: widget('w') })).code).toBe(405)
  expect((await cluster.send('PUT', W, { body: widget('w') })).code).toBe(400)
  expect((await cluster.send('PATCH', W, { body: {}, type: 'application/merge-patch+json' })).code).toBe(400)
  expect((await cluster.send('PUT', CM, { body: {} })).code).toBe(405)
  expect((await cluster.send('GET', `${CM}/a%2Fb`)).code).toBe(404)
  expect((await cluster.send('GET', '/api/v1/namespaces/default/namespaces/kube-system')).code).toBe(404)
  expect((await cluster.send('GET', '/api/v1/namespaces/default/%zz')).code).toBe(400)
})

test('warnings are fit for a header', async () => {
  const answer = await cluster.send('POST', W, { body: widget('w', { 'grö"ße\n': 1 }) })
  expect(answer.headers['warning']).toBe('299 - "unknown field \\"spec.gr?\\"?e?\\""')
})

test('secrets take plain text and keep their type', async () => {
  const path = '/api/v1/namespaces/default/secrets'
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'hello' } }
  const live = (await cluster.send('POST', path, { body: secret })).json()
  expect(live).toMatchObject({ type: 'Opaque', data: { a: 'aGVsbG8=' } })
  expect(live).not.toHaveProperty('stringData')
  const changed = await cluster.send('PUT', `${path}/s`, { body: { ...live, type: 'other' } })
  expect(statusOf(changed).message).toBe('Secret "s" is invalid: type: Invalid value: "other": field is immutable')
})

test('one event, two views', async () => {
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e.1' },
    involvedObject: { kind: 'Widget', name: 'w', namespace: 'default' },
    reason: 'Because',
    message: 'it happened',
    type: 'Normal',
    count: 2,
  }
  const created = (await cluster.send('POST', '/api/v1/namespaces/default/events', { body: event })).json()
  const seen = await cluster.send('GET', '/apis/events.k8s.io/v1/namespaces/default/events/e.1')
  expect(seen.json()).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    metadata: { uid: created.metadata.uid, resourceVersion: created.metadata.resourceVersion },
    regarding: { name: 'w' },
    note: 'it happened',
    deprecatedCount: 2,
  })
  const list = await cluster.send('GET', '/api/v1/events?fieldSelector=involvedObject.name%3Dw,reason%3DBecause')
  expect(list.json<{ items: unknown[] }>().items).toHaveLength(1)
  const other = {
    metadata: { name: 'e.2' },
    regarding: { kind: 'Widget', name: 'w', namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/widgets',
    reportingInstance: 'widgets-0',
    action: 'Turn',
    reason: 'Because',
    note: 'again',
    type: 'Normal',
  }
  const answer = await cluster.send('POST', '/apis/events.k8s.io/v1/namespaces/default/events', { body: other })
  expect(answer.code).toBe(201)
  const stored = (await cluster.send('GET', '/api/v1/namespaces/default/events/e.2')).json()
  expect(stored).toMatchObject({ apiVersion: 'v1', message: 'again', involvedObject: { name: 'w' } })
})
