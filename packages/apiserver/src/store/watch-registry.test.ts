import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoreEvent } from './store-types.ts'
import { WatchRegistry } from './watch-registry.ts'

function event(revision: number, key: string): StoreEvent {
  return { revision, key, time: 0, createRevision: revision }
}

describe('watch registry', () => {
  test('gives each watch exactly the events of its key or prefix, in one call', () => {
    const part = fc.constantFrom('a', 'b', 'ab', '')
    const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    const scope = fc.oneof(
      fc.constant({ prefix: '' }),
      key.map((text) => ({ prefix: text })),
      key.map((text) => ({ prefix: `${text}/` })),
      key.map((text) => ({ key: text })),
    )
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 8 }), fc.array(key, { maxLength: 10 }), (scopes, keys) => {
        const registry = new WatchRegistry()
        const calls: string[][][] = scopes.map(() => [])
        for (const [index, each] of scopes.entries()) {
          registry.add(each, 0, (events) => calls[index]!.push(events.map((told) => told.key)))
        }
        registry.dispatch(keys.map((name, index) => event(index + 1, name)))
        const expected = scopes.map((each) => {
          const own = keys.filter((name) => ('key' in each ? name === each.key : name.startsWith(each.prefix)))
          return own.length === 0 ? [] : [own]
        })
        expect(calls).toEqual(expected)
      }),
      { seed: 1 },
    )
  })

  test('an ended watch gets nothing more, not even of the batch under way', () => {
    const registry = new WatchRegistry()
    const got: string[] = []
    const end = registry.add({ prefix: '/a/' }, 0, () => got.push('first'))
    registry.add({ prefix: '/' }, 0, () => {
      got.push('second')
      end()
    })
    registry.dispatch([event(1, '/b/x'), event(2, '/a/x')])
    registry.dispatch([event(3, '/a/x')])
    expect(got).toEqual(['second', 'second'])
  })

  test.each([{ prefix: '/a/' }, { key: '/a/x' }])('ending one of several watches of %j leaves the others', (scope) => {
    const registry = new WatchRegistry()
    const got: string[] = []
    const endFirst = registry.add(scope, 0, () => got.push('first'))
    registry.add(scope, 0, () => got.push('second'))
    endFirst()
    endFirst()
    registry.dispatch([event(1, '/a/x')])
    expect(got).toEqual(['second'])
  })

  test('leaves out events the watch has seen before', () => {
    const registry = new WatchRegistry()
    const got: number[] = []
    registry.add({ prefix: '/a/' }, 5, (events) => got.push(...events.map(({ revision }) => revision)))
    registry.dispatch([event(5, '/a/x'), event(6, '/a/x')])
    expect(got).toEqual([6])
  })
})
