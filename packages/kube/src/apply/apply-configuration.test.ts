import { describe, expect, test } from 'vitest'
import { isConflict } from '../errors.ts'
import type { StructuralSchema } from '../schema-types.ts'
import { applyConfiguration } from './apply-configuration.ts'
import { ApplyConflictError, ApplyTypeError } from './apply-errors.ts'
import { NOW, Scenario, widget, widgetSchema } from './test-widget.ts'
import type { Widget } from './test-widget.ts'

const LATER = '2026-02-01T01:00:00Z'

function conflictOf(run: () => unknown): ApplyConflictError {
  try {
    run()
  } catch (error) {
    if (error instanceof ApplyConflictError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('applying', () => {
  test('creates, and records one entry without marks on declared containers', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1, labels: { a: 'x' } }, { labels: { l: '1' } }))
    expect(scenario.changed).toBe(true)
    expect(scenario.live).toEqual({
      ...widget({ size: 1, labels: { a: 'x' } }),
      metadata: {
        name: 'w1',
        labels: { l: '1' },
        managedFields: [
          {
            manager: 'm1',
            operation: 'Apply',
            apiVersion: 'example.com/v1',
            time: NOW,
            fieldsType: 'FieldsV1',
            fieldsV1: {
              'f:metadata': { 'f:labels': { 'f:l': {} } },
              'f:spec': { 'f:labels': { 'f:a': {} }, 'f:size': {} },
            },
          },
        ],
      },
    })
  })

  test('the same again changes nothing, not even the time', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1, items: [{ name: 'b' }, { name: 'a' }] }))
    const before = scenario.live
    scenario.apply('m1', widget({ size: 1, items: [{ name: 'b' }, { name: 'a' }] }), { now: LATER })
    expect(scenario.changed).toBe(false)
    expect(scenario.live).toBe(before)
  })

  test('more fields are owned from then on', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ size: 1 }))
      .apply('m1', widget({ size: 1, name: 'x' }), { now: LATER })
    expect(scenario.changed).toBe(true)
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:name': {}, 'f:size': {} } })
    expect(scenario.entries[0]?.time).toBe(LATER)
  })

  test('what is no longer applied goes, unless others own it', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ size: 1, name: 'x', nested: { right: { deep: 'd' } } }))
      .apply('m2', widget({ name: 'x' }))
      .apply('m1', widget({}))
    expect(scenario.spec).toEqual({ name: 'x' })
    expect(scenario.owned('m1')).toEqual({ 'f:spec': {} })
    scenario.apply('m2', widget())
    expect(scenario.spec).toBeUndefined()
    expect(scenario.owned('m2')).toBeUndefined()
  })

  test('values of updaters stay when an applier stops stating them', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1, labels: { a: '1' } }))
    scenario.update('u1', widget({ size: 2, labels: { a: '1' } })).apply('m1', widget({ labels: { a: '1' } }))
    expect(scenario.spec).toEqual({ size: 2, labels: { a: '1' } })
  })

  test('lists of keyed items are shared item by item', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ items: [{ name: 'a', value: '1' }] }))
      .apply('m2', widget({ items: [{ name: 'b', value: '2' }] }))
    expect(scenario.spec).toEqual({
      items: [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ],
    })
    scenario.apply('m1', widget({ items: [] }))
    expect(scenario.spec).toEqual({ items: [{ name: 'b', value: '2' }] })
  })

  test('an item stays as long as somebody owns it', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ items: [{ name: 'a', value: '1' }] }))
      .apply('m2', widget({ items: [{ name: 'a', tags: ['t'] }] }))
      .apply('m1', widget({}))
    expect(scenario.spec).toEqual({ items: [{ name: 'a', tags: ['t'] }] })
  })

  test('keys of items have defaults', () => {
    const scenario = new Scenario().apply('m1', widget({ ports: [{ port: 80 }, { port: 80, protocol: 'UDP' }] }))
    expect(scenario.owned('m1')).toEqual({
      'f:spec': {
        'f:ports': {
          'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} },
          'k:{"port":80,"protocol":"UDP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} },
        },
      },
    })
  })

  test('sets are shared item by item', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ tags: ['a', 'b'] }, { finalizers: ['x/a'] }))
      .apply('m2', widget({ tags: ['b', 'c'] }, { finalizers: ['x/b'] }))
      .apply('m1', widget({}))
    expect(scenario.spec).toEqual({ tags: ['b', 'c'] })
    expect(scenario.live?.metadata.finalizers).toEqual(['x/b'])
  })

  test('an empty container that is stated replaces former contents', () => {
    const scenario = new Scenario().apply('m1', widget({ free: { a: 1 } })).apply('m1', widget({ free: {} }))
    expect(scenario.spec).toEqual({ free: {} })
    expect(scenario.apply('m1', widget({ free: {} })).changed).toBe(false)
  })

  test('only times of managed fields are no change', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1 })).apply('m2', widget({ size: 1 }))
    expect(scenario.changed).toBe(true)
    expect(scenario.entries.map((entry) => [entry.manager, entry.time])).toEqual([
      ['m2', undefined],
      ['m1', NOW],
    ])
    expect(scenario.apply('m2', widget({ size: 1 }), { now: LATER }).changed).toBe(false)
  })

  test('a new version continues the entry of the old one', () => {
    const scenario = new Scenario().apply('m1', {
      ...widget({ size: 1, name: 'x' }),
      apiVersion: 'example.com/v1beta1',
    })
    scenario.live = { ...(scenario.live as Widget), apiVersion: 'example.com/v1' }
    scenario.apply('m1', widget({ size: 1 }))
    expect(scenario.spec).toEqual({ size: 1 })
    expect(scenario.entries.map((entry) => entry.apiVersion)).toEqual(['example.com/v1'])
  })

  test('entries of versions that are gone are dropped', () => {
    const scenario = new Scenario().apply('m1', { ...widget({ size: 1 }), apiVersion: 'example.com/v1alpha1' })
    scenario.apply('m2', widget({ size: 2 }), { isServed: (version) => version === 'example.com/v1' })
    expect(scenario.entries.map((entry) => entry.manager)).toEqual(['m2'])
  })

  test('inputs are not changed', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1, items: [{ name: 'a' }, { name: 'b' }] }))
    const live = structuredClone(scenario.live)
    const configuration = widget({ size: 2, items: [{ name: 'b', value: '1' }] })
    const before = structuredClone(configuration)
    applyConfiguration({
      live: scenario.live,
      configuration,
      schema: widgetSchema,
      manager: 'm1',
      force: true,
      now: LATER,
    })
    expect(scenario.live).toEqual(live)
    expect(configuration).toEqual(before)
  })
})

