import { describe, expect, test } from 'vitest'
import { keepFields } from './fields.ts'

const object = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: {
    name: 'a',
    labels: { colour: 'red' },
    managedFields: [
      { manager: 'm', operation: 'Apply' as const, apiVersion: 'v1', fieldsType: 'FieldsV1' as const, fieldsV1: {} },
    ],
  },
  spec: { size: 1, overrides: [{ image: 'x', tag: 'y' }], empty: null },
  status: { conditions: [{ type: 'Ready', message: 'long' }], phase: 'Done' },
}
const { managedFields: _, ...metadata } = object.metadata
const base = { apiVersion: 'example.com/v1', kind: 'Widget', metadata }

describe('keepFields', () => {
  test.each([
    [[], base],
    [['spec.size'], { ...base, spec: { size: 1 } }],
    [['spec.size', 'spec'], { ...base, spec: object.spec }],
    [['spec', 'spec.size'], { ...base, spec: object.spec }],
    [['status.conditions.type'], { ...base, status: { conditions: [{ type: 'Ready' }] } }],
    [['spec.empty', 'spec.absent', 'absent.at.all'], { ...base, spec: { empty: null } }],
    [['spec.size.deeper', 'metadata.labels'], { ...base, spec: { size: 1 } }],
    [['metadata.managedFields'], { ...base, metadata: object.metadata }],
  ])('%j', (paths, expected) => {
    expect(keepFields(paths)(object)).toEqual(expected)
  })

  test('leaves the object itself alone', () => {
    const before = structuredClone(object)
    keepFields(['status.conditions.type'])(object)
    expect(object).toEqual(before)
  })
})
