import { ApiServer } from '@locktender/apiserver'
import { configMaps, leases, namespaces, secrets } from '@locktender/fleet'
import {
  Client,
  isConflict,
  seededRandom,
  sleep,
  VirtualClock,
  type KubeObject,
  type Transport,
} from '@locktender/kube'
import { LeadershipLostError, runControllers, silentLogger, type Controller, type Lease } from '@locktender/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const namespace = 'work'
const second = 1000
const minute = 60 * second

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

let clock: VirtualClock
let server: ApiServer
let admin: Client
const stops: { readonly stop: AbortController; readonly running: Promise<unknown> }[] = []

beforeEach(async () => {
  clock = new VirtualClock()
  server = await ApiServer.open({ clock, random: seededRandom(1) })
  await server.cluster('one')
  admin = clientOf()
  await admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
})

afterEach(async () => {
  for (const { stop } of stops) stop.abort()
  await clock.advance(minute)
  await Promise.allSettled(stops.splice(0).map(({ running }) => running))
  await server.close()
})

function clientOf(through: (transport: Transport) => Transport = (transport) => transport): Client {
  const transport = server.transport({ cluster: 'one', user: { name: 'test', groups: ['system:masters'] } })
  return new Client({ transport: through(transport) })
}

interface RunOptions {
  readonly client?: Client
  readonly identity?: string
  readonly onStarted?: () => void
}

/** Runs controllers in this test's world; gives how to stop them and how they ended. */
function run(controllers: readonly Controller[], { client = clientOf(), identity, onStarted }: RunOptions = {}) {
  const stop = new AbortController()
  const running = runControllers({
    controllers,
    clusters: { one: client },
    clock,
    random: seededRandom(2),
    log: silentLogger,
    signal: stop.signal,
    ...(onStarted && { onStarted }),
    ...(identity !== undefined && { leaderElection: { client, namespace, name: 'leader', identity } }),
  })
  const ended = running.then(
    () => 'ended' as const,
    (error: unknown) => error,
  )
  stops.push({ stop, running: ended })
  return { stop, ended }
}

function config(name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data }
}

/** Makes a Secret of each ConfigMap `in-…` and tells of every key it was given. */
function copier(given: (key: string) => void = () => {}): Controller {
  return {
    name: 'copier',
    concurrency: 4,
    reads: [
      { cluster: 'one', resource: configMaps, keys: ({ key }) => (key.startsWith(`${namespace}/in-`) ? [key] : []) },
    ],
    writes: [{ cluster: 'one', resource: secrets }],
    async reconcile(key, world) {
      given(key)
      const one = world.cluster('one')
      const found = one.cache<ConfigMap>(configMaps).get(key)
      if (found === undefined) return
      const metadata = { name: found.metadata.name.replace('in-', 'out-'), namespace }
      const copy = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { from: found.data?.['value'] ?? '' } }
      await one.client.apply<KubeObject>(secrets, copy, { fieldManager: 'copier' })
    },
  }
}

/** Keeps the number of Secrets in a ConfigMap. */
function counter(): Controller {
  return {
    name: 'counter',
    reads: [{ cluster: 'one', resource: secrets, keys: () => ['all'] }],
    writes: [{ cluster: 'one', resource: configMaps }],
    async reconcile(_key, world) {
      const one = world.cluster('one')
      const data = { secrets: String(one.cache(secrets).size) }
      await one.client.apply<ConfigMap>(configMaps, config('total', data), { fieldManager: 'counter' })
    },
  }
}

