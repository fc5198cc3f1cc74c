import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modelMeta, modelStrategy } from './model.test-support.ts'
import { planDigestInput, planRollout } from './plan.ts'
import { customerLimit, waveSize } from './wave-size.ts'

const strategy = modelStrategy()
const metas = (total: number, seed = 1) => Array.from({ length: total }, (_, index) => modelMeta(index, total, seed, 7))

describe('planRollout', () => {
  test('waves double until the stage is through', () => {
    const plan = planRollout(metas(1000), strategy, 1)
    expect(plan.stages).toEqual([
      { name: 'integration', targets: 50, waves: [5, 10, 20, 15] },
      { name: 'stage', targets: 100, waves: [10, 20, 40, 30] },
      { name: 'canary', targets: 50, waves: [10, 20, 20] },
      { name: 'production', targets: 800, waves: [20, 40, 80, 160, 320, 180] },
    ])
  })

  test('is a function of the set of targets and the seed', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(metas(300), { minLength: 1 }), fc.nat(), (targets, seed) => {
        const plan = planRollout(targets, strategy, seed)
        const again = planRollout([...targets].reverse(), strategy, seed)
        expect(again.stages).toEqual(plan.stages)
        for (const { id } of targets) expect(again.waveOf(id)).toEqual(plan.waveOf(id))
        expect(planDigestInput([...targets].reverse(), strategy, again)).toBe(planDigestInput(targets, strategy, plan))
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  test('every target of a stage is in exactly one wave; sizes add up', () => {
    const targets = metas(777)
    const plan = planRollout(targets, strategy, 9)
    for (const { name, waves } of plan.stages) {
      const counted = waves.map(
        (_, index) =>
          targets.filter(({ id }) => plan.waveOf(id)?.stage === name && plan.waveOf(id)?.wave === index + 1).length,
      )
      expect(counted).toEqual([...waves])
    }
    expect(targets.every(({ id, stage }) => plan.waveOf(id)?.stage === stage)).toBe(true)
  })

  test('the first wave that can has one of every stratum before a second of any', () => {
    const targets = metas(1000).filter(({ stage }) => stage === 'production')
    const plan = planRollout(targets, strategy, 3)
    const strata = new Set(targets.map(({ stratum }) => stratum))
    const first = targets.filter(({ id }) => plan.waveOf(id)?.wave === 1)
    expect(strata.size).toBeGreaterThanOrEqual(15)
    expect(new Set(first.map(({ stratum }) => stratum)).size).toBe(Math.min(strata.size, first.length))
  })

  test('another seed gives other waves and another digest', () => {
    const targets = metas(200)
    const one = planRollout(targets, strategy, 1)
    const two = planRollout(targets, strategy, 2)
    expect(targets.some(({ id }) => one.waveOf(id)?.wave !== two.waveOf(id)?.wave)).toBe(true)
    expect(planDigestInput(targets, strategy, one)).not.toBe(planDigestInput(targets, strategy, two))
  })

  test('a target in no stage of the strategy is in no wave', () => {
    const stray = { id: 'stray', stage: '', stratum: 's', shard: 'm', customer: 'c' }
    const plan = planRollout([stray, { ...stray, id: 'lost', stage: 'moon' }], strategy, 1)
    expect(plan.waveOf('stray')).toBeUndefined()
    expect(plan.waveOf('lost')).toBeUndefined()
    expect(plan.stages.every(({ targets, waves }) => targets === 0 && waves.length === 0)).toBe(true)
  })
})

describe('planDigestInput', () => {
  const targets = metas(40)
  const digest = (change: Parameters<typeof modelStrategy>[0]) => {
    const changed = modelStrategy(change)
    return planDigestInput(targets, changed, planRollout(targets, changed, 1))
  }

  test.each([
    ['budget', { budget: { percent: 6, minimum: 3 } }],
    ['test', { sequentialTest: { ...strategy.sequentialTest, badRate: 0.06 } }],
    ['timeout', { operationTimeoutMs: 1 }],
    ['revert', { autoRevert: false }],
    ['halt reasons', { haltReasons: [] }],
    ['soak', { stages: strategy.stages.map((stage) => ({ ...stage, soakMs: 0 })) }],
  ])('binds to the %s', (_, change) => {
    expect(digest(change)).not.toBe(digest({}))
  })

  test('does not bind to caps', () => {
    expect(digest({ maxConcurrent: 3, maxPerShard: () => 1 })).toBe(digest({}))
  })
})

describe('sizes', () => {
  test('a wave has at least one target and grows by the factor', () => {
    const stage = { name: 's', canary: 3, factor: 1.5, soakMs: 0, finalSoakMs: 0 }
    expect([1, 2, 3, 4].map((wave) => waveSize(stage, wave))).toEqual([3, 5, 7, 10])
    expect(waveSize({ ...stage, canary: 0, factor: 0 }, 5)).toBe(1)
    expect(waveSize({ ...stage, factor: 1000 }, 1000)).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('a customer may have max(1, 20 %) in one wave', () => {
    expect([1, 9, 10, 14, 15, 100].map((targets) => customerLimit(strategy, targets))).toEqual([1, 1, 2, 2, 3, 20])
    expect(customerLimit({ ...strategy, customerShare: 50 }, 10)).toBe(5)
  })
})
