import { rolloutLogs } from '@locktender/fleet'
import type { Rollout, RolloutLog } from '@locktender/fleet'
import { alreadyExists, notFound, seededRandom, VirtualClock } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import { parseLog, replay, RolloutEngine } from '@locktender/rollout'
import type { TargetInput } from '@locktender/rollout'
import { silentLogger } from '@locktender/runtime'
import { describe, expect, test } from 'vitest'
import { dataDigest, unpackedLines } from '../log-pieces.ts'
import { rolloutOf } from '../test-objects.ts'
import { LogWriter } from './log-writer.ts'
import type { LogClient } from './log-writer.ts'

const MINUTE = 60_000
const target = { group: rolloutLogs.group, resource: rolloutLogs.plural }

/** Keeps what is created; does not answer while `fails` is set, after it did its work when `late`. */
class Shelf {
  readonly logs = new Map<string, RolloutLog>()
  fails: { readonly late: boolean } | undefined

  readonly client: LogClient = {
    create: <T extends KubeObject>(_resource: Resource, object: T): Promise<T> => {
      const { name } = object.metadata
      if (this.fails?.late === false) return Promise.reject(new Error('connection refused'))
      if (this.logs.has(name)) return Promise.reject(alreadyExists(target, name))
      this.logs.set(name, object as unknown as RolloutLog)
      return this.fails === undefined ? Promise.resolve(object) : Promise.reject(new Error('connection reset'))
    },
    get: <T extends KubeObject>(_resource: Resource, name: string): Promise<T> => {
      const found = this.logs.get(name)
      return found === undefined ? Promise.reject(notFound(target, name)) : Promise.resolve(found as unknown as T)
    },
  }

  get names(): string[] {
    return [...this.logs.keys()]
  }

  /** The lines of a rollout, put together as an export does. */
  lines(uid = 'uid-rollout-one'): string[] {
    const pieces = [...this.logs.values()].filter(({ spec }) => spec.rolloutUid === uid)
    return [...unpackedLines(pieces)].join('').trim().split('\n')
  }
}

function writer(rollout: Rollout = rolloutOf('one')) {
  const clock = new VirtualClock()
  return { clock, log: new LogWriter(rollout, { clock, log: silentLogger }) }
}

/** So many words of text that cannot be packed well. */
function noise(words: number): string {
  const random = seededRandom(1)
  return Array.from({ length: words }, () => random.next().toString(36).slice(2, 8)).join('')
}

const paused = (reason: string) => ({ type: 'pause', reason }) as const
const line = (reason: string) => JSON.stringify(paused(reason))

