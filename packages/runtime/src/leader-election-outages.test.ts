import {
  alreadyExists,
  Client,
  ConnectionError,
  conflict,
  leases,
  notFound,
  seededRandom,
  sleep,
  VirtualClock,
} from '@locktender/kube'
import type { Transport, TransportRequest } from '@locktender/kube'
import { beforeEach, describe, expect, test } from 'vitest'
import { LeadershipLostError } from './errors.ts'
import { holdLeadership, type Lease } from './leader-election.ts'
import { silentLogger } from './logger.ts'

const second = 1000
const target = { group: leases.group, resource: leases.plural }

/** The least of an API server: one Lease, with optimistic concurrency. */
class LeaseServer {
  lease: Lease | undefined
  #version = 0

  request({ method, body }: TransportRequest): { status: number; object: object } {
    const sent = body === undefined ? undefined : (JSON.parse(String(body)) as Lease)
    if (method === 'GET') {
      return this.lease === undefined
        ? { status: 404, object: notFound(target, 'leader').status }
        : { status: 200, object: this.lease }
    }
    if (method === 'POST' && this.lease !== undefined) {
      return { status: 409, object: alreadyExists(target, 'leader').status }
    }
    if (method === 'PUT' && sent?.metadata.resourceVersion !== this.lease?.metadata.resourceVersion) {
      return { status: 409, object: conflict(target, 'leader', 'changed').status }
    }
    this.lease = { ...sent!, metadata: { ...sent!.metadata, resourceVersion: String(++this.#version) } }
    return { status: method === 'POST' ? 201 : 200, object: this.lease }
  }
}

let clock: VirtualClock
let server: LeaseServer

beforeEach(() => {
  clock = new VirtualClock(0)
  server = new LeaseServer()
})

/** How a server can be out. */
type Outage = 'refuses' | 'hangs' | 'forgets to answer' | 'fails'

/** A process that wants to lead; `outage` says what happens to its requests at this moment. */
function candidate(identity: string, outage: (now: number) => Outage | undefined = () => undefined) {
  const stop = new AbortController()
  const terms: { from: number; to?: number; end?: unknown }[] = []
  const transport: Transport = {
    async request(request) {
      const kind = outage(clock.now())
      if (kind === 'refuses') throw new ConnectionError('connection refused')
      if (kind === 'hangs') {
        await sleep(clock, 65 * second)
        throw new ConnectionError('timed out')
      }
      if (kind === 'fails') return answer(503, { kind: 'Status', status: 'Failure', code: 503 })
      const { status, object } = server.request(request)
      if (kind === 'forgets to answer') throw new ConnectionError('connection reset')
      return answer(status, object)
    },
    close: () => Promise.resolve(),
  }
  const work = async (leading: AbortSignal): Promise<void> => {
    const term: (typeof terms)[number] = { from: clock.now() }
    terms.push(term)
    await new Promise((resolve) => leading.addEventListener('abort', resolve, { once: true }))
    term.to = clock.now()
    term.end = leading.reason
  }
  const ended = holdLeadership(
    {
      client: new Client({ transport }),
      namespace: 'work',
      name: 'leader',
      identity,
      clock,
      random: seededRandom(identity.length),
      log: silentLogger,
      signal: stop.signal,
    },
    work,
  ).then(
    () => 'ended' as const,
    (error: unknown) => error,
  )
  return { stop, ended, terms }
}

function answer(status: number, object: object) {
  const body = async function* () {
    yield Buffer.from(JSON.stringify(object))
  }
  return { status, headers: {}, body: body() }
}

describe('a leader during an outage of the API server', () => {
  test.each(['refuses', 'forgets to answer', 'fails'] as const)(
    'goes on leading when the server %s for 80 s, and nobody takes over',
    async (kind) => {
      const outage = (now: number) => (now >= 60 * second && now < 140 * second ? kind : undefined)
      const leader = candidate('a', outage)
      await clock.advance(second)
      const other = candidate('bb', outage)
      await clock.advance(600 * second)
      expect(leader.terms).toEqual([{ from: 0 }])
      expect(other.terms).toEqual([])
    },
  )

  test('goes on leading when one request hangs', async () => {
    const leader = candidate('a', (now) => (now >= 60 * second && now < 90 * second ? 'hangs' : undefined))
    await clock.advance(600 * second)
    expect(leader.terms).toEqual([{ from: 0 }])
  })

  test.each(['refuses', 'hangs', 'fails'] as const)(
    'gives up in time when the server %s for good, before another may lead',
    async (kind) => {
      const leader = candidate('a', (now) => (now >= 300 * second ? kind : undefined))
      await clock.advance(second)
      const other = candidate('bb')
      await clock.advance(900 * second)
      expect(await leader.ended).toBeInstanceOf(LeadershipLostError)
      const [term] = leader.terms
      expect(term?.end).toBeInstanceOf(LeadershipLostError)
      // The last renewal was sent at most a retry period and its jitter before the outage.
      expect(term!.to! - 300 * second).toBeLessThanOrEqual(107 * second)
      expect(term!.to! - 300 * second).toBeGreaterThan((107 - 31.2) * second)
      expect(other.terms[0]!.from).toBeGreaterThan(term!.to! + 20 * second)
    },
  )

  test('never leads together with another, whatever happens to either', async () => {
    let changes = 0
    for (let seed = 1; seed <= 40; seed++) {
      clock = new VirtualClock(0)
      server = new LeaseServer()
      const random = seededRandom(seed)
      const kinds: (Outage | undefined)[] = ['refuses', 'hangs', 'forgets to answer', 'fails', undefined, undefined]
      const plan = () => {
        const phases = Array.from({ length: 60 }, () => kinds[Math.floor(random.next() * kinds.length)])
        return (now: number) => phases[Math.floor(now / (50 * second))]
      }
      const all = [candidate('a', plan()), candidate('bb', plan()), candidate('ccc', plan())]
      await clock.advance(3000 * second)
      const terms = all.flatMap((one) => one.terms).toSorted((left, right) => left.from - right.from)
      const together = terms.filter(
        (term, index) => (terms[index + 1]?.from ?? Infinity) <= (term.to ?? Infinity) && index < terms.length - 1,
      )
      expect(together, `seed ${seed}`).toEqual([])
      changes += terms.length - 1
    }
    expect(changes).toBeGreaterThan(20)
  })

  test('gives the lease back when it is told to stop', async () => {
    const leader = candidate('a')
    await clock.advance(60 * second)
    leader.stop.abort()
    await clock.advance(second)
    expect(await leader.ended).toBe('ended')
    expect(server.lease?.spec.holderIdentity).toBe('')
  })
})
