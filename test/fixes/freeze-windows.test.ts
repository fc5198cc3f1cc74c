import { API_VERSION, freezeWindows } from '@locktender/fleet'
import type { FreezeWindow, FreezeWindowSpec } from '@locktender/fleet'
import { timestamp } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { maxConcurrent } from './hub.ts'
import type { Hub } from './hub.ts'
import { hubWith } from './open-hub.ts'

const minute = 60_000
const hour = 60 * minute

const operator = (hub: Hub) => hub.client('sre', 'locktender:release-operators')

async function freeze(hub: Hub, name: string, from: number, to: number, selector?: FreezeWindowSpec['selector']) {
  const spec = {
    from: timestamp(from),
    to: timestamp(to),
    reason: `${name} season`,
    owner: 'shop',
    ...(selector && { selector }),
  }
  const object: FreezeWindow = { apiVersion: API_VERSION, kind: 'FreezeWindow', metadata: { name }, spec }
  await operator(hub).create(freezeWindows, object)
}

const touched = (hub: Hub) => hub.recorder.requests().size

describe('a freeze', () => {
  test('in the middle of a rollout: nothing is started in it, and afterwards it goes on to everybody', async () => {
    const hub = await hubWith({ seed: 41 })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(touched(hub) > 4))
    const from = hub.clock.now() + 30 * minute
    await freeze(hub, 'sale', from, from + 10 * hour)
    await hub.clock.advance(31 * minute)
    const before = touched(hub)
    expect(before).toBeLessThan(24)
    await hub.clock.advance(5 * hour)
    expect(touched(hub)).toBe(before)
    const { status } = await hub.rollout('good')
    expect(status).toMatchObject({ phase: 'Progressing', counts: { Pending: 24 - before, Applied: before } })
    expect(status?.conditions).toMatchObject([{ type: 'Progressing', status: 'True', reason: 'Window' }])
    // A new manager knows it, too.
    await hub.killManager()
    hub.startManager()
    await hub.clock.advance(4 * hour)
    expect(touched(hub)).toBe(before)
    await hub.clock.advance(2 * hour)
    expect(touched(hub)).toBeGreaterThan(before)
    expect((await hub.untilPhase('good', 'Completed')).status?.counts).toEqual({ Applied: 24 })
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    expect(new Set(hub.recorder.requests().values())).toEqual(new Set([1]))
  })

  test('that is lifted early lets the rollout go on at once; one that is prolonged does not', async () => {
    const hub = await hubWith({ seed: 42 })
    const start = hub.clock.now()
    await freeze(hub, 'sale', start, start + 10 * hour)
    await hub.deliver('good')
    await hub.clock.advance(2 * hour)
    expect(touched(hub)).toBe(0)
    expect((await hub.rollout('good')).status?.phase).toBe('Progressing')
    await operator(hub).patch(
      freezeWindows,
      { name: 'sale' },
      { spec: { to: timestamp(start + 20 * hour) } },
      { type: 'merge' },
    )
    await hub.clock.advance(10 * hour)
    expect(touched(hub)).toBe(0)
    await operator(hub).delete(freezeWindows, { name: 'sale' })
    await hub.clock.advance(minute)
    expect(touched(hub)).toBeGreaterThan(0)
    await hub.untilPhase('good', 'Completed')
  })

  test('of one sector holds back its stage and those after it', async () => {
    const hub = await hubWith({ seed: 43 })
    const start = hub.clock.now()
    await freeze(hub, 'canaries', start, start + 30 * hour, { sectors: ['canary'] })
    await hub.deliver('good')
    await hub.clock.advance(29 * hour)
    expect(touched(hub)).toBe(4)
    expect((await hub.rollout('good')).status).toMatchObject({
      stage: 'canary',
      conditions: [{ reason: 'Window', message: expect.stringContaining('2 targets wait for their windows.') }],
    })
    await hub.untilPhase('good', 'Completed')
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
  })

  test('does not stop a revert', async () => {
    const hub = await hubWith({ seed: 44, fails: () => true })
    await hub.deliver('bad')
    await hub.until(() => Promise.resolve(touched(hub) > 0))
    await freeze(hub, 'all', hub.clock.now(), hub.clock.now() + 100 * hour)
    const { status } = await hub.untilPhase('bad', 'Reverted')
    expect(status?.verdict).toMatchObject({ outcome: 'Halt' })
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
  })
})
