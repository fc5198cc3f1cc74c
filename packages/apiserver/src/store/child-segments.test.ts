import { VirtualClock } from '@locktender/kube'
import { expect, test } from 'vitest'
import { childSegments } from './child-segments.ts'
import { Store } from './store.ts'

test('each part comes once and in order, also empty ones and those that begin alike', async () => {
  const store = await Store.open({ clock: new VirtualClock() })
  for (const key of ['/a//x/n/1', '/a//x/n/2', '/a/g/y//1', '/ab/g/y//1', '/a-b/g/y//1', '/a/g.h/z//1']) {
    await store.write(key, 0, () => new Uint8Array())
  }
  expect(childSegments(store, '/')).toEqual(['a-b', 'a', 'ab'])
  expect(childSegments(store, '/a/')).toEqual(['', 'g.h', 'g'])
  expect(childSegments(store, '/a//x/')).toEqual(['n'])
  expect(childSegments(store, '/none/')).toEqual([])
})
