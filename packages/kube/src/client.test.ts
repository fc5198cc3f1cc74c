import { describe, expect, test } from 'vitest'
import { Client } from './client.ts'
import type { ClientOptions } from './client.ts'
import { ApiError, ConnectionError, conflict, expired } from './errors.ts'
import { ByteStream } from './testing/byte-stream.ts'
import { FakeApi, widgets } from './testing/fake-api.ts'
import type { Widget } from './testing/fake-api.ts'
import type { Transport, TransportRequest } from './transport.ts'
import { namespaces } from './well-known.ts'

const widget: Widget = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'ns' },
  spec: { size: 1 },
}

/** Answers everything with `body` and keeps the requests. */
function recording(options: Omit<ClientOptions, 'transport'> = {}, body = '{}', status = 200) {
  const requests: TransportRequest[] = []
  const transport: Transport = {
    request(request) {
      requests.push(request)
      const stream = new ByteStream()
      stream.push(body)
      stream.end()
      return Promise.resolve({ status, headers: {}, body: stream })
    },
    close: () => Promise.resolve(),
  }
  const client = new Client({ transport, ...options })
  return { client, requests }
}

describe('requests', () => {
  test.each<[string, (client: Client) => Promise<unknown>, string, string | undefined, unknown]>([
    [
      'get',
      (client) => client.get(widgets, 'w', 'ns'),
      'GET /apis/example.com/v1/namespaces/ns/widgets/w',
      undefined,
      undefined,
    ],
    [
      'get of a cluster-scoped object',
      (client) => client.get(namespaces, 'a'),
      'GET /api/v1/namespaces/a',
      undefined,
      undefined,
    ],
    [
      'list of all namespaces',
      (client) => client.list(widgets),
      'GET /apis/example.com/v1/widgets',
      undefined,
      undefined,
    ],
    [
      'list with everything',
      (client) =>
        client.list(widgets, {
          namespace: 'ns',
          labelSelector: 'a in (b,c)',
          fieldSelector: 'metadata.name=x',
          limit: 5,
          resourceVersion: '7',
          resourceVersionMatch: 'Exact',
        }),
      'GET /apis/example.com/v1/namespaces/ns/widgets?labelSelector=a%20in%20(b%2Cc)&fieldSelector=metadata.name%3Dx&limit=5&resourceVersion=7&resourceVersionMatch=Exact',
      undefined,
      undefined,
    ],
    [
      'create',
      (client) => client.create(widgets, widget),
      'POST /apis/example.com/v1/namespaces/ns/widgets?fieldManager=me',
      'application/json',
      widget,
    ],
    [
      'create, dry run',
      (client) => client.create(widgets, widget, { dryRun: true, fieldManager: 'other', fieldValidation: 'Strict' }),
      'POST /apis/example.com/v1/namespaces/ns/widgets?fieldManager=other&dryRun=All&fieldValidation=Strict',
      'application/json',
      widget,
    ],
    [
      'update of a subresource',
      (client) => client.update(widgets, widget, { subresource: 'status' }),
      'PUT /apis/example.com/v1/namespaces/ns/widgets/w/status?fieldManager=me',
      'application/json',
      widget,
    ],
    [
      'merge patch',
      (client) => client.patch(widgets, { name: 'w', namespace: 'ns' }, { spec: { size: 2 } }, { type: 'merge' }),
      'PATCH /apis/example.com/v1/namespaces/ns/widgets/w?fieldManager=me',
      'application/merge-patch+json',
      { spec: { size: 2 } },
    ],
    [
      'JSON patch',
      (client) =>
        client.patch(widgets, { name: 'w', namespace: 'ns' }, [{ op: 'remove', path: '/spec' }], {
          type: 'json',
          subresource: 'status',
        }),
      'PATCH /apis/example.com/v1/namespaces/ns/widgets/w/status?fieldManager=me',
      'application/json-patch+json',
      [{ op: 'remove', path: '/spec' }],
    ],
    [
      'apply',
      (client) => client.apply(widgets, widget, { fieldManager: 'agent', force: true, subresource: 'status' }),
      'PATCH /apis/example.com/v1/namespaces/ns/widgets/w/status?fieldManager=agent&force=true',
      'application/apply-patch+yaml',
      widget,
    ],
    [
      'delete',
      (client) =>
        client.delete(
          widgets,
          { name: 'w', namespace: 'ns' },
          { preconditions: { uid: 'u' }, propagationPolicy: 'Foreground', dryRun: true },
        ),
      'DELETE /apis/example.com/v1/namespaces/ns/widgets/w',
      'application/json',
      {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        preconditions: { uid: 'u' },
        propagationPolicy: 'Foreground',
        dryRun: ['All'],
      },
    ],
  ])('%s', async (_name, call, line, contentType, body) => {
    const { client, requests } = recording({ fieldManager: 'me', userAgent: 'lkt/1' })
    await call(client)
    const request = requests[0]!
    expect(`${request.method} ${request.path}`).toBe(line)
    expect(request.headers).toEqual({
      accept: 'application/json',
      'user-agent': 'lkt/1',
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
    })
    expect(request.body === undefined ? undefined : JSON.parse(request.body as string)).toEqual(body)
  })

  test('a single namespaced object needs a namespace, and every object a name', () => {
    const { client, requests } = recording()
    expect(() => client.get(widgets, 'w')).toThrow(TypeError)
    expect(() => client.get(namespaces, '')).toThrow(TypeError)
    expect(requests).toEqual([])
  })

  test('names cannot break out of their place in the path', async () => {
    const { client, requests } = recording()
    await client.get(widgets, '../x?y', 'n/s')
    expect(requests[0]!.path).toBe('/apis/example.com/v1/namespaces/n%2Fs/widgets/..%2Fx%3Fy')
  })

  test('items of lists get the kind that built-in resources leave out', async () => {
    const { client } = recording(
      {},
      '{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}}]}',
    )
    expect((await client.list(namespaces)).items).toEqual([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    ])
    const { client: empty } = recording(
      {},
      '{"kind":"NamespaceList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":null}',
    )
    expect((await empty.list(namespaces)).items).toEqual([])
  })

  test('through gives a client with another transport and the same options', async () => {
    const { client, requests } = recording({ fieldManager: 'me' })
    const paths: string[] = []
    const wrapped = client.through((transport) => ({
      request(request) {
        paths.push(request.path)
        return transport.request(request)
      },
      close: () => transport.close(),
    }))
    await wrapped.create(widgets, widget)
    expect(paths).toEqual(['/apis/example.com/v1/namespaces/ns/widgets?fieldManager=me'])
    expect(requests).toHaveLength(1)
  })
})

