import { describe, expect, test } from 'vitest'
import { formatCheck } from './formats.ts'

describe('formats', () => {
  test.each<[string, string[], string[]]>([
    [
      'date-time',
      ['2026-01-05T08:00:00Z', '2026-01-05t08:00:00.123+02:00'],
      ['2026-01-05', '2026-02-30T08:00:00Z', '2026-01-05T24:00:00Z', '2026-01-05T08:00:00'],
    ],
    ['date', ['2024-02-29'], ['2025-02-29', '2025-13-01', '2025-1-1']],
    ['duration', ['24h', '1h30m', '1.5s', '0', '3 days', '2w', 'P1D'], ['', '24', 'h', '3 fortnights']],
    ['ipv4', ['10.0.0.1', '010.0.0.01'], ['10.0.0.256', '::1']],
    ['ipv6', ['::1', 'fe80::1'], ['10.0.0.1', 'fe80::1%eth0']],
    ['cidr', ['10.0.0.0/8', '::/0'], ['10.0.0.0', '10.0.0.0/33', '::/129']],
    ['mac', ['00:00:5e:00:53:01', '00-00-5e-00-53-01', '0000.5e00.5301'], ['00:00:5e', 'x']],
    ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567']],
    ['uuid3', ['123e4567-e89b-32d3-a456-426614174000'], ['123e4567-e89b-42d3-a456-426614174000']],
    ['uuid4', ['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-42d3-7456-426614174000']],
    ['uuid5', ['123e4567-e89b-52d3-a456-426614174000'], ['123e4567-e89b-42d3-a456-426614174000']],
    ['byte', ['YQ==', 'YWJj'], ['', 'YQ', 'a b=']],
    ['uri', ['https://example.com/x', '/path', 'urn:a:b'], ['example', 'a b:c', '']],
    ['email', ['a@example.com', 'A <a@b.c>'], ['a', '@x', 'a b@x']],
    [
      'hostname',
      ['example.com', 'a-b', 'a-', 'a$b', 'a-b-c.example.com'],
      ['-a', 'a..b', 'a.b', 'a-b-c', 'a_b', '1.2', 'a'.repeat(64)],
    ],
    ['hexcolor', ['#fff', 'a0B1c2'], ['#ff', 'red']],
    ['rgbcolor', ['rgb(1, 2,255)'], ['rgb(1,2,256)', 'rgb(1,2)']],
    ['creditcard', ['4111 1111 1111 1111'], ['4111111111111112', '1']],
    ['isbn', ['0-306-40615-2', '978-0-306-40615-7'], ['0306406153', 'x']],
    ['isbn10', ['080442957X'], ['9780306406157']],
    ['isbn13', ['9780306406157'], ['9780306406158']],
    ['ssn', ['123-45-6789'], ['123-456-789', '123456789']],
    ['bsonobjectid', ['507f1f77bcf86cd799439011'], ['507f']],
    ['k8s-short-name', ['a-1'], ['A', 'a.b', 'a'.repeat(64)]],
    ['k8s-long-name', ['a.b'], ['a..b', 'A.b']],
    ['password', ['anything'], []],
  ])('%s', (name, good, bad) => {
    const check = formatCheck(name)!
    expect(good.filter((text) => !check(text))).toEqual([])
    expect(bad.filter((text) => check(text))).toEqual([])
  })

  test('others are remarks only', () => {
    for (const name of ['int32', 'int64', 'float', 'ip', 'whatever']) expect(formatCheck(name)).toBeUndefined()
  })
})
