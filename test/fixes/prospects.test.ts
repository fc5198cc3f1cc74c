import { rollouts } from '@locktender/fleet'
import type { RolloutStatus } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { hubWith } from './open-hub.ts'

const minute = 60_000
const at = (time: string | undefined) => Date.parse(time ?? '')

describe('what is expected of a rollout', () => {
  test('is told before anybody approves, and as time passes', async () => {
    const hub = await hubWith({ seed: 11 })
    await hub.request('good')
    await hub.clock.advance(minute)
    const status = async () => (await hub.rollout('good')).status as RolloutStatus
    const first = (await status()).outlook
    expect(first).toMatchObject({ feasible: true, blockers: [] })
    expect(first?.waves?.reduce((sum, { size }) => sum + size, 0)).toBe(24)
    await hub.clock.advance(20 * 60 * minute)
    const late = await status()
    expect(late.phase).toBe('AwaitingApproval')
    expect(late.outlook?.feasible).toBe(false)
    expect(late.outlook?.blockers.length).toBeGreaterThan(0)
    expect(hub.clock.now() - at(late.outlook?.startTime)).toBeLessThanOrEqual(15 * minute)
  })

  test('is forecast as it goes on, held against the outlook of its start, and kept by a manager that starts again', async () => {
    const hub = await hubWith({ seed: 12 })
    await hub.deliver('good')
    await hub.clock.advance(minute)
    const begun = (await hub.rollout('good')).status
    expect(begun).toMatchObject({ phase: 'Progressing', minutesBehind: 0 })
    expect(at(begun?.outlook?.startTime)).toBe(at(begun?.startTime))
    await hub.clock.advance(120 * minute)
    const { outlook, forecast } = (await hub.rollout('good')).status!
    expect(outlook).toEqual(begun?.outlook)
    expect(at(forecast?.p80)).toBeGreaterThan(hub.clock.now())
    await hub.killManager()
    await hub.clock.advance(200 * minute)
    hub.startManager()
    await hub.clock.advance(10 * minute)
    const { minutesBehind, outlook: kept } = (await hub.rollout('good')).status!
    expect(kept).toEqual(outlook)
    expect(minutesBehind).toBeGreaterThan(60)
    const { status } = await hub.untilPhase('good', 'Completed')
    expect(status?.forecast).toBeUndefined()
    expect(status?.minutesBehind).toBe(Math.round((at(status?.completionTime) - at(outlook?.end)) / minute))
  })

  test('of a rollout that stands still is that it falls behind', async () => {
    const hub = await hubWith({ seed: 13 })
    await hub.deliver('good')
    await hub.clock.advance(minute)
    const { metadata } = await hub.rollout('good')
    const pause = { spec: { pause: { reason: 'wait' } } }
    await hub
      .client('sre', 'locktender:release-operators')
      .patch(rollouts, { name: metadata.name }, pause, { type: 'merge' })
    await hub.clock.advance(120 * minute)
    const early = (await hub.rollout('good')).status
    await hub.clock.advance(60 * minute)
    const later = (await hub.rollout('good')).status
    expect(later?.forecast).toBeUndefined()
    expect(later!.minutesBehind! - early!.minutesBehind!).toBeGreaterThanOrEqual(55)
  })
})
