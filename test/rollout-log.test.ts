import { parseLog, replay, unpackedLines, type LogEntry } from '@locktender/fixes'
import { rolloutLogs, rollouts, type Rollout, type RolloutLog } from '@locktender/fleet'
import type { Client } from '@locktender/kube'
import { administrator } from '@locktender/simulator'
import { afterEach, describe, expect, test } from 'vitest'
import { Hub } from './fixes/hub.ts'
import { runDemo } from './support/virtual-demo.ts'

const minute = 60_000

interface StoredLog {
  readonly rollout: Rollout
  readonly pieces: readonly RolloutLog[]
  readonly entries: readonly LogEntry[]
}

/** The log of the only rollout there is, and its last state. */
async function readLog(admin: Client): Promise<StoredLog> {
  const [rollout] = (await admin.listAll<Rollout>(rollouts)).items
  const pieces = (await admin.listAll<RolloutLog>(rolloutLogs)).items
  return { rollout: rollout!, pieces, entries: parseLog([...unpackedLines(pieces)].join('')) }
}

/** What the status says of waves must be what the replayed engine says of them. */
function expectSame(rollout: Rollout, entries: readonly LogEntry[], lives: number): void {
  const replayed = replay(entries)
  expect(replayed.mismatches).toEqual([])
  expect(replayed.lives).toBe(lives)
  expect(replayed.summary).toMatchObject({ phase: rollout.status?.phase, decisions: rollout.status?.decisions })
  const waves = (stages: readonly { name: string; waves: readonly { size: number; applied: number }[] }[]) =>
    stages.map(({ name, waves: all }) => [name, ...all.map(({ size, applied }) => `${applied} of ${size}`)])
  expect(waves(replayed.summary!.stages)).toEqual(waves(rollout.status!.stages))
}

describe('the stored log of a whole run', () => {
  test.each([
    ['that went well', { clusters: 60, seed: 3 }, 'Completed'],
    ['that was halted and taken back', { clusters: 80, seed: 1, badFix: 0.3 }, 'Reverted'],
  ] as const)('%s: every decision is made again', async (_, options, phase) => {
    let stored: StoredLog | undefined
    await runDemo(options, async (demo) => {
      stored = await readLog(demo.client('hub', administrator))
    })
    const { rollout, pieces, entries } = stored!
    expect(rollout.status?.phase).toBe(phase)
    expect(pieces.length).toBeGreaterThan(5)
    expectSame(rollout, entries, 1)
  })
})

describe('the stored log of a run in which the manager was killed', () => {
  const open: Hub[] = []
  afterEach(async () => {
    for (const hub of open.splice(0)) await hub.close()
  })

  async function untilEnd(lostAnswers: number): Promise<StoredLog> {
    const hub = await Hub.open({ seed: 5, lostAnswers })
    open.push(hub)
    hub.startManager()
    await hub.deliver('good')
    for (const hours of [1, 2]) {
      await hub.clock.advance(hours * 60 * minute)
      await hub.killManager()
      await hub.clock.advance(5 * minute)
      hub.startManager()
    }
    await hub.untilPhase('good', 'Completed')
    await hub.clock.advance(2 * minute)
    return readLog(hub.admin)
  }

  test('goes on in the same row, a life for each start', async () => {
    const { rollout, entries } = await untilEnd(0)
    expectSame(rollout, entries, 3)
    expect(rollout.status?.conditions?.map(({ type }) => type)).toEqual(['Progressing'])
  })

  test('and in which answers were lost: what is there is made again, whatever is cut off', async () => {
    const { entries } = await untilEnd(0.1)
    const { lives, mismatches, decisions } = replay(entries)
    expect(mismatches).toEqual([])
    expect(lives).toBeGreaterThan(3)
    expect(decisions).toBeGreaterThan(24)
  })
})
