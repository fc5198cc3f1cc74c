import { beforeEach, describe, expect, test } from 'vitest'
import { encodeContinue } from './handlers/continue-token.ts'
import { openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from './testing/test-cluster.ts'

interface List {
  kind: string
  apiVersion: string
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
  items: TestObject[]
}

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

async function fill(names: readonly string[], of: (name: string) => object = (name) => widget(name)): Promise<void> {
  for (const name of names) await cluster.send('POST', W, { body: of(name) })
}

function namesOf(answer: RawAnswer): string[] {
  return answer.json<List>().items.map(({ metadata }) => metadata.name)
}

test('objects come ordered by namespace and name, at the version of the newest write', async () => {
  await fill(['c', 'a', 'b'])
  await cluster.send('POST', '/api/v1/namespaces', {
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'another' } },
  })
  const last = await cluster.send('POST', W.replace('default', 'another'), {
    body: widget('z', {}, { namespace: 'another' }),
  })
  const answer = await cluster.send('GET', '/apis/example.com/v1/widgets')
  const list = answer.json<List>()
  expect(list).toMatchObject({ kind: 'WidgetList', apiVersion: 'example.com/v1' })
  expect(namesOf(answer)).toEqual(['z', 'a', 'b', 'c'])
  expect(list.metadata.resourceVersion).toBe(last.json().metadata.resourceVersion)
  expect(namesOf(await cluster.send('GET', W))).toEqual(['a', 'b', 'c'])
})

describe('selectors', () => {
  test.each([
    ['tier=a', ['one']],
    ['tier!=a', ['three', 'two']],
    ['tier in (a,b)', ['one', 'two']],
    ['tier notin (a)', ['three', 'two']],
    ['tier', ['one', 'two']],
    ['!tier', ['three']],
  ])('by label: %s', async (selector, names) => {
    const tiers: Record<string, object> = { one: { labels: { tier: 'a' } }, two: { labels: { tier: 'b' } }, three: {} }
    await fill(Object.keys(tiers), (name) => widget(name, {}, tiers[name]))
    expect(namesOf(await cluster.send('GET', `${W}?labelSelector=${encodeURIComponent(selector)}`))).toEqual(names)
  })

  test('by field: names, namespaces and what the definition declares', async () => {
    await fill(['a', 'b', 'c'], (name) => widget(name, { mode: name === 'b' ? 'B' : 'A' }))
    expect(namesOf(await cluster.send('GET', `${W}?fieldSelector=metadata.name%3Db`))).toEqual(['b'])
    expect(namesOf(await cluster.send('GET', `${W}?fieldSelector=metadata.name!%3Db`))).toEqual(['a', 'c'])
    expect(namesOf(await cluster.send('GET', `${W}?fieldSelector=spec.mode%3DA,metadata.name%3Da`))).toEqual(['a'])
    const everywhere = '/apis/example.com/v1/widgets?fieldSelector=metadata.namespace%3Ddefault'
    expect(namesOf(await cluster.send('GET', everywhere))).toEqual(['a', 'b', 'c'])
    const unknown = await cluster.send('GET', `${W}?fieldSelector=spec.size%3D3`)
    expect([unknown.code, statusOf(unknown).message]).toEqual([400, 'field label not supported: spec.size'])
  })

  test('that cannot be read are refused', async () => {
    expect((await cluster.send('GET', `${W}?labelSelector=${encodeURIComponent('a in (')}`)).code).toBe(400)
  })
})

