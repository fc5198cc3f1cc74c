import { expect, test } from 'vitest'
import { fromNow, isoTime, moment, momentCell } from './times.ts'

const now = Date.parse('2026-01-05T08:00:00Z')
const minutes = (count: number) => now + count * 60_000

test.each([
  [0, '08:00 UTC (now)'],
  [200, '11:20 UTC (in 3h20m)'],
  [-10, '07:50 UTC (10m ago)'],
  [16 * 60, 'Tue 00:00 UTC (in 16h)'],
  [-9 * 60, 'Sun 23:00 UTC (9h ago)'],
  [6 * 24 * 60, '2026-01-11 08:00 UTC (in 6d)'],
  [Infinity, 'never'],
])('%d minutes from now is %j', (count, words) => {
  expect(moment(minutes(count), now)).toBe(words)
})

test('a cell says no zone, and nothing for nothing', () => {
  expect(momentCell(minutes(200), now)).toBe('11:20 (in 3h20m)')
  expect(momentCell(Infinity, now)).toBe('never')
  expect(momentCell(undefined, now)).toBeUndefined()
})

test('for programs', () => {
  expect(isoTime(minutes(200) + 999)).toBe('2026-01-05T11:20:00Z')
  expect(isoTime(Infinity)).toBeUndefined()
  expect(fromNow(now + 45_000, now)).toBe('in 45s')
})
