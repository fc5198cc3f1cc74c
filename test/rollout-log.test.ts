import { unpackedLines } from '@locktender/fixes'
import { parseLog, replay, type LogEntry } from '@locktender/rollout'
import {
  clusterRoles,
  GROUP,
  rolloutLogs,
  rollouts,
  type RoleObject,
  type Rollout,
  type RolloutLog,
} from '@locktender/fleet'
import type { Client } from '@locktender/kube'
import { administrator } from '@locktender/simulator'
import { describe, expect, test } from 'vitest'
import { hubWith } from './fixes/open-hub.ts'
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
  async function untilEnd(lostAnswers: number): Promise<StoredLog> {
    const hub = await hubWith({ seed: 5, lostAnswers })
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

test('a manager that may not write logs delivers nevertheless, says so, and writes them once it may', async () => {
  const hub = await hubWith({ seed: 6 })
  const name = 'locktender-manager'
  const role = await hub.admin.get<RoleObject>(clusterRoles, name)
  const without = role.rules.filter(({ resources }) => !resources.includes(rolloutLogs.plural))
  const setRules = (rules: RoleObject['rules']) => hub.admin.patch(clusterRoles, { name }, { rules }, { type: 'merge' })
  await setRules(without)
  await hub.deliver('good')
  await hub.clock.advance(90 * minute)
  const logged = async () => (await hub.rollout('good')).status?.conditions?.find(({ type }) => type === 'Logged')
  expect(await logged()).toMatchObject({ status: 'False', reason: 'WriteFailed' })
  expect((await logged())?.message).toContain(`cannot create resource "rolloutlogs" in API group "${GROUP}"`)
  expect((await hub.rollout('good')).status?.counts.Applied).toBeGreaterThan(0)
  await setRules(role.rules)
  await hub.untilPhase('good', 'Completed')
  await hub.clock.advance(2 * minute)
  expect(await logged()).toMatchObject({ status: 'True', reason: 'Written' })
  const { rollout, entries } = await readLog(hub.admin)
  expectSame(rollout, entries, 1)
})
