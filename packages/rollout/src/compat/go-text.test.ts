import { describe, expect, test } from 'vitest'
import { LONGEST_DURATION, parseGoDuration, parseGoFloat } from './go-text.ts'
import { parseDeadline, parseSoak, readMaxConcurrency, readMaxFailures, rolloutSize } from './limits.ts'
import { compareNames, sortNames } from './names.ts'
import { COMPATIBLE, STRICT } from './quirks.ts'

describe('durations', () => {
  test.each([
    ['0', 0n],
    ['1s', 1_000_000_000n],
    ['1h30m', 5_400_000_000_000n],
    ['-1.5s', -1_500_000_000n],
    ['+2m', 120_000_000_000n],
    ['.5s', 500_000_000n],
    ['1.s', 1_000_000_000n],
    ['1h1us', 3_600_000_001_000n],
    ['1µs1μs1ns', 2_001n],
    ['0.0000000001s', 0n],
    ['2562047h47m16.854775807s', LONGEST_DURATION],
    ['-2562047h47m16.854775808s', -LONGEST_DURATION - 1n],
  ])('%s', (text, nanoseconds) => {
    expect(parseGoDuration(text)).toBe(nanoseconds)
  })

  test.each([
    '',
    '-',
    '.',
    '.s',
    's',
    '90',
    '2d',
    '10sx',
    '1m 5s',
    '1m1',
    '5 m',
    '1mh',
    '2562047h47m16.854775808s',
    '9999999h',
  ])('refuses %j', (text) => {
    expect(parseGoDuration(text)).toBeUndefined()
  })
})

describe('numbers', () => {
  test.each([
    ['5', 5],
    ['+7', 7],
    ['-.5', -0.5],
    ['5.', 5],
    ['1e1', 10],
    ['1_0.2_5', 10.25],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['nan', NaN],
    ['0x1p3', 8],
    ['-0x_1.8p+1', -3],
    ['0x.8p0', 0.5],
  ])('%s', (text, value) => {
    expect(parseGoFloat(text)).toBe(value)
  })

  test.each(['', ' 5', '5%', '1e', '1e400', '_1', '1_', '1__0', '1._5', '-nan', '0x1', '0b1', '0xp1', '1,5', 'infin'])(
    'refuses %j',
    (text) => {
      expect(parseGoFloat(text)).toBeUndefined()
    },
  )
})

describe('limits', () => {
  test.each([
    ['90s', 90_000, 90_000],
    ['1h30m', 5_400_000, 'error'],
    ['5ms', 5, 'error'],
    ['0s', 0, 0],
    ['None', undefined, undefined],
    ['', undefined, undefined],
    ['10|', 'error', 'error'],
    ['xNone', 'error', 'error'],
    ['-5s', 'error', 'error'],
    ['90', 'error', 'error'],
    ['2562047h47m16.854775807s', undefined, 'error'],
  ])('deadline %j is %s, strict %s', (text, compatible, strict) => {
    const read = (kept: typeof STRICT) => {
      try {
        return parseDeadline(text, kept)
      } catch {
        return 'error'
      }
    }
    expect(read(COMPATIBLE)).toBe(compatible)
    expect(read(STRICT)).toBe(strict)
  })

  test('a soak that cannot be read says what to write', () => {
    expect(parseSoak('1m')).toBe(60_000)
    expect(parseSoak(undefined)).toBe(0)
    expect(() => parseSoak('soon')).toThrow('minSuccessTime "soon" is no duration; write one such as 90s, 10m or 1h30m')
  })

  test.each([
    [5, 5, 5],
    ['33.3%', 4, 4],
    ['0.5%', 1, 1],
    [99, 0, 10],
    ['200%', 0, 10],
    [-1, 0, 0],
    ['NaN%', 0, 0],
    ['Inf%', 0, 10],
    [undefined, 0, 0],
  ])('maxFailures %s of 10 is %d, strict %d', (value, compatible, strict) => {
    expect(readMaxFailures(value, COMPATIBLE, 'budgetAboveFleetIsZero')(10)).toBe(compatible)
    expect(readMaxFailures(value, STRICT, 'budgetAboveFleetIsZero')(10)).toBe(strict)
  })

  test.each([
    [5, 5, 5],
    ['33.3%', 4, 4],
    [99, 10, 10],
    [0, 10, 0],
    ['-5%', 10, 0],
    ['NaN%', 10, 0],
    [undefined, 10, 10],
  ])('maxConcurrency %s of 10 is %d, strict %d', (value, compatible, strict) => {
    expect(readMaxConcurrency(value, COMPATIBLE)(10)).toBe(compatible)
    expect(readMaxConcurrency(value, STRICT)(10)).toBe(strict)
  })

  test('what is no size says which field and what to write', () => {
    expect(() => rolloutSize('two', 5, 1)).toThrow(
      'maxConcurrency "two" is no percentage; write a number such as 5 or a percentage such as "10%"',
    )
  })
})

test('names are in the order of their UTF-8 bytes', () => {
  expect(sortNames(['c\u{10000}', 'c\uffee', 'b', 'c', 'c10', 'c2'])).toEqual([
    'b',
    'c',
    'c10',
    'c2',
    'c\uffee',
    'c\u{10000}',
  ])
  expect(compareNames('c\u{10000}', 'c\uffee')).toBeGreaterThan(0)
  expect(compareNames('c\u{10000}', 'c\u{10000}d')).toBeLessThan(0)
  expect(compareNames('a', 'b')).toBeLessThan(0)
  expect(compareNames('a', 'a')).toBe(0)
})
