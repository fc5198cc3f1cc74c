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

describe('a revert of a rollout that is complete', () => {
  test('takes the fix back everywhere, also when the manager dies on the way, and is the end of the fix', async () => {
    const hub = await hubWith({ seed: 55 })
    await hub.deliver('good')
    await hub.untilPhase('good', 'Completed')
    await hub.clock.advance(24 * 60 * minute)
    await hub.killManager()
    hub.startManager()
    await hub.clock.advance(minute)
    await ask(hub, { revert: { reason: 'it leaks memory' } })
    await hub.clock.advance(minute)
    expect((await hub.rollout('good')).status?.phase).toBe('Reverting')
    await hub.killManager()
    hub.startManager()
    const { status } = await hub.untilPhase('good', 'Reverted')
    expect(status).toMatchObject({
      verdict: { outcome: 'Halt', rule: 'Operator', message: 'it leaks memory' },
      counts: { Reverted: 24 },
    })
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    // No rollout follows that would treat them again.
    await hub.clock.advance(7 * 60 * minute)
    expect((await hub.fix('good')).status?.phase).toBe('Reverted')
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
  })
})

describe('single control planes', () => {
  test('are left out, also of rollouts that follow; others go on', async () => {
    const hub = await hubWith({ seed: 56 })
    await hub.request('good')
    await hub.clock.advance(minute)
    const left = (await hub.fleet()).find(({ metadata }) => metadata.name.startsWith('production'))!.metadata
    const controlPlane = `${left.namespace}/${left.name}`
    await ask(hub, { skip: [{ controlPlane, reason: 'moves house' }] })
    await hub.approve('good', 'bob', 'carol')
    const { status, spec } = await hub.untilPhase('good', 'Completed')
    expect(spec.skip).toEqual([{ controlPlane, reason: 'moves house', by: 'sre' }])
    expect(status?.counts).toEqual({ Applied: 23, Held: 1 })
    expect(status?.problems).toMatchObject([
      { controlPlane, state: 'Held', reason: 'Skipped', message: 'sre left it out of this rollout: moves house' },
    ])
    await hub.clock.advance(7 * 60 * minute)
    const fleet = await hub.fleet()
    expect(
      fleet.filter(({ spec: each }) => (each.overrides ?? []).length === 0).map(({ metadata }) => metadata.name),
    ).toEqual([left.name])
  })

  test('are tried again after they failed, once for each time that somebody asks, also after a restart', async () => {
    let isMended = false
    const hub = await hubWith({ seed: 57, fails: (name) => name === 'integration-main-1' && !isMended })
    await hub.deliver('good')
    const state = async () =>
      (await hub.fleet()).find(({ metadata }) => metadata.name === 'integration-main-1')?.status?.operations?.[0]
    await hub.until(async () => (await state())?.phase === 'Failed')
    const { namespace } = (await hub.fleet()).find(({ metadata }) => metadata.name === 'integration-main-1')!.metadata
    const asked = { controlPlane: `${namespace}/integration-main-1`, reason: 'quota raised' }
    await ask(hub, { retry: [asked] })
    await hub.until(async () => (await state())?.attempt === 2 && (await state())?.phase === 'Failed')
    isMended = true
    await ask(hub, { retry: [asked, asked] })
    await hub.clock.advance(minute)
    await hub.killManager()
    hub.startManager()
    const { status, spec } = await hub.untilPhase('good', 'Completed')
    expect(spec.retry?.map(({ by }) => by)).toEqual(['sre', 'sre'])
    expect(await state()).toMatchObject({ attempt: 3, phase: 'Applied' })
    expect(status?.counts).toEqual({ Applied: 24 })
    expect(status?.stages[0]?.waves.reduce((sum, { failed }) => sum + failed, 0)).toBe(1)
    expect(status?.problems).toEqual([])
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
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
