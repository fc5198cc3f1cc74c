import { ApiServer } from '@locktender/apiserver'
import { configMaps, leases, namespaces, secrets } from '@locktender/fleet'
import {
  Client,
  coreEvents,
  events,
  seededRandom,
  sleep,
  VirtualClock,
  type KubeObject,
  type Resource,
  type Transport,
  type TransportRequest,
} from '@locktender/kube'
import {
  CONFIGURATION,
  Health,
  LeadershipLostError,
  MANAGEMENT,
  noMetrics,
  runControllers,
  silentLogger,
  standalone,
  USER_WORKLOAD,
  type Controller,
  type LiveOptions,
  type Metrics,
} from '@locktender/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const namespace = 'work'
const second = 1000
const minute = 60 * second

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

interface CoreEvent extends KubeObject {
  readonly reason: string
  readonly message: string
  readonly count: number
}

interface NewEvent extends KubeObject {
  readonly note: string
  readonly series?: { readonly count: number }
}

let clock: VirtualClock
let server: ApiServer
let admin: Client
let asked: TransportRequest[]
const stops: { readonly stop: AbortController; readonly ended: Promise<unknown> }[] = []

beforeEach(async () => {
  clock = new VirtualClock()
  server = await ApiServer.open({ clock, random: seededRandom(1) })
  await server.cluster('one')
  asked = []
  admin = new Client({ transport: transport() })
  await admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
})

afterEach(async () => {
  for (const { stop } of stops) stop.abort()
  await clock.advance(minute)
  await Promise.allSettled(stops.splice(0).map(({ ended }) => ended))
  await server.close()
})

function transport(): Transport {
  return server.transport({ cluster: 'one', user: { name: 'test', groups: ['system:masters'] } })
}

/** A client whose requests are noted. */
function client(through: (transport: Transport) => Transport = (plain) => plain): Client {
  const inner = through(transport())
  return new Client({
    transport: {
      request(request) {
        asked.push(request)
        return inner.request(request)
      },
      close: () => inner.close(),
    },
  })
}

function run(controllers: readonly Controller[], options: Partial<LiveOptions> = {}) {
  const stop = new AbortController()
  const running = runControllers({
    controllers,
    clusters: { one: client() },
    clock,
    random: seededRandom(2),
    log: silentLogger,
    signal: stop.signal,
    ...options,
  })
  const ended = running.then(
    () => 'ended' as const,
    (error: unknown) => error,
  )
  stops.push({ stop, ended })
  return { stop, ended }
}

function config(
  name: string,
  data: Record<string, string> = {},
  more: Partial<KubeObject['metadata']> = {},
): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...more }, data }
}

function idle(name: string, reads: Controller['reads']): Controller {
  return { name, reads, writes: [], reconcile: () => Promise.resolve() }
}

const lists = () =>
  asked.filter(({ method, path }) => method === 'GET' && !path.includes('watch=')).map(({ path }) => path)

describe('caches', () => {
  const all = { cluster: 'one', resource: configMaps, keys: () => ['k'] }

  test('are one for each scope, whoever declares it under whatever name, however its selector is written', async () => {
    const hub = client()
    const of = (cluster: string, more: object = {}) => ({ ...all, cluster, ...more })
    const controllers = [
      idle('a', [of(CONFIGURATION), of(MANAGEMENT, { labelSelector: 'a=b,c' })]),
      idle('b', [of(USER_WORKLOAD), of(USER_WORKLOAD, { labelSelector: 'c, a=b' }), of(MANAGEMENT, { namespace })]),
      idle('c', [of(MANAGEMENT, { namespace, name: 'x' })]),
    ]
    run(controllers, { clusters: standalone(hub) })
    await clock.advance(second)
    expect(lists().map((path) => decodeURIComponent(path).replace('limit=500&', ''))).toEqual([
      '/api/v1/configmaps?limit=500',
      '/api/v1/configmaps?labelSelector=a=b,c',
      '/api/v1/namespaces/work/configmaps?limit=500',
      '/api/v1/namespaces/work/configmaps?fieldSelector=metadata.name=x',
    ])
  })

  test('of one controller are told apart by their scope', async () => {
    await admin.create(configMaps, config('x'))
    await admin.create(configMaps, config('y', {}, { labels: { a: 'b' } }))
    const seen: unknown[] = []
    const controller: Controller = {
      ...idle('a', [
        { ...all, namespace, name: 'x' },
        { ...all, labelSelector: 'a=b' },
      ]),
      reconcile(_key, world) {
        const one = world.cluster('one')
        seen.push(
          [...one.cache(configMaps, { namespace, name: 'x' }).keys()],
          [...one.cache(configMaps, { labelSelector: 'a==b' }).keys()],
        )
        try {
          one.cache(configMaps)
        } catch (error) {
          seen.push(String(error))
        }
        return Promise.resolve()
      },
    }
    run([controller])
    await clock.advance(second)
    expect(seen).toEqual([
      ['work/x'],
      ['work/y'],
      'TypeError: controller a declares several reads of configmaps of one; say which one is meant',
    ])
  })

  test('hold what is declared by anybody and nothing else', async () => {
    await admin.create(configMaps, config('x', { first: '1', second: '2', third: '3' }))
    const seen: unknown[] = []
    const reader = (name: string, fields: readonly string[]): Controller => ({
      ...idle(name, [{ ...all, namespace, fields }]),
      reconcile(_key, world) {
        const found = world.cluster('one').cache<ConfigMap>(configMaps).get('work/x')
        seen.push([found?.data, found?.metadata.managedFields])
        return Promise.resolve()
      },
    })
    run([reader('a', ['data.first']), reader('b', ['data.second'])])
    await clock.advance(second)
    expect(seen).toEqual(Array.from({ length: 2 }, () => [{ first: '1', second: '2' }, undefined]))
  })
})

