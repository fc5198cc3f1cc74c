import { VirtualClock } from '@locktender/kube'
import type { Transport, TransportResponse } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { RequestGate } from './request-gate.ts'
import type { RequestBudget } from './request-gate.ts'

function answer(status: number, headers: Record<string, string> = {}): TransportResponse {
  return { status, headers, body: (async function* () {})() }
}

/** A server that answers each request after 100 ms and notes when it came. */
function setUp(options: { budget?: RequestBudget; inFlight?: number } = {}) {
  const clock = new VirtualClock(0)
  const arrived: { readonly path: string; readonly at: number }[] = []
  const refusals: TransportResponse[] = []
  let inFlight = 0
  let busiest = 0
  const server: Transport = {
    request: ({ path }) =>
      new Promise((resolve) => {
        arrived.push({ path, at: clock.now() })
        busiest = Math.max(busiest, ++inFlight)
        clock.after(100, () => {
          inFlight--
          resolve(refusals.shift() ?? answer(200))
        })
      }),
    close: () => Promise.resolve(),
  }
  const gate = new RequestGate({ clock, ...options })
  const lane = () => {
    const transport = gate.lane(server)
    return (path: string) => transport.request({ method: 'GET', path })
  }
  return { clock, arrived, refusals, lane, busiest: () => busiest }
}

describe('RequestGate', () => {
  test('holds a controller to its rate, after a burst', async () => {
    const { clock, arrived, lane } = setUp({ budget: { perSecond: 10, burst: 3 } })
    const ask = lane()
    for (let index = 0; index < 8; index++) void ask(`/${index}`)
    await clock.run()
    expect(arrived.map(({ at }) => at)).toEqual([0, 0, 0, 100, 200, 300, 400, 500])
    expect(arrived.map(({ path }) => path)).toEqual(Array.from({ length: 8 }, (_, index) => `/${index}`))
  })

  test('holds each controller and all together to what may be in flight', async () => {
    const own = setUp({ budget: { inFlight: 2 } })
    const [first, second] = [own.lane(), own.lane()]
    for (let index = 0; index < 6; index++) void first(`/a${index}`)
    for (let index = 0; index < 6; index++) void second(`/b${index}`)
    await own.clock.run()
    expect(own.busiest()).toBe(4)
    const shared = setUp({ inFlight: 3 })
    for (const ask of [shared.lane(), shared.lane()]) for (let index = 0; index < 6; index++) void ask(`/${index}`)
    await shared.clock.run()
    expect(shared.busiest()).toBe(3)
    expect(shared.arrived).toHaveLength(12)
  })

  test('lets a controller with little to ask go between the many requests of another', async () => {
    const { clock, arrived, lane } = setUp({ inFlight: 2 })
    const [greedy, modest] = [lane(), lane()]
    for (let index = 0; index < 100; index++) void greedy('/greedy')
    await clock.advance(50)
    void modest('/modest')
    void modest('/modest')
    await clock.run()
    const positions = arrived.flatMap(({ path }, index) => (path === '/modest' ? [index] : []))
    expect(positions.at(-1)).toBeLessThanOrEqual(5)
  })

  test('does as a 429 asks: nobody sends until then, and it is sent again', async () => {
    const { clock, arrived, refusals, lane } = setUp()
    refusals.push(answer(429, { 'retry-after': '2' }))
    const [first, second] = [lane(), lane()]
    const answered = first('/a')
    await clock.advance(500)
    void second('/b')
    await clock.run()
    expect((await answered).status).toBe(200)
    expect(arrived.map(({ path, at }) => `${path} ${at}`).toSorted()).toEqual(['/a 0', '/a 2100', '/b 2100'])
  })

  test.each([
    ['that does not say when', {}],
    ['that asks for an hour', { 'retry-after': '3600' }],
  ])('passes on a 429 %s', async (_name, headers) => {
    const { clock, arrived, refusals, lane } = setUp()
    refusals.push(answer(429, headers))
    const answered = lane()('/a')
    await clock.run()
    expect((await answered).status).toBe(429)
    expect(arrived).toHaveLength(1)
  })

  test('gives up on a server that only ever says 429', async () => {
    const { clock, arrived, refusals, lane } = setUp()
    for (let index = 0; index < 20; index++) refusals.push(answer(429, { 'retry-after': '1' }))
    const answered = lane()('/a')
    await clock.run()
    expect((await answered).status).toBe(429)
    expect(arrived).toHaveLength(11)
  })
})
