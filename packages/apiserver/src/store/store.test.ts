import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DirectoryLockedError } from './directory-lock.ts'
import { diskFiles } from './edge/disk-files.ts'
import type { Files } from './files.ts'
import { Store } from './store.ts'
import type { StoreOptions } from './store.ts'
import { CompactedError, RevisionMismatch, StoreStoppedError } from './store-types.ts'
import type { StoreEvent } from './store-types.ts'

const text = (words: string) => () => new TextEncoder().encode(words)
const remove = () => undefined
const shown = ({ revision, key, value }: StoreEvent) =>
  `${revision} ${key} ${value === undefined ? '-' : new TextDecoder().decode(value)}`

let directory: string
let opened: Store[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'store-'))
  opened = []
})

afterEach(async () => {
  for (const store of opened) await store.close()
  await rm(directory, { recursive: true, force: true })
})

async function openStore(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await Store.open({ clock: new VirtualClock(), ...options })
  opened.push(store)
  return store
}

describe.each(['memory', 'durable'] as const)('a %s store', (kind) => {
  const openKind = (options: Partial<StoreOptions> = {}) =>
    openStore(kind === 'durable' ? { directory: join(directory, 'data'), ...options } : options)

  test('starts empty at revision 1', async () => {
    const store = await openKind()
    expect(store.revision).toBe(1)
    expect(store.range('')).toEqual({ items: [], more: false, remaining: 0 })
  })

  test('counts every write and remembers where a key began', async () => {
    const store = await openKind()
    expect(await store.write('/a', 0, text('one'))).toBe(2)
    expect(await store.write('/a', 2, text('two'))).toBe(3)
    expect(store.get('/a')).toMatchObject({ revision: 3, createRevision: 2 })
    expect(await store.write('/a', 3, remove)).toBe(4)
    expect(store.get('/a')).toBeUndefined()
    await store.write('/a', 0, text('again'))
    expect(store.get('/a')).toMatchObject({ revision: 5, createRevision: 5 })
  })

  test('lets only one of two racing writers pass', async () => {
    const store = await openKind()
    const results = await Promise.allSettled([store.write('/a', 0, text('one')), store.write('/a', 0, text('two'))])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((results[1] as PromiseRejectedResult).reason).toEqual(new RevisionMismatch('/a', 0, 2))
    expect(store.writtenRevision).toBe(2)
  })

  test('writes nothing when encoding fails, and does not waste a revision', async () => {
    const store = await openKind()
    const broken = store.write('/a', 0, () => {
      throw new Error('no')
    })
    await expect(broken).rejects.toThrow('no')
    await expect(store.write('/a', 0, remove)).rejects.toThrow('does not exist')
    expect(await store.write('/a', 0, text('one'))).toBe(2)
  })

  test('shows a write to its successors at once, to watches only when durable, before it is acknowledged', async () => {
    const store = await openKind()
    const order: string[] = []
    store.watch('/', 1, (events) => order.push(...events.map(shown)))
    const first = store.write('/a', 0, text('one')).then(() => order.push('acknowledged 2'))
    expect(store.get('/a')?.revision).toBe(2)
    expect(store.revision).toBe(1)
    expect(store.writtenRevision).toBe(2)
    expect(order).toEqual([])
    await store.settled()
    await first
    expect(store.revision).toBe(2)
    expect(order).toEqual(['2 /a one', 'acknowledged 2'])
  })

  test('is settled only after everything written so far', async () => {
    const store = await openKind()
    let acknowledged = 0
    for (let index = 0; index < 10; index++) void store.write(`/${index}`, 0, text('x')).then(() => acknowledged++)
    await store.settled()
    expect(store.revision).toBe(11)
    await store.settled()
    expect(acknowledged).toBe(10)
  })

  test('replays the past to a watch before it returns, then goes on without gap or repetition', async () => {
    const store = await openKind()
    await store.write('/a/1', 0, text('one'))
    await store.write('/b/1', 0, text('other'))
    const pending = store.write('/a/2', 0, text('two'))
    const got: string[] = []
    store.watch('/a/', 1, (events) => got.push(...events.map(shown)))
    expect(got).toEqual(['2 /a/1 one'])
    await pending
    await store.write('/a/1', 2, remove)
    expect(got).toEqual(['2 /a/1 one', '4 /a/2 two', '5 /a/1 -'])
  })

  test('tells a watch what a write replaced', async () => {
    const store = await openKind()
    const events: StoreEvent[] = []
    store.watch('/', 1, (batch) => events.push(...batch))
    await store.write('/a', 0, text('one'))
    await store.write('/a', 2, text('two'))
    await store.write('/a', 3, remove)
    expect(events.map(({ previous }) => previous?.revision)).toEqual([undefined, 2, 3])
  })

  test('a listener may write, and sees its own write in a later batch', async () => {
    const store = await openKind()
    const batches: string[][] = []
    store.watch('/', 1, (events) => {
      batches.push(events.map(shown))
      if (events[0]!.key === '/a') void store.write('/b', 0, text('answer'))
    })
    await store.write('/a', 0, text('question'))
    await store.settled()
    expect(batches).toEqual([['2 /a question'], ['3 /b answer']])
  })

  test('pages through a range in order and counts the rest', async () => {
    const store = await openKind()
    for (const name of ['d', 'b', 'a', 'e', 'c']) await store.write(`/k/${name}`, 0, text(name))
    await store.write('/l/a', 0, text('elsewhere'))
    const keys = (result: ReturnType<Store['range']>) => result.items.map(({ key }) => key)
    const first = store.range('/k/', { limit: 2 })
    expect(keys(first)).toEqual(['/k/a', '/k/b'])
    expect(first).toMatchObject({ more: true, remaining: 3 })
    const last = store.range('/k/', { startAfter: '/k/b', limit: 3 })
    expect(keys(last)).toEqual(['/k/c', '/k/d', '/k/e'])
    expect(last).toMatchObject({ more: false, remaining: 0 })
    expect(store.range('/k/', { limit: 0 })).toEqual({ items: [], more: true, remaining: 5 })
  })

  test('reads the past', async () => {
    const store = await openKind()
    await store.write('/a', 0, text('one'))
    await store.write('/b', 0, text('two'))
    await store.write('/a', 2, remove)
    await store.write('/b', 3, text('three'))
    await store.write('/c', 0, text('four'))
    const at = (revision: number) =>
      store.range('/', { at: revision }).items.map(({ key, revision: own }) => `${key}@${own}`)
    expect([1, 2, 3, 4, 5, 6].map(at)).toEqual([[], ['/a@2'], ['/a@2', '/b@3'], ['/b@3'], ['/b@5'], ['/b@5', '/c@6']])
    expect(store.range('/', { at: 3, startAfter: '/a' }).items.map(({ key }) => key)).toEqual(['/b'])
    expect(store.range('/', { at: 3, limit: 1 })).toMatchObject({ more: true, remaining: 1 })
  })

  test('keeps a window of newest writes and says when a watch asks for more', async () => {
    const store = await openKind({ historyEvents: 3, historyAgeMs: 0 })
    for (let index = 0; index < 5; index++) await store.write(`/${index}`, 0, text('x'))
    expect(store.compactedRevision).toBe(3)
    expect(() => store.watch('/', 2, () => {})).toThrow(new CompactedError(2, 3))
    expect(() => store.range('/', { at: 2 })).toThrow(CompactedError)
    const got: number[] = []
    store.watch('/', 3, (events) => got.push(...events.map(({ revision }) => revision)))
    expect(got).toEqual([4, 5, 6])
  })

  test('bounds the window by bytes too', async () => {
    const store = await openKind({ historyBytes: 5000 })
    for (let index = 0; index < 5; index++) await store.write(`/${index}`, 0, text('x'.repeat(2000)))
    expect(store.compactedRevision).toBe(4)
  })

  test('takes no writes after it is closed', async () => {
    const store = await openKind()
    const pending = store.write('/a', 0, text('one'))
    await store.close()
    await expect(pending).resolves.toBe(2)
    await expect(store.write('/a', 2, text('two'))).rejects.toThrow(StoreStoppedError)
    expect(store.stopped).toBe(true)
  })
})