describe('the log of a rollout', () => {
  test('is a row of objects that belong to it, each naming the one before', async () => {
    const shelf = new Shelf()
    const { clock, log } = writer()
    log.add(paused('a'))
    await clock.advance(MINUTE)
    log.add({ type: 'resume' })
    expect(await log.flush(shelf.client)).toBe(false)
    log.add(paused('b'))
    await log.flush(shelf.client)
    await log.flush(shelf.client)
    expect(shelf.names).toEqual(['one-000001', 'one-000002'])
    const [first, second] = [...shelf.logs.values()]
    expect(first).toMatchObject({
      metadata: {
        labels: { 'locktender.dev/rollout': 'one' },
        ownerReferences: [{ kind: 'Rollout', name: 'one', uid: 'uid-rollout-one' }],
      },
      spec: { rollout: 'one', rolloutUid: 'uid-rollout-one', sequence: 1, entries: 2 },
    })
    expect(Date.parse(first!.spec.to) - Date.parse(first!.spec.from)).toBe(MINUTE)
    expect(first?.spec.previous).toBeUndefined()
    expect(second?.spec.previous).toBe(dataDigest(first!.spec.data))
    expect(shelf.lines()).toEqual([line('a'), '{"type":"resume"}', line('b')])
    expect(log.state).toEqual({ stored: { pieces: 2, digest: dataDigest(second!.spec.data) } })
  })

  test('is written without a milestone when there is much of it, and all of it at the end', async () => {
    const { log } = writer()
    expect([log.dueAt(false), log.dueAt(true)]).toEqual([Infinity, Infinity])
    log.add(paused('a'))
    expect([log.dueAt(false), log.dueAt(true)]).toEqual([Infinity, -Infinity])
    log.add(paused('a'.repeat(1_048_576)))
    expect(log.dueAt(false)).toBe(-Infinity)
    await log.flush(new Shelf().client)
    expect([log.dueAt(false), log.dueAt(true)]).toEqual([Infinity, Infinity])
  })

  test('goes on where an earlier process ended, also when the status does not know its last pieces', async () => {
    const shelf = new Shelf()
    const before = writer()
    const states = []
    for (const reason of ['a', 'b', 'c']) {
      before.log.add(paused(reason))
      await before.log.flush(shelf.client)
      states.push(before.log.state.stored)
    }
    // Killed before the status was written again.
    const status = { log: states[0] } as unknown as NonNullable<Rollout['status']>
    const after = writer({ ...rolloutOf('one'), status })
    after.log.add(paused('d'))
    await after.log.flush(shelf.client)
    expect(shelf.lines()).toEqual(['a', 'b', 'c', 'd'].map(line))
    expect(after.log.state.stored.pieces).toBe(4)
  })

  test('has a piece once when the answer to its creation was lost', async () => {
    const shelf = new Shelf()
    const { log } = writer()
    log.add(paused('a'))
    shelf.fails = { late: true }
    await log.flush(shelf.client)
    shelf.fails = undefined
    log.add(paused('b'))
    await log.flush(shelf.client)
    expect(shelf.names).toEqual(['one-000001', 'one-000002'])
    expect(shelf.lines()).toEqual([line('a'), line('b')])
  })

  test('leaves alone what an earlier rollout of the name has', async () => {
    const shelf = new Shelf()
    const old = rolloutOf('one')
    const before = writer({ ...old, metadata: { ...old.metadata, uid: 'old' } })
    before.log.add(paused('a'))
    await before.log.flush(shelf.client)
    const { log } = writer()
    for (const reason of ['b', 'c']) {
      log.add(paused(reason))
      await log.flush(shelf.client)
    }
    expect(shelf.names).toEqual(['one-000001', 'one-000002', 'one-000003'])
    expect(shelf.lines()).toEqual([line('b'), line('c')])
    expect(shelf.lines('old')).toEqual([line('a')])
  })

  test('that cannot be written is kept, tried again and told of', async () => {
    const shelf = new Shelf()
    const { clock, log } = writer()
    shelf.fails = { late: false }
    log.add(paused('a'))
    expect(await log.flush(shelf.client)).toBe(true)
    expect(log.state.problem?.reason).toBe('WriteFailed')
    expect(log.state.problem?.message).toContain('connection refused')
    expect(log.dueAt(false)).toBe(clock.now() + MINUTE)
    log.add(paused('b'))
    expect(await log.flush(shelf.client)).toBe(false)
    shelf.fails = undefined
    expect(await log.flush(shelf.client)).toBe(true)
    expect(log.state.problem).toBeUndefined()
    expect(shelf.lines()).toEqual([line('a'), line('b')])
  })

  test('is given up when it cannot be written for long, and says so', async () => {
    const shelf = new Shelf()
    const { log } = writer()
    shelf.fails = { late: false }
    log.add(paused('a'))
    for (let tries = 0; tries < 24 * 60; tries++) await log.flush(shelf.client)
    expect(log.state.problem?.reason).toBe('Incomplete')
    shelf.fails = undefined
    log.add(paused('b'))
    await log.flush(shelf.client)
    expect([log.dueAt(true), shelf.names]).toEqual([Infinity, []])
  })

  test('keeps no more in memory than some pieces', async () => {
    const shelf = new Shelf()
    const { log } = writer()
    shelf.fails = { late: false }
    for (let tries = 0; tries < 100; tries++) {
      log.add(paused('a'))
      await log.flush(shelf.client)
    }
    expect(log.state.problem?.reason).toBe('WriteFailed')
    const large = paused(`${noise(130_000)}${'b'.repeat(300_000)}`)
    for (let pieces = 0; pieces < 32; pieces++) {
      log.add(large)
      await log.flush(shelf.client)
    }
    expect(log.state.problem?.reason).toBe('WriteFailed')
    for (let pieces = 0; pieces < 12; pieces++) {
      log.add(large)
      await log.flush(shelf.client)
    }
    expect(log.state.problem?.reason).toBe('Incomplete')
  })

  test('has all that is decided for a wave of 100,000, in objects that are not too large', async () => {
    const shelf = new Shelf()
    const { log } = writer()
    const stages = [{ name: 'fleet', canary: 100_000, factor: 1, soakMs: 0, finalSoakMs: 0 }]
    const targets = Array.from({ length: 100_000 }, (_, index): TargetInput => {
      const id = `mc-${index % 80}/${(Math.imul(index, 0x9e3779b1) >>> 0).toString(36)}`
      return { id, stage: 'fleet', stratum: 's', shard: 'mc', customer: id, phase: 'Pending', requested: false }
    })
    const sequentialTest = { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 }
    const limits = { maxPerShard: () => 100_000, operationTimeoutMs: MINUTE, autoRevert: true }
    const engine = RolloutEngine.create({
      strategy: { stages, sequentialTest, ...limits },
      seed: 1,
      targets,
      startedAt: 0,
      deadline: 1,
      log: log.add,
    })
    const opening = engine.decide(0)
    expect(opening.map((each) => each.type)).toEqual(['open-wave'])
    engine.acknowledge(opening[0]!)
    const starts = engine.decide(0)
    expect(starts).toHaveLength(100_000)
    shelf.fails = { late: false }
    await log.flush(shelf.client)
    expect(log.state.problem?.reason).toBe('WriteFailed')
    shelf.fails = undefined
    await log.flush(shelf.client)
    expect(log.state.problem).toBeUndefined()
    expect(shelf.logs.size).toBeGreaterThan(20)
    expect(replay(parseLog(shelf.lines('uid-rollout-one').join('\n')))).toMatchObject({
      decisions: 100_001,
      mismatches: [],
    })
  })

  test('is given up rather than written with a hole when an entry is too large', async () => {
    const shelf = new Shelf()
    const { log } = writer()
    log.add(paused(noise(250_000)))
    expect(await log.flush(shelf.client)).toBe(true)
    expect([log.state.problem?.reason, shelf.names]).toEqual(['Incomplete', []])
  })

  test('of a rollout with a long name has names and labels that are allowed', async () => {
    const shelf = new Shelf()
    const long = `${'a'.repeat(62)}.${'b'.repeat(183)}-${'c'.repeat(6)}`
    const { log } = writer({ ...rolloutOf('one'), metadata: { name: long, uid: 'u' } })
    log.add(paused('a'))
    await log.flush(shelf.client)
    const [piece] = [...shelf.logs.values()]
    expect(piece?.metadata.name).toBe(`${'a'.repeat(62)}.${'b'.repeat(183)}-000001`)
    expect(piece?.metadata.labels).toEqual({ 'locktender.dev/rollout': 'a'.repeat(62) })
  })
})
