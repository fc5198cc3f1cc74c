import { describe, expect, test } from 'vitest'
import { runInLockstep } from './lockstep.ts'
import { nameTheBadOne } from './overlap.ts'
import { evidenceStrategy, fleetOf, MINUTE, percentBudget, percentWaves, simulate } from './world.ts'

// A sample of what `npm run sim:decisions` measures over a thousand rollouts each, with room for a small sample.
const fleet = fleetOf(500)
const seeds = Array.from({ length: 60 }, (_, index) => index + 1)

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('operating characteristics of the engine', () => {
  test.each([
    [0.05, 5],
    [0.2, 4],
    [1, 4],
  ])('a build that breaks %d is halted with at most %d broken on average', (share, most) => {
    const outcomes = seeds.map((seed) => simulate(fleet, evidenceStrategy, share, seed))
    expect(mean(outcomes.map(({ broken }) => broken))).toBeLessThanOrEqual(most)
    expect(outcomes.filter(({ halted }) => !halted).length).toBeLessThanOrEqual(3)
  })

  test('a good build is hardly ever halted', () => {
    const outcomes = seeds.map((seed) => simulate(fleet, evidenceStrategy, 0.005, seed))
    expect(outcomes.filter(({ halted }) => halted).length).toBeLessThanOrEqual(2)
  })

  test('control planes that fall ill by themselves do not halt a good build, nor hide a bad one', () => {
    const illnessMs = 1000 * 60 * MINUTE
    const halted = (compareUntreated: boolean) =>
      seeds.filter(
        (seed) => simulate(fleet, { ...evidenceStrategy, compareUntreated }, 0.005, seed, { illnessMs }).halted,
      )
    expect(halted(true).length).toBeLessThanOrEqual(2)
    expect(halted(false).length).toBeGreaterThanOrEqual(halted(true).length)
    const bad = seeds.map((seed) => simulate(fleet, evidenceStrategy, 0.05, seed, { illnessMs }))
    expect(mean(bad.map(({ broken }) => broken))).toBeLessThanOrEqual(5)
    // A build that makes ill hours after the change is found by the comparison alone.
    const slow = seeds.map((seed) => simulate(fleet, evidenceStrategy, 0.2, seed, { illnessMs, slowMs: 480 * MINUTE }))
    expect(slow.filter((each) => each.halted).length).toBeGreaterThanOrEqual(57)
  })

  test('a bad build gets to fewer than by percentages', () => {
    const exposed = [evidenceStrategy, percentWaves(500), percentBudget(500)].map((strategy) =>
      mean(seeds.slice(0, 20).map((seed) => simulate(fleet, strategy, 0.2, seed).exposed)),
    )
    expect(exposed[0]).toBeLessThan((exposed[1] ?? 0) / 1.5)
    expect(exposed[0]).toBeLessThan((exposed[2] ?? 0) / 5)
  })

  test('the same seed gives the same rollout', () => {
    expect(simulate(fleet, evidenceStrategy, 0.05, 7)).toEqual(simulate(fleet, evidenceStrategy, 0.05, 7))
    expect(simulate(fleet, evidenceStrategy, 0.05, 7)).not.toEqual(simulate(fleet, evidenceStrategy, 0.05, 8))
  })

  test('of two overlapping fixes the bad one is named within five onsets', () => {
    const named = seeds.map((seed) => nameTheBadOne(fleet, 0.2, seed))
    expect(named.filter((each) => each.named === 'right').length).toBeGreaterThanOrEqual(54)
    for (const { onsets } of named) expect(onsets).toBeLessThanOrEqual(5)
  })

  test('of two fixes in lockstep the bad one is halted, and seldom the good one with it', () => {
    const runs = seeds.map((seed) => runInLockstep(fleet, 0.2, seed))
    expect(runs.filter(({ badHalted }) => badHalted).length).toBe(60)
    expect(runs.filter(({ goodHalted }) => goodHalted).length).toBeLessThanOrEqual(9)
    expect(mean(runs.map(({ broken }) => broken))).toBeLessThanOrEqual(4)
  })
})
