import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatDuration, parseDuration } from './durations.ts'

describe('durations', () => {
  test.each([
    ['0s', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['24h', 86_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test('are written back exactly', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 10), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms)
      }),
    )
  })

  test('are short', () => {
    expect(formatDuration(5_400_000)).toBe('1h30m')
    expect(formatDuration(0)).toBe('0s')
  })

  test.each(['', '90', '-1h', '1d', '1h 30m', 'h'])('%j is refused with advice', (text) => {
    expect(() => parseDuration(text)).toThrow(
      `"${text}" is not a duration: it needs numbers with units; write it like 90s`,
    )
  })
})