test('keys of the start are reconciled once though nothing exists', async () => {
  const keys: string[] = []
  const controller: Controller = {
    ...idle('a', []),
    atStart: ['sync', 'other'],
    reconcile: (key) => Promise.resolve(void keys.push(key)),
  }
  run([controller])
  await clock.advance(10 * minute)
  expect(keys).toEqual(['sync', 'other'])
})

describe('declared names', () => {
  const attempts: Record<string, [Controller['reconcile'], string?]> = {
    'the declared object': [
      async (_key, world) =>
        void (await world.cluster('one').client.apply(configMaps, config('a'), { fieldManager: 'm' })),
    ],
    'its creation': [async (_key, world) => void (await world.cluster('one').client.create(configMaps, config('a')))],
    'a generated name': [
      async (_key, world) => {
        const metadata = { generateName: 'b-', namespace } as unknown as KubeObject['metadata']
        await world.cluster('one').client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
      },
    ],
    'another name': [
      async (_key, world) => void (await world.cluster('one').client.create(configMaps, config('c'))),
      "add to its writes: { cluster: 'one', resource: 'configmaps', namespace: 'work', name: 'c' }",
    ],
    'another prefix': [
      async (_key, world) => {
        const metadata = { generateName: 'c-', namespace } as unknown as KubeObject['metadata']
        await world.cluster('one').client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
      },
      "namespace: 'work', generateName: 'c-' }",
    ],
    'an object of a generated name': [
      async (_key, world) => {
        await world.cluster('one').client.delete(configMaps, { name: 'b-1', namespace })
      },
      "name: 'b-1' }",
    ],
    'another namespace': [
      async (_key, world) => {
        const object = config('a', {}, { namespace: 'default' })
        await world.cluster('one').client.apply(configMaps, object, { fieldManager: 'm' })
      },
      "namespace: 'default', name: 'a' }",
    ],
    'a read of the declared object': [
      async (_key, world) =>
        void (await world.cluster('one').client.get(secrets, 's', namespace).catch(tolerateNotFound)),
    ],
    'a read of all': [
      async (_key, world) => void (await world.cluster('one').client.list(secrets)),
      "add to its reads: { cluster: 'one', resource: 'secrets' }",
    ],
    'an answer from outside': [
      async (_key, world) => void (await world.fetch({ url: 'https://id.example.com/.well-known/openid' })),
    ],
    'another host': [
      async (_key, world) => void (await world.fetch({ url: 'https://id.example.com.evil.org/' })),
      "calls https://id.example.com.evil.org/, which it does not declare; add to its calls: 'https://id.example.com.evil.org/'",
    ],
  }

  test.each(Object.entries(attempts))('%s', async (_name, [attempt, refusal]) => {
    const outcomes: string[] = []
    const controller: Controller = {
      name: 'named',
      reads: [{ cluster: 'one', resource: secrets, namespace, name: 's', keys: () => [] }],
      writes: [
        { cluster: 'one', resource: configMaps, namespace, name: 'a' },
        { cluster: 'one', resource: configMaps, namespace, generateName: 'b-' },
      ],
      calls: ['https://id.example.com/'],
      atStart: ['k'],
      async reconcile(key, world, signal) {
        await Promise.resolve(attempt(key, world, signal)).then(
          () => outcomes.push('done'),
          (error: unknown) => outcomes.push(String(error)),
        )
      },
    }
    run([controller], { fetch: () => Promise.resolve({ status: 200, headers: {}, body: '{}' }) })
    await clock.advance(second)
    expect(outcomes).toHaveLength(1)
    expect(outcomes[0]).toContain(refusal ?? 'done')
  })
})

