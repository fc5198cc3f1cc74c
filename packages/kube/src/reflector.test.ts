import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Client } from './client.ts'
import { ConnectionError, expired, forbidden, tooLargeResourceVersion, tooManyRequests } from './errors.ts'
import { ObjectCache } from './object-cache.ts'
import type { ObjectChange } from './object-cache.ts'
import { seededRandom } from './random.ts'
import { Reflector } from './reflector.ts'
import { FakeApi, widgets } from './testing/fake-api.ts'
import type { Widget } from './testing/fake-api.ts'
import { VirtualClock } from './virtual-clock.ts'

function start(options: { seed?: number; objects?: number; quietMs?: number; keep?: (widget: Widget) => Widget } = {}) {
  const api = new FakeApi()
  for (let index = 0; index < (options.objects ?? 0); index++) api.put(`w${String(index).padStart(5, '0')}`, index)
  const clock = new VirtualClock(0)
  const cache = new ObjectCache<Widget>()
  const told: ObjectChange<Widget>[] = []
  const retries: { error: Error; delayMs: number; at: number }[] = []
  const controller = new AbortController()
  const reflector = new Reflector<Widget>({
    client: new Client({ transport: api }),
    resource: widgets,
    clock,
    random: seededRandom(options.seed ?? 1),
    cache,
    ...(options.quietMs !== undefined && { quietMs: options.quietMs }),
    ...(options.keep && { keep: options.keep }),
    onEvent: (change) => told.push(change),
    onRetry: (error, delayMs) => retries.push({ error, delayMs, at: clock.now() }),
  })
  // A turn later, so that the test can prepare the server for the very first request.
  const running = Promise.resolve().then(() => reflector.run(controller.signal))
  return {
    api,
    clock,
    cache,
    reflector,
    retries,
    /** What was told since the last call, as `TYPE key:size`. */
    events() {
      const texts = told.map((change) => `${change.type} ${change.key.slice(3)}:${change.object().spec.size}`)
      told.length = 0
      return texts
    },
    settle: () => clock.advance(0),
    async stop() {
      controller.abort()
      await clock.advance(0)
      await running
    },
  }
}

function contents(cache: ObjectCache<Widget>): Widget[] {
  return [...cache.values()].toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
}

function truth(api: FakeApi): Widget[] {
  return [...api.objects.values()].toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
}

function watchVersions(api: FakeApi): (string | null)[] {
  return api.requests
    .map((request) => new URL(request.path, 'https://fake').searchParams)
    .filter((query) => query.get('watch') === 'true')
    .map((query) => query.get('resourceVersion'))
}

