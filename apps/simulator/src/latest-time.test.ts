import { expect, test } from 'vitest'
import { latestTime } from './latest-time.ts'

test('the latest time is the latest of creation, writes and lease renewals', () => {
  const object = (metadata: object, spec: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', ...metadata },
    spec,
  })
  const managed = (time: string) => ({
    managedFields: [
      {
        manager: 'm',
        operation: 'Update' as const,
        apiVersion: 'v1',
        time,
        fieldsType: 'FieldsV1' as const,
        fieldsV1: {},
      },
    ],
  })
  const created = object({ creationTimestamp: '2026-01-05T08:00:00Z' })
  const written = object(managed('2026-01-05T09:00:00Z'))
  const renewed = object({}, { renewTime: '2026-01-05T10:00:00.000000Z' })
  expect(latestTime([])).toBe(0)
  expect(latestTime([created])).toBe(Date.UTC(2026, 0, 5, 8))
  expect(latestTime([written, created])).toBe(Date.UTC(2026, 0, 5, 9))
  expect(latestTime([created, renewed, written])).toBe(Date.UTC(2026, 0, 5, 10))
})
