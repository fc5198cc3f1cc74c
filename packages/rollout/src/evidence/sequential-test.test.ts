import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addTo, SequentialTest, type EvidenceCell, type Steps } from './sequential-test.ts'

const rates = { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 }
const sequential = new SequentialTest(rates)

function cell(succeeded: number, failed: number, by: Steps = sequential.steps()): EvidenceCell {
  const empty = { succeeded: 0, failed: 0, bad: 0, severe: 0 }
  addTo(empty, succeeded, failed, by)
  return empty
}

const over = (cells: readonly EvidenceCell[]) => sequential.ratio(sequential.sums(cells))
const ratio = (succeeded: number, failed: number) => over([cell(succeeded, failed)])
const waves = fc.array(fc.tuple(fc.nat(300), fc.nat(20)), { minLength: 1, maxLength: 12 })

describe('SequentialTest with 0.5 % against 5 % at 1 % error', () => {
  test('both limits are ln 99, and for each of ten tests side by side ln 990', () => {
    expect(sequential.haltLimit()).toBeCloseTo(Math.log(99), 5)
    expect(sequential.clearLimit).toBeCloseTo(-Math.log(99), 5)
    expect(sequential.haltLimit(10)).toBeCloseTo(Math.log(990), 5)
  })

  test('is the ratio of the likelihoods: four parts 5 %, one part 40 %', () => {
    const likelihood = (rate: number) => rate ** 3 * (1 - rate) ** 20
    const mixture = 0.8 * likelihood(0.05) + 0.2 * likelihood(0.4)
    expect(ratio(20, 3)).toBeCloseTo(Math.log(mixture / likelihood(0.005)), 4)
  })

  test('halts on two failures among the first eight, three among 48 and not on one', () => {
    expect(ratio(0, 1)).toBeLessThan(sequential.haltLimit())
    expect(ratio(6, 2)).toBeGreaterThanOrEqual(sequential.haltLimit())
    expect(ratio(7, 2)).toBeLessThan(sequential.haltLimit())
    expect(ratio(45, 3)).toBeGreaterThanOrEqual(sequential.haltLimit())
    expect(ratio(46, 3)).toBeLessThan(sequential.haltLimit())
  })

  test('clears after 95 successes and not after 94', () => {
    expect(ratio(94, 0)).toBeGreaterThan(sequential.clearLimit)
    expect(ratio(95, 0)).toBeLessThanOrEqual(sequential.clearLimit)
  })

  test('a long clean past does not hide what goes bad later', () => {
    const past = Array.from({ length: 10 }, () => cell(200, 0))
    expect(over([...past, cell(2, 3)])).toBeGreaterThanOrEqual(sequential.haltLimit())
    expect(over([...past, cell(60, 3)])).toBeLessThan(sequential.haltLimit())
    expect(over([...past, cell(0, 2)])).toBeLessThan(sequential.haltLimit())
  })

  test('within a wave only the counts matter, and a flip to failure only raises it', () => {
    fc.assert(
      fc.property(waves, (counts) => {
        const cells = counts.map(([succeeded, failed]) => cell(succeeded, failed))
        const before = over(cells)
        for (const each of cells) {
          if (each.succeeded === 0) continue
          addTo(each, -1, 1, sequential.steps())
          expect(over(cells)).toBeGreaterThanOrEqual(before)
          addTo(each, 1, -1, sequential.steps())
        }
        expect(over(cells)).toBe(before)
      }),
      { seed: 1 },
    )
  })
})

describe('the usual rate of a cell', () => {
  const history = fc.nat(5000).chain((treated) => fc.record({ treated: fc.constant(treated), failed: fc.nat(treated) }))

  test.each([
    [{ treated: 0, failed: 0 }, 0.005],
    [{ treated: 1000, failed: 0 }, 0.005],
    [{ treated: 100, failed: 1 }, 0.0075],
    [{ treated: 900, failed: 19.5 }, 0.02],
  ])('after %j is %d', (counts, expected) => {
    expect(sequential.usualRate(counts)).toBeCloseTo(expected, 12)
  })

  test('a failure says less the more often the cell fails anyway, and is never good news', () => {
    fc.assert(
      fc.property(history, ({ treated, failed }) => {
        const here = sequential.steps({ treated: treated + 1, failed })
        const worse = sequential.steps({ treated: treated + 1, failed: failed + 1 })
        for (const kind of ['bad', 'severe'] as const) {
          expect(here[kind].failed).toBeGreaterThan(0)
          expect(here[kind].succeeded).toBeLessThan(0)
          expect(worse[kind].failed).toBeLessThanOrEqual(here[kind].failed)
        }
      }),
      { seed: 1 },
    )
  })

  test('three failures in ten halt where failures are rare, not where one in ten fails', () => {
    const often = sequential.steps({ treated: 1000, failed: 100 })
    expect(ratio(7, 3)).toBeGreaterThanOrEqual(sequential.haltLimit())
    expect(over([cell(7, 3, often)])).toBeLessThan(sequential.haltLimit())
  })
})

describe('what would change the judgement', () => {
  test('comes true, and not sooner', () => {
    fc.assert(
      fc.property(waves, (counts) => {
        const cells = counts.map(([succeeded, failed]) => cell(succeeded, failed))
        const limit = sequential.haltLimit(3)
        const { failures, within, clean } = sequential.outlook(sequential.sums(cells), sequential.steps(), limit)
        const after = (succeeded: number, failed: number) => {
          const last = cells.at(-1) as EvidenceCell
          const next = { ...last }
          addTo(next, succeeded, failed, sequential.steps())
          return over([...cells.slice(0, -1), next])
        }
        expect(after(within - failures, failures)).toBeGreaterThanOrEqual(failures === 0 ? -Infinity : limit)
        expect(after(0, failures - 1)).toBeLessThan(failures === 0 ? Infinity : limit)
        expect(after(within - failures + 1, failures)).toBeLessThan(failures === 0 ? Infinity : limit)
        expect(after(clean, 0)).toBeLessThanOrEqual(sequential.clearLimit)
        expect(after(clean - 1, 0)).toBeGreaterThan(clean === 0 ? -Infinity : sequential.clearLimit)
      }),
      { seed: 1 },
    )
  })

  test('rates that hardly differ are never told apart, and asking ends', () => {
    const hopeless = new SequentialTest({ ...rates, badRate: 0.005_000_000_1 })
    const by = { bad: { failed: 0, succeeded: 0 }, severe: { failed: 0, succeeded: 0 } }
    expect(hopeless.outlook({ bad: 0, severe: 0 }, by, 1).clean).toBeGreaterThan(1e9)
  })
})

test.each([
  { ...rates, goodRate: 0 },
  { ...rates, badRate: 0.005 },
  { ...rates, badRate: 1 },
  { ...rates, alpha: 0 },
  { ...rates, beta: 0.5 },
  { ...rates, alpha: Number.NaN },
])('refuses %j', (input) => {
  expect(() => new SequentialTest(input)).toThrow(RangeError)
})
