import { describe, expect, test } from 'vitest'
import { parseOutputFormat } from './output-format.ts'
import { age, duration, renderTable } from './output.ts'

interface Row {
  readonly name: string
  readonly count?: number
  readonly note: string
}

const columns = [
  { title: 'NAME', cell: (row: Row) => row.name },
  { title: 'COUNT', cell: (row: Row) => row.count },
  { title: 'NOTE', wide: true, cell: (row: Row) => row.note },
]
const rows: Row[] = [
  { name: 'a-rather-long-name', count: 0, note: 'first' },
  { name: 'b', note: '' },
]

describe('tables', () => {
  test('pad to the widest cell, three apart, without blanks at the end', () => {
    expect(renderTable(columns, rows)).toBe(
      [
        'NAME                 COUNT', //
        'a-rather-long-name   0',
        'b                    <none>',
        '',
      ].join('\n'),
    )
  })

  test('show wide columns only when asked, and say <none> for what is absent or empty', () => {
    expect(renderTable(columns, rows, true)).toBe(
      [
        'NAME                 COUNT    NOTE', //
        'a-rather-long-name   0        first',
        'b                    <none>   <none>',
        '',
      ].join('\n'),
    )
  })

  test('without rows are a header', () => {
    expect(renderTable(columns, [])).toBe('NAME   COUNT\n')
  })
})

test.each([
  [0, '0s'],
  [119_000, '119s'],
  [120_000, '2m'],
  [59 * 60_000, '59m'],
  [3 * 3_600_000, '3h'],
  [3 * 3_600_000 + 20 * 60_000, '3h20m'],
  [5 * 24 * 3_600_000 + 1, '5d'],
  [-5000, '0s'],
])('%d ms reads %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test('an age needs a time', () => {
  expect(age(undefined, 0)).toBeUndefined()
  expect(age('1970-01-01T00:00:10Z', 40_000)).toBe('30s')
})

test('an unknown output format is a usage error that names the known ones', () => {
  expect(parseOutputFormat('wide')).toBe('wide')
  expect(() => parseOutputFormat('xml')).toThrow(
    'unknown output format "xml"; use one of table, wide, json, yaml, name',
  )
})
