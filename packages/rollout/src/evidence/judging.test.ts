import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bench, ids, MINUTE, target } from '../bench.test-support.ts'
import type { StrategyInput } from '../types.ts'
import { EvidenceBook } from './book.ts'
import { addTo, SequentialTest } from './sequential-test.ts'

const wide = { name: 'first', canary: 200, factor: 1, soakMs: 30 * MINUTE, finalSoakMs: 60 * MINUTE }
const lenient = { goodRate: 0.01, badRate: 0.9, alpha: 1e-20, beta: 0.0001 }
const change = { stages: [wide], maxPerShard: () => 1000 }

/** A wave of `first` in which all have been asked, in two strata of 20. */
function opened(more: Partial<StrategyInput> = {}): Bench {
  const targets = ids(40).map((id, index) => target(id, { stratum: index % 2 === 0 ? 'even' : 'odd' }))
  const bench = new Bench(targets, { ...change, ...more })
  bench.at(0)
  return bench
}

describe('history', () => {
  test('three failures halt where failures are rare and not where one in ten fails anyway', () => {
    const three = (history?: StrategyInput['history']) => {
      const bench = opened(history ? { history } : {})
      for (const id of ['t0', 't2', 't4']) bench.failed(id, 10)
      return bench.at(10)[0]
    }
    expect(three()).toBe('halt SequentialTest')
    expect(three(() => ({ treated: 1000, failed: 0 }))).toBe('halt SequentialTest')
    expect(three((stratum) => (stratum === 'even' ? { treated: 1000, failed: 150 } : undefined))).toBeUndefined()
    expect(three((stratum) => (stratum === 'odd' ? { treated: 1000, failed: 150 } : undefined))).toBe(
      'halt SequentialTest',
    )
  })

  test('each stratum is asked for once', () => {
    const asked: string[] = []
    const bench = opened({ history: (stratum) => void asked.push(stratum) })
    bench.applied('t1', 10)
    bench.at(10)
    expect(asked.sort()).toEqual(['even', 'odd'])
  })
})

describe('operations under way', () => {
  /** 300 at once, of which the first three fail after so many minutes. */
  function earlyFailures(minute: number): { bench: Bench; said: string | undefined } {
    const stages = [{ ...wide, canary: 300 }]
    const bench = new Bench(
      ids(300).map((id) => target(id)),
      { ...change, stages },
    )
    bench.at(0)
    for (const id of ids(300)) bench.see(id, { phase: 'Applying', since: 0 })
    bench.at(1)
    for (const id of ids(3)) bench.see(id, { phase: 'Failed', since: 0, completedAt: minute * MINUTE })
    return { bench, said: bench.at(minute)[0] }
  }

  test('say something by not having failed: three early failures of 300 are no wave of failures', () => {
    expect(earlyFailures(2).said).toBe('halt SequentialTest')
    expect(earlyFailures(20).said).toBeUndefined()
  })

  test('in the end each counts once, as what it came to', () => {
    const { bench } = earlyFailures(20)
    for (const id of ids(300).slice(3)) bench.see(id, { phase: 'Applied', since: 0, completedAt: 30 * MINUTE })
    bench.at(30)
    const sequential = new SequentialTest({ goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 })
    const cell = { succeeded: 0, failed: 0, bad: 0, severe: 0 }
    addTo(cell, 297, 3, sequential.steps())
    expect(bench.summary.verdict?.evidence.llr).toBe(sequential.ratio(sequential.sums([cell])).toFixed(2))
    bench.see('t3', { onsetAt: 31 * MINUTE })
    expect(bench.at(31)).toEqual([])
  })

  test('are forgotten when they are over, and those of no stage never counted', () => {
    const sequentialTest = { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 }
    const book = new EvidenceBook(
      { stages: [], maxPerShard: () => 1, sequentialTest, operationTimeoutMs: 45 * MINUTE, autoRevert: true },
      0,
    )
    book.know('s')
    const none = { bad: 0, severe: 0 }
    book.running('s', 1, 10)
    book.running('unknown', 1, 10)
    expect(book.withRunning(none, 20 * MINUTE).bad).toBeLessThan(0)
    expect(book.withRunning(none, 20 * MINUTE, 's')).toEqual(book.withRunning(none, 20 * MINUTE))
    book.running('s', -1, 10)
    expect(book.withRunning(none, 20 * MINUTE).bad + 0).toBe(0)
  })
})

