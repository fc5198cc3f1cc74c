import { appendFile, writeFile } from 'node:fs/promises'
import type { Obj, ObjList } from './answer.ts'
import { group } from './case.ts'
import type { T } from './case.ts'
import { configMap } from './fixtures.ts'
import { Hub, MAPS } from './hub.ts'
import { exactly } from './match.ts'
import type { Requester } from './requester.ts'

const WRITERS = 16
const ROUNDS = 3
const ROUND_MS = 1_000

/** A write the server has answered with success. */
interface Acknowledged {
  readonly name: string
  readonly value: number
  readonly revision: number
}

function revisionOf({ metadata }: Obj): number {
  return Number(metadata.resourceVersion)
}

/** Writes config maps, each of its own, until the server is gone; keeps what was acknowledged. */
async function write(requester: Requester, prefix: string, log: Acknowledged[]): Promise<void> {
  try {
    for (let index = 0; ; index++) {
      const name = `${prefix}-${index}`
      for (let value = 0; value < 3; value++) {
        const data = { value: String(value), padding: 'x'.repeat(index % 700) }
        const answer =
          value === 0
            ? await requester.post(MAPS, configMap(name, data))
            : await requester.patch(`${MAPS}/${name}`, 'merge', { data })
        if (answer.status !== 200 && answer.status !== 201) return
        log.push({ name, value, revision: revisionOf(answer.json()) })
      }
    }
  } catch {
    // The server was killed.
  }
}

/** What is stored, page by page. */
async function everything(requester: Requester): Promise<Map<string, Obj>> {
  const found = new Map<string, Obj>()
  let token: string | undefined
  do {
    const query = { limit: 500, ...(token === undefined ? {} : { continue: token }) }
    const page: ObjList = (await requester.get(MAPS, { query })).is<ObjList>(200)
    for (const item of page.items) found.set(item.metadata.name, item)
    token = page.metadata.continue
  } while (token !== undefined)
  return found
}

/** Nothing that was acknowledged is missing or older than it was. */
function holds(t: T, found: ReadonlyMap<string, Obj>, acknowledged: readonly Acknowledged[]): void {
  for (const { name, value, revision } of acknowledged) {
    const object = found.get(name)
    t.check(object !== undefined, `${name} was acknowledged and is gone`)
    t.check(Number(object!.data!['value']) >= value, `${name} was ${value} and has gone back`)
    t.check(revisionOf(object!) >= revision, `${name} has a version from before revision ${revision}`)
  }
}