describe('conflicts', () => {
  test('with another applier', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1 }))
    const error = conflictOf(() => scenario.apply('m2', widget({ size: 2 })))
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "m1": .spec.size')
    expect(error.conflicts).toEqual([
      { manager: 'm1', operation: 'Apply', apiVersion: 'example.com/v1', time: NOW, fields: ['.spec.size'] },
    ])
    const answer = error.toApiError()
    expect(isConflict(answer)).toBe(true)
    expect(answer.code).toBe(409)
    expect(answer.status.details?.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "m1"', field: '.spec.size' },
    ])
  })

  test('with an updater names the version', () => {
    const scenario = new Scenario().update('u1', widget({ size: 1 }))
    expect(conflictOf(() => scenario.apply('m1', widget({ size: 2 }))).message).toBe(
      'Apply failed with 1 conflict: conflict with "u1" using example.com/v1: .spec.size',
    )
  })

  test('with a subresource names it', () => {
    const scenario = new Scenario()
      .update('other', widget({}))
      .update('scaler', widget({ size: 3 }), { subresource: 'scale' })
    expect(conflictOf(() => scenario.apply('m1', widget({ size: 2 }))).message).toBe(
      'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using example.com/v1: .spec.size',
    )
  })

  test('several are listed by manager', () => {
    const scenario = new Scenario()
      .apply('m2', widget({ items: [{ name: 'a', value: '1' }], tags: ['t'], size: 1 }))
      .apply('m1', widget({ size: 1, steps: ['s'] }))
    const other = widget({ items: [{ name: 'a', value: '2' }], size: 2, steps: ['s', 't'] })
    expect(conflictOf(() => scenario.apply('m3', other)).message).toBe(
      [
        'Apply failed with 4 conflicts: conflicts with "m1":',
        '- .spec.size',
        '- .spec.steps',
        'conflicts with "m2":',
        '- .spec.size',
        '- .spec.items[name="a"].value',
      ].join('\n'),
    )
  })

  test('atomic values conflict as a whole', () => {
    const scenario = new Scenario().apply('m1', widget({ steps: ['a'], selector: { a: '1' } }))
    const error = conflictOf(() => scenario.apply('m2', widget({ steps: ['a', 'b'], selector: { b: '1' } })))
    expect(error.conflicts[0]?.fields).toEqual(['.spec.selector', '.spec.steps'])
  })

  test('equal values are shared', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1 })).apply('m2', widget({ size: 1 }))
    expect(scenario.owned('m1')).toEqual(scenario.owned('m2'))
    expect(conflictOf(() => scenario.apply('m1', widget({ size: 2 }))).conflicts[0]?.manager).toBe('m2')
  })

  test('force takes the fields away', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ size: 1, name: 'x' }))
      .apply('m2', widget({ size: 2 }), { force: true })
    expect(scenario.spec).toEqual({ size: 2, name: 'x' })
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:name': {} } })
    expect(scenario.owned('m2')).toEqual({ 'f:spec': { 'f:size': {} } })
  })
})

