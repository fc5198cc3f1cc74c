import type { Json, SchemaRule, StructuralSchema } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { validateSchema } from '../crd/validate-schema.ts'
import { compileSchema } from '../schema/compile.ts'
import { fieldNameOf } from './names.ts'

const string: StructuralSchema = { type: 'string' }
const integer: StructuralSchema = { type: 'integer' }
const short: StructuralSchema = { type: 'string', maxLength: 20 }

function ruled(schema: StructuralSchema, ...rules: (string | SchemaRule)[]): StructuralSchema {
  return { ...schema, 'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)) }
}

function object(properties: Record<string, StructuralSchema>): StructuralSchema {
  return { type: 'object', properties }
}

/** What the write of a definition says, with `spec` as the only property. */
function said(spec: StructuralSchema): string[] {
  return validateSchema(object({ spec }), 's', false).map(
    ({ field, message }) => `${field.replace('s.properties[spec]', '')}: ${message.replace(/\{"Rule":.*?\}: /s, '')}`,
  )
}

/** What a write of an object says, after `before` if that is given. */
function check(spec: StructuralSchema, value: Json, before?: Json): string[] {
  const whole = (part: Json): object => ({ apiVersion: 'a/v1', kind: 'A', metadata: { name: 'a' }, spec: part })
  const compiled = compileSchema(object({ spec }))
  const errors = compiled.validate(whole(value), before === undefined ? undefined : whole(before))
  return errors.map(({ field, message }) => `${field}: ${message}`)
}

test.each([
  ['a', 'a'],
  ['a-b', 'a__dash__b'],
  ['a.b/c', 'a__dot__b__slash__c'],
  ['a__b', 'a__underscores__b'],
  ['namespace', '__namespace__'],
  ['if', '__if__'],
  ['int', 'int'],
  ['self', 'self'],
  ['0a', undefined],
  ['a b', undefined],
  ['ä', undefined],
  ['', undefined],
])('rules say %j as %j', (property, name) => {
  expect(fieldNameOf(property)).toBe(name)
})

describe('a definition with a rule is fine', () => {
  test.each<[string, StructuralSchema]>([
    ['about its fields', ruled(object({ a: integer, b: integer }), 'self.a < self.b')],
    ['about fields that may be missing', ruled(object({ a: integer }), '!has(self.a) || self.a > 1')],
    [
      'about names that are escaped',
      ruled(object({ 'a-b': integer, namespace: string }), "self.a__dash__b == 1 && self.__namespace__ == 'x'"),
    ],
    [
      'about a number or text',
      ruled(object({ a: { 'x-kubernetes-int-or-string': true } }), "self.a == 5 || self.a == '5%'"),
    ],
    ['about a list', ruled({ type: 'array', maxItems: 10, items: integer }, 'self.all(x, x > 0) && self[0] == 1')],
    [
      'about a map',
      ruled(
        { type: 'object', maxProperties: 10, additionalProperties: integer },
        "self.all(k, self[k] > 0) && 'a' in self",
      ),
    ],
    [
      'about times',
      ruled(object({ a: { type: 'string', format: 'date-time' } }), "self.a > timestamp('2020-01-01T00:00:00Z')"),
    ],
    ['about durations', ruled(object({ a: { type: 'string', format: 'duration' } }), "self.a < duration('1h')")],
    ['about bytes', ruled(object({ a: { type: 'string', format: 'byte' } }), 'size(self.a) < 10')],
    ['about a number', ruled({ type: 'number' }, 'self > 0.5')],
    ['about a change', ruled(short, 'self == oldSelf')],
    [
      'about a change of items with keys',
      {
        type: 'array',
        maxItems: 10,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: ruled({ ...object({ k: short, v: short }), required: ['k'] }, 'self.v == oldSelf.v'),
      },
    ],
    [
      'about a creation or a change',
      ruled(short, { rule: "oldSelf.hasValue() || self == 'a'", optionalOldSelf: true }),
    ],
    [
      'with all its parts',
      ruled(object({ a: short }), {
        rule: "self.a == 'x'",
        message: 'no',
        messageExpression: "'not ' + self.a",
        reason: 'FieldValueForbidden',
        fieldPath: '.a',
      }),
    ],
    [
      'about what the library of Kubernetes knows',
      ruled(short, "isURL(self) || isIP(self) || isCIDR(self) || isQuantity(self) || self.find('[0-9]+') != ''"),
    ],
    [
      'about kind and name of an embedded object',
      ruled(
        { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        "self.kind == 'Pod' && self.metadata.name != ''",
      ),
    ],
  ])('%s', (_what, spec) => {
    expect(said(spec)).toEqual([])
  })

  test('about its own name at the root, and nothing else of its metadata', () => {
    const rooted = (rule: string): string[] =>
      validateSchema(ruled(object({}), rule), 's', true).map(({ message }) => message)
    expect(rooted("self.metadata.name == 'one' && self.kind == 'A' && self.apiVersion != ''")).toEqual([])
    expect(rooted('self.metadata.labels == {}')[0]).toContain("undefined field 'labels'")
  })
})

describe('a definition is refused for a rule', () => {
  const rule = (text: string, rest: Omit<SchemaRule, 'rule'> = {}): StructuralSchema =>
    ruled(object({ a: short }), { rule: text, ...rest })
  const at = '.x-kubernetes-validations[0]'

  test.each<[string, StructuralSchema, unknown]>([
    ['without text', rule(' '), [`${at}.rule: Required value: rule is not specified`]],
    [
      'with an empty message',
      rule('true', { message: ' ' }),
      [`${at}.message: Invalid value: " ": must be non-empty if specified`],
    ],
    [
      'with a message of two lines',
      rule('true', { message: 'a\nb' }),
      [`${at}.message: Invalid value: "a\\nb": must not contain line breaks`],
    ],
    [
      'of two lines without a message',
      rule('true &&\ntrue'),
      [`${at}.message: Required value: message must be specified if rule contains line breaks`],
    ],
    [
      'with an empty expression for the message',
      rule('true', { messageExpression: ' ' }),
      [`${at}.messageExpression: Required value: messageExpression must be non-empty if specified`],
    ],
    [
      'with an unknown reason',
      rule('true', { reason: 'Because' }),
      [
        `${at}.reason: Unsupported value: "Because": supported values: "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"`,
      ],
    ],
    [
      'with a path that leads nowhere',
      rule('true', { fieldPath: '.b' }),
      [`${at}.fieldPath: Invalid value: ".b": must be a valid path`],
    ],
    [
      'that cannot be read',
      rule('self.a ==='),
      [expect.stringContaining(`${at}.rule: Invalid value: compilation failed: ERROR: <input>:1:`)],
    ],
    ['about a field that is not there', rule('self.b == 1'), [expect.stringContaining("undefined field 'b'")]],
    [
      'that compares what cannot be compared',
      rule('self.a == 1'),
      [expect.stringContaining("found no matching overload for '_==_' applied to '(string, int)'")],
    ],
    ['that is no condition', rule('self.a'), [`${at}.rule: Invalid value: cel expression must evaluate to a bool`]],
    [
      'with a message that is no text',
      rule('true', { messageExpression: '1' }),
      [`${at}.messageExpression: Invalid value: messageExpression must evaluate to a string`],
    ],
    [
      'with a message that cannot be read',
      rule('true', { messageExpression: 'self.b' }),
      [expect.stringContaining(`${at}.messageExpression: Invalid value: messageExpression compilation failed: ERROR`)],
    ],
    [
      'about changes that says it is about creations too, and is not',
      rule('true', { optionalOldSelf: true }),
      [`${at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`],
    ],
    [
      'about what nothing is known of',
      ruled(object({ a: { 'x-kubernetes-preserve-unknown-fields': true } }), 'has(self.a)'),
      [expect.stringContaining("undefined field 'a'")],
    ],
    [
      'about changes of items that cannot be told apart',
      { type: 'array', maxItems: 3, items: ruled(short, 'self == oldSelf') },
      [
        '.items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[spec]',
      ],
    ],
    [
      'that costs too much',
      ruled(
        { type: 'array', items: { type: 'array', items: string } },
        'self.all(x, x.all(y, self.all(z, z.exists(w, w == y))))',
      ),
      [
        expect.stringContaining(
          `${at}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
        ),
        expect.stringContaining('contributed to estimated rule cost total exceeding'),
        expect.stringContaining(
          'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds budget by factor of more than 100x',
        ),
      ],
    ],
    [
      'that compares types, which cannot be weighed',
      ruled({ 'x-kubernetes-int-or-string': true }, 'type(self) == int'),
      [expect.stringContaining('exceeds budget by factor of more than 100x'), expect.anything(), expect.anything()],
    ],
    [
      'that occurs too often',
      { type: 'array', items: ruled(string, "self.contains('x')") },
      [expect.stringMatching(/estimated rule cost exceeds budget by factor of/), expect.anything(), expect.anything()],
    ],
    [
      'in an alternative',
      { ...object({ a: short }), anyOf: [ruled({}, 'true')] },
      ['.anyOf[0].x-kubernetes-validations: Forbidden: must be empty to be structural'],
    ],
    [
      'that its default breaks',
      object({ a: { ...ruled(short, "self != 'x'"), default: 'x' } }),
      ['.properties[a].default: Invalid value: "x": failed rule: self != \'x\''],
    ],
  ])('%s', (_what, spec, expected) => {
    expect(said(spec)).toEqual(expected)
  })
})

describe('an object is refused', () => {
  test.each<[string, StructuralSchema, Json, string[]]>([
    [
      'with the message of the rule',
      ruled(object({ a: integer }), { rule: 'self.a > 1', message: ' too small ' }),
      { a: 1 },
      ['spec: Invalid value: too small'],
    ],
    [
      'with the rule itself',
      ruled(object({ a: integer }), ' self.a > 1 '),
      { a: 1 },
      ['spec: Invalid value: failed rule: self.a > 1'],
    ],
    [
      'with a message that is made',
      ruled(object({ a: integer }), { rule: 'self.a > 1', messageExpression: "'not ' + string(self.a)" }),
      { a: 1 },
      ['spec: Invalid value: not 1'],
    ],
    [
      'with the message when none can be made',
      ruled(object({ a: integer }), { rule: 'self.a > 1', message: 'no', messageExpression: "[''][self.a]" }),
      { a: 1 },
      ['spec: Invalid value: no'],
    ],
    [
      'with the message when the made one is empty',
      ruled(object({ a: integer }), { rule: 'self.a > 1', message: 'no', messageExpression: "''" }),
      { a: 1 },
      ['spec: Invalid value: no'],
    ],
    [
      'for another reason',
      ruled(object({ a: integer }), { rule: 'self.a > 1', reason: 'FieldValueForbidden', message: 'no' }),
      { a: 1 },
      ['spec: Forbidden: no'],
    ],
    [
      'for something missing',
      ruled(object({ a: integer }), {
        rule: 'has(self.a)',
        reason: 'FieldValueRequired',
        message: 'a',
        fieldPath: '.a',
      }),
      {},
      ['spec.a: Required value: a'],
    ],
    [
      'for something twice',
      ruled(integer, { rule: 'self > 1', reason: 'FieldValueDuplicate', message: 'no' }),
      1,
      ['spec: Duplicate value: 1'],
    ],
    [
      'at another field',
      ruled(object({ 'a.b': integer }), { rule: 'false', message: 'no', fieldPath: "['a.b']" }),
      {},
      ['spec.a.b: Invalid value: no'],
    ],
    ['with the value of a scalar', ruled(integer, 'self > 1'), 1, ['spec: Invalid value: 1: failed rule: self > 1']],
    [
      'in an item of a list',
      { type: 'array', items: ruled(integer, 'self > 1') },
      [2, 1],
      ['spec[1]: Invalid value: 1: failed rule: self > 1'],
    ],
    [
      'in an entry of a map',
      { type: 'object', additionalProperties: ruled(integer, 'self > 1') },
      { k: 1 },
      ['spec[k]: Invalid value: 1: failed rule: self > 1'],
    ],
    [
      'for a key that is not there',
      ruled({ type: 'object', additionalProperties: integer }, "self['a'] == 1"),
      {},
      ['spec: Invalid value: "object": no such key: a evaluating rule: self[\'a\'] == 1'],
    ],
    [
      'for a division by zero',
      ruled(integer, '1 / self == 1'),
      0,
      ['spec: Invalid value: "integer": division by zero evaluating rule: 1 / self == 1'],
    ],
    [
      'by several rules',
      ruled(integer, 'self > 1', 'self > 2'),
      1,
      ['spec: Invalid value: 1: failed rule: self > 1', 'spec: Invalid value: 1: failed rule: self > 2'],
    ],
    [
      'without its rules when it is of the wrong type',
      ruled(object({ a: integer }), 'self.a > 1'),
      { a: 'x' },
      [
        'spec.a: Invalid value: "string": spec.a in body must be of type integer: "string"',
        '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
      ],
    ],
    [
      'with its rules when it is out of range',
      ruled({ ...integer, minimum: 5 }, 'self > 1'),
      1,
      [
        'spec: Invalid value: 1: spec in body should be greater than or equal to 5',
        'spec: Invalid value: 1: failed rule: self > 1',
      ],
    ],
    [
      'for what costs too much',
      ruled({ type: 'array', items: integer }, 'self.all(x, self.all(y, self.all(z, x + y + z >= 0)))'),
      Array.from({ length: 120 }, () => 1),
      [
        'spec: Invalid value: "array": \'operation cancelled: actual cost limit exceeded\': no further validation rules will be run due to call cost exceeds limit for rule: self.all(x, self.all(y, self.all(z, x + y + z >= 0)))',
      ],
    ],
  ])('%s', (_what, spec, value, expected) => {
    expect(check(spec, value)).toEqual(expected)
  })

  test.each<[string, StructuralSchema, Json]>([
    ['holds', ruled(object({ a: integer }), 'self.a > 1'), { a: 2 }],
    ['is about something that is not there', object({ a: ruled(integer, 'self > 1') }), {}],
    ['is about something that is null', object({ a: { ...ruled(integer, 'self > 1'), nullable: true } }), { a: null }],
    ['is about changes', ruled(integer, 'self > oldSelf'), 1],
    [
      'compares sets in any order',
      ruled({ type: 'array', 'x-kubernetes-list-type': 'set', items: integer }, 'self == [2, 1]'),
      [1, 2],
    ],
    ['reads a number or text', ruled({ 'x-kubernetes-int-or-string': true }, "self == 5 || self == '5%'"), '5%'],
    ['reads a whole number as a fraction', ruled({ type: 'number' }, 'self == 1.0'), 1],
    ['reads bytes', ruled({ type: 'string', format: 'byte' }, "self == b'AB'"), 'QUI='],
    [
      'reads dates',
      ruled({ type: 'string', format: 'date' }, "self == timestamp('2020-02-01T00:00:00Z')"),
      '2020-02-01',
    ],
  ])('unless the rule %s', (_what, spec, value) => {
    expect(check(spec, value)).toEqual([])
  })
})

describe('a change', () => {
  const list = (items: StructuralSchema): StructuralSchema => ({
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { ...items, required: ['k'] },
  })
  const keyed = ruled(object({ k: string, v: integer }), { rule: 'self.v >= oldSelf.v', message: 'smaller' })

  test.each<[string, StructuralSchema, Json, Json, string[]]>([
    [
      'is refused by a rule about it',
      ruled(integer, 'self >= oldSelf'),
      2,
      1,
      ['spec: Invalid value: 1: failed rule: self >= oldSelf'],
    ],
    [
      'is refused in the item with the same key, wherever that is now',
      list(keyed),
      [
        { k: 'a', v: 1 },
        { k: 'b', v: 5 },
      ],
      [
        { k: 'b', v: 4 },
        { k: 'a', v: 1 },
      ],
      ['spec[0]: Invalid value: smaller'],
    ],
    ['may bring new items', list(keyed), [{ k: 'a', v: 1 }], [{ k: 'c', v: 0 }], []],
    [
      'is refused in the entry of a map',
      { type: 'object', additionalProperties: ruled(integer, 'self >= oldSelf') },
      { a: 2 },
      { a: 1, b: 0 },
      ['spec[a]: Invalid value: 1: failed rule: self >= oldSelf'],
    ],
    [
      'leaves alone what was refused before and has not changed',
      object({ a: ruled(integer, 'self > 5'), b: integer }),
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      [],
    ],
    [
      'is refused for what has changed and is still wrong',
      object({ a: ruled(integer, 'self > 5') }),
      { a: 1 },
      { a: 2 },
      ['spec.a: Invalid value: 2: failed rule: self > 5'],
    ],
    [
      'leaves alone unchanged items with keys',
      list(ruled(object({ k: string, v: integer }), 'self.v > 5')),
      [{ k: 'a', v: 1 }],
      [
        { k: 'b', v: 6 },
        { k: 'a', v: 1 },
      ],
      [],
    ],
    [
      'does not tell items without keys apart',
      { type: 'array', items: ruled(integer, 'self > 5') },
      [1],
      [1, 6],
      ['spec[0]: Invalid value: 1: failed rule: self > 5'],
    ],
    [
      'leaves alone an unchanged list without keys',
      object({ l: { type: 'array', items: ruled(integer, 'self > 5') }, b: integer }),
      { l: [1], b: 1 },
      { l: [1], b: 2 },
      [],
    ],
    [
      'tolerates nothing of a rule about changes',
      ruled(object({ a: integer, b: integer }), 'self.a > oldSelf.a'),
      { a: 1, b: 1 },
      { a: 1, b: 1 },
      ['spec: Invalid value: failed rule: self.a > oldSelf.a'],
    ],
    [
      'leaves alone values out of range',
      object({ a: { ...integer, minimum: 5 }, b: integer }),
      { a: 1, b: 1 },
      { a: 1, b: 2 },
      [],
    ],
    [
      'leaves alone values of another type in items with keys',
      list(object({ k: string, v: { type: 'boolean' } })),
      [{ k: 'a', v: 1 }],
      [{ k: 'b' }, { k: 'a', v: 1 }],
      [],
    ],
    [
      'is refused for a new value out of range beside an old one',
      list(object({ k: string, v: { ...integer, minimum: 5 } })),
      [{ k: 'a', v: 1 }],
      [
        { k: 'b', v: 2 },
        { k: 'a', v: 1 },
      ],
      ['spec[0].v: Invalid value: 2: spec[0].v in body should be greater than or equal to 5'],
    ],
  ])('%s', (_what, spec, before, after, expected) => {
    expect(check(spec, after, before)).toEqual(expected)
  })

  test('and a creation can be told apart', () => {
    const spec = ruled(integer, {
      rule: 'oldSelf.hasValue() ? self > oldSelf.value() : self == 1',
      optionalOldSelf: true,
    })
    expect(check(spec, 1)).toEqual([])
    expect(check(spec, 2)).toHaveLength(1)
    expect(check(spec, 2, 1)).toEqual([])
    expect(check(spec, 1, 2)).toHaveLength(1)
  })
})
