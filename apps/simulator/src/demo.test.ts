import { seededRandom, VirtualClock } from '@locktender/kube'
import { silentLogger } from '@locktender/runtime'
import { describe, expect, test } from 'vitest'
import { Demo } from './demo.ts'
import { parseOptions } from './options.ts'
import type { Summary } from './summary.ts'

/** Runs a whole demo in virtual time, without the figures that depend on the machine. */
async function summaryOf(...argv: string[]): Promise<Summary> {
  const clock = new VirtualClock()
  const options = parseOptions(argv)
  const demo = await Demo.open(options, {
    clock,
    random: seededRandom(options.seed),
    log: silentLogger,
    startedAt: clock.now(),
    sockets: false,
    port: 0,
    speed: 'virtual time',
  })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  let ended = false
  const limit = clock.now() + 72 * 3_600_000
  void demo.ended.then(() => {
    ended = true
  })
  await clock.run(() => ended || clock.now() > limit)
  const summary = await demo.summary(0, 0)
  stop.abort()
  await Promise.all([running, clock.run()])
  await demo.close()
  return summary!
}

describe('a whole demo in virtual time', () => {
  test('brings a good fix to every control plane', async () => {
    const summary = await summaryOf('--clusters', '30', '--seed', '1')
    expect(summary).toMatchObject({ phase: 'Completed', applied: 30, failed: 0, neverTouched: 0, halted: null })
    expect(summary.perStage.map(({ name, phase }) => [name, phase])).toEqual([
      ['integration', 'Passed'],
      ['stage', 'Passed'],
      ['canary', 'Passed'],
      ['production', 'Passed'],
    ])
    // Stages follow one another.
    for (const [index, stage] of summary.perStage.entries()) {
      const next = summary.perStage[index + 1]
      if (next !== undefined) expect(next.openedAt).toBeGreaterThanOrEqual(stage.closedAt!)
    }
  })

  test('halts and takes back a fix that breaks everything, before most control planes have seen it', async () => {
    const summary = await summaryOf('--clusters', '60', '--bad-fix', '1', '--seed', '1')
    expect(summary).toMatchObject({ phase: 'Reverted', applied: 0, failed: 0 })
    expect(summary.halted?.message).toBeTypeOf('string')
    expect(summary.broken).toBeGreaterThan(0)
    expect(summary.reverted + summary.neverTouched).toBe(60)
    expect(summary.neverTouched).toBeGreaterThan(50)
  })

  test('is a function of its options', async () => {
    const argv = ['--clusters', '20', '--fail-rate', '0.1', '--seed', '7']
    expect(JSON.stringify(await summaryOf(...argv))).toBe(JSON.stringify(await summaryOf(...argv)))
  })
})
