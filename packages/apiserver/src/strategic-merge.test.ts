import { describe, expect, test } from 'vitest'
import { applyStrategicMergePatch as merge } from './strategic-merge.ts'

const containers = (...names: string[]): { name: string; image: string }[] =>
  names.map((name) => ({ name, image: `${name}:1` }))

describe('maps', () => {
  test('merge, delete with null, and drop nulls that delete nothing', () => {
    expect(merge({ data: { a: '1', b: '2' } }, { data: { a: null, c: '3' }, new: { x: null, y: 1 } })).toEqual({
      data: { b: '2', c: '3' },
      new: { y: 1 },
    })
  })

  test('are replaced, emptied or cut down by directives', () => {
    expect(merge({ a: { x: 1 } }, { a: { $patch: 'replace', y: 2 } })).toEqual({ a: { y: 2 } })
    expect(merge({ a: { x: 1 } }, { a: { $patch: 'delete' } })).toEqual({ a: {} })
    expect(
      merge(
        { strategy: { type: 'RollingUpdate', rollingUpdate: {} } },
        { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      ),
    ).toEqual({ strategy: { type: 'Recreate' } })
    expect(() => merge({}, { a: { $patch: 'explode' } })).toThrow('unknown $patch directive "explode"')
  })
})

describe('lists', () => {
  test('without a merge key are replaced', () => {
    expect(merge({ rules: [1, 2], args: ['a'] }, { rules: [3] })).toEqual({ rules: [3], args: ['a'] })
  })

  test('with one merge item by item', () => {
    const before = { containers: containers('a', 'b') }
    expect(merge(before, { containers: [{ name: 'b', image: 'b:2' }, { name: 'c' }] })).toEqual({
      containers: [{ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:2' }, { name: 'c' }],
    })
    expect(before).toEqual({ containers: containers('a', 'b') })
  })

  test('lose items marked for deletion, or everything when marked as replaced', () => {
    const before = { containers: containers('a', 'b') }
    expect(merge(before, { containers: [{ name: 'a', $patch: 'delete' }] })).toEqual({ containers: containers('b') })
    expect(merge(before, { containers: [{ $patch: 'replace' }, { name: 'z' }] })).toEqual({
      containers: [{ name: 'z' }],
    })
  })

  test('take the order the client knows; others stay before whom they stood', () => {
    const before = { containers: containers('a', 'server', 'b') }
    const patch = {
      '$setElementOrder/containers': [{ name: 'new' }, { name: 'b' }, { name: 'a' }],
      containers: [{ name: 'new' }],
    }
    expect(merge(before, patch)).toEqual({
      containers: [{ name: 'new' }, ...containers('server', 'b', 'a')],
    })
    const only = { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] }
    expect(merge({ containers: containers('a', 'b') }, only)).toEqual({ containers: containers('b', 'a') })
  })

  test('of plain values are sets, and lose values by directive', () => {
    expect(
      merge({ finalizers: ['a', 'b'] }, { finalizers: ['b', 'c'], '$deleteFromPrimitiveList/finalizers': ['a'] }),
    ).toEqual({
      finalizers: ['b', 'c'],
    })
  })

  test('need the key in every item', () => {
    expect(() => merge({}, { env: [{ value: 'x' }] })).toThrow('an item of the list env has no name')
  })
})
