import { rollouts } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { maxConcurrent } from './hub.ts'
import type { Hub } from './hub.ts'
import { hubWith } from './open-hub.ts'

const minute = 60_000

const ask = (hub: Hub, spec: object) =>
  hub.client('sre', 'locktender:release-operators').patch(rollouts, { name: 'good' }, { spec }, { type: 'merge' })
const touched = (hub: Hub) => hub.recorder.requests().size

describe('a revert on request', () => {
  test('halts the rollout and takes the fix back everywhere, whatever the strategy says', async () => {
    const hub = await hubWith({ seed: 51, strategy: { autoRevert: false } })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(touched(hub) > 6))
    await ask(hub, { revert: { reason: 'customers complain' } })
    await hub.clock.advance(minute)
    const asked = touched(hub)
    expect((await hub.rollout('good')).spec.revert).toEqual({ reason: 'customers complain', by: 'sre' })
    // Also when the manager dies meanwhile.
    await hub.killManager()
    hub.startManager()
    const { status } = await hub.untilPhase('good', 'Reverted')
    expect(status).toMatchObject({
      verdict: { outcome: 'Halt', rule: 'Operator', reason: 'RevertRequested', message: 'customers complain' },
      counts: { Reverted: asked, Pending: 24 - asked },
      conditions: [{ type: 'Progressing', status: 'False', reason: 'Reverted', message: 'customers complain' }],
    })
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
    expect(touched(hub)).toBe(asked)
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    await hub.clock.advance(minute)
    expect((await hub.fix('good')).status).toMatchObject({ phase: 'Reverted', message: 'customers complain' })
  })

  test('after a halt goes on where the halt left it, with the verdict as it was', async () => {
    const hub = await hubWith({
      seed: 52,
      strategy: { autoRevert: false },
      fails: (name) => /^integration-main-[12]$/.test(name),
    })
    await hub.deliver('good')
    await hub.untilPhase('good', 'Halted')
    await hub.clock.advance(300 * minute)
    expect((await hub.rollout('good')).status?.phase).toBe('Halted')
    await ask(hub, { revert: { reason: 'as the evidence says' } })
    const { status } = await hub.untilPhase('good', 'Reverted')
    expect(status?.verdict?.rule).not.toBe('Operator')
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
  })

  test('before anything was approved ends the rollout', async () => {
    const hub = await hubWith({ seed: 53 })
    await hub.request('good')
    await hub.clock.advance(minute)
    await ask(hub, { revert: { reason: 'not needed' } })
    await hub.clock.advance(minute)
    expect((await hub.rollout('good')).status).toMatchObject({
      phase: 'Aborted',
      conditions: [{ reason: 'Aborted', message: 'not needed' }],
    })
    expect(touched(hub)).toBe(0)
  })
})

describe('expediting a wave', () => {
  test('opens the next wave without the rest of the soak, once, also after a restart', async () => {
    const hub = await hubWith({ seed: 54 })
    await hub.deliver('good')
    const gate = async () => (await hub.rollout('good')).status?.conditions?.[0]?.reason
    await hub.until(async () => (await gate()) === 'Soak')
    const { stage, wave } = (await hub.rollout('good')).status!
    expect(wave).toBe(1)
    await ask(hub, { expedite: { stage, wave, reason: 'the fix is urgent' } })
    await hub.clock.advance(1000)
    const waves = async () => (await hub.rollout('good')).status!.stages[0]!.waves
    expect(await waves()).toMatchObject([{ number: 1, expedited: true }, { number: 2 }])
    expect((await waves())[0]).toHaveProperty('closedAt')
    expect((await hub.rollout('good')).spec.expedite).toMatchObject({ by: 'sre' })
    await hub.killManager()
    hub.startManager()
    await hub.until(async () => (await gate()) === 'Soak')
    // The soak of the second wave is as long as ever.
    const begun = hub.clock.now()
    await hub.until(async () => (await gate()) !== 'Soak')
    expect(hub.clock.now() - begun).toBeGreaterThan(20 * minute)
    const { status } = await hub.untilPhase('good', 'Completed')
    const early = status!.stages.flatMap((each) => each.waves.filter(({ expedited }) => expedited))
    expect(early).toHaveLength(1)
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
  })
})
