import { beforeEach, describe, expect, test } from 'vitest'
import { admin, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { TestCluster, TestObject } from './testing/test-cluster.ts'

interface Event {
  type: string
  object: TestObject & { code?: number; rows?: { object: TestObject }[]; columnDefinitions?: unknown[] | null }
}

interface Watch {
  readonly events: Event[]
  readonly status: number
  /** Resolves when the server ends the watch. */
  readonly ended: Promise<void>
  stop(): void
}

let cluster: TestCluster

beforeEach(async () => {
  cluster = await openTestCluster()
})

async function watch(query: string, accept = 'application/json'): Promise<Watch> {
  const abort = new AbortController()
  const events: Event[] = []
  const answer = await cluster
    .transportOf(admin)
    .request({ method: 'GET', path: `${W}?watch=true&${query}`, headers: { accept }, signal: abort.signal })
  const read = async (): Promise<void> => {
    let rest = ''
    for await (const chunk of answer.body) {
      const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n')
      rest = lines.pop()!
      for (const line of lines) events.push(JSON.parse(line) as Event)
    }
  }
  return { events, status: answer.status, ended: read(), stop: () => abort.abort() }
}

function told({ events }: Watch): string[] {
  return events.map(({ type, object }) =>
    object.metadata?.name === undefined ? type : `${type} ${object.metadata.name}`,
  )
}

async function create(name: string, metadata: object = {}): Promise<TestObject> {
  return (await cluster.send('POST', W, { body: widget(name, {}, metadata) })).json()
}

function patch(name: string, body: object): Promise<unknown> {
  return cluster.send('PATCH', `${W}/${name}`, { body, type: 'application/merge-patch+json' })
}

async function version(): Promise<string> {
  return (await cluster.send('GET', W)).json<{ metadata: { resourceVersion: string } }>().metadata.resourceVersion
}

test('creation, change and deletion are told in order, the deletion with its own version', async () => {
  const seen = await watch(`resourceVersion=${await version()}`)
  await create('a')
  await patch('a', { spec: { size: 9 } })
  await cluster.send('DELETE', `${W}/a`)
  await cluster.clock.advance(1)
  expect(told(seen)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
  const versions = seen.events.map(({ object }) => Number(object.metadata.resourceVersion))
  expect(versions).toEqual(versions.toSorted((left, right) => left - right))
  expect(new Set(versions).size).toBe(3)
  expect(seen.events[2]!.object.spec).toEqual({ size: 9 })
  seen.stop()
  await seen.ended
})

test('a watch goes on where another one stopped', async () => {
  const first = await create('a')
  await create('b')
  await create('c')
  const seen = await watch(`resourceVersion=${first.metadata.resourceVersion}`)
  await cluster.clock.advance(1)
  expect(told(seen)).toEqual(['ADDED b', 'ADDED c'])
  seen.stop()
})

test.each(['', 'resourceVersion=0'])('with %j the present state comes first', async (query) => {
  await create('a')
  const seen = await watch(query)
  await create('b')
  await cluster.clock.advance(1)
  expect(told(seen)).toEqual(['ADDED a', 'ADDED b'])
  seen.stop()
})

test('sendInitialEvents=false leaves the present state out', async () => {
  await create('a')
  const seen = await watch('resourceVersion=0&sendInitialEvents=false&resourceVersionMatch=NotOlderThan')
  await create('b')
  await cluster.clock.advance(1)
  expect(told(seen)).toEqual(['ADDED b'])
  seen.stop()
})

test('delete and create anew are two events with two identities', async () => {
  const first = await create('a')
  const seen = await watch(`resourceVersion=${first.metadata.resourceVersion}`)
  await cluster.send('DELETE', `${W}/a`)
  const second = await create('a')
  await cluster.clock.advance(1)
  expect(seen.events.map(({ type, object }) => [type, object.metadata.uid])).toEqual([
    ['DELETED', first.metadata.uid],
    ['ADDED', second.metadata.uid],
  ])
  seen.stop()
})

describe('selectors', () => {
  test('entering is an addition, leaving a deletion that shows what matched last', async () => {
    await create('a')
    const seen = await watch(`resourceVersion=${await version()}&labelSelector=x%3Dy`)
    await patch('a', { metadata: { labels: { x: 'y' } } })
    await patch('a', { spec: { size: 8 } })
    await patch('a', { metadata: { labels: { x: null } } })
    await patch('a', { spec: { size: 7 } })
    await cluster.clock.advance(1)
    expect(told(seen)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a'])
    expect(seen.events[2]!.object).toMatchObject({ metadata: { labels: { x: 'y' } }, spec: { size: 8 } })
    expect(Number(seen.events[2]!.object.metadata.resourceVersion)).toBeGreaterThan(
      Number(seen.events[1]!.object.metadata.resourceVersion),
    )
    seen.stop()
  })

  test('a watch of one name shows nothing else', async () => {
    await create('ab')
    const abort = new AbortController()
    const path = `${W}?watch=true&fieldSelector=metadata.name%3Da`
    const answer = await cluster.transportOf(admin).request({ method: 'GET', path, signal: abort.signal })
    const seen: string[] = []
    const read = (async () => {
      for await (const chunk of answer.body) seen.push(...Buffer.from(chunk).toString('utf8').trim().split('\n'))
    })()
    await create('a')
    await cluster.clock.advance(0)
    abort.abort()
    await read
    expect(seen.map((line) => (JSON.parse(line) as Event).object.metadata.name)).toEqual(['a'])
  })

  test('by field: entering and leaving too', async () => {
    await create('a')
    const seen = await watch(`resourceVersion=${await version()}&fieldSelector=spec.mode%3DA`)
    await patch('a', { spec: { mode: 'A' } })
    await patch('a', { spec: { mode: 'B' } })
    await cluster.clock.advance(1)
    expect(told(seen)).toEqual(['ADDED a', 'DELETED a'])
    expect(seen.events[1]!.object.spec).toMatchObject({ mode: 'A' })
    seen.stop()
  })

  test('of one name do not catch longer names', async () => {
    const seen = await watch(`resourceVersion=${await version()}&fieldSelector=metadata.name%3Da`)
    await create('ab')
    await create('a')
    await cluster.clock.advance(1)
    expect(told(seen)).toEqual(['ADDED a'])
    seen.stop()
  })
})

describe('the end', () => {
  test('comes after timeoutSeconds', async () => {
    const seen = await watch(`resourceVersion=${await version()}&timeoutSeconds=2`)
    await cluster.clock.advance(1999)
    let over = false
    void seen.ended.then(() => (over = true))
    await cluster.clock.advance(0)
    expect(over).toBe(false)
    await cluster.clock.advance(2)
    await seen.ended
  })

  test('comes when the server closes', async () => {
    const seen = await watch(`resourceVersion=${await version()}`)
    await cluster.server.close()
    await expect(seen.ended).resolves.toBeUndefined()
  })

  test('comes with an error for the version before all', async () => {
    const seen = await watch('resourceVersion=1')
    await seen.ended
    expect(seen.status).toBe(200)
    expect(seen.events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
  })

  test('comes with an error for a version that is forgotten', async () => {
    cluster = await openTestCluster({ historyEvents: 10, historyAgeMs: 0 })
    const old = await version()
    for (let index = 0; index < 20; index++) await create(`w${index}`)
    const seen = await watch(`resourceVersion=${old}`)
    await seen.ended
    expect(seen.events).toMatchObject([{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }])
    expect((seen.events[0]!.object as { message?: string }).message).toMatch(/^too old resource version: \d+ \(\d+\)$/)
  })
})

test('a version that is still to come is waited for, and nothing is told before it', async () => {
  const next = Number(await version()) + 2
  const seen = await watch(`resourceVersion=${next}&allowWatchBookmarks=true&timeoutSeconds=200`)
  await create('a')
  await cluster.clock.advance(100_000)
  expect(seen.events).toEqual([])
  await create('b')
  await create('c')
  await cluster.clock.advance(100_000)
  await seen.ended
  expect(seen.events[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } })
  expect(seen.events.slice(1).map(({ type }) => type)).toContain('BOOKMARK')
  expect(await watch('timeoutSeconds=-1')).toMatchObject({ events: [] })
})

describe('bookmarks', () => {
  const bookmark = (resourceVersion: string): Event =>
    ({
      type: 'BOOKMARK',
      object: { kind: 'Widget', apiVersion: 'example.com/v1', metadata: { resourceVersion } },
    }) as Event

  test('tell once a minute how far the watch is, only if asked for', async () => {
    const start = await version()
    const asked = await watch(`resourceVersion=${start}&allowWatchBookmarks=true`)
    const unasked = await watch(`resourceVersion=${start}`)
    await cluster.clock.advance(60_000)
    await cluster.send('POST', '/api/v1/namespaces/default/configmaps', {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
    })
    await cluster.clock.advance(60_000)
    expect(asked.events).toEqual([bookmark(start), bookmark(await version())])
    expect(unasked.events).toEqual([])
    asked.stop()
    unasked.stop()
  })

  test('tell it a last time two seconds before the end', async () => {
    const start = await version()
    const long = await watch(`resourceVersion=${start}&allowWatchBookmarks=true&timeoutSeconds=10`)
    const short = await watch(`resourceVersion=${start}&allowWatchBookmarks=true&timeoutSeconds=1`)
    await cluster.clock.advance(7999)
    // A short one has no time for it.
    expect([long.events, short.events]).toEqual([[], []])
    await cluster.clock.advance(1)
    expect(long.events).toEqual([bookmark(start)])
    await cluster.clock.advance(2000)
    await long.ended
    expect(long.events).toHaveLength(1)
  })
})

describe('the default deadline', () => {
  test('lies between half an hour and an hour', async () => {
    const watches = await Promise.all(Array.from({ length: 20 }, () => watch('resourceVersion=2')))
    const start = cluster.clock.now()
    const ends: number[] = []
    for (const { ended } of watches) void ended.then(() => ends.push(cluster.clock.now() - start))
    await cluster.clock.advance(3_600_000)
    expect(ends).toHaveLength(20)
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(1_800_000)
    expect(new Set(ends).size).toBeGreaterThan(15)
  })
})

describe('WatchList', () => {
  const list = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'

  test('tells the state, then that it is complete, then what happens', async () => {
    await create('a')
    await create('b')
    const before = await version()
    const seen = await watch(list)
    await create('c')
    await cluster.clock.advance(1)
    expect(told(seen)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK', 'ADDED c'])
    expect(seen.events[2]!.object.metadata).toEqual({
      resourceVersion: before,
      annotations: { 'k8s.io/initial-events-end': 'true' },
    })
    seen.stop()
  })

  test('is what a watch from anywhere is too, if it asks for bookmarks', async () => {
    await create('a')
    const before = await version()
    for (const from of ['', '&resourceVersion=0']) {
      const seen = await watch(`allowWatchBookmarks=true${from}`)
      await cluster.clock.advance(0)
      expect(told(seen)).toEqual(['ADDED a', 'BOOKMARK'])
      expect(seen.events[1]!.object.metadata).toMatchObject({ resourceVersion: before })
      seen.stop()
    }
  })

  test('ends the empty state at once', async () => {
    const seen = await watch(list)
    await cluster.clock.advance(0)
    expect(told(seen)).toEqual(['BOOKMARK'])
    seen.stop()
  })

  test.each([
    ['sendInitialEvents=true', ['Forbidden']],
    ['sendInitialEvents=true&resourceVersionMatch=Exact', ['Forbidden', 'NotSupported']],
    ['resourceVersionMatch=NotOlderThan&resourceVersion=1', ['Forbidden']],
    ['sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=abc', ['Forbidden']],
  ])('needs both parameters: %s is refused', async (query, reasons) => {
    const answer = await cluster.send('GET', `${W}?watch=true&${query}`)
    expect([answer.code, statusOf(answer).reason]).toEqual([422, 'Invalid'])
    const causes = statusOf(answer).details?.causes?.map(({ reason, field }) => `${field} ${reason}`)
    expect(causes).toEqual(reasons.map((reason) => `resourceVersionMatch FieldValue${reason}`))
  })
})

test('tables: the columns come with the first event only, the bookmark in a row', async () => {
  await create('a')
  const seen = await watch(
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
  )
  await create('b')
  await cluster.clock.advance(1)
  expect(seen.events.map(({ type, object }) => [type, object.kind, object.columnDefinitions?.length])).toEqual([
    ['ADDED', 'Table', 5],
    ['BOOKMARK', 'Table', undefined],
    ['ADDED', 'Table', undefined],
  ])
  expect(seen.events[1]!.object.rows![0]!.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' })
  seen.stop()
})

test('metadata only', async () => {
  await create('a')
  const seen = await watch('', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')
  await cluster.clock.advance(1)
  expect(seen.events[0]!.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } })
  expect(seen.events[0]!.object).not.toHaveProperty('spec')
  seen.stop()
})
