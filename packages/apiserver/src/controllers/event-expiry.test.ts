import { VirtualClock } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Store } from '../store/store.ts'
import { EventExpiry } from './event-expiry.ts'
import { parseKey } from './object-writer.ts'

const minute = 60_000

let clock: VirtualClock
let store: Store
let expiry: EventExpiry

beforeEach(async () => {
  clock = new VirtualClock()
  store = await Store.open({ clock })
  expiry = new EventExpiry({ clock, store })
  store.watch('', 1, (events) => {
    for (const { key, revision, value } of events) expiry.observe(key, parseKey(key)!, revision, value !== undefined)
  })
})

afterEach(async () => {
  expiry.stop()
  await store.close()
})

async function write(key: string): Promise<void> {
  await store.write(key, store.get(key)?.revision ?? 0, () => new TextEncoder().encode('{}'))
}

function keys(): string[] {
  return store.range('').items.map(({ key }) => key)
}

describe('events', () => {
  test('expire an hour after they were last written', async () => {
    await write('/c//events/default/a')
    await write('/c//events/default/b')
    await write('/c//configmaps/default/stays')
    await clock.advance(30 * minute)
    await write('/c//events/default/a')
    await clock.advance(30 * minute - 1)
    expect(keys()).toHaveLength(3)
    await clock.advance(1)
    expect(keys()).toEqual(['/c//configmaps/default/stays', '/c//events/default/a'])
    await clock.advance(30 * minute)
    expect(keys()).toEqual(['/c//configmaps/default/stays'])
  })

  test('can be deleted and written anew before that', async () => {
    const key = '/c//events/default/a'
    await write(key)
    await clock.advance(59 * minute)
    await store.write(key, store.get(key)!.revision, () => undefined)
    await write(key)
    await clock.advance(59 * minute)
    expect(keys()).toEqual([key])
    await clock.advance(minute)
    expect(keys()).toEqual([])
  })

  test('found at the start expire by the times they carry', async () => {
    const at = (ago: number) => new Date(clock.now() - ago).toISOString()
    const event = (name: string, created: number, more: object = {}): [string, KubeObject] => [
      `/c//events/default/${name}`,
      { apiVersion: 'v1', kind: 'Event', metadata: { name, creationTimestamp: at(created) }, ...more },
    ]
    const events = [
      event('young', 10 * minute),
      event('old', 90 * minute),
      event('seen-again', 90 * minute, { lastTimestamp: at(20 * minute) }),
      event('from-the-future', 0, { eventTime: at(-1000 * minute) }),
      event('timeless', 30 * minute, { lastTimestamp: null }),
    ]
    const restored = new EventExpiry({ clock, store })
    for (const [key, object] of events) {
      await store.write(key, 0, () => new TextEncoder().encode(JSON.stringify(object)))
      restored.restore(key, store.get(key)!.revision, object)
    }
    expiry.stop()
    restored.start()
    const left = async (minutes: number) => {
      await clock.advance(minutes * minute)
      return keys().map((key) => key.split('/').at(-1))
    }
    expect(await left(0)).toEqual(['from-the-future', 'seen-again', 'timeless', 'young'])
    expect(await left(30)).toEqual(['from-the-future', 'seen-again', 'young'])
    expect(await left(10)).toEqual(['from-the-future', 'young'])
    expect(await left(10)).toEqual(['from-the-future'])
    expect(await left(10)).toEqual([])
    restored.stop()
  })
})
