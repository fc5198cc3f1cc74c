import { ApiServer } from '@locktender/apiserver'
import { configMaps, namespaces } from '@locktender/fleet'
import {
  Client,
  seededRandom,
  sleep,
  VirtualClock,
  type Cancel,
  type Clock,
  type KubeObject,
  type Random,
  type Transport,
} from '@locktender/kube'
import { LeadershipLostError, runControllers, silentLogger, type Controller } from '@locktender/runtime'
import { describe, expect, test } from 'vitest'

const namespace = 'work'
const second = 1000
const minute = 60 * second

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

/** A process that can be paused as a whole: no timer fires and no answer arrives until it goes on. */
class Pausable implements Clock {
  readonly #clock: Clock
  #waiting: (() => void)[] | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now = (): number => this.#clock.now()
  hold = (): Cancel => this.#clock.hold()

  after(delayMs: number, callback: () => void): Cancel {
    let isCancelled = false
    const cancel = this.#clock.after(delayMs, () => {
      this.#later(() => {
        if (!isCancelled) callback()
      })
    })
    return () => {
      isCancelled = true
      cancel()
    }
  }

  through(transport: Transport): Transport {
    return {
      request: async (request) => {
        const answer = await transport.request(request)
        await this.#running()
        return { ...answer, body: this.#read(answer.body) }
      },
      close: () => transport.close(),
    }
  }

  pause(): void {
    this.#waiting ??= []
  }

  goOn(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const callback of waiting) callback()
  }

  async *#read(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      await this.#running()
      yield chunk
    }
  }

  #running(): Promise<void> {
    return new Promise((resolve) => this.#later(resolve))
  }

  #later(callback: () => void): void {
    if (this.#waiting === undefined) callback()
    else this.#waiting.push(callback)
  }
}

/** Copies `in` to `out` in two writes with time between them, each marked with the run that made it. */
function copier(newRun: () => string): Controller {
  return {
    name: 'copier',
    concurrency: 3,
    reads: [{ cluster: 'one', resource: configMaps, namespace, keys: ({ key }) => [key] }],
    writes: [{ cluster: 'one', resource: configMaps }],
    async reconcile(key, world) {
      const one = world.cluster('one')
      const found = one.cache<ConfigMap>(configMaps).get(key)
      const { in: wanted = '', out = '' } = found?.data ?? {}
      if (found === undefined || wanted === out) return
      const run = newRun()
      const write = (data: object) => one.client.report(configMaps, { name: found.metadata.name, namespace }, { data })
      await write({ run })
      await sleep(world.clock, 3 * second)
      await write({ run, out: wanted })
    },
  }
}

/** Twenty-five things happen; gives what must not be. */
async function story(seed: number): Promise<{ interleaved: unknown[]; left: unknown[]; oddEnds: unknown[] }> {
  const random = seededRandom(seed)
  const clock = new VirtualClock()
  const server = await ApiServer.open({ clock, random: seededRandom(1) })
  await server.cluster('one')
  const user = { name: 'test', groups: ['system:masters'] }
  /** Runs in the order in which their writes were stored, by object. */
  const stored = new Map<string, string[]>()
  const plain = server.transport({ cluster: 'one', user })
  const recorded: Transport = {
    async request(request) {
      const answer = await plain.request(request)
      const name = /\/configmaps\/(\w+)/.exec(request.path)?.[1]
      if (request.method !== 'PATCH' || name === undefined || answer.status !== 200) return answer
      const { data } = JSON.parse(String(request.body)) as { data: { run?: string } }
      if (data.run !== undefined) stored.set(name, [...(stored.get(name) ?? []), data.run])
      return answer
    },
    close: () => plain.close(),
  }
  const admin = new Client({ transport: recorded })
  await admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  const names = Array.from({ length: 12 }, (_, index) => `c${index}`)
  for (const name of names) {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { in: '0' } }
    await admin.create(configMaps, object as ConfigMap)
  }
  let runs = 0
  let processes = 0
  const living = new Map<string, { stop: AbortController; ended: Promise<unknown>; clock: Pausable; cut: boolean }>()
  const ends: unknown[] = []
  const begin = (): void => {
    const identity = `p${processes++}`
    const stop = new AbortController()
    const own = new Pausable(clock)
    const process = { stop, ended: Promise.resolve<unknown>(undefined), clock: own, cut: false }
    const cuttable: Transport = {
      request: (request) => (process.cut ? Promise.reject(new Error('no route')) : recorded.request(request)),
      close: () => recorded.close(),
    }
    const client = new Client({ transport: own.through(cuttable) })
    process.ended = runControllers({
      controllers: [copier(() => `${identity}-${runs++}`)],
      clusters: { one: client },
      clock: own,
      random: seededRandom(seed + processes),
      log: silentLogger,
      signal: stop.signal,
      watchQuietMs: 20 * second,
      sharding: {
        client,
        namespace,
        group: 'copiers',
        identity,
        leaseDurationMs: 30 * second,
        renewDeadlineMs: 20 * second,
        renewPeriodMs: 6 * second,
        pollMs: 2 * second,
      },
    }).then(
      () => 'ended',
      (error: unknown) => error,
    )
    living.set(identity, process)
    void process.ended.then((end) => {
      ends.push(end)
      living.delete(identity)
    })
  }
  begin()
  await clock.advance(10 * second)
  for (let step = 0; step < 25; step++) {
    act(random, living, begin)
    for (const name of names) {
      if (random.next() < 0.4) await admin.report(configMaps, { name, namespace }, { data: { in: `${seed}-${step}` } })
    }
    await clock.advance(Math.round(random.next() * 25 * second))
  }
  for (const process of living.values()) {
    process.cut = false
    process.clock.goOn()
  }
  begin()
  await clock.advance(5 * minute)
  const interleaved = [...stored].filter(([, marks]) => {
    const inOrder = marks.filter((mark, index) => mark !== marks[index - 1])
    return new Set(inOrder).size < inOrder.length
  })
  const { items } = await admin.list<ConfigMap>(configMaps, { namespace })
  const left = items.filter(({ metadata, data }) => names.includes(metadata.name) && data?.['out'] !== data?.['in'])
  const oddEnds = ends.filter((end) => end !== 'ended' && !(end instanceof LeadershipLostError))
  for (const { stop } of living.values()) stop.abort()
  await clock.advance(minute)
  await server.close()
  return { interleaved, left, oddEnds }
}

type Process = { stop: AbortController; clock: Pausable; cut: boolean }

/** Something happens to the processes. */
function act(random: Random, living: Map<string, Process>, begin: () => void): void {
  const all = [...living.values()]
  const one = all[Math.floor(random.next() * all.length)]
  const kind = Math.floor(random.next() * 6)
  if (one === undefined || (kind === 0 && all.length < 4)) begin()
  else if (kind === 1 && all.length > 1) one.stop.abort()
  else if (kind === 2) one.clock.pause()
  else if (kind === 3) one.clock.goOn()
  else if (kind === 4) one.cut = true
  else if (kind === 5) one.cut = false
}

describe('keys shared by lease', () => {
  test.each(Array.from({ length: 20 }, (_, index) => index + 1))(
    'no two processes work on a key at once, whoever comes, goes, stalls or is cut off, and none is left: story %i',
    async (seed) => {
      expect(await story(seed)).toEqual({ interleaved: [], left: [], oddEnds: [] })
    },
  )
})
