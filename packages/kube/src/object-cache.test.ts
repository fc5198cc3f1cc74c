import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeObject, ObjectCache } from './object-cache.ts'
import type { EncodedObject } from './object-cache.ts'
import type { Widget } from './testing/fake-api.ts'

function widget(name: string, version: number, size = version, uid = `uid-${name}`): Widget {
  return {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name, namespace: 'ns', uid, resourceVersion: String(version) },
    spec: { size },
  }
}

/** Counts how often the object is taken out of its bytes. */
function counted(object: Widget): EncodedObject & { readonly parses: () => number } {
  let parses = 0
  const { key, resourceVersion, bytes } = encodeObject(object)
  return {
    key,
    resourceVersion,
    bytes,
    parses: () => parses,
    object: <T>() => {
      parses++
      return JSON.parse(Buffer.from(bytes).toString()) as T
    },
  }
}

describe('ObjectCache', () => {
  test('behaves like a map with indexes that are computed anew each time', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('set' as const),
        name: fc.nat(7),
        size: fc.nat(3),
        same: fc.boolean(),
        uid: fc.nat(1),
      }),
      fc.record({ do: fc.constant('delete' as const), name: fc.nat(7) }),
      fc.record({ do: fc.constant('replace' as const), names: fc.uniqueArray(fc.nat(7)), size: fc.nat(3) }),
      fc.record({ do: fc.constant('index' as const) }),
      fc.record({ do: fc.constant('get' as const), name: fc.nat(7) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, parsedObjects) => {
        const cache = new ObjectCache<Widget>({ parsedObjects, freeze: true })
        const model = new Map<string, Widget>()
        let indexes = 0
        let version = 0
        const sizes = (object: Widget) => (object.spec.size === 0 ? [] : [String(object.spec.size), 'any'])
        for (const action of steps) {
          if (action.do === 'set') {
            const key = `ns/w${action.name}`
            const before = model.get(key)
            const same = action.same && before !== undefined
            const object = same ? before : widget(`w${action.name}`, ++version, action.size, `uid-${action.uid}`)
            const types = cache.set(encodeObject(structuredClone(object))).map((change) => change.type)
            const recreated = before !== undefined && before.metadata.uid !== object.metadata.uid
            expect(types).toEqual(
              same ? [] : before === undefined ? ['ADDED'] : recreated ? ['DELETED', 'ADDED'] : ['MODIFIED'],
            )
            model.set(key, object)
          } else if (action.do === 'delete') {
            const key = `ns/w${action.name}`
            const changes = cache.delete(key)
            expect(changes.map((change) => change.object())).toEqual(model.has(key) ? [model.get(key)] : [])
            model.delete(key)
          } else if (action.do === 'replace') {
            version++
            const objects = action.names.map((name) => widget(`w${name}`, version, action.size))
            const before = new Map(model)
            model.clear()
            for (const object of objects) model.set(`ns/${object.metadata.name}`, object)
            const after = new Map(before)
            for (const change of cache.replace(objects.map((object) => encodeObject(structuredClone(object))))) {
              if (change.type === 'DELETED') after.delete(change.key)
              else after.set(change.key, change.object())
            }
            expect(after).toEqual(model)
          } else if (action.do === 'index') {
            cache.addIndex(`index${indexes++}`, sizes)
          } else {
            expect(cache.get(`ns/w${action.name}`)).toEqual(model.get(`ns/w${action.name}`))
          }
          expect(cache.size).toBe(model.size)
          expect(new Set(cache.keys())).toEqual(new Set(model.keys()))
          for (let index = 0; index < indexes; index++) {
            for (const value of ['1', '2', '3', 'any', 'none']) {
              const expected = [...model].filter(([, object]) => sizes(object).includes(value)).map(([key]) => key)
              expect(cache.byIndex(`index${index}`, value).toSorted()).toEqual(expected.toSorted())
            }
          }
        }
        expect(new Map([...cache.values()].map((object) => [`ns/${object.metadata.name}`, object]))).toEqual(model)
        for (const [key, object] of model) {
          expect(cache.get(key)).toEqual(object)
          expect(cache.resourceVersion(key)).toBe(object.metadata.resourceVersion)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('changes keep the state before even when the cache has moved on', () => {
    const cache = new ObjectCache<Widget>({ parsedObjects: 1 })
    cache.set(encodeObject(widget('a', 1)))
    const [second] = cache.set(encodeObject(widget('a', 2)))
    const [third] = cache.set(encodeObject(widget('a', 3)))
    cache.set(encodeObject(widget('b', 4)))
    cache.set(encodeObject(widget('c', 5)))
    const [gone] = cache.delete('ns/a')
    expect([second!.previous()!.spec.size, second!.object().spec.size]).toEqual([1, 2])
    expect([third!.previous()!.spec.size, third!.object().spec.size]).toEqual([2, 3])
    expect(gone!.object().spec.size).toBe(3)
  })

  test('a deletion tells the final state when there is one', () => {
    const cache = new ObjectCache<Widget>()
    cache.set(encodeObject(widget('a', 1)))
    const [gone] = cache.delete('ns/a', encodeObject(widget('a', 2)))
    expect([gone!.previous()!.spec.size, gone!.object().spec.size]).toEqual([1, 2])
  })

  test('the version already there costs nothing, and objects in use are parsed once', () => {
    const cache = new ObjectCache<Widget>()
    const first = counted(widget('a', 1))
    cache.set(first)
    const object = cache.get('ns/a')
    for (let index = 0; index < 10; index++) expect(cache.get('ns/a')).toBe(object)
    expect(first.parses()).toBe(1)
    const again = counted(widget('a', 1))
    expect(cache.set(again)).toEqual([])
    expect(again.parses()).toBe(0)
  })

  test('does not keep a large buffer alive for a small object in it', () => {
    const cache = new ObjectCache<Widget>()
    const encoded = encodeObject(widget('a', 1))
    const chunk = new Uint8Array(100_000)
    chunk.set(encoded.bytes, 500)
    cache.set({ ...encoded, bytes: chunk.subarray(500, 500 + encoded.bytes.length) })
    chunk.fill(0)
    for (let index = 0; index < 10_000; index++) cache.set(encodeObject(widget(`other${index}`, index + 2)))
    expect(cache.get('ns/a')).toEqual(widget('a', 1))
  })

  test('frozen objects refuse changes', () => {
    const cache = new ObjectCache<Widget>({ freeze: true })
    cache.set(encodeObject(widget('a', 1)))
    expect(() => {
      cache.get('ns/a')!.spec.size = 2
    }).toThrow(TypeError)
  })

  test('indexes have unique names and must exist', () => {
    const cache = new ObjectCache<Widget>()
    cache.addIndex('size', (object) => [String(object.spec.size)])
    expect(() => cache.addIndex('size', () => [])).toThrow(TypeError)
    expect(() => cache.byIndex('colour', 'red')).toThrow(TypeError)
  })
})
