import { describe, expect, test } from 'vitest'
import type { Json, ManagedFieldsEntry } from '../types.ts'
import { NOW, Scenario, widget, widgetSchema } from './test-widget.ts'
import type { Widget } from './test-widget.ts'
import { trackUpdate } from './track-update.ts'

const LATER = '2026-02-01T01:00:00Z'

function withEntries(object: Widget, entries: readonly unknown[]): Widget {
  return { ...object, metadata: { ...object.metadata, managedFields: entries as ManagedFieldsEntry[] } }
}

function entry(fieldsV1: Json, changes: Record<string, Json> = {}): Record<string, Json> {
  return {
    manager: 'x',
    operation: 'Update',
    apiVersion: 'example.com/v1',
    time: NOW,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...changes,
  }
}

describe('updates', () => {
  test('a create owns all it sets, containers included', () => {
    const scenario = new Scenario().update('u1', widget({ labels: { a: '1' }, tags: ['x'] }, { labels: { l: '1' } }))
    expect(scenario.entries).toEqual([
      {
        manager: 'u1',
        operation: 'Update',
        apiVersion: 'example.com/v1',
        time: NOW,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { '.': {}, 'f:l': {} } },
          'f:spec': { '.': {}, 'f:labels': { '.': {}, 'f:a': {} }, 'f:tags': { '.': {}, 'v:"x"': {} } },
        },
      },
    ])
    expect(JSON.stringify(scenario.owned('u1'))).toBe(
      '{"f:metadata":{"f:labels":{".":{},"f:l":{}}},"f:spec":{".":{},"f:labels":{".":{},"f:a":{}},"f:tags":{".":{},"v:\\"x\\"":{}}}}',
    )
  })

  test('changing a value takes it from its owner', () => {
    const scenario = new Scenario()
      .apply('m1', widget({ size: 1, name: 'x' }))
      .update('u1', widget({ size: 2, name: 'x' }))
    expect(scenario.owned('m1')).toEqual({ 'f:spec': { 'f:name': {} } })
    expect(scenario.owned('u1')).toEqual({ 'f:spec': { 'f:size': {} } })
  })

  test('rewriting equal values takes nothing', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1 }))
    const before = scenario.entries
    scenario.update('u1', widget({ size: 1 }), { now: LATER })
    expect(scenario.entries).toBe(before)
  })

  test('what is removed belongs to nobody', () => {
    const scenario = new Scenario().apply('m1', widget({ size: 1, name: 'x' })).apply('m2', widget({ name: 'x' }))
    scenario.update('u1', widget({ size: 1 }))
    expect(scenario.entries.map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual([
      ['m1', { 'f:spec': { 'f:size': {} } }],
    ])
  })

  test('changing an own value again keeps the set and moves the time', () => {
    const scenario = new Scenario().update('u1', widget({ size: 1 }))
    const [before] = scenario.entries
    scenario.update('u1', widget({ size: 2 }), { now: LATER })
    expect(scenario.entries).toEqual([{ ...before, time: LATER }])
    expect(scenario.entries[0]?.fieldsV1).toBe(before?.fieldsV1)
    const entries = scenario.entries
    scenario.update('u1', widget({ size: 3 }), { now: LATER })
    expect(scenario.entries).toEqual(entries)
  })

  test('operations, versions and subresources have entries of their own', () => {
    const scenario = new Scenario()
      .apply('m', widget({ size: 1 }))
      .update('m', widget({ size: 2 }))
      .update('m', { ...widget({ size: 2, name: 'x' }), apiVersion: 'example.com/v2' })
      .update('m', { ...widget({ size: 2, name: 'x' }), status: { phase: 'Ready' } }, { subresource: 'status' })
    expect(scenario.entries.map((e) => [e.operation, e.apiVersion, e.subresource])).toEqual([
      ['Update', 'example.com/v1', undefined],
      ['Update', 'example.com/v1', 'status'],
      ['Update', 'example.com/v2', undefined],
    ])
  })

  test('an empty manager is called unknown', () => {
    expect(new Scenario().update('', widget({ size: 1 })).owned('unknown')).toBeDefined()
  })

  test('entries are ordered by operation, time, manager', () => {
    const scenario = new Scenario()
      .update('z', widget({ size: 1 }), { now: NOW })
      .update('a', widget({ size: 1, name: 'x' }), { now: LATER })
      .update('b', widget({ size: 1, name: 'x', quota: 1 }), { now: LATER })
      .apply('q', widget({ tags: ['t'] }), { now: LATER })
    expect(scenario.entries.map((e) => e.manager)).toEqual(['q', 'z', 'a', 'b'])
  })

  test('beyond ten updaters the oldest are merged', () => {
    const scenario = new Scenario()
    const labels: Record<string, string> = {}
    for (let index = 0; index < 12; index++) {
      labels[`l${index}`] = 'x'
      scenario.update(`u${index}`, widget({ labels: { ...labels } }), { now: `2026-02-01T00:00:${10 + index}Z` })
    }
    expect(scenario.entries).toHaveLength(10)
    expect(scenario.entries[0]).toMatchObject({ manager: 'ancient-changes', time: '2026-02-01T00:00:12Z' })
    expect(scenario.owned('ancient-changes')).toEqual({
      'f:spec': { '.': {}, 'f:labels': { '.': {}, 'f:l0': {}, 'f:l1': {}, 'f:l2': {} } },
    })
  })

  test('when ownership cannot be told the live managed fields stay', () => {
    const scenario = new Scenario().update('u1', widget({ size: 1 }))
    const before = scenario.entries
    scenario.update('u2', widget({ items: [{ name: 'a' }, { value: 'no key' }] }))
    expect(scenario.entries).toEqual(before)
    expect(scenario.spec).toEqual({ items: [{ name: 'a' }, { value: 'no key' }] })
  })

  test('without a schema values say their types', () => {
    const live = trackUpdate({
      updated: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'c', finalizers: ['f'] },
        data: { a: '1' },
        list: [{ name: 'x' }],
      },
      schema: undefined,
      manager: 'u',
      operation: 'Update',
      now: NOW,
    })
    expect(live.metadata).toMatchObject({
      managedFields: [
        {
          fieldsV1: {
            'f:data': { '.': {}, 'f:a': {} },
            'f:list': {},
            'f:metadata': { 'f:finalizers': { '.': {}, 'v:"f"': {} } },
          },
        },
      ],
    })
  })

  test('inputs are not changed', () => {
    const live = new Scenario().update('u1', widget({ size: 1, tags: ['a'] })).live as Widget
    const updated = { ...widget({ size: 2, tags: ['b'] }), metadata: live.metadata }
    const before = structuredClone([live, updated])
    trackUpdate({ live, updated, schema: widgetSchema, manager: 'u2', operation: 'Update', now: LATER })
    expect([live, updated]).toEqual(before)
  })
})