describe('a store on disk', () => {
  test('finds everything again, with the window to watch from', async () => {
    const store = await openStore({ directory })
    await store.write('/a', 0, text('one'))
    await store.write('/a', 2, text('two'))
    await store.write('/b', 0, text('gone'))
    await store.write('/b', 4, remove)
    await store.close()
    const again = await openStore({ directory })
    expect(again.revision).toBe(5)
    expect(again.get('/a')).toMatchObject({ revision: 3, createRevision: 2 })
    const got: string[] = []
    again.watch('/', 1, (events) => got.push(...events.map(shown)))
    expect(got).toEqual(['2 /a one', '3 /a two', '4 /b gone', '5 /b -'])
    expect(await again.write('/b', 0, text('back'))).toBe(6)
  })

  test('commits all writes that arrive during a sync as one group', async () => {
    let syncs = 0
    const store = await openStore({ directory, files: instrumented({ onSync: () => syncs++ }) })
    const writes: Promise<number>[] = []
    for (let index = 0; index < 500; index++) writes.push(store.write(`/${index}`, 0, text('x')))
    await Promise.all(writes)
    expect(syncs).toBe(1)
  })

  test('holds the clock while a write is on its way to the disk', async () => {
    const clock = new VirtualClock()
    const store = await openStore({ directory, clock })
    let fired = false
    clock.after(1, () => (fired = true))
    let firedBefore: boolean | undefined
    void store.write('/a', 0, text('one')).then(() => (firedBefore = fired))
    await clock.advance(10)
    expect(fired).toBe(true)
    expect(firedBefore).toBe(false)
  })

  test('replaces the log by a snapshot when it outweighs the data, and loses nothing', async () => {
    const options = { directory, historyEvents: 20, historyAgeMs: 0, segmentBytes: 2000 }
    const store = await openStore(options)
    await store.write('/old', 0, text('kept'))
    let revision = 0
    for (let index = 0; index < 300; index++) revision = await store.write('/hot', revision, text(`value ${index}`))
    await store.close()
    const names = await readdir(directory)
    expect(names.filter((name) => name.startsWith('snapshot-'))).toHaveLength(1)
    expect(names.filter((name) => name.startsWith('log-')).length).toBeLessThan(6)
    expect(names.filter((name) => name.endsWith('.partial'))).toEqual([])

    const again = await openStore(options)
    expect(again.get('/old')).toMatchObject({ revision: 2, createRevision: 2 })
    expect(again.get('/hot')).toMatchObject({ revision: 302, createRevision: 3 })
    expect(again.compactedRevision).toBe(store.compactedRevision)
    const got: StoreEvent[] = []
    again.watch('/', again.compactedRevision, (events) => got.push(...events))
    expect(got).toHaveLength(20)
    expect(got[0]!.previous?.revision).toBe(got[0]!.revision - 1)
  })

  test('is readable by its owner only', async () => {
    const data = join(directory, 'data')
    const store = await openStore({ directory: data })
    await store.write('/a', 0, text('one'))
    expect((await stat(data)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(data)) expect((await stat(join(data, name))).mode & 0o777).toBe(0o600)
  })

  test('has one writer', async () => {
    const store = await openStore({ directory })
    await expect(openStore({ directory })).rejects.toThrow(DirectoryLockedError)
    await store.close()
    await expect(openStore({ directory })).resolves.toBeInstanceOf(Store)
  })

  test.each(['write', 'sync'] as const)('acknowledges nothing after a failed %s', async (step) => {
    const failing = { write: false, sync: false }
    const files = instrumented({
      onWrite: () => {
        if (failing.write) throw new Error('ENOSPC')
      },
      onSync: () => {
        if (failing.sync) throw new Error('EIO')
      },
    })
    const store = await openStore({ directory, files })
    await store.write('/a', 0, text('one'))
    const got: string[] = []
    store.watch('/', 2, (events) => got.push(...events.map(shown)))
    failing[step] = true
    await expect(store.write('/a', 2, text('two'))).rejects.toThrow(StoreStoppedError)
    failing[step] = false
    await expect(store.settled()).rejects.toThrow(StoreStoppedError)
    await expect(store.write('/b', 0, text('three'))).rejects.toThrow('can no longer be written')
    expect(store.revision).toBe(2)
    expect(got).toEqual([])
    await store.close()
    const again = await openStore({ directory })
    // A failed sync leaves it open whether the write is on disk; a failed write here wrote nothing.
    expect(again.revision).toBe(step === 'write' ? 2 : 3)
  })

  test('goes on after the system took only a part of a write', async () => {
    const store = await openStore({ directory, files: instrumented({ shortWrites: true }) })
    await store.write('/a', 0, text('a longer value than the first part of a write'))
    await store.write('/b', 0, text('another'))
    await store.close()
    const again = await openStore({ directory })
    expect(again.range('').items.map(({ key }) => key)).toEqual(['/a', '/b'])
  })
})

interface Faults {
  readonly onWrite?: () => void
  readonly onSync?: () => void
  readonly shortWrites?: boolean
}

/** A disk with the given faults. */
function instrumented(faults: Faults): Files {
  return {
    ...diskFiles,
    async open(path, mode) {
      const file = await diskFiles.open(path, mode)
      return {
        ...file,
        async write(bytes) {
          faults.onWrite?.()
          return file.write(faults.shortWrites === true ? bytes.subarray(0, 7) : bytes)
        },
        async dataSync() {
          faults.onSync?.()
          await file.dataSync()
        },
      }
    },
  }
}
