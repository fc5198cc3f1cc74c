import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoreEvent } from './store-types.ts'
import { WatchRegistry } from './watch-registry.ts'

function event(revision: number, key: string): StoreEvent {
  return { revision, key, time: 0, createRevision: revision }
}

describe('watch registry', () => {
  test('gives each watch exactly the events of its prefix, in one call', () => {
    const part = fc.constantFrom('a', 'b', 'ab', '')
    const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    const prefix = fc.oneof(
      fc.constant(''),
      key,
      key.map((text) => `${text}/`),
    )
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 8 }), fc.array(key, { maxLength: 10 }), (prefixes, keys) => {
        const registry = new WatchRegistry()
        const calls: string[][][] = prefixes.map(() => [])
        for (const [index, prefix] of prefixes.entries()) {
          registry.add(prefix, 0, (events) => calls[index]!.push(events.map((each) => each.key)))
        }
        registry.dispatch(keys.map((name, index) => event(index + 1, name)))
        const expected = prefixes.map((prefix) => {
          const own = keys.filter((name) => name.startsWith(prefix))
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
    const end = registry.add('/a/', 0, () => got.push('first'))
    registry.add('/', 0, () => {
      got.push('second')
      end()
    })
    registry.dispatch([event(1, '/b/x'), event(2, '/a/x')])
    registry.dispatch([event(3, '/a/x')])
    expect(got).toEqual(['second', 'second'])
  })

  test('ending one of several watches of a prefix leaves the others', () => {
    const registry = new WatchRegistry()
    const got: string[] = []
    const endFirst = registry.add('/a/', 0, () => got.push('first'))
    registry.add('/a/', 0, () => got.push('second'))
    endFirst()
    endFirst()
    registry.dispatch([event(1, '/a/x')])
    expect(got).toEqual(['second'])
  })

  test('leaves out events the watch has seen before', () => {
    const registry = new WatchRegistry()
    const got: number[] = []
    registry.add('/a/', 5, (events) => got.push(...events.map(({ revision }) => revision)))
    registry.dispatch([event(5, '/a/x'), event(6, '/a/x')])
    expect(got).toEqual([6])
  })
})
