import { seededRandom, VirtualClock } from '@locktender/kube'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  applied,
  eventsOf,
  expected,
  fieldPaths,
  Model,
  selectors,
  shown,
  stored,
  updated,
  valuesOf,
} from './testing/reference-model.ts'
import type { FieldPath, Modelled, Selector, Values } from './testing/reference-model.ts'
import { MemoryDisk } from './store/memory-disk.ts'
import type { Session } from './store/memory-disk.ts'
import { admin, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'
import type { RawAnswer, TestCluster, TestObject } from './testing/test-cluster.ts'

/*
 * The whole server against a small model of what Kubernetes promises: every answer, every list and every watch must be
 * what the model says, over restarts of all kinds.
 */

/** A client that watches on and on, from the last version it has heard of. */
interface Watcher {
  readonly selector: Selector
  readonly from: number
  last: number
  readonly got: string[]
  stop: () => void
  done: Promise<void>
}

class Real {
  readonly disk = new MemoryDisk(seededRandom(5))
  clock = new VirtualClock()
  files!: Session
  cluster!: TestCluster
  lives = 0
  watchers: Watcher[] = []
  readonly historyEvents: number

  constructor(historyEvents: number) {
    this.historyEvents = historyEvents
  }

  async open(): Promise<void> {
    this.files = this.disk.session()
    this.clock = new VirtualClock(this.clock.now())
    this.cluster = await openTestCluster({
      clock: this.clock,
      files: this.files,
      dataDirectory: '/data',
      historyEvents: this.historyEvents,
      historyAgeMs: 0,
      seed: ++this.lives,
    })
    await this.clock.advance(0)
  }

  /** Starts or resumes a watch. */
  async watch(watcher: Watcher): Promise<void> {
    const abort = new AbortController()
    const path = `${W}?watch=true&allowWatchBookmarks=true&resourceVersion=${watcher.last}${watcher.selector.query}`
    const answer = await this.cluster.transportOf(admin).request({ method: 'GET', path, signal: abort.signal })
    if (answer.status !== 200) throw new Error(`the watch was answered with ${answer.status}`)
    const read = async (): Promise<void> => {
      let rest = ''
      for await (const chunk of answer.body) {
        const lines = (rest + Buffer.from(chunk).toString('utf8')).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          const { type, object } = JSON.parse(line) as { type: string; object: TestObject }
          expect(type).not.toBe('ERROR')
          const version = Number(object.metadata.resourceVersion)
          expect(version).toBeGreaterThan(type === 'BOOKMARK' ? watcher.last - 1 : watcher.last)
          watcher.last = version
          if (type !== 'BOOKMARK') watcher.got.push(`${type} ${shown(object)}`)
        }
      }
    }
    watcher.done = read()
    watcher.stop = () => abort.abort()
  }

  async stopWatches(): Promise<void> {
    for (const watcher of this.watchers) watcher.stop()
    await Promise.all(this.watchers.map(({ done }) => done))
  }
}

type Command = fc.AsyncCommand<Model, Real>

const names = ['w1', 'w2', 'w3']
function versionOf(answer: RawAnswer): number {
  return Number(answer.json<TestObject>().metadata.resourceVersion)
}

/** Takes over what a write did: nothing, a new state, or the end of a deleted object that nothing holds any more. */
async function accept(model: Model, real: Real, name: string, next: Modelled, answer: RawAnswer): Promise<void> {
  const object = model.objects.get(name)!
  expect([answer.code, answer.text]).toEqual([200, answer.text])
  if (next.deleting && !next.held) {
    // The answer carries the last state; only a list tells the version of the removal.
    model.record(name, await removalVersion(real, name), undefined)
    return
  }
  const version = versionOf(answer)
  const after = stored(object, next, version)
  if (after === undefined) {
    expect(version).toBe(object.version)
    return
  }
  expect(version).toBeGreaterThan(model.changes.at(-1)!.version)
  model.record(name, version, after)
  expect(shown(answer.json())).toBe(expected(name, after))
}

