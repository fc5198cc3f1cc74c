import type { Obj } from './answer.ts'
import { group } from './case.ts'
import { configMap, widget } from './fixtures.ts'
import { absent, exactly, including, not, present, timestamp, uuid, version } from './match.ts'
import { exhaustHistory } from './history.ts'

const TABLE =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'

const named = (name: string) => ({ metadata: { name } })
const older = (left: Obj, right: Obj): boolean =>
  BigInt(left.metadata.resourceVersion) < BigInt(right.metadata.resourceVersion)

interface Table {
  readonly kind: string
  readonly columnDefinitions?: readonly { readonly name: string }[]
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Obj }[]
}

export const watches = group('G4', (add) => {
  add('W01', 'headers come at once', async (t) => {
    const started = performance.now()
    const watch = await t.watch(t.W)
    const ms = performance.now() - started
    t.match(watch.status, 200, 'status')
    t.match(watch.headers['content-type'], /^application\/json/, 'content type')
    t.match(watch.headers['content-length'], absent, 'content length')
    t.check(ms < 1_000, `the headers of an idle watch must come within a second, not after ${Math.round(ms)} ms`)
  })

  add('W02', 'events of changes', async (t) => {
    const { metadata } = await t.read(t.W)
    const watch = await t.watch(t.W, { query: { resourceVersion: metadata.resourceVersion } })
    const made = await t.create(t.W, widget('w1', { size: 1 }))
    const changed = (await t.patch(`${t.W}/w1`, 'merge', { spec: { size: 2 } })).is(200)
    ;(await t.delete(`${t.W}/w1`)).is(200)
    const added = await watch.next('ADDED', exactly(made))
    const modified = await watch.next('MODIFIED', exactly(changed))
    const deleted = await watch.next('DELETED', {
      kind: 'Widget',
      apiVersion: 'example.com/v1',
      metadata: { name: 'w1', uid: made.metadata.uid, resourceVersion: version },
      spec: exactly({ size: 2 }),
    })
    t.check(older(added.object, modified.object), 'versions of events must increase')
    t.check(older(modified.object, deleted.object), 'the event of a deletion must have the version of the deletion')
    t.match(deleted.object.metadata.creationTimestamp, timestamp, 'creationTimestamp of what was deleted')
  })

  add('W03', 'go on after an event', async (t) => {
    const all = [await t.create(t.W, widget('a')), await t.create(t.W, widget('b')), await t.create(t.W, widget('c'))]
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 9 } })).is(200)
    const watch = await t.watch(t.W, { query: { resourceVersion: all[1]!.metadata.resourceVersion } })
    await watch.next('ADDED', named('c'))
    await watch.next('MODIFIED', named('a'))
    ;(await t.delete(`${t.W}/b`)).is(200)
    await t.create(t.W, widget('d'))
    await watch.next('DELETED', named('b'))
    const last = await watch.next('ADDED', named('d'))
    const again = await t.watch(t.W, { query: { resourceVersion: last.object.metadata.resourceVersion } })
    await t.create(t.W, widget('e'))
    await again.next('ADDED', named('e'))
    await watch.next('ADDED', named('e'))
  })

  add('W04', 'start without a version', async (t) => {
    await t.create(t.W, widget('a'))
    const old = await t.create(t.W, widget('b'))
    ;(await t.patch(`${t.W}/b`, 'merge', { spec: { size: 9 } })).is(200)
    for (const query of [{}, { resourceVersion: '' }, { resourceVersion: '0' }]) {
      const watch = await t.watch(t.W, { query })
      await watch.next('ADDED', named('a'))
      await watch.next('ADDED', { ...named('b'), spec: { size: 9 } })
      const name = t.unique('live')
      await t.create(t.W, widget(name))
      await watch.next('ADDED', named(name))
      ;(await t.delete(`${t.W}/${name}`)).is(200)
      await watch.next('DELETED', named(name))
    }
    t.match(old.metadata.uid, uuid, 'uid')
    const quiet = await t.watch(t.W, {
      query: {
        sendInitialEvents: false,
        resourceVersionMatch: 'NotOlderThan',
        resourceVersion: old.metadata.resourceVersion,
      },
    })
    await quiet.next('MODIFIED', named('b'))
  })

  add('W05', 'objects come to match a selector and cease to', async (t) => {
    const watch = await t.watch(t.W, { query: { labelSelector: 'in=yes' } })
    await t.create(t.W, widget('a', { size: 1 }))
    const entered = (await t.patch(`${t.W}/a`, 'merge', { metadata: { labels: { in: 'yes' } } })).is(200)
    await watch.next('ADDED', exactly(entered))
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 2 } })).is(200)
    await watch.next('MODIFIED', { spec: { size: 2 } })
    const left = (await t.patch(`${t.W}/a`, 'merge', { spec: { size: 3 }, metadata: { labels: { in: 'no' } } })).is(200)
    const gone = await watch.next('DELETED', {
      metadata: { name: 'a', labels: { in: 'yes' }, resourceVersion: left.metadata.resourceVersion },
      spec: { size: 2 },
    })
    t.match(gone.object.metadata.resourceVersion, left.metadata.resourceVersion, 'version of the event')
    // What does not match is neither changed nor deleted for this watch.
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 4 } })).is(200)
    ;(await t.delete(`${t.W}/a`)).is(200)
    await t.create(t.W, widget('b', {}, { labels: { in: 'yes' } }))
    await watch.next('ADDED', named('b'))
    ;(await t.delete(`${t.W}/b`)).is(200)
    await watch.next('DELETED', named('b'))
  })

  add('W06', 'one object by name', async (t) => {
    await t.create(t.W, widget('a'))
    const watch = await t.watch(t.W, { query: { fieldSelector: 'metadata.name=b' } })
    await t.create(t.W, widget('c'))
    await t.create(t.W, widget('b'))
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 9 } })).is(200)
    ;(await t.delete(`${t.W}/b`)).is(200)
    await watch.next('ADDED', named('b'))
    await watch.next('DELETED', named('b'))
    // An object under its own name is read, whatever the query says.
    ;(await t.get(`${t.W}/a`, { query: { watch: true } })).is(200, { kind: 'Widget', metadata: { name: 'a' } })
    // All namespaces with a name: the same name elsewhere matches too.
    const other = await t.namespace()
    const everywhere = await t.watch('/apis/example.com/v1/widgets', {
      query: { fieldSelector: `metadata.name=${t.ns}` },
    })
    await t.create(`/apis/example.com/v1/namespaces/${other}/widgets`, widget(t.ns))
    await everywhere.next('ADDED', { metadata: { name: t.ns, namespace: other } })
  })

  add('W07', 'timeout', async (t) => {
    const started = performance.now()
    const watch = await t.watch(t.W, { query: { timeoutSeconds: 2 } })
    await t.create(t.W, widget('a'))
    const events = await watch.rest()
    const ms = performance.now() - started
    t.match(events, [{ type: 'ADDED', object: named('a') }], 'events')
    t.check(ms > 1_500 && ms < 5_000, `a watch of 2 seconds must not take ${Math.round(ms)} ms`)
  })

  add(
    'W08',
    'a version that is forgotten',
    async (t) => {
      const { metadata } = await t.create(t.W, widget('a'))
      const { resourceVersion } = metadata
      // Something always comes next, so that no look has to wait for nothing.
      await t.create(t.CM, configMap('next'))
      const message = /^too old resource version: \d+ \(\d+\)$/
      const outcome = async (): Promise<'forgotten' | 'known'> => {
        const watch = await t.watch(t.CM, { query: { resourceVersion } })
        if (watch.status !== 200) {
          // Both forms are known to clients.
          ;(await watch.refusal()).refuses(410, 'Expired', { message })
          return 'forgotten'
        }
        const { type, object } = await watch.any()
        if (type === 'ADDED') {
          watch.close()
          return 'known'
        }
        const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410, message }
        t.match({ type, object }, { type: 'ERROR', object: status }, 'the event')
        t.match(await watch.rest(), exactly([]), 'events after the error')
        return 'forgotten'
      }
      t.match(await outcome(), 'known', 'a version of just now')
      await exhaustHistory(t, async () => (await outcome()) === 'forgotten')
    },
    { alone: true, timeoutMs: 60_000 },
  )

  add('W09', 'bookmarks', async (t) => {
    const { metadata } = await t.read(t.W)
    const query = { resourceVersion: metadata.resourceVersion, timeoutSeconds: 4 }
    const watch = await t.watch(t.W, { query: { ...query, allowWatchBookmarks: true } })
    const without = await t.watch(t.W, { query })
    const made = await t.create(t.W, widget('a'))
    // Something else: the watch is further than its last event.
    await t.create(t.CM, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })
    const events = await watch.rest()
    t.match(events[0], { type: 'ADDED', object: named('a') }, 'first event')
    const bookmarks = events.slice(1)
    t.check(bookmarks.length > 0, 'there must be a bookmark before the watch ends')
    for (const { type, object } of bookmarks) {
      t.match(type, 'BOOKMARK', 'type')
      t.match(
        object,
        { kind: 'Widget', apiVersion: 'example.com/v1', metadata: { resourceVersion: version } },
        'bookmark',
      )
      t.match(object.spec, absent, 'spec of a bookmark')
      t.match(object.metadata.name ?? '', '', 'name of a bookmark')
      t.match(object.metadata.uid ?? '', '', 'uid of a bookmark')
      t.check(!older(object, made), 'a bookmark must not be older than the event before it')
    }
    t.match(await without.rest(), [{ type: 'ADDED', object: named('a') }], 'events without bookmarks')
    // A bookmark is a place to go on from.
    const { resourceVersion } = bookmarks.at(-1)!.object.metadata
    const next = await t.watch(t.W, { query: { resourceVersion } })
    await t.create(t.W, widget('b'))
    await next.next('ADDED', named('b'))
  })

  add('W10', 'list by watching', async (t) => {
    const first = await t.create(t.W, widget('a'))
    await t.create(t.W, widget('b'))
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
    for (const more of [{}, { resourceVersion: first.metadata.resourceVersion }, { resourceVersion: '0' }]) {
      const watch = await t.watch(t.W, { query: { ...query, ...more } })
      const events = [await watch.any(), await watch.any()]
      const names = events.map(({ type, object }) => `${type} ${object.metadata.name}`).sort()
      t.match(names, exactly(['ADDED a', 'ADDED b']), 'the first events')
      const { object } = await watch.next('BOOKMARK', {
        kind: 'Widget',
        apiVersion: 'example.com/v1',
        metadata: { annotations: exactly({ 'k8s.io/initial-events-end': 'true' }), resourceVersion: version },
        spec: absent,
      })
      t.check(
        events.every((event) => !older(object, event.object)),
        'the bookmark must not be older than what came before it',
      )
      const name = t.unique('c')
      await t.create(t.W, widget(name))
      const live = await watch.next('ADDED', named(name))
      t.check(older(object, live.object), 'what comes after the bookmark must be newer')
      ;(await t.delete(`${t.W}/${name}`)).is(200)
    }
    // A selector holds for the initial events too.
    const watch = await t.watch(t.W, { query: { ...query, fieldSelector: 'metadata.name=b' } })
    await watch.next('ADDED', named('b'))
    await watch.next('BOOKMARK')
  })

  add('W11', 'list by watching where nothing is', async (t) => {
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
    const watch = await t.watch(t.W, { query })
    const started = performance.now()
    await watch.next('BOOKMARK', {
      metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: version },
    })
    const ms = performance.now() - started
    t.check(ms < 2_000, `the bookmark must come at once, not after ${Math.round(ms)} ms`)
    await t.create(t.W, widget('a'))
    await watch.next('ADDED', named('a'))
  })

  add('W12', 'options that do not fit together', async (t) => {
    const cases: [Record<string, string | boolean>, object][] = [
      [
        { sendInitialEvents: true },
        {
          reason: 'FieldValueForbidden',
          field: 'resourceVersionMatch',
          message: 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        },
      ],
      [
        { sendInitialEvents: true, resourceVersionMatch: 'Exact', resourceVersion: '1' },
        { reason: 'FieldValueForbidden', field: 'resourceVersionMatch' },
      ],
      [
        { resourceVersionMatch: 'NotOlderThan', resourceVersion: '1' },
        {
          reason: 'FieldValueForbidden',
          field: 'resourceVersionMatch',
          message: 'Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        },
      ],
    ]
    for (const [query, cause] of cases) {
      const watch = await t.watch(t.W, { query })
      const answer = await watch.refusal()
      answer.refuses(422, 'Invalid', {
        message: /^ListOptions\.meta\.k8s\.io "" is invalid: /,
        details: { group: 'meta.k8s.io', kind: 'ListOptions', causes: including(cause) },
      })
    }
    const broken = await t.watch(t.W, { query: { resourceVersion: 'abc' } })
    t.match((await broken.refusal()).json(), { kind: 'Status', code: 500, message: /invalid syntax$/ }, 'the refusal')
  })

  add('W13', 'as a table', async (t) => {
    const watch = await t.watch(t.W, { accept: TABLE })
    await t.create(t.W, widget('a', { size: 7, mode: 'A' }))
    const first = await watch.next<Table>('ADDED', {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        { name: 'Size', type: 'integer', priority: 0 },
        { name: 'Mode', type: 'string' },
        { name: 'Age', type: 'date' },
        { name: 'Wide', type: 'string', priority: 1 },
      ],
      rows: [
        { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a', uid: uuid } } },
      ],
    })
    t.match(first.object.rows[0]!.cells, ['a', 7, 'A', /^\d+s$/, null], 'cells')
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 8 } })).is(200)
    const second = await watch.next<Table>('MODIFIED', { kind: 'Table', rows: [present] })
    t.match(second.object.rows[0]!.cells.slice(0, 3), exactly(['a', 8, 'A']), 'cells')
    ;(await t.delete(`${t.W}/a`)).is(200)
    await watch.next<Table>('DELETED', { kind: 'Table', rows: [{ object: named('a') }] })
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
    await t.create(t.W, widget('b'))
    const listing = await t.watch(t.W, { accept: TABLE, query: { ...query, includeObject: 'Object' } })
    await listing.next<Table>('ADDED', { rows: [{ object: { kind: 'Widget', spec: { size: 3 } } }] })
    await listing.next<Table>('BOOKMARK', {
      kind: 'Table',
      rows: [{ object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }],
    })
  })

  add('W14', 'as metadata', async (t) => {
    const made = await t.create(t.W, widget('a', { size: 7 }, { labels: { a: 'b' } }))
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }
    const watch = await t.watch(t.W, { accept: METADATA, query })
    const kind = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' }
    await watch.next('ADDED', exactly({ ...kind, metadata: made.metadata }))
    await watch.next('BOOKMARK', { ...kind, metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } })
    ;(await t.patch(`${t.W}/a`, 'merge', { spec: { size: 8 } })).is(200)
    await watch.next('MODIFIED', { ...kind, metadata: { name: 'a', generation: 2 }, spec: absent })
    ;(await t.delete(`${t.W}/a`)).is(200)
    await watch.next('DELETED', { ...kind, metadata: { name: 'a' }, spec: absent })
  })

  add('W15', 'delete and make again', async (t) => {
    const first = await t.create(t.W, widget('a'))
    const watch = await t.watch(t.W, { query: { resourceVersion: first.metadata.resourceVersion } })
    const rounds = 5
    for (let round = 0; round < rounds; round++) {
      ;(await t.delete(`${t.W}/a`)).is(200)
      await t.create(t.W, widget('a'))
    }
    let last = first
    for (let round = 0; round < rounds; round++) {
      const deleted = await watch.next('DELETED', { metadata: { name: 'a', uid: last.metadata.uid } })
      const added = await watch.next('ADDED', { metadata: { name: 'a', uid: not(last.metadata.uid) } })
      t.check(older(last, deleted.object) && older(deleted.object, added.object), 'versions must increase')
      last = added.object
    }
  })
})
