import type { Rollout } from '@locktender/fleet'
import { assess } from '@locktender/rollout'
import type { TargetInput } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { defaultStrategy } from './default-strategy.ts'
import { outlookOf } from './rollout-outlook.ts'
import { strategyInput } from './strategy-input.ts'
import { rolloutOf } from './test-objects.ts'
import { waitsFor } from './waits-for.ts'
import type { Course } from './waits-for.ts'

const start = Date.parse('2026-01-05T08:00:00Z')
const hour = 3_600_000

const fleet = Array.from({ length: 240 }, (_, index): TargetInput => ({
  id: `mc-1/cp-${index}`,
  stage: index < 20 ? 'integration' : 'production',
  stratum: `4.20/${index % 3}`,
  shard: `mc-${index % 12}`,
  customer: `customer-${index}`,
  phase: 'Pending',
  requested: false,
}))

interface Options {
  readonly seed?: number
  readonly strategy?: Rollout['spec']['strategy']
  readonly targets?: readonly TargetInput[]
  readonly behindMs?: number
}

function course(name: string, { seed = 1, strategy = defaultStrategy(), targets = fleet, behindMs = 0 }: Options = {}) {
  const rollout = rolloutOf(name)
  const scenario = {
    targets,
    strategy: strategyInput(strategy, () => 8),
    stakes: { hazard: 0.001, prior: 0.1 },
    startAt: start,
    deadline: start + 24 * hour,
    seed,
  }
  const outlook = outlookOf(assess(scenario), start)
  return { rollout: { ...rollout, spec: { ...rollout.spec, strategy, seed } }, targets, outlook, behindMs } as Course
}

const stages = defaultStrategy().stages.map((stage) => ({ ...stage, canary: 1000, soak: '24h', finalSoak: '24h' }))
const atOnce = { ...defaultStrategy(), stages }
const treated = (target: TargetInput, index: number): TargetInput => ({
  ...target,
  requested: true,
  phase: 'Applied',
  since: start + (index % 7) * hour,
})

describe('a rollout may begin', () => {
  test.each([0, 2, 8, 16])('%i hours after one with other random waves', (hours) => {
    expect(waitsFor(course('later', { seed: 2, behindMs: hours * hour }), [course('earlier')])).toBeUndefined()
  })

  test('beside one that gives nobody two changes, however much they keep step', () => {
    const odd = fleet.filter((_, index) => index % 2 === 1)
    const even = fleet.filter((_, index) => index % 2 === 0)
    const later = course('later', { strategy: atOnce, targets: odd })
    expect(waitsFor(later, [course('earlier', { strategy: atOnce, targets: even })])).toBeUndefined()
  })

  test('once the other has run alone for long enough', () => {
    const options = { strategy: atOnce, targets: fleet.map(treated) }
    const later = course('later', { strategy: atOnce, behindMs: 24 * hour })
    expect(waitsFor(later, [course('earlier', options)])).toBeUndefined()
  })

  test('when nothing is known of the course of the other', () => {
    const { outlook: _, ...unknown } = course('earlier', { strategy: atOnce })
    const later = course('later', { strategy: atOnce })
    expect(waitsFor(later, [{ ...unknown, outlook: undefined }])).toBeUndefined()
  })
})

describe('a rollout waits for', () => {
  test('one that gives the same control planes its change at the same time, and says so', () => {
    const later = course('later', { seed: 2, strategy: atOnce })
    expect(waitsFor(later, [course('apart'), course('earlier', { strategy: atOnce })])).toEqual({
      rollout: 'earlier',
      message: expect.stringMatching(/^later waits: .*almost the same \(correlation (0\.9|1\.0)/),
    })
  })

  test('one whose change is in progress on those that come next', () => {
    const busy = fleet.map((target, index): TargetInput =>
      index < 20 ? { ...target, phase: 'Held', reason: 'OtherOperation' } : target,
    )
    const options = { strategy: atOnce, targets: busy }
    expect(waitsFor(course('later', options), [course('earlier', { strategy: atOnce })])?.rollout).toBe('earlier')
    const held = busy.map((target) => (target.phase === 'Held' ? { ...target, reason: 'Hold' } : target))
    expect(
      waitsFor(course('later', { ...options, targets: held }), [course('earlier', { strategy: atOnce })]),
    ).toBeUndefined()
  })

  test('one that keeps step in its waves', () => {
    // The same seed and targets: each control plane gets both within the same hour.
    expect(waitsFor(course('later'), [course('earlier')])?.rollout).toBe('earlier')
    expect(waitsFor(course('later', { behindMs: 6 * hour }), [course('earlier')])).toBeUndefined()
  })
})
