import type { FieldError, StructuralSchema } from '@locktender/kube'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileSchema } from './compile.ts'

/** The schema of an object whose `spec.value` is `schema`. */
function around(schema: StructuralSchema): StructuralSchema {
  return {
    type: 'object',
    properties: { spec: { type: 'object', properties: { value: schema } } },
  }
}

function errorsOf(schema: StructuralSchema, value: unknown): string[] {
  return compileSchema(around(schema)).validate({ spec: { value } }).map(line)
}

function line({ reason, field, message }: FieldError): string {
  return `${reason} ${field}: ${message}`
}

const string: StructuralSchema = { type: 'string' }
const integer: StructuralSchema = { type: 'integer' }

describe('validation says what Kubernetes says', () => {
  test.each<[string, StructuralSchema, unknown, string[]]>([
    [
      'a wrong type',
      integer,
      'x',
      [
        'FieldValueTypeInvalid spec.value: Invalid value: "string": spec.value in body must be of type integer: "string"',
      ],
    ],
    [
      'a fraction for an integer',
      integer,
      1.5,
      [
        'FieldValueTypeInvalid spec.value: Invalid value: "number": spec.value in body must be of type integer: "number"',
      ],
    ],
    [
      'null where none is allowed',
      string,
      null,
      ['FieldValueTypeInvalid spec.value: Invalid value: "null": spec.value in body must be of type string: "null"'],
    ],
    [
      'neither integer nor string',
      { 'x-kubernetes-int-or-string': true },
      true,
      [
        'FieldValueTypeInvalid spec.value: Invalid value: "boolean": spec.value in body must be of type integer,string: "boolean"',
      ],
    ],
    [
      'a missing field',
      { type: 'object', properties: { name: string }, required: ['name'] },
      {},
      ['FieldValueRequired spec.value.name: Required value'],
    ],
    [
      'a value outside of an enumeration',
      { type: 'string', enum: ['a', 'b'] },
      'c',
      ['FieldValueNotSupported spec.value: Unsupported value: "c": supported values: "a", "b"'],
    ],
    [
      'a number outside of an enumeration',
      { type: 'integer', enum: [1, 2] },
      3,
      ['FieldValueNotSupported spec.value: Unsupported value: 3: supported values: "1", "2"'],
    ],
    [
      'too small a number',
      { type: 'integer', minimum: 1 },
      0,
      ['FieldValueInvalid spec.value: Invalid value: 0: spec.value in body should be greater than or equal to 1'],
    ],
    [
      'an excluded minimum',
      { type: 'number', minimum: 1, exclusiveMinimum: true },
      1,
      ['FieldValueInvalid spec.value: Invalid value: 1: spec.value in body should be greater than 1'],
    ],
    [
      'too large a number',
      { type: 'integer', maximum: 10 },
      11,
      ['FieldValueInvalid spec.value: Invalid value: 11: spec.value in body should be less than or equal to 10'],
    ],
    [
      'an excluded maximum',
      { type: 'number', maximum: 10, exclusiveMaximum: true },
      10,
      ['FieldValueInvalid spec.value: Invalid value: 10: spec.value in body should be less than 10'],
    ],
    [
      'no multiple',
      { type: 'integer', multipleOf: 5 },
      7,
      ['FieldValueInvalid spec.value: Invalid value: 7: spec.value in body should be a multiple of 5'],
    ],
    [
      'too short a string',
      { type: 'string', minLength: 1 },
      '',
      ['FieldValueInvalid spec.value: Invalid value: "": spec.value in body should be at least 1 chars long'],
    ],
    [
      'too long a string',
      { type: 'string', maxLength: 3 },
      'abcd',
      ['FieldValueTooLong spec.value: Too long: may not be more than 3 bytes'],
    ],
    [
      'a string that does not match',
      { type: 'string', pattern: '^[a-z]+$' },
      'A',
      [`FieldValueInvalid spec.value: Invalid value: "A": spec.value in body should match '^[a-z]+$'`],
    ],
    [
      'a string of another format',
      { type: 'string', format: 'date-time' },
      'soon',
      ['FieldValueTypeInvalid spec.value: Invalid value: "soon": spec.value in body must be of type date-time: "soon"'],
    ],
    [
      'too few items',
      { type: 'array', items: string, minItems: 1 },
      [],
      ['FieldValueInvalid spec.value: Invalid value: 0: spec.value in body should have at least 1 items'],
    ],
    [
      'too many items',
      { type: 'array', items: string, maxItems: 1 },
      ['a', 'b'],
      ['FieldValueTooMany spec.value: Too many: 2: must have at most 1 item'],
    ],
    [
      'too few properties',
      { type: 'object', additionalProperties: string, minProperties: 1 },
      {},
      ['FieldValueInvalid spec.value: Invalid value: 0: spec.value in body should have at least 1 properties'],
    ],
    [
      'too many properties',
      { type: 'object', additionalProperties: string, maxProperties: 1 },
      { a: 'x', b: 'y' },
      ['FieldValueTooMany spec.value: Too many: 2: must have at most 1 item'],
    ],
    [
      'an item of a list',
      { type: 'array', items: { type: 'object', properties: { size: integer } } },
      [{ size: 1 }, { size: 'x' }],
      [
        'FieldValueTypeInvalid spec.value[1].size: Invalid value: "string": spec.value[1].size in body must be of type integer: "string"',
      ],
    ],
    [
      'a value of a map',
      { type: 'object', additionalProperties: integer },
      { a: 1, 'b.c/d': 'x' },
      [
        'FieldValueTypeInvalid spec.value.b.c/d: Invalid value: "string": spec.value.b.c/d in body must be of type integer: "string"',
      ],
    ],
    [
      'an item twice in a set',
      { type: 'array', items: string, 'x-kubernetes-list-type': 'set' },
      ['a', 'b', 'a'],
      ['FieldValueDuplicate spec.value[2]: Duplicate value: "a"'],
    ],
    [
      'a key twice in a list map',
      {
        type: 'array',
        items: { type: 'object', properties: { name: string, port: integer }, required: ['name'] },
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name', 'port'],
      },
      [
        { name: 'a', port: 1 },
        { port: 1, name: 'b' },
        { port: 1, name: 'a', more: 1 },
      ],
      ['FieldValueDuplicate spec.value[2]: Duplicate value: {"name":"a","port":1}'],
    ],
    [
      'an embedded resource without a kind',
      { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      { apiVersion: 'v1' },
      ['FieldValueRequired spec.value.kind: Required value'],
    ],
    [
      'bad metadata of an embedded resource',
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      { apiVersion: 'a/b/c', kind: 'Pod', metadata: { labels: { a: 1 } } },
      [
        'FieldValueInvalid spec.value.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c',
        'FieldValueInvalid spec.value.metadata.labels: Invalid value: {"a":1}: must be a map of strings',
      ],
    ],
    [
      'no alternative',
      { type: 'object', properties: { a: string, b: string }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      [
        'FieldValueInvalid <nil>: Invalid value: "": "spec.value" must validate at least one schema (anyOf)',
        'FieldValueRequired spec.value.a: Required value',
      ],
    ],
    [
      'two alternatives where one is asked for',
      { type: 'object', properties: { a: string, b: string }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
      { a: '', b: '' },
      [
        'FieldValueInvalid <nil>: Invalid value: "": "spec.value" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      'one of several rules',
      { type: 'string', allOf: [{ minLength: 1 }, { maxLength: 2 }] },
      'abc',
      [
        'FieldValueTooLong spec.value: Too long: may not be more than 2 bytes',
        'FieldValueInvalid <nil>: Invalid value: "": "spec.value" must validate all the schemas (allOf)',
      ],
    ],
    [
      'what is ruled out',
      { type: 'string', not: { enum: ['root'] } },
      'root',
      ['FieldValueInvalid <nil>: Invalid value: "": "spec.value" must not validate the schema (not)'],
    ],
  ])('about %s', (_name, schema, value, expected) => {
    expect(errorsOf(schema, value)).toEqual(expected)
  })

  test('about everything that is wrong at once', () => {
    const schema: StructuralSchema = {
      type: 'object',
      required: ['mode'],
      properties: { mode: string, size: { type: 'integer', minimum: 1 }, names: { type: 'array', items: string } },
    }
    expect(errorsOf(schema, { size: 0, names: [1, 'x', 2] })).toHaveLength(4)
  })

  test('even of names that objects in this language have by themselves', () => {
    const schema: StructuralSchema = { type: 'object', properties: { toString: string }, required: ['constructor'] }
    expect(errorsOf(schema, JSON.parse('{"__proto__": {"toString": 1}}'))).toEqual([
      'FieldValueRequired spec.value.constructor: Required value',
    ])
  })
})

describe('validation accepts', () => {
  test.each<[string, StructuralSchema, unknown]>([
    ['an integer as a number', { type: 'number' }, 1],
    ['a number that is whole', integer, 5.0],
    ['null where it is allowed', { type: 'string', nullable: true }, null],
    ['an integer or a string', { 'x-kubernetes-int-or-string': true }, '80%'],
    ['an integer or a string by alternatives', intOrString(), 80],
    ['formats nobody enforces', { type: 'integer', format: 'int32' }, 2 ** 40],
    ['decimal multiples', { type: 'number', multipleOf: 0.1 }, 0.3],
    ['characters outside of the basic plane as one', { type: 'string', maxLength: 2, minLength: 2 }, '🚢🚢'],
    ['a pattern found anywhere', { type: 'string', pattern: 'b' }, 'abc'],
    ['patterns only RE2 knows', { type: 'string', pattern: '^(?i)[[:alpha:]]+$' }, 'AbC'],
    ['unknown fields, which pruning is for', { type: 'object', properties: {} }, { more: 1 }],
    ['equal items of an atomic list', { type: 'array', items: string }, ['a', 'a']],
    ['composite members of an enumeration', { type: 'object', enum: [{ a: 1, b: 2 }] }, { b: 2, a: 1 }],
    [
      'an embedded resource',
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', labels: { a: 'b' } } },
    ],
  ])('%s', (_name, schema, value) => {
    expect(errorsOf(schema, value)).toEqual([])
  })

  test('an unchanged value that a stricter schema refuses, but no new one', () => {
    const compiled = compileSchema({
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          required: ['mode'],
          properties: { size: { type: 'integer', minimum: 5 }, mode: string, list: { type: 'array', items: integer } },
        },
      },
    })
    const before = { spec: { size: 1, list: ['x'] } }
    expect(compiled.validate(before)).toHaveLength(3)
    expect(compiled.validate({ ...before, more: 1 }, before)).toEqual([])
    const changed = { spec: { size: 2, list: ['x'] } }
    expect(compiled.validate(changed, before).map(({ field }) => field)).toEqual(['spec.mode', 'spec.size'])
    expect(compiled.validate({ spec: { size: 1, list: ['x', 'y'] } }, before).map(({ field }) => field)).toEqual([
      'spec.mode',
      'spec.list[0]',
      'spec.list[1]',
    ])
  })
})

function intOrString(): StructuralSchema {
  return { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }], pattern: '^8' }
}