describe('endpoints', () => {
  const main = { resetFields: [['status']] }
  const status = { subresource: 'status', resetFields: [['metadata'], ['spec']] }

  test('each owns what it writes only', () => {
    const scenario = new Scenario()
      .apply('m1', { ...widget({ size: 1 }, { labels: { a: '1' } }), status: { phase: 'Ignored' } }, main)
      .apply('m1', { ...widget({ size: 1 }, { labels: { a: '1' } }), status: { replicas: 2 } }, status)
    expect(scenario.entries.map((entry) => [entry.subresource, Object.keys(entry.fieldsV1)])).toEqual([
      [undefined, ['f:metadata', 'f:spec']],
      ['status', ['f:status']],
    ])
  })

  test('an update of the object takes nothing of the status', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ size: 1 }), main)
      .apply('agent', { ...widget(), status: { phase: 'Ready' } }, status)
      .update('u1', { ...widget({ size: 2 }), status: { phase: 'Forged' } }, main)
    expect(scenario.owned('agent')).toEqual({ 'f:status': { 'f:phase': {} } })
    expect(scenario.owned('u1')).toEqual({ 'f:spec': { 'f:size': {} } })
  })
})

describe('objects nobody tracks', () => {
  test('belong to the time before the first apply', () => {
    const scenario = new Scenario()
    scenario.live = { ...widget({ size: 1, name: 'x' }, { uid: 'u1' }) }
    expect(conflictOf(() => scenario.apply('m1', widget({ size: 2 }))).message).toBe(
      'Apply failed with 1 conflict: conflict with "before-first-apply" using example.com/v1: .spec.size',
    )
    scenario.apply('m1', widget({ size: 1 }))
    expect(scenario.owned('before-first-apply')).toEqual({ 'f:spec': { '.': {}, 'f:name': {}, 'f:size': {} } })
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:size': {} } })
  })
})

describe('what cannot be applied', () => {
  test.each<[string, Widget, string]>([
    ['undeclared fields', widget({ sise: 1 }), '.spec.sise: field not declared in schema'],
    [
      'undeclared fields inside items',
      widget({ items: [{ name: 'a', x: 1 }] }),
      '.spec.items[name="a"].x: field not declared in schema',
    ],
    ['values of another kind', widget({ size: 'big' }), '.spec.size: expected numeric (int or float), got string'],
    [
      'repeated keys',
      widget({ items: [{ name: 'a' }, { name: 'a' }] }),
      '.spec.items: duplicate entries for key [name="a"]',
    ],
    ['repeated items', widget({ tags: ['a', 'a'] }), '.spec.tags: duplicate entries for key [="a"]'],
    [
      'items without keys',
      widget({ items: [{ value: 'x' }] }),
      '.spec.items: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)',
    ],
    [
      'wrong items of atomic lists',
      widget({ steps: ['a', 1] }),
      '.spec.steps[1]: expected string, got &value.valueUnstructured{Value:1}',
    ],
    [
      'a map in place of a text',
      widget({ steps: [{ b: [true, null], a: 'x' }] }),
      '.spec.steps[0]: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":"x", "b":[]interface {}{true, interface {}(nil)}}}',
    ],
    [
      'a map in place of a number',
      widget({ size: {} }),
      '.spec.size: expected numeric (int or float), got map[string]interface {}',
    ],
    [
      'a list in place of a map',
      { ...widget(), spec: ['a', { b: 1, a: null }] as never },
      '.spec: expected map, got &{[a map[a:<nil> b:1]]}',
    ],
    [
      'a wrong kind of metadata',
      { ...widget(), metadata: { name: 'w1', labels: { a: 1 as unknown as string } } },
      '.metadata.labels.a: expected string, got &value.valueUnstructured{Value:1}',
    ],
  ])('%s', (_, configuration, problem) => {
    const apply = () => new Scenario().apply('m1', configuration)
    expect(apply).toThrow(ApplyTypeError)
    expect(apply).toThrow(`failed to create typed patch object (/w1; example.com/v1, Kind=Widget): ${problem}`)
  })

  test('several problems are all told, with status 500', () => {
    try {
      new Scenario().apply('m1', widget({ a: 1, b: 2 }))
      expect.unreachable()
    } catch (error) {
      expect((error as ApplyTypeError).message).toMatch(/: errors:\n {2}\.spec\.a: .*\n {2}\.spec\.b: /)
      expect((error as ApplyTypeError).toApiError().code).toBe(500)
    }
  })

  test('managed fields', () => {
    expect(() => new Scenario().apply('m1', widget({}, { managedFields: [] }))).toThrow(
      'metadata.managedFields must be nil',
    )
  })

  test('a live object with items that have no keys is reported as such', () => {
    const scenario = new Scenario()
    scenario.live = widget({ items: [{ value: 'x' }] })
    expect(() => scenario.apply('m1', widget({ items: [{ name: 'a' }] }))).toThrow(/failed to create typed live object/)
  })
})