describe('answers', () => {
  test('a refusal is an ApiError', async () => {
    const refused = conflict({ group: 'example.com', resource: 'widgets' }, 'w', 'changed')
    const { client } = recording({}, JSON.stringify(refused.status), 409)
    const error = await client.update(widgets, widget).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).status).toEqual(refused.status)
  })

  test('a report reads no answer, but is told when it is refused', async () => {
    const { client, requests } = recording({ fieldManager: 'me' }, 'not even JSON')
    const target = { name: 'w', namespace: 'ns' }
    await expect(client.report(widgets, target, { status: {} }, { subresource: 'status' })).resolves.toBeUndefined()
    const path = '/apis/example.com/v1/namespaces/ns/widgets/w/status?fieldManager=me'
    expect(requests).toMatchObject([{ method: 'PATCH', path, body: '{"status":{}}' }])
    const refused = recording(
      {},
      JSON.stringify(conflict({ group: 'example.com', resource: 'widgets' }, 'w', 'changed').status),
      409,
    )
    await expect(refused.client.report(widgets, target, {})).rejects.toMatchObject({ code: 409 })
  })

  test('a success that is not JSON is no answer', async () => {
    const { client } = recording({}, '<html>proxy</html>')
    await expect(client.get(namespaces, 'a')).rejects.toBeInstanceOf(ConnectionError)
  })
})