describe('pages', () => {
  test('show one state, whatever happens in between', async () => {
    await fill(['a', 'b', 'c', 'd', 'e'])
    const first = (await cluster.send('GET', `${W}?limit=2`)).json<List>()
    expect(first.metadata.remainingItemCount).toBe(3)
    await cluster.send('POST', W, { body: widget('bb') })
    await cluster.send('DELETE', `${W}/d`)
    const second = (await cluster.send('GET', `${W}?limit=2&continue=${first.metadata.continue}`)).json<List>()
    expect(second.metadata.remainingItemCount).toBe(1)
    const third = (await cluster.send('GET', `${W}?limit=2&continue=${second.metadata.continue}`)).json<List>()
    expect([first, second, third].flatMap(({ items }) => items.map(({ metadata }) => metadata.name))).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
    ])
    expect(new Set([first, second, third].map(({ metadata }) => metadata.resourceVersion)).size).toBe(1)
    expect(third.metadata.continue).toBe('')
    expect(third.metadata).not.toHaveProperty('remainingItemCount')
  })

  test('with a selector are filled up, and do not count what remains', async () => {
    await fill(['a', 'b', 'c', 'd', 'e'], (name) => widget(name, { mode: 'ace'.includes(name) ? 'A' : 'B' }))
    const first = (await cluster.send('GET', `${W}?limit=2&fieldSelector=spec.mode%3DA`)).json<List>()
    expect(first.items.map(({ metadata }) => metadata.name)).toEqual(['a', 'c'])
    expect(first.metadata).not.toHaveProperty('remainingItemCount')
    const query = `limit=2&fieldSelector=spec.mode%3DA&continue=${first.metadata.continue}`
    expect(namesOf(await cluster.send('GET', `${W}?${query}`))).toEqual(['e'])
  })

  test('with a selector tell no number of what remains, and find everything', async () => {
    await fill(['a', 'b', 'c', 'd', 'e'], (name) => widget(name, {}, name === 'b' ? {} : { labels: { x: 'y' } }))
    const names: string[] = []
    let token = ''
    do {
      const answer = await cluster.send('GET', `${W}?labelSelector=x%3Dy&limit=2&continue=${token}`)
      names.push(...namesOf(answer))
      const { metadata } = answer.json<List>()
      expect(metadata).not.toHaveProperty('remainingItemCount')
      token = metadata.continue ?? ''
    } while (token !== '')
    expect(names).toEqual(['a', 'c', 'd', 'e'])
  })

  test('a limit that fits exactly leaves no token', async () => {
    await fill(['a', 'b'])
    expect((await cluster.send('GET', `${W}?limit=2`)).json<List>().metadata.continue).toBe('')
  })

  const token = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const v = 'meta.k8s.io/v1'
  test.each([
    ['garbage', "invalid character '\\u0081' looking for beginning of value"],
    ['a b', 'illegal base64 data at input byte 1'],
    [token([]), 'json: cannot unmarshal array into Go value of type storage.continueToken'],
    [token({}), 'server does not recognize this encoded version '],
    [token({ v: 'x' }), 'server does not recognize this encoded version x'],
    [token({ v, start: 'a' }), `incorrect encoded start resourceVersion (version ${v})`],
    [token({ v, rv: 5 }), `encoded start key empty (version ${v})`],
    [token({ v, rv: 'y' }), 'json: cannot unmarshal string into Go struct field continueToken.rv of type int64'],
    [token({ v, rv: 5, start: '../a\u0000' }), '../a\u0000'],
  ])('the token %s is refused', async (text, why) => {
    // A version beside it is not looked at.
    const answer = await cluster.send('GET', `${W}?resourceVersion=x&continue=${encodeURIComponent(text)}`)
    const message = `invalid continue token: continue key is not valid: ${why}`
    expect([answer.code, statusOf(answer).message]).toEqual([400, message])
  })
})