describe('several controllers', () => {
  test('work on what each other writes, from what was there before and from what comes', async () => {
    for (const name of ['in-a', 'in-b']) await admin.create(configMaps, config(name, { value: name }))
    run([copier(), counter()])
    await clock.advance(second)
    await admin.create(configMaps, config('in-c', { value: 'first' }))
    await clock.advance(second)
    await admin.patch(configMaps, { name: 'in-c', namespace }, { data: { value: 'second' } }, { type: 'merge' })
    await clock.advance(second)
    const { items } = await admin.list<KubeObject & { data?: Record<string, string> }>(secrets, { namespace })
    const values = items.map(({ data }) => Buffer.from(data?.['from'] ?? '', 'base64').toString())
    expect(values).toEqual(['in-a', 'in-b', 'second'])
    expect((await admin.get<ConfigMap>(configMaps, 'total', namespace)).data).toEqual({ secrets: '3' })
  })

  test('what fails is tried again, later each time, and what others do goes on meanwhile', async () => {
    const tries: number[] = []
    const start = clock.now()
    const failing: Controller = {
      ...copier(),
      name: 'failing',
      async reconcile() {
        tries.push(clock.now() - start)
        await Promise.resolve()
        if (tries.length < 6) throw new Error('not yet')
      },
    }
    run([failing, copier()])
    await clock.advance(second)
    await admin.create(configMaps, config('in-a'))
    await clock.advance(minute)
    expect(tries).toHaveLength(6)
    const waits = tries.slice(1).map((time, index) => time - tries[index]!)
    expect(waits).toEqual([5, 10, 20, 40, 80])
    await expect(admin.get(secrets, 'out-a', namespace)).resolves.toBeDefined()
  })
})

describe('access that is not declared', () => {
  const attempts: Record<string, Controller['reconcile']> = {
    'a read': async (_key, world) => void (await world.cluster('one').client.list(secrets)),
    'a cache': async (_key, world) => void (await Promise.resolve(world.cluster('one').cache(secrets))),
    'a write': async (_key, world) => {
      await world.cluster('one').client.delete(configMaps, { name: 'in-a', namespace })
    },
    'another API server': async (_key, world) => void (await Promise.resolve(world.cluster('two'))),
    'a subresource': async (_key, world) => {
      const target = { name: 'leader', namespace }
      await world.cluster('one').client.patch(leases, target, {}, { type: 'merge', subresource: 'status' })
    },
  }

  test.each(Object.entries(attempts))('is refused and not tried again: %s', async (_name, reconcile) => {
    const refused: unknown[] = []
    let sent = 0
    const client = clientOf((transport) => ({
      request(request) {
        if (request.method !== 'GET' || request.path.includes('/secrets')) sent++
        return transport.request(request)
      },
      close: () => transport.close(),
    }))
    const controller: Controller = {
      ...copier(),
      writes: [{ cluster: 'one', resource: leases }],
      async reconcile(key, world, signal) {
        try {
          await reconcile(key, world, signal)
        } catch (error) {
          refused.push(error)
          throw error
        }
      },
    }
    run([controller], { client })
    await clock.advance(second)
    await admin.create(configMaps, config('in-a'))
    await clock.advance(10 * minute)
    expect(refused).toHaveLength(1)
    expect(JSON.stringify(refused, ['message', 'cause'])).toContain('which it does not declare')
    expect(sent).toBe(0)
    await expect(admin.get(configMaps, 'in-a', namespace)).resolves.toBeDefined()
  })
})