function tolerateNotFound(error: unknown): undefined {
  if (!String(error).includes('not found')) throw error
  return undefined
}

describe('a controller that runs in circles', () => {
  function looping(resource: Resource, given: () => void): Controller {
    return {
      name: 'looping',
      reads: [{ cluster: 'one', resource: configMaps, namespace, keys: ({ key }) => [key] }],
      writes: [
        { cluster: 'one', resource: configMaps },
        { cluster: 'one', resource },
      ],
      async reconcile(key, world) {
        given()
        const [, name = ''] = key.split('/')
        const one = world.cluster('one')
        const turn = Number(one.cache<ConfigMap>(configMaps).get(key)?.data?.['turn'] ?? 0)
        await one.client.report(configMaps, { name, namespace }, { data: { turn: String(turn + 1) } })
      },
    }
  }

  test('is paused for that key, says so, and goes on when something changes', async () => {
    let runs = 0
    run([looping(coreEvents, () => runs++)])
    await admin.create(configMaps, config('x'))
    await clock.advance(30 * second)
    expect(runs).toBeGreaterThanOrEqual(101)
    expect(runs).toBeLessThan(110)
    const told = await admin.list<CoreEvent>(coreEvents, { namespace })
    expect(told.items.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
      'ReconcileLoop: looping wrote this again and again while nothing else changed. It waits 60 s, or until something changes, before it looks at work/x again. Two fields of the object, or two controllers, are likely to contradict each other.',
    ])
    const before = runs
    await admin.report(configMaps, { name: 'x', namespace }, { data: { other: '1' } })
    await clock.advance(second)
    expect(runs - before).toBeGreaterThan(1)
    const calm = runs
    await clock.advance(10 * minute)
    expect(runs - calm).toBeLessThan(120)
  })

  test('does not disturb others, nor one that follows changes from outside', async () => {
    let runs = 0
    const following: Controller = {
      ...looping(coreEvents, () => runs++),
      name: 'following',
      async reconcile(key, world) {
        const one = world.cluster('one')
        const data = one.cache<ConfigMap>(configMaps).get(key)?.data ?? {}
        if (data['in'] === data['out']) return
        runs++
        await one.client.report(configMaps, { name: key.slice(5), namespace }, { data: { out: data['in'] } })
      },
    }
    run([following])
    await admin.create(configMaps, config('x'))
    for (let turn = 0; turn < 300; turn++) {
      await admin.report(configMaps, { name: 'x', namespace }, { data: { in: String(turn) } })
      await clock.advance(100)
    }
    expect(runs).toBe(300)
  })
})

describe('events', () => {
  function teller(resource: Resource, notes: readonly string[]): Controller {
    return {
      name: 'teller',
      reads: [],
      writes: [{ cluster: 'one', resource, namespace }],
      atStart: ['k'],
      reconcile(_key, world) {
        for (const message of notes) {
          world.events.record('one', config('x'), { type: 'Normal', reason: 'Told', message })
        }
        return Promise.resolve()
      },
    }
  }

  test('of the core API are counted, combined and limited', async () => {
    run([teller(coreEvents, ['same', 'same', 'same'])])
    await clock.advance(second)
    let told = (await admin.list<CoreEvent>(coreEvents, { namespace })).items
    expect(told.map(({ message, count }) => [message, count])).toEqual([['same', 3]])
    expect(told[0]!.metadata.name).toMatch(/^x\.[0-9a-f]{15,16}\.[0-9a-f]{8}$/)
    run([
      teller(
        coreEvents,
        Array.from({ length: 60 }, (_, index) => `message ${index}`),
      ),
    ])
    await clock.advance(second)
    told = (await admin.list<CoreEvent>(coreEvents, { namespace })).items
    expect(told.map(({ message }) => message).filter((message) => message.startsWith('message'))).toHaveLength(9)
    const combined = told.find(({ message }) => message.startsWith('(combined from similar events): '))
    expect(combined?.count).toBe(16)
  })

  test('of events.k8s.io become a series', async () => {
    run([teller(events, ['a', 'b', 'c', 'd'])])
    await clock.advance(second)
    const list = () => admin.list<NewEvent>(events, { namespace })
    expect((await list()).items.map(({ note, series }) => [note, series?.count])).toEqual([['a', 2]])
    // What comes after the second is counted here, and written when the series is over.
    await clock.advance(10 * minute)
    expect((await list()).items.map(({ series }) => series?.count)).toEqual([4])
  })

  test('never fail a reconcile, nor keep it waiting, while the server is away', async () => {
    let isAway = true
    const away = client((plain) => ({
      request: (request) =>
        isAway && request.method === 'POST' ? Promise.reject(new Error('no route')) : plain.request(request),
      close: () => plain.close(),
    }))
    const reconciled: number[] = []
    const controller = teller(coreEvents, ['late'])
    const noting: Controller = {
      ...controller,
      async reconcile(key, world, signal) {
        await controller.reconcile(key, world, signal)
        reconciled.push(clock.now())
      },
    }
    const start = clock.now()
    run([noting], { clusters: { one: away } })
    await clock.advance(25 * second)
    expect(reconciled).toEqual([start])
    isAway = false
    await clock.advance(10 * second)
    expect((await admin.list<CoreEvent>(coreEvents, { namespace })).items.map(({ message }) => message)).toEqual([
      'late',
    ])
  })
})