describe('schemas that change', () => {
  const withSpec = (properties: Record<string, StructuralSchema>): StructuralSchema => ({
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { ...widgetSchema.properties?.['spec']?.properties, ...properties } },
    },
  })

  test('owning contents of what became atomic is owning all of it', () => {
    const schema = withSpec({
      labels: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: { type: 'string' } },
      tags: { type: 'array', items: { type: 'string' } },
    })
    const scenario = new Scenario().apply('m1', widget({ labels: { a: '1' }, tags: ['x'], size: 1 }))
    expect(
      conflictOf(() => scenario.apply('m2', widget({ labels: { b: '2' } }), { schema })).conflicts[0]?.fields,
    ).toEqual(['.spec.labels'])
    scenario.apply('m2', widget({ name: 'x' }), { schema })
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:labels': {}, 'f:size': {}, 'f:tags': {} } })
  })

  test('owning what was atomic stays owning the container', () => {
    const schema = withSpec({ selector: { type: 'object', additionalProperties: { type: 'string' } } })
    const scenario = new Scenario()
      .apply('m1', widget({ selector: { a: '1' } }))
      .apply('m2', widget({ selector: { b: '2' } }), { schema })
    expect(scenario.spec).toEqual({ selector: { a: '1', b: '2' } })
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:selector': {} } })
  })
})

describe('moving from client-side apply', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const clientSide = (spec: NonNullable<Widget['spec']>) =>
    widget(spec, { uid: 'u1', annotations: { [annotation]: JSON.stringify(widget(spec)) } })

  test('kubectl may change what it applied last, and keeps the annotation up to date', () => {
    const scenario = new Scenario().update('kubectl-client-side-apply', clientSide({ size: 1, name: 'x' }))
    scenario.apply('kubectl', widget({ size: 2, name: 'x' }))
    expect(scenario.spec).toEqual({ size: 2, name: 'x' })
    expect(scenario.live?.metadata.annotations?.[annotation]).toBe(
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w1"},"spec":{"name":"x","size":2}}\n',
    )
  })

  test('but not what others changed since', () => {
    const scenario = new Scenario().update('kubectl-client-side-apply', clientSide({ size: 1, name: 'x' }))
    scenario.update('u1', { ...(scenario.live as Widget), spec: { size: 5, name: 'x' } })
    const error = conflictOf(() => scenario.apply('kubectl', widget({ size: 2, name: 'y' })))
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "u1" using example.com/v1: .spec.size')
  })

  test('other managers may not', () => {
    const scenario = new Scenario().update('kubectl-client-side-apply', clientSide({ size: 1 }))
    expect(() => scenario.apply('m1', widget({ size: 2 }))).toThrow(ApplyConflictError)
  })

  test('an annotation that cannot be read allows nothing', () => {
    const scenario = new Scenario().update('c', widget({ size: 1 }, { annotations: { [annotation]: '{' } }))
    expect(() => scenario.apply('kubectl', widget({ size: 2 }))).toThrow(ApplyConflictError)
  })

  test('an annotation that would get too large is removed', () => {
    const scenario = new Scenario().update('kubectl-client-side-apply', clientSide({ size: 1 }))
    scenario.apply('kubectl', widget({ size: 1, name: 'x'.repeat(270_000) }))
    expect(scenario.live?.metadata.annotations).toEqual({})
  })
})