/** A removal has the newest version there is, as nothing else writes meanwhile. */
async function removalVersion(real: Real, name: string): Promise<number> {
  expect((await real.cluster.send('GET', `${W}/${name}`)).code).toBe(404)
  return versionOf(await real.cluster.send('GET', W))
}

function bodyOf(values: Values): { spec: Record<string, unknown>; labels: Record<string, unknown> } {
  const body = { spec: {} as Record<string, unknown>, labels: {} as Record<string, unknown> }
  for (const path of fieldPaths) {
    if (!(path in values)) continue
    const [part, field] = path.split('.') as ['spec' | 'labels', string]
    body[part][field] = values[path] ?? null
  }
  return body
}

function notFound(answer: RawAnswer): void {
  expect([answer.code, statusOf(answer).reason]).toEqual([404, 'NotFound'])
}

function create(name: string, values: Values, held: boolean, manager: string): Command {
  return command(`create ${name} ${JSON.stringify(values)}${held ? ' held' : ''}`, async (model, real) => {
    const present = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
    const { spec, labels } = bodyOf(present)
    const body = widget(name, spec, { labels, ...(held ? { finalizers: ['example.com/hold'] } : {}) })
    const answer = await real.cluster.send('POST', `${W}?fieldManager=${manager}`, { body })
    if (model.objects.has(name)) {
      expect([answer.code, statusOf(answer).reason]).toEqual([409, 'AlreadyExists'])
      return
    }
    expect(answer.code).toBe(201)
    const { uid } = answer.json<TestObject>().metadata
    let object: Modelled = {
      uid: uid!,
      version: versionOf(answer),
      generation: 1,
      spec: {},
      labels: {},
      phase: undefined,
      held,
      deleting: false,
      owners: new Map(),
    }
    object = updated(object, present, manager)
    model.record(name, object.version, object)
    expect(shown(answer.json())).toBe(expected(name, object))
  })
}

function merge(name: string, values: Values, manager: string): Command {
  return command(`merge ${name} ${JSON.stringify(values)} by ${manager}`, async (model, real) => {
    const { spec, labels } = bodyOf(values)
    const answer = await real.cluster.send('PATCH', `${W}/${name}?fieldManager=${manager}`, {
      body: { spec, metadata: { labels } },
      type: 'application/merge-patch+json',
    })
    const object = model.objects.get(name)
    if (object === undefined) notFound(answer)
    else await accept(model, real, name, updated(object, values, manager), answer)
  })
}

function put(name: string, values: Values, stale: boolean, manager: string): Command {
  return command(`put ${name} ${JSON.stringify(values)}${stale ? ' stale' : ''}`, async (model, real) => {
    const answer = await real.cluster.send('GET', `${W}/${name}`)
    const object = model.objects.get(name)
    if (object === undefined) {
      notFound(answer)
      return
    }
    const body = answer.json<TestObject>()
    const { spec, labels } = bodyOf(values)
    for (const [target, source] of [
      [(body.spec ??= {}), spec],
      [(body.metadata.labels ??= {}), labels],
    ] as const) {
      for (const [field, value] of Object.entries(source)) {
        if (value === null) delete target[field]
        else target[field] = value as string
      }
    }
    if (stale) body.metadata.resourceVersion = '1'
    const written = await real.cluster.send('PUT', `${W}/${name}?fieldManager=${manager}`, { body })
    if (stale) expect([written.code, statusOf(written).reason]).toEqual([409, 'Conflict'])
    else await accept(model, real, name, updated(object, values, manager), written)
  })
}

