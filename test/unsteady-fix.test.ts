import { controlPlanes, rollouts, rolloutStrategies } from '@locktender/fleet'
import type { ControlPlane, Rollout } from '@locktender/fleet'
import { administrator } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { openDemo } from './support/virtual-demo.ts'

const hour = 3_600_000
/** With a good fix a control plane may be unwell for a moment in one half hour of twenty. */
const signals = [{ name: 'DegradedChanges', goodShare: '0.05', window: '30m' }]

/** Lets the fix travel a small fleet whose strategy watches the signal; gives how that ended, and who was ever ill. */
async function travel(unsteadyFix: number) {
  const { demo, clock } = await openDemo({ clusters: 60, unsteadyFix, seed: 3 })
  const hub = demo.client('hub', administrator)
  await hub.patch(rolloutStrategies, { name: 'default' }, { spec: { signals } }, { type: 'merge' })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  const statusNow = async () => (await hub.list<Rollout>(rollouts)).items[0]?.status
  for (let hours = 0; hours < 30 && (await statusNow())?.completionTime === undefined; hours++) {
    await clock.advance(hour)
  }
  const status = await statusNow()
  const fleet = (await hub.listAll<ControlPlane>(controlPlanes)).items
  stop.abort()
  await Promise.race([running, clock.run()])
  await demo.close()
  return { status, ill: fleet.filter((each) => each.status?.health.state !== 'Healthy').length }
}

test('a fix that makes control planes unsteady is halted by what their agents count, though nobody is ill', async () => {
  const { status, ill } = await travel(1)
  expect(status).toMatchObject({
    phase: 'Reverted',
    verdict: { outcome: 'Halt', rule: 'ContinuousSignal', reason: 'DegradedChanges' },
  })
  expect(status?.counts.Reverted).toBeLessThan(10)
  expect(ill).toBe(0)
})

test('one that leaves them as they were is not', async () => {
  const { status } = await travel(0)
  expect(status).toMatchObject({ phase: 'Completed', counts: { Applied: 60 } })
  const [signal] = status!.signals!
  expect(signal!.total).toBeGreaterThan(50)
  expect(signal!.bad / signal!.total).toBeLessThan(0.05)
})