describe('pruning', () => {
  const schema: StructuralSchema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          size: integer,
          labels: { type: 'object', additionalProperties: string },
          parts: { type: 'array', items: { type: 'object', properties: { name: string } } },
          free: {
            type: 'object',
            'x-kubernetes-preserve-unknown-fields': true,
            properties: { known: { type: 'object', properties: { a: string } } },
          },
          template: {
            type: 'object',
            'x-kubernetes-embedded-resource': true,
            properties: { spec: { type: 'object', properties: { a: string } } },
          },
          any: { 'x-kubernetes-preserve-unknown-fields': true },
          open: { type: 'object', additionalProperties: true },
        },
      },
    },
  }

  test('removes what the schema does not know and says where it was', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'Widget',
      metadata: { name: 'x', anything: 1 },
      stray: 1,
      spec: {
        size: 1,
        stray: {},
        labels: { any: 'x' },
        parts: [{ name: 'a' }, { name: 'b', stray: 1 }],
        free: { anything: { goes: 1 }, known: { a: 'x', stray: 1 } },
        template: { apiVersion: 'v1', kind: 'Pod', metadata: { any: 1 }, stray: 1, spec: { a: 'x', stray: 1 } },
        any: { thing: [{ x: 1 }] },
        open: { thing: { x: 1 } },
      },
    }
    const before = structuredClone(object)
    const { value, pruned } = compileSchema(schema).prune(object)
    expect(object).toEqual(before)
    expect(pruned).toEqual([
      'stray',
      'spec.stray',
      'spec.parts[1].stray',
      'spec.free.known.stray',
      'spec.template.stray',
      'spec.template.spec.stray',
      'spec.open.thing.x',
    ])
    expect(value).toEqual({
      apiVersion: 'v1',
      kind: 'Widget',
      metadata: { name: 'x', anything: 1 },
      spec: {
        size: 1,
        labels: { any: 'x' },
        parts: [{ name: 'a' }, { name: 'b' }],
        free: { anything: { goes: 1 }, known: { a: 'x' } },
        template: { apiVersion: 'v1', kind: 'Pod', metadata: { any: 1 }, spec: { a: 'x' } },
        any: { thing: [{ x: 1 }] },
        open: { thing: {} },
      },
    })
  })

  test('returns the same object when there is nothing to remove', () => {
    const object = { apiVersion: 'v1', spec: { size: 1, parts: [{ name: 'a' }] } }
    const result = compileSchema(schema).prune(object)
    expect(result.value).toBe(object)
    expect(result.pruned).toEqual([])
  })

  test('of an empty schema keeps only what every object has', () => {
    const { value } = compileSchema({ type: 'object' }).prune({ apiVersion: 'v1', kind: 'X', metadata: {}, spec: {} })
    expect(value).toEqual({ apiVersion: 'v1', kind: 'X', metadata: {} })
  })
})