describe('managed fields in the written object', () => {
  const start = () => new Scenario().update('u1', widget({ size: 1 }))

  test.each<[string, readonly unknown[] | undefined]>([
    ['are absent', undefined],
    ['say nothing', [entry({})]],
    ['cannot be read', [entry({ 'k:{': {} })]],
    ['have an unknown operation', [entry({ 'f:a': {} }, { operation: 'Patch' })]],
    ['have no version', [entry({ 'f:a': {} }, { apiVersion: '' })]],
    ['have an unknown type', [entry({ 'f:a': {} }, { fieldsType: 'FieldsV2' })]],
  ])('are taken from the live object when they %s', (_, sent) => {
    const scenario = start()
    const before = scenario.entries
    scenario.update('u1', sent === undefined ? widget({ size: 1 }) : withEntries(widget({ size: 1 }), sent))
    expect(scenario.entries).toEqual(before)
  })

  test('count otherwise, in our own spelling', () => {
    const sent = [entry({ 'f:spec': { 'f:size': {}, '.': {} }, 'zz:': {} }, { manager: 'edited' })]
    const scenario = start().update('u1', withEntries(widget({ size: 1 }), sent))
    expect(JSON.stringify(scenario.entries)).toBe(
      `[{"manager":"edited","operation":"Update","apiVersion":"example.com/v1","time":"${NOW}","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{".":{},"f:size":{}}}}]`,
    )
  })

  test.each([[[]], [[{}]]])('%j resets them, and the object stays untracked until an apply', (sent) => {
    const scenario = start().update('u1', withEntries(widget({ size: 1 }), sent))
    expect(scenario.live?.metadata).toEqual({ name: 'w1' })
    scenario.update('u2', widget({ size: 2 }))
    expect(scenario.live?.metadata).toEqual({ name: 'w1' })
    scenario.apply('m1', widget({ name: 'x' }))
    expect(scenario.entries.map((e) => e.manager)).toEqual(['m1', 'before-first-apply'])
  })

  test('do not count on subresources', () => {
    const scenario = start()
    const before = scenario.entries
    scenario.update('u1', withEntries(widget({ size: 1 }), []), { subresource: 'status' })
    expect(scenario.entries).toEqual(before)
  })
})
