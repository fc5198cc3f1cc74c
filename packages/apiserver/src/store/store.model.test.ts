import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '@locktender/kube'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Store } from './store.ts'
import { CompactedError, RevisionMismatch } from './store-types.ts'

/** The store as plain as it can be told: the list of all writes ever. */
class Model {
  readonly writes: { readonly key: string; readonly value: string | undefined }[] = []

  get revision(): number {
    return 1 + this.writes.length
  }

  /** Keys in order with their values and revisions, right after `revision`. */
  stateAt(revision: number): Map<string, { value: string; revision: number; createRevision: number }> {
    const state = new Map<string, { value: string; revision: number; createRevision: number }>()
    for (const [index, { key, value }] of this.writes.slice(0, revision - 1).entries()) {
      const own = index + 2
      if (value === undefined) state.delete(key)
      else state.set(key, { value, revision: own, createRevision: state.get(key)?.createRevision ?? own })
    }
    return new Map([...state].sort(([left], [right]) => (left < right ? -1 : 1)))
  }

  eventsAfter(revision: number, prefix: string): string[] {
    return this.writes
      .map(({ key, value }, index) => ({ key, text: `${index + 2} ${key} ${value ?? '-'}`, revision: index + 2 }))
      .filter((event) => event.revision > revision && event.key.startsWith(prefix))
      .map(({ text }) => text)
  }
}

class Real {
  store!: Store
  /** Running watches: what they got and from where. */
  watches: { prefix: string; after: number; got: string[] }[] = []
  pending: Promise<number>[] = []
  readonly #directory: string | undefined
  readonly #historyEvents: number

  constructor(directory: string | undefined, historyEvents: number) {
    this.#directory = directory
    this.#historyEvents = historyEvents
  }

  async open(): Promise<void> {
    this.store = await Store.open({
      clock: new VirtualClock(),
      historyEvents: this.#historyEvents,
      historyAgeMs: 0,
      segmentBytes: 300,
      ...(this.#directory === undefined ? {} : { directory: this.#directory }),
    })
  }

  async settle(): Promise<void> {
    await Promise.all(this.pending)
    this.pending = []
  }
}

type Command = fc.AsyncCommand<Model, Real>

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function write(key: string, value: string | undefined, stale: boolean): Command {
  return {
    check: () => true,
    async run(model, real) {
      const current = real.store.get(key)?.revision ?? 0
      expect(current).toBe(model.stateAt(model.revision).get(key)?.revision ?? 0)
      if (stale) {
        const wrong = real.store.write(key, current + 1, () => new TextEncoder().encode('never'))
        await expect(wrong).rejects.toThrow(RevisionMismatch)
        return
      }
      if (value === undefined && current === 0) return
      const encode = () => (value === undefined ? undefined : new TextEncoder().encode(value))
      model.writes.push({ key, value })
      const { revision } = model
      real.pending.push(
        real.store.write(key, current, encode).then((own) => {
          expect(own).toBe(revision)
          return own
        }),
      )
    },
    toString: () => `write(${key}, ${value ?? 'delete'}${stale ? ', stale' : ''})`,
  }
}

const settle: Command = {
  check: () => true,
  async run(model, real) {
    await real.store.settled()
    expect(real.store.revision).toBe(model.revision)
    await real.settle()
    for (const { prefix, after, got } of real.watches) expect(got).toEqual(model.eventsAfter(after, prefix))
  },
  toString: () => 'settle',
}

function read(prefix: string, back: number, limit: number): Command {
  return {
    check: () => true,
    async run(model, real) {
      const at = Math.max(1, model.revision - back)
      const all = [...model.stateAt(at)].filter(([key]) => key.startsWith(prefix))
      const page = () => real.store.range(prefix, { limit, ...(back === 0 ? {} : { at }) })
      if (at < real.store.compactedRevision) {
        expect(page).toThrow(CompactedError)
        return
      }
      const { items, more, remaining } = page()
      expect(items.map(({ value, ...rest }) => ({ ...rest, value: decode(value) }))).toEqual(
        all.slice(0, limit).map(([key, state]) => ({ key, ...state })),
      )
      expect({ more, remaining }).toEqual({
        more: all.length > limit,
        remaining: Math.max(0, all.length - limit),
      })
    },
    toString: () => `read(${prefix}, ${back} back, limit ${limit})`,
  }
}

function watch(prefix: string, back: number): Command {
  return {
    check: () => true,
    async run(model, real) {
      const after = Math.max(1, real.store.revision - back)
      const got: string[] = []
      const start = () =>
        real.store.watch(prefix, after, (events) => {
          for (const { revision, key, value } of events) {
            got.push(`${revision} ${key} ${value === undefined ? '-' : decode(value)}`)
          }
        })
      if (after < real.store.compactedRevision) {
        expect(start).toThrow(CompactedError)
        return
      }
      start()
      const visible = model
        .eventsAfter(after, prefix)
        .filter((text) => Number.parseInt(text, 10) <= real.store.revision)
      expect(got).toEqual(visible)
      real.watches.push({ prefix, after, got })
    },
    toString: () => `watch(${prefix}, ${back} back)`,
  }
}

const restart: Command = {
  check: () => true,
  async run(model, real) {
    await real.store.close()
    await real.settle()
    for (const { prefix, after, got } of real.watches) expect(got).toEqual(model.eventsAfter(after, prefix))
    real.watches = []
    await real.open()
    expect(real.store.revision).toBe(model.revision)
    expect(real.store.writtenRevision).toBe(model.revision)
  },
  toString: () => 'restart',
}

function commands(durable: boolean) {
  const key = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(4)).map(([group, name]) => `/${group}/${name}`)
  const prefix = fc.constantFrom('', '/', '/a/', '/b/', '/a/1', '/z/')
  const value = fc.option(
    fc.nat(400).map((length) => 'v'.repeat(length)),
    { nil: undefined, freq: 4 },
  )
  const stale = fc.nat(9).map((number) => number === 0)
  return fc.commands(
    [
      fc.tuple(key, value, stale).map((args) => write(...args)),
      fc.tuple(key, value, stale).map((args) => write(...args)),
      fc.tuple(prefix, fc.nat(6), fc.integer({ min: 0, max: 6 })).map((args) => read(...args)),
      fc.tuple(prefix, fc.nat(6)).map((args) => watch(...args)),
      fc.constant(settle),
      ...(durable ? [fc.constant(restart)] : []),
    ],
    { maxCommands: 60, size: 'max' },
  )
}

test.each(['memory', 'durable'] as const)('a %s store does what its model does', async (kind) => {
  const run = fc.assert(
    fc.asyncProperty(commands(kind === 'durable'), fc.integer({ min: 1, max: 12 }), async (steps, historyEvents) => {
      const directory = kind === 'durable' ? await mkdtemp(join(tmpdir(), 'model-')) : undefined
      const real = new Real(directory, historyEvents)
      await real.open()
      const model = new Model()
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps)
        await settle.run(model, real)
      } finally {
        await real.store.close()
        if (directory !== undefined) await rm(directory, { recursive: true, force: true })
      }
    }),
    { numRuns: kind === 'durable' ? 80 : 200, seed: 11 },
  )
  await expect(run).resolves.toBeUndefined()
})