describe('health and numbers', () => {
  test('tell what the driver does, in the words of controller-runtime', async () => {
    const totals = new Map<string, number>()
    const metrics: Metrics = {
      ...noMetrics,
      counter: ({ name }) => ({
        increase: (labels = {}, by = 1) => {
          const id = `${name}${JSON.stringify(labels)}`
          totals.set(id, (totals.get(id) ?? 0) + by)
        },
      }),
    }
    const health = new Health()
    expect(health.report()).toMatchObject({ ready: false, working: false })
    let failures = 2
    const controller: Controller = {
      ...idle('a', [{ cluster: 'one', resource: configMaps, namespace, keys: () => ['k'] }]),
      async reconcile() {
        await Promise.resolve()
        if (failures-- > 0) throw new Error('not yet')
        return { requeueAfterMs: minute }
      },
    }
    await admin.create(configMaps, config('x'))
    run([controller], { metrics, health })
    await clock.advance(90 * second)
    const label = '{"controller":"a"}'
    expect(totals.get(`controller_runtime_reconcile_errors_total${label}`)).toBe(2)
    expect(totals.get('controller_runtime_reconcile_total{"controller":"a","result":"requeue_after"}')).toBe(2)
    expect(totals.get('workqueue_retries_total{"name":"a","controller":"a"}')).toBe(2)
    expect(totals.get('rest_client_requests_total{"code":"200","method":"GET","host":"one"}')).toBe(2)
    const report = health.report()
    expect(report).toMatchObject({ ready: true, why: [], working: true })
    expect(report.watches).toMatchObject([{ cluster: 'one', reads: 'configmaps in work', synced: true, objects: 1 }])
    expect(report.watches[0]!.quietForMs).toBeLessThanOrEqual(90 * second)
  })

  test('a server that does not answer is not ready, and says which read waits', async () => {
    const health = new Health()
    const silent = client((plain) => ({
      request: async () => {
        await sleep(clock, 65 * second)
        throw new Error('no answer')
      },
      close: () => plain.close(),
    }))
    const reads = [{ cluster: 'one', resource: configMaps, keys: () => [] }]
    run([idle('a', reads)], { health, clusters: { one: silent } })
    await clock.advance(minute)
    expect(health.report().why).toEqual(['configmaps of one are not listed yet'])
  })
})

test('a controller that lost the lease writes nothing more, even in the middle of a key', async () => {
  let isCut = false
  const cuttable = client((plain) => ({
    request: (request) =>
      isCut && request.path.includes('/leases') ? Promise.reject(new Error('no route')) : plain.request(request),
    close: () => plain.close(),
  }))
  const outcomes: unknown[] = []
  const slow: Controller = {
    name: 'slow',
    reads: [],
    writes: [{ cluster: 'one', resource: configMaps }],
    atStart: ['k'],
    async reconcile(_key, world) {
      await sleep(clock, 5 * minute)
      await world
        .cluster('one')
        .client.create(configMaps, config('x'))
        .catch((error: unknown) => outcomes.push(error))
    },
  }
  const leaderElection = { client: cuttable, namespace, name: 'leader', identity: 'a' }
  const { ended } = run([slow], { clusters: { one: cuttable }, leaderElection })
  await clock.advance(second)
  isCut = true
  await clock.advance(10 * minute)
  expect(await ended).toBeInstanceOf(LeadershipLostError)
  expect(outcomes).toEqual([expect.any(LeadershipLostError)])
  await expect(admin.get(configMaps, 'x', namespace)).rejects.toThrow('not found')
  expect((await admin.list(leases, { namespace })).items).toHaveLength(1)
})
