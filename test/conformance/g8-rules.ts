import type { Obj } from './answer.ts'
import { box, define } from './boxes.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { widget } from './fixtures.ts'
import { exactly, including } from './match.ts'
import { causeOf } from './wrong-values.ts'
import type { Wrong } from './wrong-values.ts'

const WIDGET = 'Widget.example.com'

/** Gives the only version of a kind another schema of its spec, and waits until `served` says so. */
async function redefine(t: T, crd: string, spec: object, served: () => Promise<unknown>): Promise<void> {
  const schema = { openAPIV3Schema: { type: 'object', required: ['spec'], properties: { spec } } }
  const patch = [{ op: 'replace', path: '/spec/versions/0/schema', value: schema }]
  ;(await t.patch(crd, 'json', patch)).is(200)
  await t.eventually(served)
}

export const rules = group('G8', (add) => {
  add('V13', 'rules', async (t) => {
    ;(await t.post(t.W, widget('w', { size: 60, mode: 'B' }))).invalid(WIDGET, 'w', [
      causeOf('Invalid spec: Invalid value: large widgets must have mode A'),
    ])
    ;(await t.post(t.W, widget('w', { size: 60 }))).invalid(WIDGET, 'w', [
      causeOf(
        'Invalid spec: Invalid value: "object": no such key: mode evaluating rule: large widgets must have mode A',
      ),
    ])
    ;(await t.post(t.W, widget('w', { size: 60, mode: 'A' }))).is(201)
    const rules = [
      { rule: 'self.min <= self.max', messageExpression: "'%d is more than %d'.format([self.min, self.max])" },
      { rule: 'self.min > 0', fieldPath: '.min', reason: 'FieldValueForbidden', message: 'too low' },
      { rule: "self.list.all(item, item.startsWith('x'))" },
      { rule: 'self.map.all(key, self.map[key] < 5)', messageExpression: "'a\\nb'", message: 'instead' },
      { rule: "!has(self.text) || self.text.matches('^[a-z]*$')", reason: 'FieldValueRequired' },
      { rule: "!has(self.when) || self.when > timestamp('2024-01-01T00:00:00Z')" },
      { rule: '!has(self.amount) || quantity(self.amount).isLessThan(quantity("2Gi"))' },
    ]
    const bounded = { type: 'string', maxLength: 20 }
    const { path, apiVersion } = await define(t, {
      type: 'object',
      properties: {
        min: { type: 'integer', default: 1 },
        max: { type: 'integer', default: 9 },
        list: { type: 'array', maxItems: 5, items: bounded, default: [] },
        map: { type: 'object', maxProperties: 5, additionalProperties: { type: 'integer' }, default: {} },
        text: bounded,
        when: { type: 'string', format: 'date-time' },
        amount: bounded,
        each: {
          type: 'array',
          maxItems: 5,
          items: {
            type: 'object',
            properties: { a: { type: 'integer' } },
            'x-kubernetes-validations': [{ rule: 'self.a > 0', message: 'positive' }],
          },
        },
      },
      'x-kubernetes-validations': rules,
    })
    const kind = `Box.${apiVersion.slice(0, -3)}`
    const refused: readonly Wrong[] = [
      [{ min: 10 }, 'Invalid spec: Invalid value: 10 is more than 9'],
      [{ min: 0 }, 'Forbidden spec.min: Forbidden: too low'],
      [{ list: ['xa', 'b'] }, "Invalid spec: Invalid value: failed rule: self.list.all(item, item.startsWith('x'))"],
      [{ map: { a: 5 } }, 'Invalid spec: Invalid value: instead'],
      [{ text: 'A' }, "Required spec: Required value: failed rule: !has(self.text) || self.text.matches('^[a-z]*$')"],
      [
        { when: '2023-01-01T00:00:00Z' },
        "Invalid spec: Invalid value: failed rule: !has(self.when) || self.when > timestamp('2024-01-01T00:00:00Z')",
      ],
      [
        { amount: '3Gi' },
        'Invalid spec: Invalid value: failed rule: !has(self.amount) || quantity(self.amount).isLessThan(quantity("2Gi"))',
      ],
      [{ each: [{ a: 1 }, { a: 0 }] }, 'Invalid spec.each[1]: Invalid value: positive'],
      [{ min: 0, max: -1 }, 'Invalid spec: Invalid value: 0 is more than -1', 'Forbidden spec.min: Forbidden: too low'],
    ]
    for (const [spec, ...causes] of refused) {
      ;(await t.post(path, box(apiVersion, spec))).invalid(kind, 'b', causes.map(causeOf))
    }
    ;(await t.post(path, box(apiVersion, { amount: 'x' }))).refuses(422, 'Invalid', {
      details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec' }] },
    })
    ;(await t.post(path, box(apiVersion, { list: ['x'], map: { a: 4 }, amount: '1500Mi' }))).is(201)
  })

  add('V14', 'rules about changes', async (t) => {
    await t.create(t.W, widget('w', { name: 'a' }))
    const cause = causeOf('Invalid spec: Invalid value: name cannot be changed')
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { name: 'b' } })).invalid(WIDGET, 'w', [cause])
    ;(await t.apply(`${t.W}/w`, 'm', widget('w', { name: 'b' }), { query: { force: true } })).invalid(WIDGET, 'w', [
      cause,
    ])
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { size: 4 } })).is(200)
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { name: null } })).is(200)
    ;(await t.patch(`${t.W}/w`, 'merge', { spec: { name: 'b' } })).is(200)
    const { path, apiVersion } = await define(t, {
      type: 'object',
      properties: {
        items: {
          type: 'array',
          maxItems: 10,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: {
            type: 'object',
            required: ['k'],
            properties: { k: { type: 'string', maxLength: 9 }, n: { type: 'integer' } },
            'x-kubernetes-validations': [{ rule: 'self.n >= oldSelf.n', message: 'may only grow' }],
          },
        },
        first: {
          type: 'integer',
          'x-kubernetes-validations': [
            {
              rule: 'oldSelf.hasValue() ? self >= oldSelf.value() : self == 1',
              optionalOldSelf: true,
              message: 'begins with 1',
            },
          ],
        },
      },
    })
    const kind = `Box.${apiVersion.slice(0, -3)}`
    const begin = await t.post(path, box(apiVersion, { first: 2 }))
    begin.invalid(kind, 'b', [causeOf('Invalid spec.first: Invalid value: 2: begins with 1')])
    const made = (
      await t.post(
        path,
        box(apiVersion, {
          first: 1,
          items: [
            { k: 'a', n: 5 },
            { k: 'b', n: 5 },
          ],
        }),
      )
    ).is(201)
    // Items are told apart by their keys, whatever their place.
    const moved = {
      ...made,
      spec: {
        first: 3,
        items: [
          { k: 'c', n: 1 },
          { k: 'b', n: 4 },
          { k: 'a', n: 6 },
        ],
      },
    }
    ;(await t.put(`${path}/b`, moved)).invalid(kind, 'b', [
      causeOf('Invalid spec.items[1]: Invalid value: may only grow'),
    ])
    const fine = {
      ...made,
      spec: {
        first: 3,
        items: [
          { k: 'c', n: 1 },
          { k: 'a', n: 6 },
        ],
      },
    }
    ;(await t.put(`${path}/b`, fine)).is(200)
  })

  add('V15', 'what was valid once stays when it does not change', async (t) => {
    const before = {
      type: 'object',
      properties: {
        size: { type: 'integer' },
        mode: { type: 'string', maxLength: 9 },
        list: { type: 'array', maxItems: 9, items: { type: 'string', maxLength: 9 } },
        other: { type: 'string' },
      },
    }
    const { path, apiVersion, crd } = await define(t, before)
    const kind = `Box.${apiVersion.slice(0, -3)}`
    const made = (await t.post(path, box(apiVersion, { size: 60, mode: 'x', list: ['no'] }))).is<Obj>(201)
    const { properties } = before
    const after = {
      ...before,
      properties: {
        ...properties,
        size: { type: 'integer', maximum: 50 },
        mode: { type: 'string', enum: ['A'] },
        list: {
          ...properties.list,
          'x-kubernetes-validations': [{ rule: "!self.exists(item, item == 'no')", message: 'no' }],
        },
      },
    }
    const probe = box(apiVersion, { size: 51 }, 'probe')
    await redefine(t, crd, after, async () =>
      (await t.post(path, probe, { query: { dryRun: 'All' } })).refuses(422, 'Invalid'),
    )
    ;(await t.patch(`${path}/b`, 'merge', { metadata: { labels: { a: '1' } }, spec: { other: 'x' } })).is(200, {
      spec: exactly({ size: 60, mode: 'x', list: ['no'], other: 'x' }),
    })
    ;(await t.patch(`${path}/b`, 'merge', { spec: { size: 70 } })).invalid(kind, 'b', [
      causeOf('Invalid spec.size: Invalid value: 70: spec.size in body should be less than or equal to 50'),
    ])
    ;(await t.patch(`${path}/b`, 'merge', { spec: { mode: 'y' } })).refuses(422, 'Invalid', {
      details: { causes: including({ reason: 'FieldValueNotSupported', field: 'spec.mode' }) },
    })
    ;(await t.patch(`${path}/b`, 'merge', { spec: { list: ['no', 'yes'] } })).invalid(kind, 'b', [
      causeOf('Invalid spec.list: Invalid value: no'),
    ])
    ;(await t.patch(`${path}/b`, 'merge', { spec: { size: 50, mode: 'A', list: null } })).is(200, {
      metadata: { uid: made.metadata.uid },
    })
  })
})
