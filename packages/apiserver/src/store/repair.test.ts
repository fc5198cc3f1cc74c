import { seededRandom, VirtualClock } from '@locktender/kube'
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryDisk } from './memory-disk.ts'
import { checkStore, repairStore } from './repair.ts'
import { Store } from './store.ts'
import { StoreCorruptError } from './store-types.ts'

let disk: MemoryDisk

beforeEach(() => {
  disk = new MemoryDisk(seededRandom(1))
})

function open(limits: { historyEvents?: number; segmentBytes?: number } = {}): Promise<Store> {
  const { historyEvents = 1000, segmentBytes = 250 } = limits
  const clock = new VirtualClock()
  return Store.open({ clock, directory: '/data', files: disk.session(), historyEvents, historyAgeMs: 0, segmentBytes })
}

function contents(store: Store): string[] {
  return store.range('').items.map(({ key, value }) => `${key} ${new TextDecoder().decode(value)}`)
}

/** Writes `/0` to `/4` in turn, one group each; returns what the store held after each revision. */
async function fill(count: number, limits?: { historyEvents?: number; segmentBytes?: number }): Promise<string[][]> {
  const store = await open(limits)
  const states = [[], contents(store)]
  for (let index = 0; index < count; index++) {
    const key = `/${index % 5}`
    await store.write(key, store.get(key)?.revision ?? 0, () => new TextEncoder().encode(`value ${index}`))
    states.push(contents(store))
  }
  await store.close()
  return states
}

function flip(path: string, offset: number): void {
  disk.damage(path, (content) => {
    content[offset]! ^= 0x10
    return content
  })
}

const logs = (): string[] => disk.files('/data').filter((path) => path.includes('/log-'))

describe('checking', () => {
  test('a whole store tells what it holds and changes nothing', async () => {
    await fill(20)
    const before = disk.files('/data')
    expect(await checkStore('/data', disk.session())).toEqual({
      directory: '/data',
      revision: 21,
      objects: 5,
      damage: undefined,
      tornTail: undefined,
    })
    expect(disk.files('/data')).toEqual(before)
    expect(await repairStore('/data', disk.session())).toMatchObject({
      restartsAt: 21,
      copies: undefined,
      lostWrites: [],
    })
    expect(disk.files('/data')).toEqual(before)
  })

  test('finds the store in the data directory of a server', async () => {
    const store = await Store.open({ clock: new VirtualClock(), directory: '/server/store', files: disk.session() })
    await store.write('/a', 0, () => new Uint8Array(1))
    await store.close()
    expect(await checkStore('/server', disk.session())).toMatchObject({ directory: '/server/store', revision: 2 })
  })

  test('is refused while the store is in use', async () => {
    const store = await open()
    await expect(checkStore('/data', disk.session())).rejects.toThrow('locked')
    await store.close()
  })

  test('tells of a torn tail, which is no damage', async () => {
    await fill(3)
    const path = logs().at(-1)!
    let size = 0
    disk.damage(path, (content) => {
      size = content.length
      return Buffer.concat([content, Buffer.from('half')])
    })
    const { damage, tornTail, revision } = await checkStore('/data', disk.session())
    expect({ damage, tornTail, revision }).toEqual({
      damage: undefined,
      tornTail: { path, offset: size, bytes: 4 },
      revision: 4,
    })
  })
})

describe('repairing', () => {
  test('goes back to the state before a damaged record and tells each write that is given up', async () => {
    const states = await fill(20)
    const path = logs()[1]!
    flip(path, 30)
    await expect(open()).rejects.toThrow(StoreCorruptError)
    const checked = await checkStore('/data', disk.session())
    expect(checked.damage).toMatchObject({ file: path, offset: 8 })
    const report = await repairStore('/data', disk.session())
    expect(report).toMatchObject(checked)
    const unreadableRevision = report.revision + 1
    expect(report.lostWrites.map(({ revision, key, kind }) => `${revision} ${key} ${kind}`)).toEqual(
      Array.from(
        { length: 21 - unreadableRevision },
        (_, index) => `${unreadableRevision + 1 + index} /${(unreadableRevision - 1 + index) % 5} put`,
      ),
    )
    expect(report.unreadable).toMatchObject([{ file: path, offset: 8 }])

    const store = await open()
    expect(contents(store)).toEqual(states[report.revision])
    expect(store.revision).toBe(report.restartsAt)
    expect(report.restartsAt).toBeGreaterThan(21)
    // Whoever has seen what is lost is told to start over.
    expect(() => store.watch('', 21, () => {})).toThrow('too old resource version')
    expect(await store.write('/new', 0, () => new Uint8Array(1))).toBe(report.restartsAt + 1)
    await store.close()
    expect((await checkStore('/data', disk.session())).damage).toBeUndefined()
  })

  test('keeps every file from before as it was', async () => {
    await fill(20)
    flip(logs()[1]!, 60)
    const read = async (paths: readonly string[]): Promise<string[]> =>
      Promise.all(paths.map(async (path) => (await disk.session().readAll(path)).toString('hex')))
    const before = await read(disk.files('/data'))
    const { copies } = await repairStore('/data', disk.session())
    expect(await read(disk.files(copies!))).toEqual(before)
    await (await open()).close()
    expect(await read(disk.files(copies!))).toEqual(before)
    expect(logs()).toHaveLength(1)
  })

  test('with a missing segment goes back to where it began', async () => {
    const states = await fill(20)
    const [, missing] = logs()
    await disk.session().remove(missing!)
    const report = await repairStore('/data', disk.session())
    expect(report.damage).toMatchObject({ file: missing, offset: 0 })
    const store = await open()
    expect(contents(store)).toEqual(states[report.revision])
    expect(report.revision).toBe(Number(missing!.slice(-16)) - 1)
    await store.close()
  })

  test('of a snapshot loses only the objects that cannot be read', async () => {
    const states = await fill(40, { historyEvents: 2, segmentBytes: 100 })
    const snapshot = disk.files('/data').find((path) => path.includes('/snapshot-'))!
    flip(snapshot, 40)
    const report = await repairStore('/data', disk.session())
    expect(report).toMatchObject({ damage: { file: snapshot, offset: 8 }, lostObjects: 1, lostWrites: [], objects: 4 })
    const store = await open()
    expect(states.at(-1)).toEqual(expect.arrayContaining(contents(store)))
    expect(contents(store)).toHaveLength(4)
    await store.close()
  })

  test('can be interrupted anywhere and done again', async () => {
    const states = await fill(20)
    flip(logs()[1]!, 60)
    const { revision } = await checkStore('/data', disk.session())
    for (let at = 1; ; at++) {
      disk = new MemoryDisk(seededRandom(at))
      await fill(20)
      flip(logs()[1]!, 60)
      const session = disk.session({ at, how: 'crash' })
      const done = await repairStore('/data', session).then(
        () => true,
        () => false,
      )
      if (done && session.operations < at) {
        expect(at).toBeGreaterThan(10)
        return
      }
      disk.losePower()
      await repairStore('/data', disk.session())
      const store = await open()
      expect(contents(store)).toEqual(states[revision])
      await store.close()
    }
  })
})