function apply(name: string, values: Values, force: boolean, manager: string): Command {
  return command(
    `apply ${name} ${JSON.stringify(values)} by ${manager}${force ? ' forced' : ''}`,
    async (model, real) => {
      const object = model.objects.get(name)
      // Creation by apply is the same but for the code; here it is the business of create.
      if (object === undefined) return
      const present = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values
      const { spec, labels } = bodyOf(present)
      const answer = await real.cluster.send('PATCH', `${W}/${name}?fieldManager=${manager}&force=${force}`, {
        body: {
          apiVersion: 'example.com/v1',
          kind: 'Widget',
          metadata: { name, namespace: 'default', ...(Object.keys(labels).length > 0 ? { labels } : {}) },
          ...(Object.keys(spec).length > 0 ? { spec } : {}),
        },
        type: 'application/apply-patch+yaml',
      })
      const { next, conflicts } = applied(object, present, manager)
      if (conflicts.length > 0 && !force) {
        expect(answer.code).toBe(409)
        const fields = statusOf(answer).details?.causes?.map(({ field }) => field!.replace('.metadata.', '.').slice(1))
        expect([...new Set(fields)].sort()).toEqual([...conflicts].sort())
      } else await accept(model, real, name, next, answer)
    },
  )
}

function setStatus(name: string, phase: string): Command {
  return command(`status ${name} ${phase}`, async (model, real) => {
    const answer = await real.cluster.send('PATCH', `${W}/${name}/status?fieldManager=operator`, {
      body: { status: { phase }, spec: { name: 'ignored' } },
      type: 'application/merge-patch+json',
    })
    const object = model.objects.get(name)
    if (object === undefined) notFound(answer)
    else await accept(model, real, name, { ...object, phase }, answer)
  })
}

function remove(name: string): Command {
  return command(`delete ${name}`, async (model, real) => {
    const answer = await real.cluster.send('DELETE', `${W}/${name}`)
    const object = model.objects.get(name)
    if (object === undefined) {
      notFound(answer)
      return
    }
    expect(answer.code).toBe(200)
    if (!object.held) {
      expect(statusOf(answer).details?.uid).toBe(object.uid)
      model.record(name, await removalVersion(real, name), undefined)
    } else if (object.deleting) expect(versionOf(answer)).toBe(object.version)
    else {
      const version = versionOf(answer)
      const after = { ...object, deleting: true, version, generation: object.generation + 1 }
      model.record(name, version, after)
      expect(shown(answer.json())).toBe(expected(name, after))
    }
  })
}

function release(name: string): Command {
  return command(`release ${name}`, async (model, real) => {
    const answer = await real.cluster.send('PATCH', `${W}/${name}?fieldManager=holder`, {
      body: { metadata: { finalizers: null } },
      type: 'application/merge-patch+json',
    })
    const object = model.objects.get(name)
    if (object === undefined) notFound(answer)
    else await accept(model, real, name, { ...object, held: false }, answer)
  })
}

/** Lists, checks the list, and watches on from its version. */
function listAndWatch(selector: Selector): Command {
  return command(`list and watch ${selector.query}`, async (model, real) => {
    const from = await checkList(model, real, selector)
    const watcher: Watcher = { selector, from, last: from, got: [], stop: () => {}, done: Promise.resolve() }
    real.watchers.push(watcher)
    await real.watch(watcher)
  })
}

/** Watches from the past, or is told that it is gone. */
function watchBack(selector: Selector, back: number): Command {
  return command(`watch ${selector.query} from ${back} changes ago`, async (model, real) => {
    const from = model.changes.at(-1 - back)?.version
    if (from === undefined) return
    const path = `${W}?resourceVersion=${from}&resourceVersionMatch=Exact`
    const exact = await real.cluster.send('GET', path)
    if (exact.code === 410) return
    expect(exact.json<{ items: TestObject[] }>().items.map(shown)).toEqual(
      [...model.stateAt(from)].map(([name, object]) => expected(name, object)),
    )
    const watcher: Watcher = { selector, from, last: from, got: [], stop: () => {}, done: Promise.resolve() }
    real.watchers.push(watcher)
    await real.watch(watcher)
  })
}

