import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Answer, ObjList } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { Connection } from './connection.ts'
import { configMap } from './fixtures.ts'
import { Hub, MAPS } from './hub.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { exactly } from './match.ts'

const GIB = 1024 ** 3
/** Watchers that read to the end, beside the one that does not. */
const OTHERS = 3

/** Does this for 0 to `count - 1`, `parallel` at a time. */
async function each(count: number, parallel: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < count) await work(next++)
    }),
  )
}

/** Most memory the process has had, in bytes. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024
}

const NEWLINE = 0x0a
const SENT = '"sent":"'

/** How many things took how long, in whole milliseconds: there are millions of them. */
class Delays {
  readonly #counts = new Uint32Array(60_000)
  #total = 0

  add(ms: number, count: number): void {
    const index = Math.min(Math.max(0, Math.floor(ms)), this.#counts.length - 1)
    this.#counts[index]! += count
    this.#total += count
  }

  /** The longest delay of the shortest `share` of them. */
  percentile(share: number): number {
    let rest = this.#total * share
    return this.#counts.findIndex((count) => (rest -= count) < 0)
  }
}

/** A watch of which only the lines are counted, since what reads must be faster than what writes. */
class Counter {
  /** Events so far. */
  events = 0
  /** Resolves when the watch has ended: it was cut, or the case is over. */
  readonly ended: Promise<void>

