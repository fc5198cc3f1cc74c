import type { Answer } from './answer.ts'
import { box, define } from './boxes.ts'
import { group } from './case.ts'
import { widget } from './fixtures.ts'
import { absent, exactly, including } from './match.ts'
import { blockingWidgets, causeOf, everything, unchecked, wrongBoxes, wrongWidgets } from './wrong-values.ts'

const WIDGET = 'Widget.example.com'
const start = 'Widget in version "v1" cannot be handled as a Widget: '

export const schemas = group('G8', (add) => {
  add('V05', 'values the schema refuses', async (t) => {
    for (const [spec, ...causes] of wrongWidgets) {
      ;(await t.post(t.W, widget('w', spec))).invalid(WIDGET, 'w', causes.map(causeOf))
    }
    for (const [spec, ...causes] of blockingWidgets) {
      ;(await t.post(t.W, widget('w', spec))).invalid(WIDGET, 'w', [...causes.map(causeOf), unchecked])
    }
    const { path, apiVersion } = await define(t, everything)
    const kind = `Box.${apiVersion.slice(0, -3)}`
    for (const [spec, ...causes] of wrongBoxes) {
      ;(await t.post(path, box(apiVersion, spec))).invalid(kind, 'b', causes.map(causeOf))
    }
    const missing = await t.post(path, { apiVersion, kind: 'Box', metadata: { name: 'b' } })
    missing.invalid(kind, 'b', [causeOf('Required spec: Required value')])
    const query = { dryRun: 'All' }
    for (const spec of [
      { above: 2 },
      { short: 'äöüß' },
      { one: { a: 'x' } },
      { any: 'x' },
      { duration: '1h' },
      { odd: 'x' },
      { int32: 3_000_000_000 },
      { nums: 1 },
    ]) {
      ;(await t.post(path, box(apiVersion, { must: 'x', ...spec }), { query })).is(201)
    }
    // An update is held to the same.
    const made = await t.create(t.W, widget('w'))
    ;(await t.put(`${t.W}/w`, { ...made, spec: { size: -1, mode: 'A' } })).invalid(WIDGET, 'w', [
      causeOf(wrongWidgets[0]![1]!),
    ])
  })

  add('V06', 'defaults', async (t) => {
    const made = await t.create(t.W, widget('w', { size: null, nul: null, mode: null, tags: null }))
    t.match(made.spec, exactly({ size: 3, nul: null }), 'spec')
    const items = [
      { name: 'a', port: null, value: null },
      { name: 'b', port: 1 },
    ]
    const changed = (await t.patch(`${t.W}/w`, 'json', [{ op: 'add', path: '/spec/items', value: items }])).is(200)
    t.match(
      changed.spec?.['items'],
      exactly([
        { name: 'a', port: 80 },
        { name: 'b', port: 1 },
      ]),
      'items',
    )
    // Nothing is made up to put a default into.
    const bare = await t.create(t.W, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'v' } })
    t.match(bare.spec, absent, 'spec that was not given')
    const nothing = await t.create(t.W, { ...widget('u'), spec: null })
    t.match(nothing.spec, absent, 'spec that was null')
    const { path, apiVersion } = await define(t, {
      type: 'object',
      default: { outer: { from: 'spec' } },
      properties: {
        outer: {
          type: 'object',
          default: {},
          properties: { inner: { type: 'string', default: 'i' }, from: { type: 'string' } },
        },
        list: {
          type: 'array',
          default: [{ a: 1 }],
          items: { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer', default: 2 } } },
        },
        map: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { c: { type: 'boolean', default: true } } },
        },
      },
    })
    const whole = await t.create(path, { apiVersion, kind: 'Box', metadata: { name: 'a' } })
    t.match(whole.spec, exactly({ outer: { from: 'spec', inner: 'i' }, list: [{ a: 1, b: 2 }] }), 'spec by default')
    const part = await t.create(path, box(apiVersion, { list: [{}, { b: 3 }], map: { x: {}, y: { c: false } } }))
    t.match(
      part.spec,
      exactly({ outer: { inner: 'i' }, list: [{ b: 2 }, { b: 3 }], map: { x: { c: true }, y: { c: false } } }),
      'spec with defaults',
    )
  })

  add('V07', 'unknown fields are pruned', async (t) => {
    const query = { fieldValidation: 'Ignore' }
    const spec = {
      nope: 1,
      items: [{ name: 'a', nope: { b: 1 } }],
      blob: { any: { thing: [1, { x: null }] }, nothing: null },
      template: { apiVersion: 'v1', kind: 'Any', nope: 1, metadata: { name: 'n' }, spec: { any: 1 } },
      labelsAtomic: { k: 'v' },
    }
    const sent = { ...widget('w', spec), nope: 2, metadata: { name: 'w', nope: 3 }, status: { nope: 4 } }
    const made = (await t.post(t.W, sent, { query })).is(201, {
      nope: absent,
      status: absent,
      metadata: { nope: absent },
      spec: exactly({
        size: 3,
        items: [{ name: 'a', port: 80 }],
        blob: { any: { thing: [1, { x: null }] }, nothing: null },
        template: { apiVersion: 'v1', kind: 'Any', nope: 1, metadata: { name: 'n' }, spec: { any: 1 } },
        labelsAtomic: { k: 'v' },
      }),
    })
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { nope: 1 } }, { query })).is(200, {
      metadata: { resourceVersion: made.metadata.resourceVersion },
    })
    ;(await t.patch(`${t.W}/w/status`, 'merge', { status: { nope: 1, phase: 'x' } }, { query })).is(200, {
      status: exactly({ phase: 'x' }),
    })
  })

  add('V08', 'strict about fields', async (t) => {
    const query = { fieldValidation: 'Strict' }
    const strict = (answer: Answer, ...problems: readonly string[]): void => {
      answer.refuses(400, 'BadRequest', { message: `${start}strict decoding error: ${problems.join(', ')}` })
    }
    strict(await t.post(t.W, widget('w', { nope: 1 }), { query }), 'unknown field "spec.nope"')
    strict(
      await t.post(t.W, widget('w', { items: [{ name: 'a', nope: 1 }], nope: 1 }), { query }),
      'unknown field "spec.items[0].nope"',
      'unknown field "spec.nope"',
    )
    const twice = '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":1,"size":2}}'
    strict(await t.post(t.W, twice, { query }), 'duplicate field "spec.size"')
    const both = twice.replace('"size":2', '"size":2,"nope":1')
    strict(await t.post(t.W, both, { query }), 'duplicate field "spec.size"', 'unknown field "spec.nope"')
    ;(await t.get(`${t.W}/w`)).refuses(404, 'NotFound')
    const made = (await t.post(t.W, widget('w', { blob: { any: 1 } }), { query })).is(201)
    strict(await t.put(`${t.W}/w`, { ...made, spec: { nope: 1 } }, { query }), 'unknown field "spec.nope"')
    const patched = await t.patch(`${t.W}/w`, 'merge', { spec: { nope: 1 } }, { query })
    patched.refuses(422, 'Invalid', {
      message: /^ "" is invalid: patch: Invalid value: "\{.*\}": strict decoding error: unknown field "spec\.nope"$/,
      details: {
        causes: [
          {
            reason: 'FieldValueInvalid',
            field: 'patch',
            message: /strict decoding error: unknown field "spec\.nope"$/,
          },
        ],
      },
    })
    const json = await t.patch(`${t.W}/w`, 'json', [{ op: 'add', path: '/spec/nope', value: 1 }], { query })
    json.refuses(422, 'Invalid', { details: { causes: [{ field: 'patch' }] } })
    const applied = await t.apply(`${t.W}/w`, 'm', widget('w', { nope: 1 }), { query })
    applied.is(500, { message: /\.spec\.nope: field not declared in schema$/ })
    const core = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: {}, nope: 1 }
    ;(await t.post(t.CM, core, { query })).refuses(400, 'BadRequest', {
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nope"',
    })
    t.match(await t.read(`${t.W}/w`), exactly(made), 'the object')
  })

  add('V09', 'warnings about fields', async (t) => {
    const twice =
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"size":1,"size":2,"nope":1}}'
    const answer = await t.post(t.W, twice)
    answer.header('warning', '299 - "duplicate field \\"spec.size\\"", 299 - "unknown field \\"spec.nope\\""')
    answer.is(201, { spec: exactly({ size: 2 }) })
    const patched = await t.patch(`${t.W}/w`, 'merge', { spec: { nope: 1 } }, { query: { fieldValidation: 'Warn' } })
    patched.header('warning', '299 - "unknown field \\"spec.nope\\""').is(200)
    const ignored = await t.patch(`${t.W}/w`, 'merge', { spec: { nope: 1 } }, { query: { fieldValidation: 'Ignore' } })
    ignored.header('warning', absent).is(200)
    const core = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, nope: 1 }
    const made = await t.post(t.CM, core)
    made.header('warning', '299 - "unknown field \\"nope\\""').is(201)
  })

  add('V10', 'number or text', async (t) => {
    for (const port of [5, '80%', 'any']) {
      ;(await t.post(t.W, widget('w', { port }), { query: { dryRun: 'All' } })).is(201, { spec: { port } })
    }
    for (const [port, type] of [
      [true, 'boolean'],
      [1.5, 'number'],
      [[], 'array'],
    ] as const) {
      ;(await t.post(t.W, widget('w', { port }))).invalid(WIDGET, 'w', [
        causeOf(
          `TypeInvalid spec.port: Invalid value: "${type}": spec.port in body must be of type integer,string: "${type}"`,
        ),
        unchecked,
      ])
    }
  })

  add('V11', 'embedded objects', async (t) => {
    const post = (template: unknown): Promise<Answer> => t.post(t.W, widget('w', { template }))
    ;(await post({})).invalid(WIDGET, 'w', [
      causeOf('Required spec.template.apiVersion: Required value'),
      causeOf('Required spec.template.kind: Required value'),
      unchecked,
    ])
    ;(await post({ apiVersion: 'v1/v2/v3', kind: 'a b' })).invalid(WIDGET, 'w', [
      causeOf('Invalid spec.template.apiVersion: Invalid value: "v1/v2/v3": unexpected GroupVersion string: v1/v2/v3'),
      {
        reason: 'FieldValueInvalid',
        field: 'spec.template.kind',
        message:
          /^Invalid value: "a b": may have mixed case, but should otherwise match: a DNS-1035 label must consist/,
      },
    ])
    ;(
      await post({ apiVersion: 'v1', kind: 'Any', metadata: { name: 'A_b', labels: { 'a b': 'c', d: 'e f' } } })
    ).invalid(WIDGET, 'w', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.template.metadata.labels',
        message: /^Invalid value: "a b": name part must consist/,
      },
      {
        reason: 'FieldValueInvalid',
        field: 'spec.template.metadata.labels',
        message: /^Invalid value: "e f": a valid label must be/,
      },
    ])
    const template = {
      apiVersion: 'v1',
      kind: 'Any',
      metadata: { name: 'n', labels: { a: 'b' } },
      spec: { x: { y: 1 } },
    }
    ;(await post(template)).is(201, { spec: { template: exactly(template) } })
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { template: { spec: null, extra: [1] } } })).is(200, {
      spec: { template: exactly({ apiVersion: 'v1', kind: 'Any', metadata: template.metadata, extra: [1] }) },
    })
  })

  add('V12', 'sets and lists with keys have no item twice', async (t) => {
    ;(await t.post(t.W, widget('w', { tags: ['a', 'b', 'a', 'b', 'a'] }))).invalid(WIDGET, 'w', [
      causeOf('Duplicate spec.tags[2]: Duplicate value: "a"'),
      causeOf('Duplicate spec.tags[3]: Duplicate value: "b"'),
    ])
    ;(await t.post(t.W, widget('w', { items: [{ name: 'a' }, { name: 'b' }, { name: 'a', port: 1 }] }))).invalid(
      WIDGET,
      'w',
      [causeOf('Duplicate spec.items[2]: Duplicate value: {"name":"a"}')],
    )
    ;(await t.post(t.W, widget('w', { steps: ['a', 'a'], tags: ['a', 'b'] }))).is(201)
    const more = [{ op: 'add', path: '/spec/tags/-', value: 'a' }]
    ;(await t.patch(`${t.W}/w`, 'json', more)).refuses(422, 'Invalid', {
      details: { causes: including({ reason: 'FieldValueDuplicate', field: 'spec.tags[2]' }) },
    })
  })
})
