import type { InvalidCause } from './answer.ts'

/** Said when a rule was not tried, because the values have wrong types or sizes. */
export const unchecked: InvalidCause = {
  reason: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
}

/** A value the schema refuses: cause by cause `reason field: message`. */
export type Wrong = readonly [value: object, ...causes: string[]]

export function causeOf(text: string): InvalidCause {
  const [, reason, field, message] = /^(\w+) (\S+): (.*)$/s.exec(text)!
  return { reason: `FieldValue${reason}`, field: field!, message: message! }
}

export const everything = {
  type: 'object',
  required: ['must'],
  minProperties: 1,
  maxProperties: 3,
  properties: {
    must: { type: 'string' },
    above: { type: 'integer', minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: true },
    even: { type: 'number', multipleOf: 2 },
    short: { type: 'string', minLength: 2, maxLength: 4 },
    some: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'integer' } },
    few: {
      type: 'object',
      minProperties: 1,
      maxProperties: 2,
      additionalProperties: { type: 'integer', maximum: 5 },
    },
    one: {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    any: { type: 'string', anyOf: [{ minLength: 4 }, { pattern: '^x' }] },
    all: { type: 'string', allOf: [{ minLength: 2 }, { pattern: '^x' }] },
    no: { type: 'string', not: { pattern: '^x' } },
    bool: { type: 'boolean' },
    deep: {
      type: 'object',
      properties: {
        list: {
          type: 'array',
          items: { type: 'object', required: ['x'], properties: { x: { type: 'string', enum: ['p', 'q'] } } },
        },
      },
    },
    nums: { type: 'number', enum: [1, 2.5] },
    ...Object.fromEntries(
      ['ipv4', 'cidr', 'email', 'uuid', 'duration', 'date', 'date-time', 'hostname', 'uri', 'byte', 'odd'].map(
        (name) => [name, { type: 'string', format: name }],
      ),
    ),
    int32: { type: 'integer', format: 'int32' },
  },
}

export const wrongBoxes: readonly Wrong[] = [
  [
    {},
    'Invalid spec: Invalid value: 0: spec in body should have at least 1 properties',
    'Required spec.must: Required value',
  ],
  [
    { must: null },
    'Invalid spec: Invalid value: 0: spec in body should have at least 1 properties',
    'Required spec.must: Required value',
  ],
  [{ must: 'x', bool: true, int32: 1, even: 2 }, 'TooMany spec: Too many: 4: must have at most 3 items'],
  [{ must: 'x', above: 1 }, 'Invalid spec.above: Invalid value: 1: spec.above in body should be greater than 1'],
  [{ must: 'x', above: 9 }, 'Invalid spec.above: Invalid value: 9: spec.above in body should be less than 9'],
  [{ must: 'x', even: 3 }, 'Invalid spec.even: Invalid value: 3: spec.even in body should be a multiple of 2'],
  [{ must: 'x', even: 2.5 }, 'Invalid spec.even: Invalid value: 2.5: spec.even in body should be a multiple of 2'],
  [
    { must: 'x', short: 'a' },
    'Invalid spec.short: Invalid value: "a": spec.short in body should be at least 2 chars long',
  ],
  [{ must: 'x', short: 'abcde' }, 'TooLong spec.short: Too long: may not be more than 4 bytes'],
  [{ must: 'x', some: [] }, 'Invalid spec.some: Invalid value: 0: spec.some in body should have at least 1 items'],
  [{ must: 'x', some: [1, 2, 3] }, 'TooMany spec.some: Too many: 3: must have at most 2 items'],
  [
    { must: 'x', some: [1, 'x'] },
    'TypeInvalid spec.some[1]: Invalid value: "string": spec.some[1] in body must be of type integer: "string"',
  ],
  [{ must: 'x', few: {} }, 'Invalid spec.few: Invalid value: 0: spec.few in body should have at least 1 properties'],
  [{ must: 'x', few: { a: 1, b: 2, c: 3 } }, 'TooMany spec.few: Too many: 3: must have at most 2 items'],
  [
    { must: 'x', few: { a: 6, 'b.c': 7 } },
    'Invalid spec.few.a: Invalid value: 6: spec.few.a in body should be less than or equal to 5',
    'Invalid spec.few.b.c: Invalid value: 7: spec.few.b.c in body should be less than or equal to 5',
  ],
  [
    { must: 'x', one: {} },
    'Invalid <nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
    'Required spec.one.a: Required value',
  ],
  [
    { must: 'x', one: { a: 'x', b: 'y' } },
    'Invalid <nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
  ],
  [
    { must: 'x', any: 'abc' },
    'Invalid <nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
    'Invalid spec.any: Invalid value: "abc": spec.any in body should be at least 4 chars long',
  ],
  [
    { must: 'x', all: 'a' },
    'Invalid spec.all: Invalid value: "a": spec.all in body should be at least 2 chars long',
    'Invalid spec.all: Invalid value: "a": spec.all in body should match \'^x\'',
    'Invalid <nil>: Invalid value: "": "spec.all" must validate all the schemas (allOf). None validated',
  ],
  [{ must: 'x', no: 'xa' }, 'Invalid <nil>: Invalid value: "": "spec.no" must not validate the schema (not)'],
  [
    { must: 'x', bool: 'true' },
    'TypeInvalid spec.bool: Invalid value: "string": spec.bool in body must be of type boolean: "string"',
  ],
  [
    { must: 'x', bool: 0 },
    'TypeInvalid spec.bool: Invalid value: "integer": spec.bool in body must be of type boolean: "integer"',
  ],
  [
    { must: 'x', deep: { list: [{ x: 'p' }, {}, { x: 'z' }] } },
    'Required spec.deep.list[1].x: Required value',
    'NotSupported spec.deep.list[2].x: Unsupported value: "z": supported values: "p", "q"',
  ],
  [
    { must: 'x', deep: { list: {} } },
    'TypeInvalid spec.deep.list: Invalid value: "object": spec.deep.list in body must be of type array: "object"',
  ],
  [
    { must: 'x', int32: 1.5 },
    'TypeInvalid spec.int32: Invalid value: "number": spec.int32 in body must be of type integer: "number"',
  ],
  [{ must: 'x', nums: 2 }, 'NotSupported spec.nums: Unsupported value: 2: supported values: "1", "2.5"'],
  ...(
    [
      ['ipv4', '1.2.3'],
      ['cidr', '1.2.3.4'],
      ['email', 'x'],
      ['uuid', 'x'],
      ['duration', 'x'],
      ['date', '2024-13-01'],
      ['date-time', '2024-01-01'],
      ['hostname', 'a_b'],
      ['uri', 'x y'],
      ['byte', 'ä'],
    ] as const
  ).map(([name, text]): Wrong => [
    { must: 'x', [name]: text },
    `TypeInvalid spec.${name}: Invalid value: "${text}": spec.${name} in body must be of type ${name}: "${text}"`,
  ]),
  [
    { must: 'x', date: 5 },
    'TypeInvalid spec.date: Invalid value: "int64": spec.date in body must be of type date: "int64"',
  ],
  [
    { must: 'x', odd: 5 },
    'TypeInvalid spec.odd: Invalid value: "integer": spec.odd in body must be of type string: "integer"',
  ],
]

