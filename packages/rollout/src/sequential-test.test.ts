import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SequentialTest } from './sequential-test.ts'

const rates = { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 }
const sequential = new SequentialTest(rates)
const ratio = (succeeded: number, failed: number) => sequential.ratio([{ succeeded, failed }])

describe('SequentialTest with 0.5 % against 5 % at 1 % error', () => {
  test('both limits are ln 99', () => {
    expect(sequential.haltLimit).toBeCloseTo(Math.log(99), 5)
    expect(sequential.clearLimit).toBeCloseTo(-Math.log(99), 5)
  })

  test('halts on the first two failures and not on one', () => {
    expect(ratio(0, 1)).toBeLessThan(sequential.haltLimit)
    expect(ratio(0, 2)).toBeGreaterThanOrEqual(sequential.haltLimit)
    expect(ratio(1, 2)).toBeLessThan(sequential.haltLimit)
  })

  test('clears after 100 successes and not after 99', () => {
    expect(ratio(99, 0)).toBeGreaterThan(sequential.clearLimit)
    expect(ratio(100, 0)).toBeLessThanOrEqual(sequential.clearLimit)
  })

  test('a long clean past does not hide what goes bad later', () => {
    const past = Array.from({ length: 10 }, () => ({ succeeded: 200, failed: 0 }))
    expect(sequential.ratio([...past, { succeeded: 6, failed: 4 }])).toBeLessThan(sequential.haltLimit)
    expect(sequential.ratio([...past, { succeeded: 0, failed: 4 }])).toBeGreaterThanOrEqual(sequential.haltLimit)
  })

  test('within a wave only the counts matter, and a flip to failure only raises it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(20)), { minLength: 1, maxLength: 12 }), (waves) => {
        const cells = waves.map(([succeeded, failed]) => ({ succeeded, failed }))
        const before = sequential.ratio(cells)
        for (const cell of cells) {
          if (cell.succeeded === 0) continue
          cell.succeeded--
          cell.failed++
          expect(sequential.ratio(cells)).toBeGreaterThanOrEqual(before)
          cell.succeeded++
          cell.failed--
        }
      }),
      { seed: 1 },
    )
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