describe('resource versions', () => {
  test('any, at least, exactly, and too new', async () => {
    await fill(['a'])
    const { resourceVersion } = (await cluster.send('GET', W)).json<List>().metadata
    await fill(['b'])
    expect(namesOf(await cluster.send('GET', `${W}?resourceVersion=0`))).toEqual(['a', 'b'])
    expect(namesOf(await cluster.send('GET', `${W}?resourceVersion=${resourceVersion}`))).toEqual(['a', 'b'])
    const exact = await cluster.send('GET', `${W}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)
    expect(namesOf(exact)).toEqual(['a'])
    expect(exact.json<List>().metadata.resourceVersion).toBe(resourceVersion)
    const waiting = cluster.send('GET', `${W}?resourceVersion=1000000`)
    await cluster.clock.advance(3000)
    const future = await waiting
    expect(future.code).toBe(504)
    expect(statusOf(future)).toMatchObject({
      reason: 'Timeout',
      message: expect.stringMatching(/Too large resource version: 1000000, current: \d+$/) as string,
    })
    expect(future.headers['retry-after']).toBe('1')
    expect(statusOf(future).details?.causes?.[0]?.reason).toBe('ResourceVersionTooLarge')
    expect((await cluster.send('GET', `${W}?resourceVersion=x`)).code).toBe(400)
  })

  test('a future version is waited for, by lists, gets and initial watches', async () => {
    await fill(['a'])
    const { resourceVersion } = (await cluster.send('GET', W)).json<List>().metadata
    const next = Number(resourceVersion) + 1
    const initial = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1'
    const answers = [
      cluster.send('GET', `${W}?resourceVersion=${next}`),
      cluster.send('GET', `${W}/a?resourceVersion=${next}`),
      cluster.send('GET', `${W}?${initial}&resourceVersion=${next}`),
    ]
    await cluster.clock.advance(2999)
    await fill(['b'])
    await cluster.clock.advance(1000)
    const [list, get, watch] = await Promise.all(answers)
    expect(namesOf(list!)).toEqual(['a', 'b'])
    expect(get!.json().metadata.name).toBe('a')
    expect(watch!.text.trim().split('\n')).toHaveLength(2)
    const token = encodeContinue(1_000_000, 'default/a')
    for (const path of [`${W}/a?resourceVersion=1000000`, `${W}?continue=${token}`]) {
      const waiting = cluster.send('GET', path)
      await cluster.clock.advance(3000)
      const { code, headers } = await waiting
      expect([code, headers['retry-after']]).toEqual([504, '1'])
    }
    const waiting = cluster.send('GET', `${W}?${initial}&resourceVersion=1000000`)
    await cluster.clock.advance(3000)
    const failed = await waiting
    expect(failed.code).toBe(200)
    expect(failed.json()).toMatchObject({
      type: 'ERROR',
      object: {
        code: 504,
        message: expect.stringMatching(/^Timeout: Too large resource version: 1000000, current: \d+$/),
      },
    })
  })

  test('a limited list of a version is one of exactly that version', async () => {
    await fill(['a', 'b'])
    const { resourceVersion } = (await cluster.send('GET', W)).json<List>().metadata
    await fill(['aa'])
    await cluster.send('DELETE', `${W}/b`)
    const page = await cluster.send('GET', `${W}?resourceVersion=${resourceVersion}&limit=5`)
    expect(namesOf(page)).toEqual(['a', 'b'])
    expect(page.json<List>().metadata).toEqual({ resourceVersion, continue: '' })
    // Zero means any version, and a list of any version comes whole.
    const whole = await cluster.send('GET', `${W}?resourceVersion=0&limit=1`)
    expect(namesOf(whole)).toEqual(['a', 'aa'])
  })

  test('the version before all is forgotten', async () => {
    const answer = await cluster.send('GET', `${W}?resourceVersion=1&resourceVersionMatch=Exact`)
    expect([answer.code, statusOf(answer).message]).toEqual([
      410,
      'The resourceVersion for the provided list is too old.',
    ])
    expect((await cluster.send('GET', `${W}?resourceVersion=1`)).code).toBe(200)
  })

  test.each(['limit=', 'limit=1.5', 'limit=9223372036854775808', 'timeoutSeconds=x', 'watch=true&limit=x'])(
    'the number in %s is refused',
    async (query) => {
      const answer = await cluster.send('GET', `${W}?${query}`)
      expect([answer.code, statusOf(answer).message]).toEqual([400, expect.stringMatching(/^strconv\.ParseInt: /)])
    },
  )

  test('a forgotten version is refused', async () => {
    cluster = await openTestCluster({ historyEvents: 5, historyAgeMs: 0 })
    await fill(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    const answer = await cluster.send('GET', `${W}?resourceVersion=2&resourceVersionMatch=Exact`)
    expect([answer.code, statusOf(answer).reason]).toEqual([410, 'Expired'])
    expect(statusOf(answer).message).toBe('The resourceVersion for the provided list is too old.')
    expect((await cluster.send('GET', `${W}?resourceVersion=2&resourceVersionMatch=NotOlderThan`)).code).toBe(200)
  })

  test('a token and a version exclude each other', async () => {
    await fill(['a', 'b'])
    const { continue: token } = (await cluster.send('GET', `${W}?limit=1`)).json<List>().metadata
    const both = await cluster.send('GET', `${W}?limit=1&continue=${token}&resourceVersion=3`)
    expect([both.code, statusOf(both).message]).toEqual([
      400,
      'specifying resource version is not allowed when using continue',
    ])
    expect((await cluster.send('GET', `${W}?limit=1&continue=${token}&resourceVersion=0`)).code).toBe(200)
    const match = await cluster.send(
      'GET',
      `${W}?continue=${token}&resourceVersion=0&resourceVersionMatch=NotOlderThan`,
    )
    expect(statusOf(match).message).toContain('resourceVersionMatch is forbidden when continue is provided')
  })

  test.each([
    'resourceVersionMatch=Exact',
    'resourceVersion=0&resourceVersionMatch=Exact',
    'resourceVersion=1&resourceVersionMatch=Nearly',
    'sendInitialEvents=true',
  ])('%s is refused', async (query) => {
    expect((await cluster.send('GET', `${W}?${query}`)).code).toBe(422)
  })

  test('a page of a forgotten state comes with a token that goes on at the newest one', async () => {
    cluster = await openTestCluster({ historyEvents: 5, historyAgeMs: 0 })
    await fill(['a', 'b', 'c'])
    const first = (await cluster.send('GET', `${W}?limit=1`)).json<List>()
    await fill(['d', 'e', 'f', 'g', 'h', 'i'])
    const gone = await cluster.send('GET', `${W}?limit=1&continue=${first.metadata.continue}`)
    expect([gone.code, statusOf(gone).reason]).toEqual([410, 'Expired'])
    const next = await cluster.send('GET', `${W}?continue=${statusOf(gone).metadata.continue}`)
    expect(namesOf(next)).toEqual(['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'])
  })
})

test('a long list by selector lets others in between, and shows the state it began with', async () => {
  const names = Array.from({ length: 2500 }, (_, index) => `w${String(index).padStart(4, '0')}`)
  await fill(names, (name) => widget(name, {}, { labels: { x: 'y' } }))
  const finished: string[] = []
  const listing = cluster.send('GET', `${W}?labelSelector=x`)
  const others = [
    cluster.send('DELETE', `${W}/w2499`),
    cluster.send('POST', W, { body: widget('w9999', {}, { labels: { x: 'y' } }) }),
  ]
  for (const other of others) void other.then(() => finished.push('other'))
  void listing.then(() => finished.push('list'))
  const answer = await listing
  await Promise.all(others)
  expect(finished).toEqual(['other', 'other', 'list'])
  expect(namesOf(answer)).toEqual(names)
  const after = await cluster.send('GET', `${W}?labelSelector=x&limit=1200`)
  expect(namesOf(after)).toEqual(names.slice(0, 1200))
  const { metadata } = after.json<List>()
  expect(Number(metadata.resourceVersion)).toBe(Number(answer.json<List>().metadata.resourceVersion) + 2)
})

test('what is wrong with a query is said as Kubernetes says it', async () => {
  const said = async (query: string, accept = 'application/json') => {
    const answer = await cluster.send('GET', `${W}?${query}`, { accept })
    return [answer.code, statusOf(answer).message]
  }
  const syntax = 'strconv.ParseInt: parsing "x": invalid syntax'
  expect(await said('limit=x')).toEqual([400, syntax])
  expect(await said('timeoutSeconds=x')).toEqual([400, syntax])
  expect(await said('watch=true&timeoutSeconds=x')).toEqual([400, syntax])
  expect((await cluster.send('GET', `${W}?limit=-1`)).code).toBe(200)
  expect((await cluster.send('GET', `${W}?watch=true&continue=x`)).code).toBe(422)
  expect((await cluster.send('GET', `${W}?watch=true`, { accept: 'application/yaml' })).code).toBe(406)
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  expect(await said('includeObject=Foo', table)).toEqual([
    400,
    `Unable to convert to Table as requested: includeObject: Invalid value: "Foo": must be 'Metadata', 'Object', 'None', or empty`,
  ])
})

test('items of built-in lists have no type, objects have', async () => {
  const path = '/api/v1/namespaces/default/configmaps'
  const body = { data: { a: 'b' }, metadata: { name: 'x' }, kind: 'ConfigMap', apiVersion: 'v1' }
  await cluster.send('POST', path, { body })
  const items = (await cluster.send('GET', `${path}?fieldSelector=metadata.name%3Dx`)).json<List>().items
  const whole = (await cluster.send('GET', `${path}/x`)).json()
  expect(Object.keys(whole).slice(0, 2)).toEqual(['apiVersion', 'kind'])
  const { apiVersion: _version, kind: _kind, ...untyped } = whole
  expect(items).toEqual([untyped])
})

describe('forms', () => {
  const form = (as: string, version: string): string => `application/json;as=${as};g=meta.k8s.io;v=${version}`

  test('are those of the version that is asked for', async () => {
    await fill(['a'])
    const get = async (path: string, accept: string) =>
      (await cluster.send('GET', path, { accept })).json<{ apiVersion: string; rows: object[]; items: object[] }>()
    for (const version of ['v1', 'v1beta1']) {
      const apiVersion = `meta.k8s.io/${version}`
      const partial = { apiVersion, kind: 'PartialObjectMetadata' }
      expect(await get(W, form('Table', version))).toMatchObject({ apiVersion, rows: [{ object: partial }] })
      expect(await get(`${W}/a`, form('Table', version))).toMatchObject({ apiVersion, rows: [{ object: partial }] })
      expect(await get(W, form('PartialObjectMetadataList', version))).toMatchObject({ apiVersion, items: [partial] })
      expect(await get(`${W}/a`, form('PartialObjectMetadata', version))).toMatchObject(partial)
    }
  })

  test.each([
    form('Table', 'v2'),
    form('Foo', 'v1'),
    'application/json;as=Table;v=v1',
    'application/json;as=Table;g=meta.k8s.io',
    'application/json;g=meta.k8s.io;v=v1',
  ])('%s is none', async (accept) => {
    expect((await cluster.send('GET', W, { accept })).code).toBe(406)
    expect((await cluster.send('GET', W, { accept: `${accept}, application/json` })).json()).toMatchObject({
      kind: 'WidgetList',
    })
  })

  test.each(['Table', 'PartialObjectMetadataList'])('a long list as %s lets others have their turn', async (as) => {
    await fill(Array.from({ length: 600 }, (_name, index) => `w${index}`))
    const answered: string[] = []
    const long = cluster.send('GET', W, { accept: form(as, 'v1') })
    const both = [
      long.then(() => answered.push('long')),
      cluster.send('GET', `${W}/w0`).then(() => answered.push('one')),
    ]
    await Promise.all(both)
    expect(answered).toEqual(['one', 'long'])
    const { rows, items } = (await long).json<{ rows?: object[]; items?: object[] }>()
    expect(rows ?? items).toHaveLength(600)
  })
})