export const wrongWidgets: readonly Wrong[] = [
  [
    { size: -1, mode: 'A' },
    'Invalid spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0',
  ],
  [
    { size: 101, mode: 'A' },
    'Invalid spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100',
  ],
  [{ name: 'A' }, 'Invalid spec.name: Invalid value: "A": spec.name in body should match \'^[a-z]+$\''],
  [
    { size: 101, mode: 'B', name: 'A' },
    'Invalid spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100',
    'Invalid spec.name: Invalid value: "A": spec.name in body should match \'^[a-z]+$\'',
    'Invalid spec: Invalid value: large widgets must have mode A',
  ],
]

/** Wrong in a way that leaves rules untried. */
export const blockingWidgets: readonly Wrong[] = [
  [
    { size: 'x' },
    'TypeInvalid spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
  ],
  [
    { size: 1.5 },
    'TypeInvalid spec.size: Invalid value: "number": spec.size in body must be of type integer: "number"',
  ],
  [{ mode: 'C' }, 'NotSupported spec.mode: Unsupported value: "C": supported values: "A", "B"'],
  [
    { mode: 1 },
    'TypeInvalid spec.mode: Invalid value: "integer": spec.mode in body must be of type string: "integer"',
    'NotSupported spec.mode: Unsupported value: 1: supported values: "A", "B"',
  ],
  [{ name: 'a'.repeat(65) }, 'TooLong spec.name: Too long: may not be more than 64 bytes'],
  [
    { tags: Array.from({ length: 17 }, (_, index) => `${index}`) },
    'TooMany spec.tags: Too many: 17: must have at most 16 items',
  ],
  [{ tags: 'a' }, 'TypeInvalid spec.tags: Invalid value: "string": spec.tags in body must be of type array: "string"'],
  [{ items: [{ value: 'v' }] }, 'Required spec.items[0].name: Required value'],
  [
    { steps: [null] },
    'TypeInvalid spec.steps[0]: Invalid value: "null": spec.steps[0] in body must be of type string: "null"',
  ],
]