async function checkList(model: Model, real: Real, selector: Selector): Promise<number> {
  const items: TestObject[] = []
  let version = 0
  let token = ''
  do {
    const answer = await real.cluster.send('GET', `${W}?limit=2&continue=${token}${selector.query}`)
    expect(answer.code).toBe(200)
    const page = answer.json<{ items: TestObject[]; metadata: { resourceVersion: string; continue?: string } }>()
    items.push(...page.items)
    version = Number(page.metadata.resourceVersion)
    token = page.metadata.continue ?? ''
  } while (token !== '')
  const wanted = [...model.stateAt(version)].filter(([name, object]) => selector.matches(name, object))
  expect(items.map(shown)).toEqual(wanted.map(([name, object]) => expected(name, object)))
  expect(version).toBeGreaterThanOrEqual(model.changes.at(-1)?.version ?? 0)
  return version
}

async function settle(model: Model, real: Real): Promise<void> {
  await real.clock.advance(61_000)
  for (const watcher of real.watchers) expect(watcher.got).toEqual(eventsOf(model, watcher.selector, watcher.from))
  for (const selector of selectors) await checkList(model, real, selector)
}

function restart(how: 'close' | 'kill' | 'power'): Command {
  return command(`restart by ${how}`, async (model, real) => {
    if (how === 'close') {
      await real.cluster.server.close()
      await Promise.all(real.watchers.map(({ done }) => done))
    } else {
      await real.stopWatches()
      real.files.die()
      if (how === 'power') real.disk.losePower()
    }
    await real.open()
    expect(await checkList(model, real, selectors[0]!)).toBeGreaterThan(0)
    // Everybody goes on from the last version they have heard of, without listing again.
    for (const watcher of real.watchers) await real.watch(watcher)
  })
}

function command(name: string, run: Command['run']): Command {
  return { check: () => true, run, toString: () => name }
}

function commands(): fc.Arbitrary<Iterable<Command>> {
  const name = fc.constantFrom(...names)
  const manager = fc.constantFrom('m1', 'm2', 'm3')
  const valueOf = (path: FieldPath) =>
    fc.option(fc.constantFrom(...valuesOf[path], undefined), { nil: 'absent' as const, freq: 3 })
  const values = fc
    .tuple(...fieldPaths.map(valueOf))
    .map(
      (all) =>
        Object.fromEntries(
          all.flatMap((value, index) => (value === 'absent' ? [] : [[fieldPaths[index]!, value]])),
        ) as Values,
    )
  const flag = fc.boolean()
  const selector = fc.constantFrom(...selectors)
  return fc.commands(
    [
      fc.tuple(name, values, flag, manager).map((args) => create(...args)),
      fc.tuple(name, values, manager).map((args) => merge(...args)),
      fc
        .tuple(name, values, fc.nat(5), manager)
        .map(([target, fields, one, who]) => put(target, fields, one === 0, who)),
      fc.tuple(name, values, flag, manager).map((args) => apply(...args)),
      fc.tuple(name, values, flag, manager).map((args) => apply(...args)),
      fc.tuple(name, fc.constantFrom('Up', 'Down')).map((args) => setStatus(...args)),
      name.map(remove),
      name.map(release),
      selector.map(listAndWatch),
      fc.tuple(selector, fc.nat(8)).map((args) => watchBack(...args)),
      fc.constant(command('settle', settle)),
      fc.constantFrom('close', 'kill', 'power').map((how) => restart(how as 'close' | 'kill' | 'power')),
    ],
    { maxCommands: 60, size: 'max' },
  )
}

test('the server does what its model does', async () => {
  const run = fc.assert(
    fc.asyncProperty(commands(), fc.constantFrom(150, 1000), async (steps, historyEvents) => {
      const real = new Real(historyEvents)
      await real.open()
      const model = new Model()
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps)
        await settle(model, real)
      } finally {
        await real.stopWatches()
        await real.cluster.server.close()
      }
    }),
    { numRuns: 120, seed: 17 },
  )
  await expect(run).resolves.toBeUndefined()
})