describe('strata side by side', () => {
  test('the more strata there are, the more it takes in one of them', () => {
    const halted = (strata: number) => {
      // Clean targets elsewhere keep the test of the fleet quiet.
      const clean = Array.from({ length: 120 }, (_, index) => target(`c${index}`, { stratum: `s${index % strata}` }))
      const rare = ids(6, 'r').map((id) => target(id, { stratum: 'rare' }))
      const bench = new Bench([...clean, ...rare], change)
      bench.at(0)
      for (const { id } of clean) bench.applied(id, 10)
      bench.failed('r0', 10)
      bench.failed('r1', 10)
      return bench.at(10)[0]
    }
    expect(halted(1)).toBe('halt StratumSequentialTest')
    expect(halted(30)).toBeUndefined()
  })
})

describe('verdicts', () => {
  test('carry bounds and what would change them, and that comes true', () => {
    const bench = opened()
    bench.failed('t0', 10)
    for (const id of ids(30).slice(1)) bench.applied(id, 10)
    bench.at(10)
    const { verdict } = bench.summary
    expect(verdict).toMatchObject({
      evidence: { treated: 30, failed: 1 },
      bounds: { lower: '0.0017', upper: '0.1486' },
      outlook: '2 more failures within the next 18 would halt; 116 more without a failure would clear the change.',
    })
    bench.failed('t30', 11)
    expect(bench.at(11)).toEqual([])
    bench.failed('t31', 12)
    expect(bench.at(12)[0]).toBe('halt SequentialTest')
    expect(bench.summary.verdict?.bounds).toEqual({ lower: '0.0260', upper: '0.2248' })
  })
})

describe('budget alone', () => {
  test('nothing but the budget and signals halts', () => {
    const bench = opened({ haltBy: 'Budget', budget: { percent: 10, minimum: 0 } })
    for (const id of ids(4)) bench.failed(id, 10)
    expect(bench.at(10)).toEqual([])
    expect(bench.summary.verdict?.evidence).toEqual({ treated: 4, failed: 4 })
    bench.failed('t4', 11)
    expect(bench.at(11)[0]).toBe('halt FailureBudget')
  })
})

describe('continuous signals', () => {
  const signals = [{ name: 'RequestErrors', goodShare: 0.02, alpha: 0.01 }]
  const samples = (bench: Bench, bad: number, total: number, signal = 'RequestErrors') =>
    bench.engine.apply({ type: 'samples', signal, bad, total })

  test('halt once their evidence is at its limit', () => {
    const bench = opened({ signals })
    samples(bench, 2, 100)
    expect(bench.at(5)).toEqual([])
    samples(bench, 5, 10)
    samples(bench, 9, 40)
    expect(bench.at(6)[0]).toBe('halt ContinuousSignal')
    expect(bench.summary.verdict).toMatchObject({ reason: 'RequestErrors', evidence: { treated: 150, failed: 16 } })
  })

  test('an unknown signal is ignored, and a share that makes no test is refused', () => {
    const bench = opened({ signals })
    samples(bench, 100, 100, 'Latency')
    expect(bench.at(5)).toEqual([])
    expect(() => opened({ signals: [{ name: 'RequestErrors', goodShare: 1, alpha: 0.01 }] })).toThrow(RangeError)
  })
})

