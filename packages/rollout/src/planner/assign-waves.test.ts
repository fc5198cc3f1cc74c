import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededHash } from '../hash.ts'
import { modelStrategy } from '../model.test-support.ts'
import { StagePool, type Candidate } from '../stage-pool.ts'
import type { StrategyInput, TargetMeta } from '../types.ts'
import { customerLimit, waveSize } from '../wave-size.ts'
import { assignWaves } from './assign-waves.ts'

const stages = [
  { name: 'canary', canary: 2, factor: 2, soakMs: 0, finalSoakMs: 0 },
  { name: 'production', canary: 1, factor: 3, sizes: [3, 4], soakMs: 0, finalSoakMs: 0 },
]

const fleets = fc
  .array(
    fc.record({
      stage: fc.constantFrom('canary', 'production', 'none'),
      stratum: fc.constantFrom('a', 'b', 'c', 'd'),
      customer: fc.constantFrom('big', 'middle', 'small', 'tiny'),
      pair: fc.constantFrom(undefined, undefined, 'p1', 'p2', 'p3'),
      notFirst: fc.boolean(),
    }),
    { maxLength: 60 },
  )
  .map((items) =>
    items.map(({ pair, ...rest }, index): TargetMeta => {
      return { id: `cp-${index}`, shard: 'mc', ...rest, ...(pair ? { pair } : {}) }
    }),
  )

/** What the engine does wave by wave. */
function byPool(targets: readonly TargetMeta[], strategy: StrategyInput, seed: number): Map<string, string> {
  const waves = new Map<string, string>()
  const counts = new Map<string, number>()
  const known = targets.filter(({ stage }) => strategy.stages.some(({ name }) => name === stage))
  for (const { customer } of known) counts.set(customer, (counts.get(customer) ?? 0) + 1)
  for (const stage of strategy.stages) {
    const pool = new StagePool<Candidate>()
    for (const { stage: own, ...rest } of known) {
      if (own === stage.name) pool.add({ ...rest, hash: seededHash(seed, rest.id) })
    }
    for (let wave = 1; pool.size > 0; wave++) {
      const share = (customer: string) => customerLimit(strategy, counts.get(customer) ?? 0)
      for (const { id } of pool.pick(waveSize(stage, wave), share, { first: wave === 1 })) {
        waves.set(id, `${stage.name}/${wave}`)
      }
    }
  }
  return waves
}

function byPlan(targets: readonly TargetMeta[], strategy: StrategyInput, seed: number): Map<string, string> {
  const { places } = assignWaves(targets, strategy, seed)
  const waves = new Map<string, string>()
  for (const [index, place] of places.entries()) {
    if (place) waves.set(targets[index]?.id ?? '', `${strategy.stages[place.stage]?.name}/${place.wave}`)
  }
  return waves
}

describe('assignWaves', () => {
  const strategy = modelStrategy({ stages, customerShare: 30 })

  test('puts everybody where the engine puts it', () => {
    fc.assert(
      fc.property(fleets, fc.nat(), (targets, seed) => {
        expect(byPlan(targets, strategy, seed)).toEqual(byPool(targets, strategy, seed))
      }),
      { seed: 1, numRuns: 400 },
    )
  })

  test('never puts two of a pair in one wave, nor who must not be first in the first wave of a stage with others', () => {
    fc.assert(
      fc.property(fleets, fc.nat(), (targets, seed) => {
        const plan = byPlan(targets, strategy, seed)
        const seen = new Set<string>()
        for (const { id, pair } of targets) {
          if (!pair || !plan.has(id)) continue
          expect(seen.has(`${pair} ${plan.get(id)}`)).toBe(false)
          seen.add(`${pair} ${plan.get(id)}`)
        }
        for (const { name } of stages) {
          const members = targets.filter(({ stage }) => stage === name)
          const first = members.filter(({ id }) => plan.get(id) === `${name}/1`)
          if (members.some(({ notFirst }) => !notFirst)) {
            expect(first.filter(({ notFirst }) => notFirst)).toEqual([])
          }
        }
        expect(plan.size).toBe(targets.filter(({ stage }) => stage !== 'none').length)
      }),
      { seed: 2, numRuns: 200 },
    )
  })

  test('ids decide where hashes are equal', () => {
    // Two names with the same hash for seed 0.
    const names = ['cp-87899', 'cp-729632']
    expect(new Set(names.map((id) => seededHash(0, id))).size).toBe(1)
    const metas = names.map((id) => ({ id, stage: 'canary', stratum: 's', shard: 'm', customer: id }))
    const one = modelStrategy({ stages: [{ name: 'canary', canary: 1, factor: 1, soakMs: 0, finalSoakMs: 0 }] })
    expect(byPlan(metas, one, 0)).toEqual(byPool(metas, one, 0))
    expect(byPlan([...metas].reverse(), one, 0)).toEqual(byPool(metas, one, 0))
  })

  test('refuses fleets it cannot order', () => {
    const many = { length: 2 ** 21 + 1 } as TargetMeta[]
    expect(() => assignWaves(many, strategy, 1)).toThrow(RangeError)
  })
})
