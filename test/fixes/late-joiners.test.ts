import { controlPlanes, rollouts } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, Rollout } from '@locktender/fleet'
import { timestamp } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { fixedImage, maxConcurrent } from './hub.ts'
import type { Hub, HubOptions } from './hub.ts'
import { hubWith } from './open-hub.ts'

const minute = 60_000
const namespace = 'mc-production-main'

/** A hub whose fix `good` was delivered to all 24 control planes. */
async function delivered(options: HubOptions, spec: Partial<ComponentFix['spec']> = {}): Promise<Hub> {
  const hub = await hubWith(options)
  await hub.request('good', spec)
  await hub.clock.advance(minute)
  await hub.approve('good', 'bob', 'carol')
  await hub.untilPhase('good', 'Completed')
  await hub.clock.advance(minute)
  return hub
}

const join = (hub: Hub, index: number, version?: string) =>
  hub.addControlPlane(namespace, index, 'production', 'main', version)

const plane = (hub: Hub, index: number) =>
  hub.admin.get<ControlPlane>(controlPlanes, `production-main-${index}`, namespace)

const move = (hub: Hub, index: number, version: string) =>
  hub.admin.patch(
    controlPlanes,
    { name: `production-main-${index}`, namespace },
    { status: { version: { controlPlane: version, dataPlane: version } } },
    { type: 'merge', subresource: 'status' },
  )

const names = async (hub: Hub) =>
  (await hub.admin.list<Rollout>(rollouts)).items.map(({ metadata }) => metadata.name).sort()

describe('a control plane that comes after a fix was delivered', () => {
  test('gets it by a rollout of its own, on the approvals given before', async () => {
    const hub = await delivered({ seed: 21 })
    const before = await hub.rollout('good')
    await join(hub, 100)
    await join(hub, 101)
    await hub.clock.advance(5 * minute)
    expect((await hub.fix('good')).status).toMatchObject({
      phase: 'Delivering',
      rollout: 'good-follow-up-1',
      affected: 26,
    })
    const followUp = await hub.untilPhase('good-follow-up-1', 'Completed')
    expect(followUp.spec).toMatchObject({ followUpOf: 'good', strategy: before.spec.strategy })
    expect(followUp.spec.plan.hash).not.toBe(before.spec.plan.hash)
    expect(followUp.status).toMatchObject({
      counts: { Applied: 2 },
      approvals: [{ user: 'bob' }, { user: 'carol' }],
      problems: [],
    })
    for (const index of [100, 101]) {
      expect((await plane(hub, index)).spec.overrides).toMatchObject([{ fix: 'good', rollout: 'good-follow-up-1' }])
    }
    await hub.clock.advance(minute)
    const fix = await hub.fix('good')
    expect(fix.status).toMatchObject({ phase: 'Delivered', affected: 26, counts: { Applied: 26 } })
    expect(fix.status).not.toHaveProperty('message')
    // Whoever had it was left alone, and nothing more comes of it.
    expect((await hub.rollout('good')).status).toEqual(before.status)
    expect(new Set(hub.recorder.requests().values())).toEqual(new Set([1]))
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    await hub.clock.advance(600 * minute)
    expect(await names(hub)).toEqual(['good', 'good-follow-up-1'])
  })

  test('also when the manager is killed at every step', async () => {
    const hub = await delivered({ seed: 22, lostAnswers: 0.2 })
    await join(hub, 100)
    await hub.until(async () => {
      await hub.killManager()
      hub.startManager()
      return (await hub.fix('good')).status?.phase === 'Delivered' && (await names(hub)).length > 1
    })
    await hub.clock.advance(120 * minute)
    expect(await names(hub)).toEqual(['good', 'good-follow-up-1'])
    expect(hub.recorder.requests().get('production-main-100')).toBe(1)
    expect((await hub.fix('good')).status?.counts).toEqual({ Applied: 25 })
  })

  test('is treated again and again, each time by the next rollout', async () => {
    const hub = await delivered({ seed: 23 })
    for (const number of [1, 2, 3]) {
      await join(hub, 100 + number)
      await hub.until(async () => (await names(hub)).includes(`good-follow-up-${number}`))
      await hub.untilPhase(`good-follow-up-${number}`, 'Completed')
      await hub.clock.advance(minute)
    }
    expect((await hub.fix('good')).status).toMatchObject({ phase: 'Delivered', counts: { Applied: 27 } })
  })

  test('but is held waits, and is shown as such', async () => {
    const hub = await delivered({ seed: 24 })
    const expires = timestamp(hub.clock.now() + 300 * minute)
    await join(hub, 100, '4.19.0')
    const hold = { name: 'launch', reason: 'product launch', owner: 'acme', expires }
    const name = { name: 'production-main-100', namespace }
    await hub.admin.patch(controlPlanes, name, { spec: { holds: [hold] } }, { type: 'merge' })
    await move(hub, 100, '4.20.6')
    await hub.clock.advance(minute)
    expect((await hub.fix('good')).status).toMatchObject({
      phase: 'Delivered',
      affected: 25,
      counts: { Applied: 24, Held: 1 },
    })
    expect(await names(hub)).toEqual(['good'])
    await hub.clock.advance(300 * minute)
    await hub.untilPhase('good-follow-up-1', 'Completed')
    expect((await plane(hub, 100)).spec.overrides).toHaveLength(1)
  })
})