describe('treated against untreated', () => {
  const stages = [{ name: 'first', canary: 10, factor: 2, soakMs: 1440 * MINUTE, finalSoakMs: 0 }]
  const compare = { ...change, stages, compareUntreated: true, sequentialTest: lenient }

  /** Ten of a hundred are treated, in ten minutes; nothing else happens for a day. */
  function compared(more: Partial<StrategyInput> = {}): { bench: Bench; treated: string[]; untreated: string[] } {
    const bench = new Bench(
      ids(100).map((id) => target(id)),
      { ...compare, ...more },
    )
    const treated = bench
      .at(0)
      .slice(1)
      .map((word) => word.replace('apply ', ''))
    for (const id of treated) bench.applied(id, 10)
    bench.at(10)
    return { bench, treated, untreated: ids(100).filter((id) => !treated.includes(id)) }
  }

  function illAt(bench: Bench, id: string, minute: number): string[] {
    bench.see(id, { onsetAt: minute * MINUTE })
    return bench.at(minute)
  }

  test('halts when the treated fall ill and the untreated do not', () => {
    const { bench, treated } = compared()
    const said = treated.slice(0, 5).flatMap((id, index) => illAt(bench, id, 120 + index))
    expect(said[0]).toBe('halt RateRatio')
    expect(bench.summary.verdict?.message).toMatch(
      /^All 5 targets that became unhealthy are treated ones, while the untreated .* \(p = \d\.\de-6; at least \d+\.\d times with 95 % confidence\)\.$/,
    )
  })

  test('does not for what a good change may do: it makes some ill, too', () => {
    const stages = [{ ...wide, canary: 1000, soakMs: 1440 * MINUTE }]
    const fleet = ids(2000).map((id) => target(id))
    const bench = new Bench(fleet, { ...compare, stages })
    const treated = bench.at(0).flatMap((word) => (word.startsWith('apply ') ? [word.slice(6)] : []))
    for (const id of treated) bench.applied(id, 10)
    bench.at(10)
    // 10 of 1,000 are to be expected at the good rate.
    for (const [index, id] of treated.slice(0, 12).entries()) expect(illAt(bench, id, 60 + index)).toEqual([])
    const said = treated.slice(12, 40).flatMap((id, index) => illAt(bench, id, 80 + index))
    expect(said[0]).toBe('halt RateRatio')
  })

  test('does not when the untreated fall ill as often, and says how much more often otherwise', () => {
    const { bench, treated, untreated } = compared()
    for (const [index, id] of untreated.slice(0, 30).entries()) expect(illAt(bench, id, 100 + index)).toEqual([])
    for (const [index, id] of treated.slice(0, 3).entries()) expect(illAt(bench, id, 140 + index)).toEqual([])
    const worse = compared()
    illAt(worse.bench, worse.untreated[0] ?? '', 100)
    const said = worse.treated.slice(0, 7).flatMap((id, index) => illAt(worse.bench, id, 120 + index))
    expect(said[0]).toBe('halt RateRatio')
    expect(worse.bench.summary.verdict?.message).toMatch(/treated ones, \d+\.\d times as often as untreated ones/)
  })

  test('onsets of untreated targets are nothing without it', () => {
    const { bench, untreated } = compared({ compareUntreated: false })
    for (const [index, id] of untreated.entries()) expect(illAt(bench, id, 100 + index)).toEqual([])
    expect(bench.summary.failures).toBe(0)
  })

  test('who was ill before, is out of reach, or comes back ill is not counted again', () => {
    const { bench, treated } = compared({ onsetGraceMs: MINUTE })
    const [one = '', two = ''] = treated
    illAt(bench, one, 120)
    bench.at(122)
    for (let minute = 130; minute < 140; minute += 2) {
      bench.see(one, { phase: 'Unreachable' })
      bench.at(minute)
      bench.see(one, { phase: 'Applied' })
      expect(bench.at(minute + 1)).toEqual([])
    }
    illAt(bench, two, 150)
    expect(bench.at(152)).toEqual([])
  })

  test('a restored engine that sees the same compares the same', () => {
    const { bench, treated, untreated } = compared()
    illAt(bench, untreated[0] ?? '', 100)
    for (const [index, id] of treated.slice(0, 2).entries()) illAt(bench, id, 120 + index)
    const restored = new Bench([...bench.targets.values()], compare)
    restored.now = bench.now
    for (const [index, id] of treated.slice(2, 6).entries()) {
      const kept = illAt(bench, id, 130 + index)
      expect(illAt(restored, id, 130 + index)[0]).toBe(kept[0])
    }
  })
})

describe('in any order', () => {
  test('simultaneous outcomes give the same verdict (I9)', () => {
    const outcome = fc.constantFrom('applied', 'failed', 'ill', undefined)
    const all = fc.tuple(fc.array(outcome, { minLength: 40, maxLength: 40 }), fc.nat())
    fc.assert(
      fc.property(all, fc.boolean(), ([outcomes, seed], compareUntreated) => {
        const report = (order: readonly number[]) => {
          const bench = opened({
            compareUntreated,
            history: (stratum) => ({ treated: 50, failed: stratum.length - 3 }),
          })
          for (const index of order) {
            const id = `t${index}`
            const what = outcomes[index]
            if (what === 'failed') bench.failed(id, 10)
            else if (what !== undefined) bench.applied(id, 10)
            if (what === 'ill') bench.see(id, { onsetAt: 10 * MINUTE })
          }
          bench.at(10)
          return bench.summary.verdict
        }
        const order = outcomes.map((_, index) => index)
        const shuffled = [...order].sort((one, other) => ((one * 7919 + seed) % 40) - ((other * 7919 + seed) % 40))
        expect(report(shuffled)).toEqual(report(order))
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  test('say that the history is the prior of what would change them, and that comes true', () => {
    const bench = opened({ history: () => ({ treated: 150, failed: 15 }) })
    for (const id of ids(10)) bench.applied(id, 10)
    bench.at(10)
    const outlook = bench.summary.verdict?.outlook ?? ''
    expect(outlook).toContain(' (with the history of 300 operations, 10.0 % failed, as the prior).')
    const needed = Number(/^(\d+) more failures/.exec(outlook)?.[1])
    expect(needed).toBeGreaterThan(2)
    const failing = ids(10 + needed).slice(10)
    for (const id of failing.slice(1)) bench.failed(id, 11)
    expect(bench.at(11)).toEqual([])
    bench.failed(failing[0] ?? '', 12)
    expect(bench.at(12)[0]).toBe('halt SequentialTest')
  })
})