describe('defaulting', () => {
  const size: StructuralSchema = { type: 'integer', default: 3 }

  test.each<[string, StructuralSchema, unknown, unknown]>([
    ['fills in what is missing', { type: 'object', properties: { size } }, {}, { size: 3 }],
    ['leaves what is there', { type: 'object', properties: { size } }, { size: 4 }, { size: 4 }],
    ['replaces a null that is not allowed', { type: 'object', properties: { size } }, { size: null }, { size: 3 }],
    [
      'keeps a null that is allowed',
      { type: 'object', properties: { size: { ...size, nullable: true } } },
      { size: null },
      { size: null },
    ],
    ['drops a null without a default', { type: 'object', properties: { a: string } }, { a: null }, {}],
    [
      'does not invent parents',
      { type: 'object', properties: { a: { type: 'object', properties: { size } } } },
      {},
      {},
    ],
    [
      'completes a default by those of its parts',
      { type: 'object', properties: { a: { type: 'object', default: { x: 'y' }, properties: { size, x: string } } } },
      {},
      { a: { x: 'y', size: 3 } },
    ],
    [
      'goes into items',
      { type: 'array', items: { type: 'object', properties: { size } } },
      [{}, { size: 1 }],
      [{ size: 3 }, { size: 1 }],
    ],
    [
      'goes into values of maps',
      { type: 'object', additionalProperties: { type: 'object', properties: { size } } },
      { a: {}, b: null },
      { a: { size: 3 } },
    ],
    ['replaces null items', { type: 'array', items: size }, [null, 1], [3, 1]],
    [
      'keeps nulls in data of unknown shape',
      { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      { a: null },
      { a: null },
    ],
  ])('%s', (_name, schema, value, expected) => {
    const object = { spec: { value } }
    const before = structuredClone(object)
    expect(compileSchema(around(schema)).applyDefaults(object)).toEqual({ spec: { value: expected } })
    expect(object).toEqual(before)
  })

  test('gives each object a default of its own', () => {
    const compiled = compileSchema({
      type: 'object',
      properties: { list: { type: 'array', items: string, default: ['a'] } },
    })
    const [first, second] = [
      compiled.applyDefaults<{ list?: string[] }>({}),
      compiled.applyDefaults<{ list?: string[] }>({}),
    ]
    expect(first.list).toEqual(['a'])
    expect(first.list).not.toBe(second.list)
  })
})

describe('for any schema and object', () => {
  const { schema } = fc.letrec<{ schema: StructuralSchema }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<StructuralSchema>(
        string,
        integer,
        { type: 'string', default: 'd' },
        { type: 'boolean' },
        {
          'x-kubernetes-int-or-string': true,
          default: 1,
        },
      ),
      fc
        .dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema'))
        .map((properties): StructuralSchema => ({ type: 'object', properties })),
      tie('schema').map((additionalProperties): StructuralSchema => ({ type: 'object', additionalProperties })),
      tie('schema').map((items): StructuralSchema => ({ type: 'array', items })),
    ),
  }))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('x', 1, 1.5, true, null),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { noNullPrototype: true }),
      fc.array(tie('value'), { maxLength: 3 }),
    ),
  }))

  test('pruning and defaulting are idempotent, pure, and share what they do not change', () => {
    fc.assert(
      fc.property(schema, value, (part, content) => {
        const compiled = compileSchema(around(part))
        const object = { spec: { value: content } }
        const before = structuredClone(object)
        const { value: pruned, pruned: paths } = compiled.prune(object)
        expect(pruned === object).toBe(paths.length === 0)
        expect(compiled.prune(pruned).value).toBe(pruned)
        const complete = compiled.applyDefaults(pruned)
        expect(compiled.applyDefaults(complete)).toBe(complete)
        expect(compiled.prune(complete).value).toBe(complete)
        expect(object).toEqual(before)
      }),
      { numRuns: 500, seed: 3 },
    )
  })

  test('nothing is wrong with an object that has not changed', () => {
    fc.assert(
      fc.property(schema, value, (part, content) => {
        const compiled = compileSchema(around(part))
        const object = { spec: { value: content } }
        expect(compiled.validate(object, structuredClone(object))).toEqual([])
      }),
      { numRuns: 300, seed: 4 },
    )
  })
})