describe('a control plane that moves after a fix was delivered', () => {
  test('to an affected release gets the fix', async () => {
    const hub = await delivered({ seed: 25 })
    await join(hub, 100, '4.19.0')
    await hub.clock.advance(60 * minute)
    expect(await names(hub)).toEqual(['good'])
    await move(hub, 100, '4.20.6')
    await hub.clock.advance(minute)
    await hub.untilPhase('good-follow-up-1', 'Completed')
    expect((await plane(hub, 100)).status?.operations?.[0]?.phase).toBe('Applied')
  })

  test('to a release that needs another image gets that one', async () => {
    const other = fixedImage.replace(/f/g, 'e')
    const hub = await delivered(
      { seed: 26 },
      {
        targets: [
          { platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: fixedImage },
          { platforms: ['AWS'], versions: { from: '4.21.0', to: '4.21.9' }, image: other },
        ],
      },
    )
    await move(hub, 7, '4.21.3')
    await hub.clock.advance(minute)
    const { status } = await hub.untilPhase('good-follow-up-1', 'Completed')
    expect(status?.counts).toEqual({ Applied: 1 })
    expect((await plane(hub, 7)).spec.overrides).toMatchObject([{ image: other, rollout: 'good-follow-up-1' }])
    expect((await hub.fix('good')).status?.counts).toEqual({ Applied: 24 })
  })
})

describe('a follow-up', () => {
  test('that goes wrong is halted and taken back; those treated before keep the fix', async () => {
    const hub = await delivered({ seed: 27, fails: (name) => /-1\d\d$/.test(name) })
    for (let index = 100; index < 108; index++) await join(hub, index)
    await hub.until(async () => (await names(hub)).length > 1)
    const { status } = await hub.untilPhase('good-follow-up-1', 'Reverted')
    expect(status?.verdict?.outcome).toBe('Halt')
    await hub.clock.advance(600 * minute)
    expect((await hub.fix('good')).status).toMatchObject({ phase: 'Reverted', counts: { Applied: 24 } })
    expect(await names(hub)).toEqual(['good', 'good-follow-up-1'])
    const has = (await hub.fleet()).filter(({ spec }) => (spec.overrides ?? []).length > 0)
    expect(has).toHaveLength(24)
  })

  test('that is refused a field by its owner is not repeated without end', async () => {
    const hub = await delivered({ seed: 28 }, { supersedes: ['older'] })
    await join(hub, 100, '4.19.0')
    const foreign = {
      component: 'control-plane-operator',
      image: fixedImage.replace(/f/g, 'd'),
      fix: 'older',
      rollout: 'x',
    }
    const name = { name: 'production-main-100', namespace }
    const patch = { spec: { overrides: [foreign] } }
    await hub.admin.patch(controlPlanes, name, patch, { type: 'merge', fieldManager: 'kubectl' })
    await move(hub, 100, '4.20.6')
    await hub.clock.advance(5 * 60 * minute)
    expect(await names(hub)).toEqual(['good', 'good-follow-up-1'])
    expect((await plane(hub, 100)).spec.overrides).toEqual([foreign])
    await hub.clock.advance(7 * 60 * minute)
    expect(await names(hub)).toEqual(['good', 'good-follow-up-1', 'good-follow-up-2'])
  })
})