describe('Reflector', () => {
  test('lists in pages of 500, tells each object once, then is synced and watches from there', async () => {
    const run = start({ objects: 1201 })
    let synced = false
    void run.reflector.synced.then(() => {
      synced = true
    })
    await run.settle()
    const lists = run.api.requests.filter((request) => !request.path.includes('watch='))
    expect(lists).toHaveLength(3)
    expect(lists.every((request) => request.path.includes('limit=500'))).toBe(true)
    expect(run.events()).toHaveLength(1201)
    expect(synced).toBe(true)
    expect(contents(run.cache)).toEqual(truth(run.api))
    expect(watchVersions(run.api)).toEqual([String(run.api.revision)])
    expect(run.reflector.state).toBe('Watching')
    await run.stop()
  })

  test('tells additions, changes and deletions with the state before', async () => {
    const run = start({ objects: 1 })
    await run.settle()
    run.events()
    run.api.put('w00000', 5)
    run.api.put('new', 1)
    run.api.remove('w00000')
    await run.settle()
    expect(run.events()).toEqual(['MODIFIED w00000:5', 'ADDED new:1', 'DELETED w00000:5'])
    expect(run.cache.has('ns/w00000')).toBe(false)
    await run.stop()
  })

  test('a dropped connection goes on from the last version: no list, nothing lost, nothing twice', async () => {
    const run = start({ objects: 2 })
    await run.settle()
    run.api.put('w00000', 10)
    await run.settle()
    run.events()
    const seen = run.reflector.resourceVersion
    run.api.tear()
    run.api.put('w00001', 11)
    run.api.remove('w00000')
    await run.clock.advance(2000)
    expect(run.events()).toEqual(['MODIFIED w00001:11', 'DELETED w00000:10'])
    expect(watchVersions(run.api)).toEqual(['102', seen])
    expect(run.reflector.statistics.lists).toBe(1)
    await run.stop()
  })

  test('a watch the server ends in time is resumed at once', async () => {
    const run = start()
    await run.clock.advance(60_000)
    run.api.endWatches()
    await run.settle()
    expect(run.api.openWatches).toBe(1)
    expect(run.retries).toEqual([])
    await run.stop()
  })

  test('bookmarks move the version, so that an idle watch survives the loss of history', async () => {
    const run = start({ objects: 1 })
    await run.settle()
    run.events()
    run.api.bookmark(5000)
    await run.settle()
    expect(run.reflector.resourceVersion).toBe('5101')
    run.api.compact()
    run.api.endWatches()
    await run.clock.advance(2000)
    expect(watchVersions(run.api)).toEqual(['101', '5101'])
    expect(run.reflector.statistics.lists).toBe(1)
    expect(run.events()).toEqual([])
    await run.stop()
  })

  test.each([
    ['an ERROR event', (api: FakeApi) => api.sendError(expired('too old resource version'))],
    [
      'the HTTP status',
      (api: FakeApi) => {
        api.endWatches(new ConnectionError('reset'))
        api.faults.push(expired('too old resource version'))
      },
    ],
  ])('410 by %s leads to a new list that tells what was missed, deletions too', async (_name, expire) => {
    const run = start({ objects: 3 })
    await run.settle()
    run.events()
    expire(run.api)
    run.api.remove('w00000')
    run.api.put('w00001', 20)
    run.api.put('fresh', 9)
    run.api.compact()
    await run.clock.advance(10_000)
    expect(run.events()).toEqual(['DELETED w00000:0', 'ADDED fresh:9', 'MODIFIED w00001:20'])
    expect(run.reflector.statistics.lists).toBe(2)
    expect(contents(run.cache)).toEqual(truth(run.api))
    run.api.put('after', 1)
    await run.settle()
    expect(run.events()).toEqual(['ADDED after:1'])
    await run.stop()
  })

  test('an object deleted and made again while not looking is told as both', async () => {
    const run = start({ objects: 1 })
    await run.settle()
    run.events()
    run.api.sendError(expired('too old'))
    run.api.remove('w00000')
    run.api.put('w00000', 7)
    run.api.compact()
    await run.clock.advance(10_000)
    expect(run.events()).toEqual(['DELETED w00000:0', 'ADDED w00000:7'])
    await run.stop()
  })

  test('a continue token that expires half-way leads to one complete list', async () => {
    const run = start({ objects: 700 })
    let lists = 0
    run.api.beforeList = () => {
      if (++lists !== 2) return
      run.api.remove('w00000')
      run.api.compact()
    }
    await run.settle()
    expect(lists).toBe(3)
    expect(run.retries).toEqual([])
    expect(contents(run.cache)).toEqual(truth(run.api))
    expect(run.events()).toHaveLength(699)
    await run.stop()
  })

  test('a server restored to an older state is listed anew', async () => {
    const run = start({ objects: 1 })
    await run.settle()
    run.api.faults.push(tooLargeResourceVersion(101, 50))
    run.api.endWatches(new ConnectionError('restart'))
    await run.clock.advance(10_000)
    expect(run.reflector.statistics.lists).toBe(2)
    await run.stop()
  })

  test('waits between tries grow, differ by seed, and stay within 0.8 and 30 s', async () => {
    const delays = async (seed: number) => {
      const run = start({ seed })
      for (let index = 0; index < 12; index++) run.api.faults.push(forbidden({ group: '', resource: 'x' }, '', 'no'))
      await run.clock.advance(400_000)
      expect(run.reflector.state).toBe('Watching')
      await run.stop()
      return run.retries.map((retry) => retry.delayMs)
    }
    const first = await delays(1)
    const second = await delays(2)
    expect(first).toHaveLength(12)
    for (const all of [first, second]) {
      for (const [attempt, delay] of all.entries()) {
        const bound = Math.min(30_000, 1600 * 2 ** attempt)
        expect(delay).toBeGreaterThanOrEqual(bound / 2)
        expect(delay).toBeLessThanOrEqual(bound)
      }
    }
    expect(first).not.toEqual(second)
    expect(await delays(1)).toEqual(first)
  })

  test('success forgets earlier failures', async () => {
    const run = start()
    for (let index = 0; index < 5; index++) run.api.faults.push(new ConnectionError('refused'))
    await run.clock.advance(120_000)
    run.api.put('w', 1)
    await run.settle()
    run.api.endWatches(new ConnectionError('reset'))
    await run.clock.advance(120_000)
    expect(run.retries.at(-1)!.delayMs).toBeLessThanOrEqual(1600)
    await run.stop()
  })

  test('waits at least as long as the server asks', async () => {
    const run = start()
    run.api.faults.push(tooManyRequests('slow down', 45))
    await run.clock.advance(100_000)
    expect(run.retries.map((retry) => retry.delayMs)).toEqual([45_000])
    await run.stop()
  })

  test('a server that ends every watch at once is not asked in a tight loop', async () => {
    const run = start()
    await run.settle()
    for (let index = 0; index < 100; index++) run.api.faults.push('empty-watch')
    run.api.endWatches(new ConnectionError('reset'))
    await run.clock.advance(60_000)
    expect(run.reflector.statistics.watches).toBeLessThan(10)
    await run.stop()
  })

  test('a watch that hangs beyond its time is given up and resumed', async () => {
    const run = start()
    await run.settle()
    const asked = Number(new URL(run.api.requests.at(-1)!.path, 'https://fake').searchParams.get('timeoutSeconds'))
    expect(asked).toBeGreaterThanOrEqual(300)
    expect(asked).toBeLessThanOrEqual(600)
    await run.clock.advance((asked + 29) * 1000)
    expect(run.reflector.statistics.watches).toBe(1)
    await run.clock.advance(2000)
    expect(run.reflector.statistics.watches).toBe(2)
    expect(run.api.openWatches).toBe(1)
    await run.stop()
  })

  test.each(['Listing', 'Watching', 'Backoff'] as const)('stops from %s and leaves nothing behind', async (state) => {
    const run = start()
    if (state === 'Backoff') run.api.faults.push(new ConnectionError('refused'))
    if (state !== 'Listing') await run.settle()
    expect(run.reflector.state).toBe(state)
    await run.stop()
    expect(run.reflector.state).toBe('Stopped')
    expect(run.api.openWatches).toBe(0)
    const before = run.api.requests.length
    await run.clock.advance(1_000_000)
    expect(run.api.requests).toHaveLength(before)
    if (state === 'Watching') await run.reflector.synced
    else await expect(run.reflector.synced).rejects.toThrow('stopped before widgets were listed')
  })

  test('an exception of a listener ends the run with it', async () => {
    const api = new FakeApi()
    api.put('w', 1)
    const reflector = new Reflector({
      client: new Client({ transport: api }),
      resource: widgets,
      clock: new VirtualClock(),
      random: seededRandom(1),
      cache: new ObjectCache(),
      onEvent: () => {
        throw new Error('defect')
      },
    })
    await expect(reflector.run(new AbortController().signal)).rejects.toThrow('defect')
  })

  test('whatever happens, the cache becomes what the server has and the events tell exactly that', async () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name: fc.nat(5), size: fc.nat(9) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name: fc.nat(5) }) },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constantFrom('bookmark', 'compact', 'end', 'reset', 'tear', 'expire', 'refuse', 'wait', 'settle'),
        }),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.nat(1000), async (actions, seed) => {
        const run = start({ seed })
        const replayed = new Map<string, number>()
        for (const step of actions) {
          switch (step.do) {
            case 'put':
              run.api.put(`w${step.name}`, step.size)
              break
            case 'remove':
              run.api.remove(`w${step.name}`)
              break
            case 'bookmark':
              run.api.bookmark(3)
              break
            case 'compact':
              run.api.compact()
              break
            case 'end':
              run.api.endWatches()
              break
            case 'reset':
              run.api.endWatches(new ConnectionError('reset'))
              break
            case 'tear':
              run.api.tear()
              break
            case 'expire':
              run.api.sendError(expired('too old'))
              break
            case 'refuse':
              run.api.faults.push(new ConnectionError('refused'))
              break
            case 'wait':
              await run.clock.advance(5000)
              break
            default:
              await run.settle()
          }
        }
        await run.clock.advance(300_000)
        for (const text of run.events()) {
          const [type, rest] = text.split(' ') as [string, string]
          const [name, size] = rest.split(':') as [string, string]
          expect(replayed.has(name)).toBe(type !== 'ADDED')
          if (type === 'DELETED') replayed.delete(name)
          else replayed.set(name, Number(size))
        }
        expect(contents(run.cache)).toEqual(truth(run.api))
        expect(replayed).toEqual(new Map(truth(run.api).map((object) => [object.metadata.name, object.spec.size])))
        await run.stop()
      }),
      { numRuns: 150 },
    )
  })

  test('renews a watch that gives nothing for too long, and misses nothing', async () => {
    const run = start({ objects: 1, quietMs: 150_000 })
    await run.settle()
    run.events()
    for (let minute = 0; minute < 4; minute++) {
      await run.clock.advance(60_000)
      run.api.put('w00000', minute)
    }
    await run.settle()
    expect(run.reflector.statistics).toMatchObject({ watches: 1, silences: 0 })
    expect(run.clock.now() - run.reflector.heardAt!).toBe(0)
    run.events()
    await run.clock.advance(149_999)
    expect(run.api.openWatches).toBe(1)
    expect(run.reflector.statistics.silences).toBe(0)
    await run.clock.advance(1)
    await run.settle()
    expect(run.reflector.statistics).toMatchObject({ lists: 1, watches: 2, silences: 1 })
    run.api.put('w00000', 9)
    await run.settle()
    expect(run.events()).toEqual(['MODIFIED w00000:9'])
    await run.stop()
  })

  test('keeps of an object only what it is told to, from lists and from events', async () => {
    const keep = ({ apiVersion, kind, metadata, spec }: Widget): Widget => ({
      apiVersion,
      kind,
      metadata,
      spec: { size: spec.size % 10 },
    })
    const run = start({ keep })
    run.api.put('a', 11)
    await run.settle()
    run.api.put('b', 22)
    run.api.put('a', 33)
    run.api.remove('b')
    await run.settle()
    expect(run.events()).toEqual(['ADDED a:1', 'ADDED b:2', 'MODIFIED a:3', 'DELETED b:2'])
    expect(contents(run.cache).map(({ spec }) => spec.size)).toEqual([3])
    await run.stop()
  })
})
