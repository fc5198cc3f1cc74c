import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { recordSize } from './record.ts'
import { Store } from './store.ts'
import { StoreCorruptError } from './store-types.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recovery-'))
})

afterEach(async () => {
  await rm(directory, { recursive: true, force: true })
})

const clock = new VirtualClock()

async function withStore<T>(data: string, use: (store: Store) => Promise<T> | T, segmentBytes = 1 << 20): Promise<T> {
  const store = await Store.open({ clock, directory: data, segmentBytes, historyEvents: 1000 })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** What a store holds, as text. */
function contents(store: Store): string {
  const lines = store.range('').items.map(({ key, value, revision, createRevision }) => {
    return `${key} ${new TextDecoder().decode(value)} ${revision} ${createRevision}`
  })
  return [`at ${store.revision}`, ...lines].join('\n')
}

/** Makes a log of single-write groups; returns what the store held after each. */
async function makeLog(data: string, segmentBytes?: number): Promise<string[]> {
  return withStore(
    data,
    async (store) => {
      const states = [contents(store)]
      const write = async (key: string, value: string | undefined) => {
        const expected = store.get(key)?.revision ?? 0
        await store.write(key, expected, () => (value === undefined ? undefined : new TextEncoder().encode(value)))
        states.push(contents(store))
      }
      await write('/a', 'Ludwig')
      await write('/b', '')
      await write('/a', 'L'.repeat(40))
      await write('/b', undefined)
      await write('/c', '{"é":1}')
      return states
    },
    segmentBytes,
  )
}

async function copyWith(source: string, target: string, file: string, bytes: Uint8Array): Promise<void> {
  await rm(target, { recursive: true, force: true })
  await mkdir(target)
  for (const name of await readdir(source)) await copyFile(join(source, name), join(target, name))
  await writeFile(join(target, file), bytes)
}

async function only(data: string, prefix: string): Promise<string[]> {
  return (await readdir(data)).filter((name) => name.startsWith(prefix)).sort()
}

describe('recovery', () => {
  test('after a log cut at any byte gives exactly the writes before it, and goes on from there', async () => {
    const source = join(directory, 'source')
    const states = await makeLog(source)
    const [file] = await only(source, 'log-')
    const whole = await readFile(join(source, file!))
    const copy = join(directory, 'copy')
    const reached = new Set<string>()
    for (let size = whole.length; size >= 0; size--) {
      await copyWith(source, copy, file!, whole.subarray(0, size))
      const found = await withStore(copy, contents)
      expect(states).toContain(found)
      reached.add(found)
      const revision = await withStore(copy, (store) => store.write('/new', 0, () => new Uint8Array([1])))
      const again = await withStore(copy, contents)
      expect(again).toContain(`at ${revision}`)
      expect(again).toContain('/new')
    }
    expect(reached.size).toBe(states.length)
  })

  test('after any damaged byte gives the writes before the last one, or refuses to start', async () => {
    const source = join(directory, 'source')
    const states = await makeLog(source)
    const [file] = await only(source, 'log-')
    const whole = await readFile(join(source, file!))
    const copy = join(directory, 'copy')
    let refused = 0
    let recovered = 0
    for (let offset = 0; offset < whole.length; offset++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const bytes = Buffer.from(whole)
        bytes[offset]! ^= flip
        await copyWith(source, copy, file!, bytes)
        try {
          // Only the last write may be given up: all before it were known to be on disk when it was written.
          expect(await withStore(copy, contents)).toBe(states.at(-2))
          recovered++
        } catch (error) {
          expect(error).toBeInstanceOf(StoreCorruptError)
          expect(await readFile(join(copy, file!))).toEqual(bytes)
          refused++
        }
      }
    }
    expect(refused).toBeGreaterThan(recovered)
    expect(recovered).toBeGreaterThan(0)
  })

  test('treats garbage and zeros after the last record as a torn write', async () => {
    const source = join(directory, 'source')
    const states = await makeLog(source)
    const [file] = await only(source, 'log-')
    const whole = await readFile(join(source, file!))
    const copy = join(directory, 'copy')
    for (const tail of [Buffer.alloc(4096), Buffer.alloc(100, 0x4c), Buffer.from('\0\0\0\x20garbage')]) {
      await copyWith(source, copy, file!, Buffer.concat([whole, tail]))
      expect(await withStore(copy, contents)).toBe(states.at(-1))
      expect(await readFile(join(copy, file!))).toEqual(whole)
    }
  })

  test('refuses a damaged or missing segment', async () => {
    const source = join(directory, 'source')
    await makeLog(source, 1)
    const files = await only(source, 'log-')
    expect(files).toHaveLength(5)
    const copy = join(directory, 'copy')
    for (const file of files) {
      const whole = await readFile(join(source, file))
      await copyWith(source, copy, file, whole)
      await rm(join(copy, file))
      await expect(withStore(copy, contents)).rejects.toThrow(StoreCorruptError)
      if (file === files.at(-1)) continue
      await copyWith(source, copy, file, whole.subarray(0, -endBytes - 1))
      await expect(withStore(copy, contents)).rejects.toThrow(StoreCorruptError)
    }
  })

  test('names the file, the place and the command when it refuses', async () => {
    const source = join(directory, 'source')
    await makeLog(source)
    const [file] = await only(source, 'log-')
    const bytes = await readFile(join(source, file!))
    bytes[30]! ^= 1
    await writeFile(join(source, file!), bytes)
    await expect(withStore(source, contents)).rejects.toThrow(
      `the data file ${join(source, file!)} is damaged at byte 8: revision 2, which was acknowledged, is unreadable. ` +
        `Nothing was changed. Restore the data directory from a backup, or go back to the newest state that can be ` +
        `read: "lkt apiserver check --data ${source}" tells which, "lkt apiserver repair --data ${source}" does it`,
    )
  })

  test('starts a torn new segment afresh', async () => {
    const source = join(directory, 'source')
    const states = await makeLog(source, 1)
    const [before, last] = (await only(source, 'log-')).slice(-2) as [string, string]
    for (const size of [0, 3, 8, 20]) {
      const copy = join(directory, `copy-${size}`)
      await copyWith(source, copy, last, (await readFile(join(source, last))).subarray(0, size))
      // The file before it says that this one is there only once it is.
      await writeFile(join(copy, before), (await readFile(join(source, before))).subarray(0, -endBytes))
      expect(await withStore(copy, contents)).toBe(states.at(-2))
      await withStore(copy, (store) => store.write('/new', 0, () => new Uint8Array([1])), 1)
      expect(await withStore(copy, contents)).toContain('/new')
    }
  })

  test('refuses a damaged snapshot at any byte, and one without its log', async () => {
    const source = join(directory, 'source')
    const options = { clock, directory: source, historyEvents: 2, historyAgeMs: 0, segmentBytes: 1 }
    const store = await Store.open(options)
    for (let index = 0; index < 20; index++) await store.write(`/${index % 3}`, index < 3 ? 0 : index - 1, value)
    await store.close()
    const [snapshot] = await only(source, 'snapshot-')
    const whole = await readFile(join(source, snapshot!))
    const copy = join(directory, 'copy')
    await copyWith(source, copy, snapshot!, whole)
    const expected = await withStore(copy, contents)
    expect(expected).toContain('at 21')
    for (let offset = 0; offset < whole.length; offset++) {
      const bytes = Buffer.from(whole)
      bytes[offset]! ^= 0x10
      await copyWith(source, copy, snapshot!, bytes)
      await expect(withStore(copy, contents)).rejects.toThrow(StoreCorruptError)
      await truncate(join(copy, snapshot!), offset)
      await expect(withStore(copy, contents)).rejects.toThrow(StoreCorruptError)
    }
    await copyWith(source, copy, snapshot!, whole)
    for (const name of await only(copy, 'log-')) await rm(join(copy, name))
    await expect(withStore(copy, contents)).rejects.toThrow('the log that continues this snapshot is missing')
  })

  test('ignores and removes what an interrupted snapshot or clean-up left behind', async () => {
    const source = join(directory, 'source')
    const store = await Store.open({ clock, directory: source, historyEvents: 2, historyAgeMs: 0, segmentBytes: 400 })
    let stale: { name: string; bytes: Buffer } | undefined
    for (let index = 0; index < 40; index++) {
      await store.write(`/${index}`, 0, value)
      const [first] = await only(source, 'log-')
      if (index === 5) stale = { name: first!, bytes: await readFile(join(source, first!)) }
    }
    const expected = contents(store)
    await store.close()
    const [snapshot] = await only(source, 'snapshot-')
    expect(await only(source, 'log-')).not.toContain(stale!.name)
    await writeFile(join(source, stale!.name), stale!.bytes)
    await writeFile(join(source, 'snapshot-0000000000000003'), 'half')
    await writeFile(join(source, 'snapshot-0000000000000099.partial'), 'half')
    expect(await withStore(source, contents)).toBe(expected)
    expect(await only(source, 'snapshot-')).toEqual([snapshot])
    expect(await only(source, 'log-')).not.toContain(stale!.name)
  })
})

/** Size of the record that closes a segment. */
const endBytes = recordSize('', new Uint8Array())

const value = () => new TextEncoder().encode('some value of some length')
