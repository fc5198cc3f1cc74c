import type { StructuralSchema } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { validateSchema } from '../crd/validate-schema.ts'

const string: StructuralSchema = { type: 'string' }

/** Errors of a schema with `field` as its only property, with paths below that field. */
function errorsOf(field: StructuralSchema): string[] {
  return validateSchema({ type: 'object', properties: { f: field } }, 's', false).map(
    ({ reason, field: path, message }) => `${reason} ${path.replace('s.properties[f]', '')}: ${message}`,
  )
}

describe('structural schemas', () => {
  test('are accepted', () => {
    const schema: StructuralSchema = {
      type: 'object',
      description: 'A widget.',
      required: ['spec'],
      properties: {
        apiVersion: string,
        kind: string,
        metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 10 } } },
        spec: {
          type: 'object',
          properties: {
            size: { type: 'integer', default: 3, minimum: 1 },
            port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
            blob: { 'x-kubernetes-preserve-unknown-fields': true },
            parts: {
              type: 'array',
              items: { type: 'object', required: ['name'], properties: { name: string } },
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['name'],
            },
            options: { type: 'object', default: { a: 'x' }, properties: { a: string, b: { ...string, default: 'y' } } },
          },
          oneOf: [{ required: ['size'] }, { properties: { port: { pattern: '^8' } }, required: ['port'] }],
        },
      },
    }
    expect(validateSchema(schema, 's', true)).toEqual([])
  })

  test('start with an object', () => {
    expect(validateSchema({}, 's', false)).toEqual([
      { reason: 'FieldValueRequired', field: 's.type', message: 'Required value: must not be empty at the root' },
    ])
    expect(validateSchema({ type: 'string' }, 's', false)[0]?.message).toBe(
      'Invalid value: "string": must be object at the root',
    )
    const fields = validateSchema({ type: 'object', nullable: true, default: {} }, 's', false).map(({ field }) => field)
    expect(fields).toContain('s.nullable')
  })

  test.each<[StructuralSchema, string[]]>([
    [{}, ['FieldValueRequired .type: Required value: must not be empty for specified object fields']],
    [
      { type: 'array', items: {} },
      ['FieldValueRequired .items.type: Required value: must not be empty for specified array items'],
    ],
    [{ type: 'array' }, ['FieldValueRequired .items: Required value: must be specified']],
    [
      { type: 'text' as 'string' },
      [
        'FieldValueNotSupported .type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
      ],
    ],
    [
      { type: 'object', properties: { a: string }, additionalProperties: string },
      [
        'FieldValueForbidden .additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
      ],
    ],
    [
      { type: 'array', items: string, uniqueItems: true },
      [
        'FieldValueForbidden .uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ],
    ],
    [
      { 'x-kubernetes-embedded-resource': true },
      [
        'FieldValueRequired .properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
        'FieldValueRequired .type: Required value: must be object if x-kubernetes-embedded-resource is true',
      ],
    ],
    [
      { type: 'string', 'x-kubernetes-list-type': 'set' },
      ['FieldValueInvalid .type: Invalid value: "string": must be array if x-kubernetes-list-type is specified'],
    ],
    [
      { type: 'array', items: string, 'x-kubernetes-list-map-keys': ['a'] },
      [
        'FieldValueRequired .x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty',
      ],
    ],
    [
      { type: 'array', items: { type: 'object', properties: { a: string } }, 'x-kubernetes-list-type': 'map' },
      [
        'FieldValueRequired .x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
      ],
    ],
    [
      {
        type: 'array',
        items: { type: 'object', properties: { a: string } },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['a', 'b'],
      },
      [
        'FieldValueInvalid .x-kubernetes-list-map-keys: Invalid value: ["a","b"]: entries must all be names of item properties',
        'FieldValueRequired .items.properties[a].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      ],
    ],
    [
      { type: 'string', pattern: '(' },
      [expect.stringMatching(/^FieldValueInvalid \.pattern: Invalid value: "\(": must be a valid regular expression/)],
    ],
    [
      { type: 'string', pattern: 'a(?=b)' },
      [expect.stringMatching(/^FieldValueInvalid \.pattern: .*must be a valid regular expression/)],
    ],
    [
      { type: 'integer', default: 'x' },
      ['FieldValueTypeInvalid .default: Invalid value: "string":  in body must be of type integer: "string"'],
    ],
    [
      { type: 'object', properties: { a: string }, default: { b: 1 } },
      ['FieldValueInvalid .default: Invalid value: {"b":1}: must not have unknown fields'],
    ],
    [
      { type: 'string', anyOf: [{ type: 'string', description: 'x', nullable: true }] },
      [
        'FieldValueForbidden .anyOf[0].description: Forbidden: must be empty to be structural',
        'FieldValueForbidden .anyOf[0].nullable: Forbidden: must be false to be structural',
        'FieldValueForbidden .anyOf[0].type: Forbidden: must be empty to be structural',
      ],
    ],
    [
      { type: 'string', 'x-kubernetes-map-type': 'atomic' },
      ['FieldValueInvalid .type: Invalid value: "string": must be object if x-kubernetes-map-type is specified'],
    ],
  ])('refuse %j', (schema, expected) => {
    expect(errorsOf(schema)).toEqual(expected)
  })

  test('leave metadata to the server', () => {
    const metadata: StructuralSchema = { type: 'object', properties: { labels: { type: 'object' } } }
    expect(
      validateSchema({ type: 'object', properties: { metadata } }, 's', false).map(({ message }) => message),
    ).toEqual([
      'Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ])
  })
})
