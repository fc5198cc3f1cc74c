import { expect, test } from 'vitest'
import { dateCell } from './table-cells.ts'

test.each<[number, string]>([
  [0, '0s'],
  [-1, '0s'],
  [-3, '<invalid>'],
  [119, '119s'],
  [120, '2m'],
  [330, '5m30s'],
  [600, '10m'],
  [3 * 3600, '3h'],
  [3 * 3600 + 1800, '3h30m'],
  [9 * 3600 + 1800, '9h'],
  [47 * 3600, '47h'],
  [48 * 3600, '2d'],
  [3 * 86_400 + 4 * 3600, '3d4h'],
  [100 * 86_400, '100d'],
  [800 * 86_400, '2y70d'],
  [9 * 365 * 86_400, '9y'],
])('%d seconds ago is %s', (seconds, text) => {
  expect(dateCell('1970-01-02T00:00:00Z', (86_400 + seconds) * 1000)).toBe(text)
})

test('without a time, or with none that can be read', () => {
  expect(dateCell(undefined, 0)).toBe('<unknown>')
  expect(dateCell('yesterday', 0)).toBe('<invalid>')
  expect(dateCell('1970-01-01T00:00:00Z', 5000)).toBe('5s')
})
