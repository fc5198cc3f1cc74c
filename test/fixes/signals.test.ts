import { defaultStrategy } from '@locktender/fixes'
import { forkRandom } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { hubWith } from './open-hub.ts'

/** One control plane in eight is unwell for a moment in any quarter of an hour, whoever does what. */
const usual = 0.12
const strategy = {
  ...defaultStrategy(),
  signals: [{ name: 'DegradedChanges', goodShare: String(usual), window: '15m', alpha: '0.01' }],
}

/** Moments of a day at which a control plane is unwell for a moment: in each quarter of an hour with this chance. */
function moments(share: number, seed: number): (name: string) => number[] {
  return (name) => {
    const random = forkRandom(seed, name)
    const quarters = Array.from({ length: 96 }, (_, index) => index)
    return quarters.flatMap((quarter) => (random.next() < share ? [quarter * 15 + 1 + 13 * random.next()] : []))
  }
}

describe('a signal that halts although nobody is ill', () => {
  test('lets a fix pass that leaves it as it is', async () => {
    const hub = await hubWith({ seed: 31, strategy, flaps: moments(usual, 31) })
    await hub.deliver('good')
    const { status } = await hub.untilPhase('good', 'Completed')
    expect(status?.signals?.[0]).toMatchObject({ name: 'DegradedChanges', limit: '4.61' })
    expect(status?.signals?.[0]?.total).toBeGreaterThan(100)
    expect(status?.counts).toMatchObject({ Applied: 24 })
  })

  test('stops one with which it happens twice as often, and says so; a restart forgets nothing', async () => {
    const hub = await hubWith({ seed: 32, strategy, flaps: moments(2 * usual, 32) })
    await hub.deliver('bad')
    await hub.clock.advance(3 * 60 * 60_000)
    const before = (await hub.rollout('bad')).status!.signals![0]!
    await hub.killManager()
    hub.startManager()
    const { status } = await hub.untilPhase('bad', 'Reverted')
    expect(status?.verdict).toMatchObject({ outcome: 'Halt', rule: 'ContinuousSignal', reason: 'DegradedChanges' })
    expect(status?.verdict?.message).toMatch(
      /^[0-9]+ of [0-9]+ samples of DegradedChanges from treated targets are bad/,
    )
    const after = status!.signals![0]!
    expect(after.total).toBeGreaterThanOrEqual(before.total)
    expect(after.total).toBeGreaterThanOrEqual(status!.verdict!.evidence.treated)
    const failed = status!.stages
      .flatMap(({ waves }) => waves)
      .reduce((sum, wave) => sum + wave.failed + wave.broken, 0)
    expect(failed).toBe(0)
  })
})
