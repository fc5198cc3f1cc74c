import { describe, expect, test } from 'vitest'
import type { Json } from '../types.ts'
import { compareObjects } from './compare.ts'
import { describePaths, fieldSetOf, sorted } from './field-set.ts'
import type { FieldSet } from './field-set.ts'
import { rootType } from './field-type.ts'
import type { JsonMap } from './json-values.ts'
import { widget, widgetSchema } from './test-widget.ts'

type Spec = { [field: string]: Json }

function compare(before: Spec | undefined, after: Spec | undefined) {
  const result = compareObjects(
    widget(before) as unknown as JsonMap,
    widget(after) as unknown as JsonMap,
    rootType(widgetSchema),
    undefined,
  )
  return { removed: below(result?.removed), modified: below(result?.modified), added: below(result?.added) }
}

/** Paths relative to the spec. */
function below(set: FieldSet | undefined): string[] {
  return describePaths(sorted(set ?? {})).map((path) => path.replace('.spec', ''))
}

const none: Record<'removed' | 'modified' | 'added', string[]> = { removed: [], modified: [], added: [] }

describe('comparison', () => {
  test.each<[string, Spec | undefined, Spec | undefined, Partial<typeof none>]>([
    ['equal objects', { size: 1, tags: ['a', 'b'] }, { size: 1, tags: ['b', 'a'] }, {}],
    [
      'scalars',
      { size: 1, name: 'a' },
      { size: 2, quota: '1' },
      { removed: ['.name'], modified: ['.size'], added: ['.quota'] },
    ],
    [
      'containers that come count besides their contents',
      undefined,
      { labels: { a: '1' } },
      { added: ['', '.labels', '.labels.a'] },
    ],
    [
      'containers that go as well',
      { nested: { right: { deep: 'x' } } },
      {},
      { removed: ['.nested', '.nested.right', '.nested.right.deep'] },
    ],
    ['contents alone when the container stays', { labels: { a: '1' } }, { labels: {} }, { removed: ['.labels.a'] }],
    ['an empty container is a leaf', { labels: {} }, { labels: null }, { modified: ['.labels'] }],
    ['null gains contents', { labels: null }, { labels: { a: '1' } }, { added: ['.labels.a'] }],
    [
      'atomic containers are one value',
      { steps: ['a'], selector: { a: '1' } },
      { steps: ['a', 'b'], selector: { a: '2' } },
      { modified: ['.selector', '.steps'] },
    ],
    [
      'keyed items',
      { items: [{ name: 'a', value: '1' }, { name: 'b' }] },
      { items: [{ name: 'c' }, { name: 'a', value: '2' }] },
      {
        removed: ['.items[name="b"]', '.items[name="b"].name'],
        modified: ['.items[name="a"].value'],
        added: ['.items[name="c"]', '.items[name="c"].name'],
      },
    ],
    [
      'items in the same places',
      { items: [{ name: 'a', value: '1' }] },
      { items: [{ name: 'a', value: '2' }] },
      { modified: ['.items[name="a"].value'] },
    ],
    ['sets', { tags: ['a', 'b'] }, { tags: ['b', 'c'] }, { removed: ['.tags[="a"]'], added: ['.tags[="c"]'] }],
    [
      'items repeated on both sides are one value',
      { tags: ['a', 'a'] },
      { tags: ['a', 'a', 'a'] },
      { modified: ['.tags[="a"]'] },
    ],
    [
      'items repeated only before',
      { items: [{ name: 'a' }, { name: 'a' }] },
      { items: [{ name: 'a', value: '1' }] },
      { removed: ['.items[name="a"]'], added: ['.items[name="a"]', '.items[name="a"].name', '.items[name="a"].value'] },
    ],
    [
      'items repeated only after',
      { items: [{ name: 'a' }] },
      { items: [{ name: 'a' }, { name: 'a' }] },
      { removed: ['.items[name="a"]', '.items[name="a"].name'], added: ['.items[name="a"]'] },
    ],
    [
      'another kind of value',
      { free: { a: 'x' } },
      { free: { a: { b: 1 } } },
      { modified: ['.free.a'], added: ['.free.a.b'] },
    ],
  ])('%s', (_, before, after, expected) => {
    expect(compare(before, after)).toEqual({ ...none, ...expected })
  })

  test('fields of the server do not count, and ignored fields neither', () => {
    const before = { ...widget({ size: 1 }, { resourceVersion: '1' }), status: { phase: 'a' } }
    const after = { ...widget({ size: 1 }, { resourceVersion: '2', generation: 2 }), status: { phase: 'b' } }
    const type = rootType(widgetSchema)
    expect(
      compareObjects(before as unknown as JsonMap, after as unknown as JsonMap, type, fieldSetOf([['status']])),
    ).toBeUndefined()
  })

  test('without a schema lists are atomic and maps own themselves', () => {
    const result = compareObjects(
      { kind: 'K', data: { a: [1] } },
      { kind: 'K', data: { a: [2], b: { c: 1 } }, metadata: { labels: { x: 'y' } } },
      rootType(undefined),
      undefined,
    )
    expect(result).toEqual({
      modified: { 'f:data': { 'f:a': {} } },
      added: {
        'f:data': { 'f:b': { '.': {}, 'f:c': {} } },
        'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
      },
    })
  })
})
