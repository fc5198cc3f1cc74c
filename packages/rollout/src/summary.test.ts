import { describe, expect, test } from 'vitest'
import { Bench, MINUTE, ids, target } from './bench.test-support.ts'

describe('ETA', () => {
  test('before anything ran it rests on the expected duration', () => {
    const bench = new Bench(
      ids(6).map((id) => target(id)),
      { expectedOperationMs: 20 * MINUTE },
    )
    // Waves of 2 and 4: two times the slowest of 20 minutes (22), a soak of 30 and a final one of 60.
    const { eta = 0, ...rest } = bench.summary.eta
    expect(eta / MINUTE).toBeCloseTo(134.3, 1)
    expect(rest).toEqual({
      earliest: 90 * MINUTE,
      deadlineAtRisk: false,
      infeasible: false,
      message: '2 waves to come, 1.5 h of soak, 0.7 h of operations.',
    })
  })

  test('caps make rounds', () => {
    const bench = new Bench(
      ids(6).map((id) => target(id)),
      { expectedOperationMs: 20 * MINUTE, maxPerShard: () => 1 },
    )
    // One round more for the first wave, three for the second.
    expect((bench.summary.eta.eta ?? 0) / MINUTE).toBeCloseTo(134.3 + 4 * 20.2, 0)
  })

  test('follows what is observed, and ends where the rollout ends', () => {
    const bench = new Bench(ids(6).map((id) => target(id)))
    for (const word of bench.at(0).slice(1)) bench.applied(word.replace('apply ', ''), 5, 0)
    bench.now = 5 * MINUTE
    const { eta = 0 } = bench.summary.eta
    expect(eta).toBeGreaterThanOrEqual(100 * MINUTE)
    expect(eta).toBeLessThan(101 * MINUTE)
    for (const word of bench.at(35).slice(2)) bench.applied(word.replace('apply ', ''), 40, 35)
    bench.now = 40 * MINUTE
    expect(bench.summary.eta.eta).toBe(100 * MINUTE)
    expect(bench.at(100)).toEqual(['close first/2', 'Completed'])
  })

  test('operations under way are as far as they are', () => {
    const bench = new Bench(
      ids(6).map((id) => target(id)),
      { expectedOperationMs: 20 * MINUTE },
    )
    bench.at(0)
    for (const id of ids(6)) {
      if (bench.targets.get(id)?.requested) bench.see(id, { phase: 'Applying', since: 0 })
    }
    const { eta } = bench.summary.eta
    const { p50 = 0 } = bench.engine.forecast(0) ?? {}
    bench.now = 15 * MINUTE
    expect(bench.summary.eta.eta).toBe(eta)
    expect(Math.abs((bench.engine.forecast(bench.now)?.p50 ?? 0) - p50)).toBeLessThan(MINUTE)
    // Longer than the slowest: it can end at any moment.
    bench.now = 40 * MINUTE
    expect((bench.summary.eta.eta ?? 0) - (eta ?? 0)).toBeGreaterThan(17 * MINUTE)
  })

  test('says when the deadline is at risk and when it cannot be met at all', () => {
    const at = (minutes: number) => {
      const more = { deadline: minutes * MINUTE }
      return new Bench(
        ids(6).map((id) => target(id)),
        { expectedOperationMs: 20 * MINUTE },
        more,
      ).summary.eta
    }
    expect(at(135)).toMatchObject({ deadlineAtRisk: false, infeasible: false })
    expect(at(134)).toMatchObject({ deadlineAtRisk: true, infeasible: false })
    expect(at(89)).toMatchObject({ deadlineAtRisk: true, infeasible: true })
  })
})

test('at most ten problems are listed, failures before the unreachable', () => {
  const stages = [{ name: 'first', canary: 100, factor: 1, soakMs: 0, finalSoakMs: 0 }]
  const away = ids(15, 'away').map((id) => target(id, { phase: 'Unreachable', reason: 'HeartbeatLost', message: 'm' }))
  const bench = new Bench([...away, target('t'), target('u')], { stages })
  bench.at(0)
  bench.failed('t', 10)
  const { problems } = bench.summary
  expect(problems).toHaveLength(10)
  expect(problems[0]).toEqual({ id: 't', phase: 'Failed', reason: 'RolloutFailed', message: '' })
  expect(problems[1]).toEqual({ id: 'away0', phase: 'Unreachable', reason: 'HeartbeatLost', message: 'm' })
})
