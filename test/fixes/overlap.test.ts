import type { RolloutStatus, RolloutStrategySpec } from '@locktender/fleet'
import { defaultStrategy } from '@locktender/fixes'
import { describe, expect, test } from 'vitest'
import type { Hub } from './hub.ts'
import { hubWith } from './open-hub.ts'

const minute = 60_000
const hour = 60 * minute
const size = { integration: 6, production: 90 }

async function deliver(hub: Hub, name: string, component: string): Promise<void> {
  await hub.request(name, { component })
  await hub.clock.advance(minute)
  await hub.approve(name, 'bob', 'carol')
  await hub.clock.advance(minute)
}

const statusOf = async (hub: Hub, name: string) => (await hub.rollout(name)).status as RolloutStatus

function sum(status: RolloutStatus | undefined, what: 'applied' | 'failed' | 'broken'): number {
  return (status?.stages ?? []).flatMap(({ waves }) => waves).reduce((total, wave) => total + wave[what], 0)
}

/** The fix of etcd breaks four of ten, five minutes after it was applied. */
const sickens = (name: string, component: string) => (component === 'etcd' && /[2479]$/.test(name) ? 5 : undefined)

async function expectGoodToEnd(hub: Hub): Promise<void> {
  const { status } = await hub.untilPhase('good', 'Completed', 'Halted', 'Reverted')
  expect(status).toMatchObject({ phase: 'Completed', verdict: { outcome: 'Clear' }, counts: { Applied: 96 } })
  // What happened before the bad one was named stays on its account.
  expect(sum(status, 'broken')).toBeLessThanOrEqual(1)
  for (const { spec } of await hub.fleet()) expect(spec.overrides?.map(({ fix }) => fix)).toEqual(['good'])
}

describe('of two overlapping rollouts the bad one', () => {
  test('is named and taken back when it is the later one, and the other goes on to its end', async () => {
    const hub = await hubWith({ seed: 61, size, sickens })
    await deliver(hub, 'good', 'control-plane-operator')
    await hub.clock.advance(3 * hour)
    await deliver(hub, 'bad', 'etcd')
    const { status: bad } = await hub.untilPhase('bad', 'Reverted')
    expect(bad?.verdict).toMatchObject({ outcome: 'Halt' })
    const guilty = { signature: 'ComponentsFailing', guilty: 'bad' }
    expect(bad?.suspects).toMatchObject([guilty])
    expect((await statusOf(hub, 'good')).suspects).toMatchObject([guilty])
    await expectGoodToEnd(hub)
  })

  test('is taken back when it is the earlier one, and the other goes on to its end', async () => {
    // It is bad in the last stage only, where the other one follows it.
    const late = (name: string, component: string) =>
      name.startsWith('production-main') ? sickens(name, component) : undefined
    const hub = await hubWith({ seed: 62, size, sickens: late })
    await deliver(hub, 'bad', 'etcd')
    await hub.clock.advance(2 * hour)
    await deliver(hub, 'good', 'control-plane-operator')
    const { status: bad } = await hub.untilPhase('bad', 'Reverted')
    expect(bad).toMatchObject({ stage: 'production', verdict: { outcome: 'Halt' } })
    await expectGoodToEnd(hub)
  })

  test('is also named after the manager was killed', async () => {
    const hub = await hubWith({ seed: 63, size, sickens, strategy: { autoRevert: false } })
    await deliver(hub, 'good', 'control-plane-operator')
    await hub.clock.advance(3 * hour)
    await deliver(hub, 'bad', 'etcd')
    await hub.untilPhase('bad', 'Halted')
    const before = await statusOf(hub, 'good')
    await hub.killManager()
    hub.startManager()
    await hub.clock.advance(2 * hour)
    const after = await statusOf(hub, 'good')
    expect(after.phase).toBe('Progressing')
    expect(after.suspects).toMatchObject([{ signature: 'ComponentsFailing', guilty: 'bad' }])
    expect(sum(after, 'broken')).toBe(sum(before, 'broken'))
    expect(Number(after.exposure?.hours)).toBeGreaterThan(Number(before.exposure?.hours))
  })
})

test('a rollout earns healthy hours, which a restart does not take away', async () => {
  const hub = await hubWith({ seed: 64 })
  await deliver(hub, 'good', 'control-plane-operator')
  await hub.clock.advance(6 * hour)
  const before = await statusOf(hub, 'good')
  await hub.killManager()
  hub.startManager()
  const { status } = await hub.untilPhase('good', 'Completed')
  const hours = [before, status].map((each) => Number(each?.exposure?.hours))
  expect(hours[0]).toBeGreaterThan(6)
  expect(hours[1]).toBeGreaterThan(hours[0]!)
  expect(status?.exposure).toMatchObject({ onsets: 0, atMostPerHour: expect.stringMatching(/^0\.0/) })
})

describe('a rollout that gives everybody its change at the same time as another', () => {
  const stages: RolloutStrategySpec['stages'] = defaultStrategy().stages.map((stage) => ({
    ...stage,
    canary: 1000,
    finalSoak: '3h',
  }))

  test('waits for it before its first wave, says so, and goes on when the other has', async () => {
    const hub = await hubWith({ seed: 65, strategy: { stages } })
    await deliver(hub, 'first', 'control-plane-operator')
    await deliver(hub, 'second', 'etcd')
    await hub.clock.advance(30 * minute)
    const second = await statusOf(hub, 'second')
    expect(second).toMatchObject({
      phase: 'AwaitingApproval',
      approvals: [{ user: 'bob' }, { user: 'carol' }],
      waitsFor: { rollout: 'first', message: expect.stringContaining('second waits: ') },
      conditions: [{ type: 'Progressing', status: 'False', reason: 'WaitsForRollout' }],
    })
    expect(second).not.toHaveProperty('startTime')
    expect((await hub.fix('second')).status?.message).toContain('second waits: ')
    // A new manager knows it, too.
    await hub.killManager()
    hub.startManager()
    await hub.clock.advance(minute)
    expect((await statusOf(hub, 'second')).waitsFor?.rollout).toBe('first')
    const { status: first } = await hub.untilPhase('first', 'Completed')
    const { status } = await hub.untilPhase('second', 'Completed')
    expect(status).not.toHaveProperty('waitsFor')
    expect(Date.parse(status!.startTime!)).toBeGreaterThan(Date.parse(first!.startTime!) + 2 * hour)
    expect(Date.parse(status!.startTime!)).toBeLessThanOrEqual(Date.parse(first!.completionTime!) + minute)
  })
})