  /** Adds to `delays` how long ago the time in the first event of what came together was, for all events in it. */
  constructor(message: IncomingMessage, delays?: Delays) {
    message.on('data', (chunk: Buffer) => {
      let lines = 0
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines++
      this.events += lines
      if (delays === undefined || lines === 0) return
      const at = chunk.indexOf(SENT) + SENT.length
      const sent = Number.parseFloat(chunk.toString('latin1', at, at + 20))
      // The object that was there before the first event has none.
      if (sent > 0) delays.add(performance.now() - sent, lines)
    })
    this.ended = new Promise((resolve) => {
      message.on('error', () => {}).once('close', () => resolve())
    })
  }
}

interface InProcess {
  readonly hash: string
  readonly events: number
}

/** Runs a fixed day in the life of a server in this process, on a clock of its own. */
async function day(seed: number): Promise<InProcess> {
  // Time can be made up only from within, so that this one case imports the server.
  const { ApiServer } = await import('@locktender/apiserver')
  const { seededRandom, VirtualClock } = await import('@locktender/kube')
  const clock = new VirtualClock()
  const server = await ApiServer.open({ clock, random: seededRandom(seed) })
  await server.cluster('hub')
  const transport = server.transport({ cluster: 'hub', user: { name: 'admin', groups: ['system:masters'] } })
  const send = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<string> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const answer = await transport.request({
      method,
      path,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const chunks: Uint8Array[] = []
    for await (const chunk of answer.body) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }
  const log = createHash('sha256')
  let events = 0
  const watch = await transport.request({
    method: 'GET',
    path: `${MAPS}?watch=true`,
    headers: { accept: 'application/json' },
  })
  const read = (async () => {
    for await (const chunk of watch.body) {
      log.update(chunk)
      events += Buffer.from(chunk).toString('utf8').split('\n').length - 1
    }
  })()
  const random = seededRandom(seed)
  const pick = (below: number): number => Math.floor(random.next() * below)
  for (let step = 0; step < 300; step++) {
    const name = `c${pick(40)}`
    const data = { step: String(step) }
    if (pick(4) === 0) log.update(await send('DELETE', `${MAPS}/${name}`))
    else if (pick(2) === 0) log.update(await send('PATCH', `${MAPS}/${name}`, { data }))
    else
      log.update(
        await send('POST', MAPS, {
          ...configMap('', data),
          metadata: pick(2) === 0 ? { name } : { generateName: 'g-' },
        }),
      )
    await clock.advance(1_000)
  }
  log.update(await send('GET', MAPS))
  await server.close()
  await read
  return { hash: log.digest('hex'), events }
}

async function rawWatch(t: T, hub: Hub, path: string): Promise<IncomingMessage> {
  const connection = new Connection(await readKubeconfig(hub.kubeconfig))
  t.after(() => connection.close())
  const sent = { method: 'GET', path: `${path}?watch=true`, headers: { accept: 'application/json' }, body: undefined }
  return connection.open(sent, t.signal)
}

export const scale = group('G10', (add) => {
  add(
    'X06',
    'many objects',
    async (t) => {
      const objects = t.target.hub?.full === true ? 100_000 : 5_000
      const hub = await Hub.make(t)
      let requester = await hub.start()
      const padding = 'x'.repeat(1_000)
      await each(objects, 64, async (index) => requester.create(MAPS, configMap(`c${index}`, { padding })))
      await hub.stop('SIGTERM')
      const started = performance.now()
      requester = await hub.start()
      const startMs = performance.now() - started
      const lists: { readonly ms: number; readonly answer: Answer }[] = []
      for (let attempt = 0; attempt < 3; attempt++) {
        const listing = performance.now()
        const answer = await requester.get(MAPS)
        lists.push({ ms: performance.now() - listing, answer })
      }
      const listMs = Math.min(...lists.map(({ ms }) => ms))
      // The server's own controllers keep one for each namespace.
      const items = lists[0]!.answer.is<ObjList>(200).items.filter(({ metadata }) => metadata.name.startsWith('c'))
      t.match(items.length, objects, 'number of objects')
      const timed = t.target.hub?.timed === true
      t.check(!timed || startMs < 3_000, `the start took ${Math.round(startMs)} ms`)
      t.check(!timed || listMs < 1_000, `the list took ${Math.round(listMs)} ms`)
      const memory = await peakMemory(hub.pid)
      t.check(memory < GIB, `the server took ${Math.round(memory / 1024 ** 2)} MiB`)
    },
    { timeoutMs: 300_000, alone: true },
  )

  add(
    'X07',
    'many watchers, one of them slow',
    async (t) => {
      const full = t.target.hub?.full === true
      const [watchers, perSecond, seconds] = full ? [1_000, 200, 60] : [100, 100, 4]
      const hub = await Hub.make(t)
      const requester = await hub.start()
      // What a server itself keeps in each namespace must not come in between.
      await t.eventually(async () => void (await requester.get(`${MAPS}/kube-root-ca.crt`)).is(200))
      await requester.create(MAPS, configMap('tick', { sent: '0' }))
      const objects = 2
      const delays = new Delays()
      const open = await Promise.all(Array.from({ length: watchers }, () => rawWatch(t, hub, MAPS)))
      const counters = open.map((message) => new Counter(message, delays))
      // Nobody reads this one.
      const slow = await rawWatch(t, hub, MAPS)
      const total = perSecond * seconds
      const begun = performance.now()
      for (let index = 0; index < total; index++) {
        const due = begun + (index * 1_000) / perSecond
        const early = due - performance.now()
        if (early > 0) await t.pause(early)
        const data = { sent: String(performance.now()) }
        ;(await requester.patch(`${MAPS}/tick`, 'merge', { data })).is(200)
      }
      const p99 = delays.percentile(0.99)
      const timed = t.target.hub?.timed === true
      t.check(!timed || p99 < (full ? 100 : 500), `one of a hundred events came after ${Math.round(p99)} ms or more`)
      // The objects themselves, and each change.
      const told = (): number[] => counters.map(({ events }) => events)
      const all = objects + total
      await t.eventually(async () =>
        t.check(Math.min(...told()) >= all, `somebody was told of fewer than ${all} events`),
      )
      t.match(Math.max(...told()), all, 'events of the watcher that was told of the most')
      // Enough to fill every buffer on the way; a few others go on reading.
      for (const message of open.slice(OTHERS)) message.destroy()
      await requester.create(MAPS, configMap('large', { padding: '' }))
      const large = 120
      for (let index = 0; index < large; index++) {
        const data = { padding: String(index % 10).repeat(500_000) }
        ;(await requester.patch(`${MAPS}/large`, 'merge', { data })).is(200)
      }
      const late = new Counter(slow)
      await Promise.race([late.ended, t.pause(20_000).then(() => t.check(false, 'whoever does not read must be cut'))])
      t.check(late.events < total + large, 'whoever does not read must be cut before the end')
      await hub.stop('SIGTERM')
      const others = counters.slice(0, OTHERS)
      await Promise.all(others.map(({ ended }) => ended))
      const least = Math.min(...others.map(({ events }) => events))
      t.check(least > total + large, `somebody who reads was told of ${least} events only`)
    },
    { timeoutMs: 300_000, alone: true },
  )

  add('X08', 'the same twice', async (t) => {
    if (t.target.hub === undefined) t.skip('time can be made up only for the API server of this repository')
    const [first, second, other] = [await day(1), await day(1), await day(2)]
    t.check(first.events > 100, `only ${first.events} events`)
    t.match(second, exactly(first), 'the second life')
    t.check(other.hash !== first.hash, 'another seed must make another life')
  })
})
