import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../types.ts'
import { rootType } from './field-type.ts'
import type { JsonMap } from './json-values.ts'
import { mergeObjects } from './merge.ts'
import { widget, widgetSchema } from './test-widget.ts'

fc.configureGlobal({ seed: 2_026 })

const type = rootType(widgetSchema)

function merge(live: { [field: string]: Json }, applied: { [field: string]: Json }): Json | undefined {
  const result = mergeObjects(widget(live) as unknown as JsonMap, widget(applied) as unknown as JsonMap, type)
  return result['spec']
}

const letters = (text: string) => Array.from(text, (name) => ({ name }))

describe('order of lists that merge item by item', () => {
  test.each([
    ['the applied order wins', 'abc', 'cba', 'cba'],
    ['live-only items keep their place', 'abc', 'b', 'abc'],
    ['applied-only items come after', 'ab', 'c', 'abc'],
    ['shared items pull live-only ones along', 'abcd', 'ca', 'bcda'],
    ['nothing live', '', 'ab', 'ab'],
    ['live-only items stay between shared ones', 'abcde', '1b2ed', 'a1bc2ed'],
  ])('%s: %s + %s = %s', (_, live, applied, expected) => {
    expect(merge({ items: letters(live) }, { items: letters(applied) })).toEqual({ items: letters(expected) })
  })

  test('repeated live items stay unless they are applied', () => {
    expect(merge({ tags: ['a', 'b', 'a', 'c', 'b'] }, { tags: ['c', 'b'] })).toEqual({ tags: ['a', 'a', 'c', 'b'] })
    expect(merge({ tags: ['a', 'b', 'c', 'd', 'e', 'c'] }, { tags: ['1', 'b', '2', 'e', 'd'] })).toEqual({
      tags: ['a', '1', 'b', 'c', '2', 'e', 'c', 'd'],
    })
  })

  test('holds every element once, applied ones in applied order, live ones in live order', () => {
    const names = fc.uniqueArray(fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'f', 'g'))
    fc.assert(
      fc.property(names, names, (live, applied) => {
        const merged = (merge({ tags: live }, { tags: applied }) as { tags: string[] }).tags
        expect(merged.toSorted()).toEqual([...new Set([...live, ...applied])].toSorted())
        expect(merged.filter((name) => applied.includes(name))).toEqual(applied)
        const liveOnly = live.filter((name) => !applied.includes(name))
        expect(merged.filter((name) => liveOnly.includes(name))).toEqual(liveOnly)
      }),
    )
  })
})

describe('values', () => {
  test.each<[string, { [field: string]: Json }, { [field: string]: Json }, { [field: string]: Json }]>([
    ['applied scalars win', { size: 1, name: 'x' }, { size: 2 }, { size: 2, name: 'x' }],
    ['atomic lists are replaced', { steps: ['a', 'b'] }, { steps: ['c'] }, { steps: ['c'] }],
    ['atomic maps are replaced', { selector: { a: '1' } }, { selector: { b: '2' } }, { selector: { b: '2' } }],
    ['granular maps are joined', { labels: { a: '1' } }, { labels: { b: '2' } }, { labels: { a: '1', b: '2' } }],
    [
      'items are joined',
      { items: [{ name: 'a', value: '1' }] },
      { items: [{ name: 'a', tags: ['t'] }] },
      { items: [{ name: 'a', value: '1', tags: ['t'] }] },
    ],
    [
      'items are told apart by defaulted keys',
      { ports: [{ port: 80, protocol: 'TCP', name: 'x' }] },
      { ports: [{ port: 80 }, { port: 80, protocol: 'UDP' }] },
      {
        ports: [
          { port: 80, protocol: 'TCP', name: 'x' },
          { port: 80, protocol: 'UDP' },
        ],
      },
    ],
    ['null replaces scalars', { size: 1 }, { size: null }, { size: null }],
    [
      'null leaves contents alone',
      { labels: { a: '1' }, items: [{ name: 'a' }] },
      { labels: null, items: null },
      { labels: { a: '1' }, items: [{ name: 'a' }] },
    ],
    [
      'of two empty values the applied one stays',
      { labels: {}, tags: null },
      { labels: null, tags: [] },
      { labels: null, tags: [] },
    ],
    ['another kind of value wins', { free: { a: { b: 1 } } }, { free: { a: [1] } }, { free: { a: [1] } }],
    [
      'names of inherited members are plain keys',
      { labels: { a: '1' } },
      { labels: { constructor: 'x', toString: 'y' } },
      { labels: { a: '1', constructor: 'x', toString: 'y' } },
    ],
  ])('%s', (_, live, applied, expected) => {
    expect(merge(live, applied)).toEqual(expected)
  })

  test('a key called __proto__ is a key', () => {
    const result = merge({ labels: {} }, { labels: JSON.parse('{"__proto__":"x","b":"y"}') as Json })
    expect(JSON.stringify(result)).toBe('{"labels":{"__proto__":"x","b":"y"}}')
  })

  test('shares what does not change', () => {
    const live = widget({ labels: { a: '1' }, nested: { left: 1 }, items: [{ name: 'a' }, { name: 'b' }] })
    const same = widget({ labels: { a: '1' }, items: [{ name: 'a' }] })
    const asMap = (object: unknown) => object as JsonMap
    expect(mergeObjects(asMap(live), asMap(same), type)).toBe(live)
    const changed = mergeObjects(asMap(live), asMap(widget({ nested: { left: 2 } })), type)
    expect((changed['spec'] as JsonMap)['labels']).toBe(live.spec?.['labels'])
  })

  test('fields of the server cannot be applied over', () => {
    const live = widget({}, { uid: 'u1', generation: 3, creationTimestamp: '2026-01-01T00:00:00Z' })
    const applied = { ...widget({}), metadata: { name: 'w1', creationTimestamp: null, generation: 9 } }
    expect(mergeObjects(live as unknown as JsonMap, applied as unknown as JsonMap, type)).toBe(live)
  })
})
