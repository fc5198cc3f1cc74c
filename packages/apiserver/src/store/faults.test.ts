import { seededRandom, VirtualClock } from '@locktender/kube'
import type { Random } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from './memory-disk.ts'
import type { Fault, Session } from './memory-disk.ts'
import { Store } from './store.ts'
import { StoreStoppedError } from './store-types.ts'

const keys = ['/a', '/b', '/c', '/d', '/e']
const kinds: readonly Fault['how'][] = ['crash', 'error', 'short']

interface Attempt {
  readonly key: string
  readonly value: string | undefined
}

/** What anybody outside may know of a store: what was tried in which order, and what was told. */
class Known {
  /** Writes that may be on the disk; the one at index i has revision i + 2. */
  attempts: Attempt[] = []
  /** Newest revision that anybody was told of, as an acknowledgement or by a watch. */
  told = 1

  stateAt(revision: number): string[] {
    const state = new Map<string, string>()
    for (const [index, { key, value }] of this.attempts.slice(0, revision - 1).entries()) {
      if (value === undefined) state.delete(key)
      else state.set(key, `${key}@${index + 2} ${value}`)
    }
    return [...state.values()].sort()
  }
}

function open(files: Session): Promise<Store> {
  return Store.open({
    clock: new VirtualClock(),
    directory: '/data',
    files,
    historyEvents: 6,
    historyAgeMs: 0,
    segmentBytes: 400,
  })
}

function contents(store: Store): string[] {
  return store
    .range('')
    .items.map(({ key, revision, value }) => `${key}@${revision} ${new TextDecoder().decode(value)}`)
}

function check(store: Store, known: Known): void {
  expect(store.revision).toBeGreaterThanOrEqual(known.told)
  expect(store.revision).toBeLessThanOrEqual(known.attempts.length + 1)
  expect(contents(store).sort()).toEqual(known.stateAt(store.revision))
  // Whoever watched before goes on from any revision of the window, without gap or repetition.
  const events: string[] = []
  store.watch('', store.compactedRevision, (batch) =>
    events.push(...batch.map(({ revision, key, value }) => `${revision} ${key} ${value === undefined}`)),
  )
  const window = known.attempts
    .map(({ key, value }, index) => ({ revision: index + 2, text: `${index + 2} ${key} ${value === undefined}` }))
    .filter(({ revision }) => revision > store.compactedRevision && revision <= store.revision)
  expect(events).toEqual(window.map(({ text }) => text))
  known.told = store.revision
  // What was tried beyond it is not there and never will be: its revisions are free.
  known.attempts = known.attempts.slice(0, store.revision - 1)
}

/** Several writers at once until the store stops or each has done its part. */
async function load(store: Store, known: Known, random: Random): Promise<void> {
  store.watch('', store.revision, (events) => {
    known.told = Math.max(known.told, events.at(-1)!.revision)
  })
  const writer = async (): Promise<void> => {
    for (let count = 0; count < 8; count++) {
      const key = keys[Math.floor(random.next() * keys.length)]!
      const current = store.get(key)?.revision ?? 0
      const text = 'v'.repeat(Math.floor(random.next() * 120))
      const value = current > 0 && random.next() < 0.2 ? undefined : text
      if (store.stopped) {
        await expect(store.write(key, current, () => new Uint8Array())).rejects.toThrow(StoreStoppedError)
        return
      }
      known.attempts.push({ key, value })
      const expected = known.attempts.length + 1
      try {
        const encode = (): Uint8Array | undefined => (value === undefined ? undefined : new TextEncoder().encode(value))
        const revision = await store.write(key, current, encode)
        expect(revision).toBe(expected)
        known.told = Math.max(known.told, revision)
      } catch (error) {
        expect(error).toBeInstanceOf(StoreStoppedError)
        expect(store.stopped).toBe(true)
      }
    }
  }
  await Promise.all(Array.from({ length: 1 + Math.floor(random.next() * 5) }, writer))
}

/** One life of a process: opens the store, uses it, and ends in some way. Returns the session. */
async function live(disk: MemoryDisk, known: Known, random: Random, fault: Fault | undefined): Promise<Session> {
  const files = disk.session(fault)
  let store: Store
  try {
    store = await open(files)
  } catch (error) {
    // Only the planned fault may keep it from opening: damage never comes of crashes.
    expect(fault).toBeDefined()
    expect(String(error)).toMatch(/EIO|dead/)
    return files
  }
  check(store, known)
  await load(store, known, random)
  if (store.stopped) {
    expect((await store.failure).message).toContain('can no longer be written')
    await store.close()
    // Nothing is tried a second time, above all no sync; only what was under way beside it comes to its end.
    const failed = files.log[fault!.at - 1]
    const after = files.log.slice(fault!.at)
    if (failed !== 'sync /data') expect(after).not.toContain(failed)
    expect(after.length).toBeLessThanOrEqual(8)
  } else await store.close()
  return files
}

describe('whatever breaks at whatever operation', () => {
  test('what was told stays, and the rest is there wholly or not at all', async () => {
    let faults = 0
    for (let seed = 1; seed <= 700; seed++) {
      const random = seededRandom(seed)
      const disk = new MemoryDisk(random)
      const known = new Known()
      for (let round = 0; round < 5; round++) {
        const how = kinds[Math.floor(random.next() * kinds.length)]!
        const at = 1 + Math.floor(random.next() ** 2 * 160)
        const { operations } = await live(disk, known, random, round === 4 ? undefined : { at, how })
        if (operations >= at) faults++
        if (random.next() < 0.5) disk.losePower()
        else disk.kill()
      }
    }
    expect(faults).toBeGreaterThan(1000)
  })

  test('each operation of one long life, one after the other', async () => {
    const whole = await live(new MemoryDisk(seededRandom(1)), new Known(), seededRandom(2), undefined)
    expect(whole.log.some((name) => name.startsWith('rename'))).toBe(true)
    for (const how of kinds) {
      for (let at = 1; at <= whole.operations; at++) {
        for (const power of [false, true]) {
          const disk = new MemoryDisk(seededRandom(at))
          const known = new Known()
          await live(disk, known, seededRandom(2), { at, how })
          if (power) disk.losePower()
          else disk.kill()
          await live(disk, known, seededRandom(3), undefined)
          disk.losePower()
          const store = await open(disk.session())
          check(store, known)
        }
      }
    }
  })
})