export const durability = group('G10', (add) => {
  const timeoutMs = 120_000

  add(
    'X01',
    'killed while it writes',
    async (t) => {
      const hub = await Hub.make(t)
      const acknowledged: Acknowledged[] = []
      let highest = 0
      for (let round = 0; round < ROUNDS; round++) {
        const requester = await hub.start()
        const seen = await everything(requester)
        holds(t, seen, acknowledged)
        const before = acknowledged.length
        const writers = Array.from({ length: WRITERS }, (_, index) =>
          write(requester, `r${round}-w${index}`, acknowledged),
        )
        await t.pause(ROUND_MS)
        await hub.stop('SIGKILL')
        await Promise.all(writers)
        const fresh = acknowledged.slice(before).map(({ revision }) => revision)
        t.check(fresh.length > WRITERS, `only ${fresh.length} writes were acknowledged`)
        t.check(Math.min(...fresh) > highest, 'a revision was given a second time')
        highest = Math.max(...fresh)
      }
      const revisions = acknowledged.map(({ revision }) => revision)
      t.match(new Set(revisions).size, revisions.length, 'number of different revisions')
      const requester = await hub.start()
      holds(t, await everything(requester), acknowledged)
      const next = await requester.create(MAPS, configMap('next'))
      t.check(revisionOf(next) > highest, 'the next revision is not new')
    },
    { timeoutMs },
  )

  add(
    'X02',
    'files that are torn or damaged',
    async (t) => {
      const hub = await Hub.make(t)
      let requester = await hub.start()
      const names = Array.from({ length: 50 }, (_, index) => `c${String(index).padStart(2, '0')}`)
      let last = 0
      for (const name of names) last = revisionOf(await requester.create(MAPS, configMap(name, { name })))
      await hub.stop('SIGKILL')
      // Half a record at the end is a write that was never acknowledged.
      const log = [...(await hub.files()).keys()].findLast((path) => path.includes('log-'))!
      const whole = (await hub.files()).get(log)!
      await appendFile(log, whole.subarray(whole.length - 400, whole.length - 370))
      requester = await hub.start()
      const found = await everything(requester)
      for (const name of names) t.match(found.get(name)?.data, exactly({ name }), name)
      const more = await requester.create(MAPS, configMap('more'))
      t.check(revisionOf(more) > last, 'a revision was given a second time')
      await hub.stop('SIGTERM')
      // A byte in the middle is none the server may pass over.
      const before = await hub.files()
      const at = before.get(log)!.indexOf('"c25"')
      const damaged = Buffer.from(before.get(log)!)
      damaged[at + 1]! ^= 0x01
      await writeFile(log, damaged)
      const files = await hub.files()
      const refusal = await hub.start().then(
        () => 'it started',
        (error: Error) => error.message,
      )
      t.match(refusal, /is damaged at byte \d+: /, 'the refusal')
      t.check(
        refusal.includes(`lkt apiserver repair --data ${hub.data}`),
        `the refusal must say how to repair: ${refusal}`,
      )
      t.match((await hub.tool('check')).code, 1, 'exit code of the check')
      for (const [path, bytes] of await hub.files()) t.check(bytes.equals(files.get(path)!), `${path} was changed`)
      const repaired = await hub.tool('repair')
      t.match(repaired.code, 0, `exit code of the repair, which said: ${repaired.text}`)
      requester = await hub.start()
      const rest = await everything(requester)
      for (const name of names.slice(0, 25)) t.match(rest.get(name)?.data, exactly({ name }), name)
      t.check(!rest.has('c25'), 'what is damaged cannot be there')
      const anew = await requester.create(MAPS, configMap('anew'))
      t.check(revisionOf(anew) > revisionOf(more), 'a revision was given a second time')
    },
    { timeoutMs },
  )

  add(
    'X03',
    'a watch goes on after a restart',
    async (t) => {
      const hub = await Hub.make(t, { historyEvents: 50_000 })
      let requester = await hub.start()
      const first = await requester.create(MAPS, configMap('first'))
      const told: { readonly key: string; readonly revision: number }[] = []
      let since = first.metadata.resourceVersion
      const acknowledged: Acknowledged[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const watch = await requester.watch(MAPS, { query: { resourceVersion: since } })
        const writers = Array.from({ length: 4 }, (_, index) => write(requester, `r${round}-w${index}`, acknowledged))
        const read = (async () => {
          try {
            for (;;) {
              const { type, object } = await watch.any(5_000)
              told.push({
                key: `${type} ${object.metadata.name} ${object.data!['value']}`,
                revision: revisionOf(object),
              })
              since = object.metadata.resourceVersion
            }
          } catch {
            // The watch broke off with the server.
          }
        })()
        await t.pause(ROUND_MS / 2)
        await hub.stop('SIGKILL')
        await Promise.all([...writers, read])
        requester = await hub.start()
      }
      const end = await requester.create(MAPS, configMap('end', { value: '0' }))
      const watch = await requester.watch(MAPS, { query: { resourceVersion: since } })
      while (told.at(-1)?.revision !== revisionOf(end)) {
        const { type, object } = await watch.any()
        told.push({ key: `${type} ${object.metadata.name} ${object.data!['value']}`, revision: revisionOf(object) })
      }
      const revisions = told.map(({ revision }) => revision)
      t.match(revisions, exactly(revisions.toSorted((left, right) => left - right)), 'order of the events')
      t.match(new Set(revisions).size, revisions.length, 'number of different events')
      const events = new Set(told.map(({ key }) => key))
      for (const { name, value } of acknowledged) {
        const key = `${value === 0 ? 'ADDED' : 'MODIFIED'} ${name} ${value}`
        t.check(events.has(key), `nobody was told of ${key}`)
      }
    },
    { timeoutMs },
  )

  add(
    'X04',
    'a disk that is full',
    async (t) => {
      const hub = await Hub.make(t)
      await hub.start()
      await hub.stop('SIGTERM')
      let requester = await hub.start({ fileBlocks: 400 })
      const acknowledged: Acknowledged[] = []
      const watch = await requester.watch(MAPS, { query: { resourceVersion: '0' } })
      const data = { value: '0', padding: 'x'.repeat(5_000) }
      let refused = 0
      for (let index = 0; index < 200 && refused < 3; index++) {
        const name = `c${index}`
        const answer = await requester.post(MAPS, configMap(name, data)).catch(() => undefined)
        if (answer?.status === 201) {
          t.check(refused === 0, 'a write was acknowledged after one had failed')
          acknowledged.push({ name, value: 0, revision: revisionOf(answer.json()) })
        } else {
          if (answer !== undefined) answer.refuses(500, 'InternalError', { message: /can no longer be written/ })
          refused++
        }
      }
      t.check(acknowledged.length > 0 && refused > 0, 'the disk must be full after some writes')
      t.match(
        await hub.ended(),
        /can no longer be written: .*(EFBIG|ENOSPC|file too large)/i,
        'what the server said at its end',
      )
      // What was shown was acknowledged, or could have been.
      const seen: string[] = []
      try {
        for (;;) seen.push((await watch.any(500)).object.metadata.name)
      } catch {
        // It ended with the server.
      }
      const promised = new Set(acknowledged.map(({ name }) => name))
      for (const name of seen) t.check(promised.has(name) || !/^c\d/.test(name), `${name} was shown, but never stored`)
      requester = await hub.start()
      const found = await everything(requester)
      holds(t, found, acknowledged)
      await requester.create(MAPS, configMap('again'))
    },
    { timeoutMs },
  )

  add(
    'X05',
    'a snapshot while it writes',
    async (t) => {
      const hub = await Hub.make(t, { historyEvents: 100 })
      let requester = await hub.start()
      const snapshots = async (): Promise<string[]> => (await hub.paths()).filter((path) => path.includes('snapshot-'))
      await Promise.all(
        Array.from({ length: WRITERS }, (_, index) => requester.create(MAPS, configMap(`w${index}`, { value: '0' }))),
      )
      const values = Array.from({ length: WRITERS }, () => 0)
      const waits: number[] = []
      const stop = new AbortController()
      const writers = values.map(async (_, index) => {
        while (!stop.signal.aborted) {
          const value = values[index]! + 1
          const data = { value: String(value), padding: String(value % 10).repeat(100_000) }
          const started = performance.now()
          ;(await requester.patch(`${MAPS}/w${index}`, 'merge', { data })).is(200)
          waits.push(performance.now() - started)
          values[index] = value
        }
      })
      const pauses: number[] = []
      const reader = (async () => {
        while (!stop.signal.aborted) {
          const started = performance.now()
          ;(await requester.get('/version')).is(200)
          pauses.push(performance.now() - started)
          await t.pause(5)
        }
      })()
      try {
        await t.eventually(async () => t.check((await snapshots()).length > 0, 'there must be a snapshot'), 60_000)
        await t.pause(ROUND_MS)
      } finally {
        stop.abort()
        await Promise.all([...writers, reader])
      }
      await hub.stop('SIGKILL')
      // The machine is shared with this program and its 16 writers; a snapshot that stopped the server would take longer.
      const worst = pauses.toSorted((left, right) => right - left)[0]!
      const timed = t.target.hub?.timed === true
      t.check(!timed || worst < 1_000, `somebody waited ${Math.round(worst)} ms for a small answer`)
      t.check(waits.length > WRITERS, 'nothing was written meanwhile')
      requester = await hub.start()
      const found = await everything(requester)
      for (const [index, value] of values.entries()) {
        t.check(Number(found.get(`w${index}`)?.data?.['value']) >= value, `w${index} has gone back behind ${value}`)
      }
      t.match((await snapshots()).length, 1, 'number of snapshots that are kept')
    },
    { timeoutMs },
  )
})