describe('leader election', () => {
  const holder = async () => (await admin.get<Lease>(leases, 'leader', namespace)).spec.holderIdentity

  test('one works while the other waits; it takes over when the first is cut off, and gives back when it stops', async () => {
    const worked: string[] = []
    let cut = false
    const cuttable = clientOf((transport) => ({
      request: (request) =>
        cut && request.path.includes('/leases/') ? Promise.reject(new Error('no route')) : transport.request(request),
      close: () => transport.close(),
    }))
    const first = run([copier((key) => worked.push(`a ${key}`))], { client: cuttable, identity: 'a' })
    await clock.advance(minute)
    const second = run([copier((key) => worked.push(`b ${key}`))], { identity: 'b' })
    await clock.advance(5 * minute)
    expect(await holder()).toBe('a')
    await admin.create(configMaps, config('in-1'))
    await clock.advance(minute)
    expect(worked).toEqual(['a work/in-1'])

    // It must have given up before anybody else may begin.
    cut = true
    const cutAt = clock.now()
    let lostAt = 0
    void first.ended.then(() => (lostAt = clock.now()))
    for (let waited = 0; (await holder()) !== 'b'; waited += 5) {
      expect(waited).toBeLessThan(300)
      await clock.advance(5000)
    }
    expect(await first.ended).toBeInstanceOf(LeadershipLostError)
    expect(lostAt).toBeGreaterThan(cutAt)
    expect(lostAt).toBeLessThan(clock.now())
    await clock.advance(minute)
    await admin.create(configMaps, config('in-2'))
    await clock.advance(minute)
    expect(worked.filter((line) => line.endsWith('in-2'))).toEqual(['b work/in-2'])

    // The first one starts anew. It leads as soon as the second one has stopped, since that gives the lease back.
    cut = false
    let leadsAgain = false
    run([copier((key) => worked.push(`a ${key}`))], {
      client: cuttable,
      identity: 'a',
      onStarted: () => (leadsAgain = true),
    })
    await clock.advance(5 * minute)
    expect(leadsAgain).toBe(false)
    second.stop.abort()
    await clock.advance(40_000)
    expect(await second.ended).toBe('ended')
    expect(leadsAgain).toBe(true)
    expect(await holder()).toBe('a')
    await admin.create(configMaps, config('in-3'))
    await clock.advance(minute)
    expect(worked.filter((line) => line.endsWith('in-3'))).toEqual(['a work/in-3'])
    const { spec } = await admin.get<Lease>(leases, 'leader', namespace)
    expect(spec.leaseTransitions).toBe(2)
  })

  test('a leader whose lease somebody takes stops at once', async () => {
    const { ended } = run([copier()], { identity: 'a' })
    await clock.advance(minute)
    const take = async (): Promise<void> => {
      const lease = await admin.get<Lease>(leases, 'leader', namespace)
      try {
        await admin.update<Lease>(leases, { ...lease, spec: { ...lease.spec, holderIdentity: 'thief' } })
      } catch (error) {
        if (!isConflict(error)) throw error
        await take()
      }
    }
    await take()
    await clock.advance(minute)
    expect(String(await ended)).toContain('was taken by thief')
  })
})

describe('a stop', () => {
  test('lets what was begun finish, begins nothing more, and gives the lease back', async () => {
    const log: string[] = []
    const slow: Controller = {
      ...copier(),
      concurrency: 1,
      async reconcile(key) {
        log.push(`begin ${key}`)
        await sleep(clock, 3 * second)
        log.push(`end ${key}`)
      },
    }
    for (const name of ['in-a', 'in-b']) await admin.create(configMaps, config(name))
    const { stop, ended } = run([slow], { identity: 'a' })
    await clock.advance(second)
    expect(log).toEqual(['begin work/in-a'])
    void ended.then((how) => log.push(String(how)))
    stop.abort()
    await clock.advance(second)
    expect(log).toEqual(['begin work/in-a'])
    await clock.advance(5 * second)
    expect(log).toEqual(['begin work/in-a', 'end work/in-a', 'ended'])
    expect((await admin.get<Lease>(leases, 'leader', namespace)).spec.holderIdentity ?? '').toBe('')
  })

  test('waits ten seconds for one that does not end, and no longer', async () => {
    const stuck: Controller = { ...copier(), reconcile: () => new Promise(() => {}) }
    await admin.create(configMaps, config('in-a'))
    const { stop, ended } = run([stuck])
    await clock.advance(second)
    let how: unknown
    void ended.then((outcome) => (how = outcome))
    stop.abort()
    await clock.advance(9 * second)
    expect(how).toBeUndefined()
    await clock.advance(2 * second)
    expect(how).toBe('ended')
  })
})