describe('listAll', () => {
  test('follows the pages, sends the version with the first only, and returns the version of the snapshot', async () => {
    const api = new FakeApi()
    for (let index = 0; index < 25; index++) api.put(`w${index}`, index)
    const list = await new Client({ transport: api }).listAll<Widget>(widgets, { limit: 10, resourceVersion: '5' })
    expect(list.items).toHaveLength(25)
    expect(list.metadata).toEqual({ resourceVersion: '125' })
    expect(api.requests.map((request) => request.path.includes('resourceVersion=5'))).toEqual([true, false, false])
  })

  test('an expired token leads to one complete list; a first page that is refused is refused', async () => {
    const api = new FakeApi()
    for (let index = 0; index < 25; index++) api.put(`w${index}`, index)
    let lists = 0
    api.beforeList = () => {
      if (++lists !== 2) return
      api.remove('w0')
      api.compact()
    }
    const client = new Client({ transport: api })
    expect((await client.listAll(widgets, { limit: 10 })).items).toHaveLength(24)
    expect(lists).toBe(3)
    api.faults.push(expired('too old'))
    await expect(client.listAll(widgets)).rejects.toMatchObject({ reason: 'Expired' })
  })
})

describe('watch', () => {
  test('asks for bookmarks and hands events over until the server ends it', async () => {
    const api = new FakeApi()
    const client = new Client({ transport: api })
    const seen: string[] = []
    const watching = (async () => {
      for await (const event of client.watch(widgets, {
        namespace: 'ns',
        resourceVersion: '100',
        timeoutSeconds: 300,
      })) {
        seen.push(`${event.type} ${event.resourceVersion}`)
      }
    })()
    api.put('a', 1)
    api.put('a', 2)
    api.remove('a')
    api.bookmark(10)
    api.endWatches()
    await watching
    expect(seen).toEqual(['ADDED 101', 'MODIFIED 102', 'DELETED 103', 'BOOKMARK 113'])
    expect(api.requests[0]!.path).toBe(
      '/apis/example.com/v1/namespaces/ns/widgets?resourceVersion=100&timeoutSeconds=300&watch=true&allowWatchBookmarks=true',
    )
  })

  test('WatchList is asked for with the match it needs', async () => {
    const api = new FakeApi()
    const events = new Client({ transport: api }).watch(widgets, { sendInitialEvents: true })
    const first = events.next()
    api.endWatches()
    await first
    expect(api.requests[0]!.path).toContain('&sendInitialEvents=true&resourceVersionMatch=NotOlderThan')
  })

  test('an ERROR event and a broken stream are thrown', async () => {
    const api = new FakeApi()
    const client = new Client({ transport: api })
    const refused = client.watch(widgets, { resourceVersion: '1' }).next()
    api.sendError(expired('too old'))
    await expect(refused).rejects.toMatchObject({ reason: 'Expired' })
    const torn = client.watch(widgets, { resourceVersion: '1' }).next()
    api.tear()
    await expect(torn).rejects.toBeInstanceOf(ConnectionError)
  })

  test('aborting ends it quietly, before and during', async () => {
    const api = new FakeApi()
    const client = new Client({ transport: api })
    const controller = new AbortController()
    const next = client.watch(widgets, { resourceVersion: '1', signal: controller.signal }).next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(api.openWatches).toBe(0)
    const late = client.watch(widgets, { resourceVersion: '1', signal: controller.signal }).next()
    expect(await late).toEqual({ done: true, value: undefined })
  })

  test('leaving the loop leaves the stream', async () => {
    const stream = new ByteStream()
    stream.push('{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n')
    const client = new Client({
      transport: {
        request: () => Promise.resolve({ status: 200, headers: {}, body: stream }),
        close: () => Promise.resolve(),
      },
    })
    for await (const event of client.watch(namespaces, { resourceVersion: '1' })) {
      expect(event.key).toBe('a')
      break
    }
    expect(stream.abandoned).toBe(true)
  })
})
