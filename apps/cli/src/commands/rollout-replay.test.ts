import { parseLog, replay } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import type { ReplayDocument } from '../rollout/replay-document.ts'
import { strategyOf } from '../testing/objects.ts'
import { runLkt } from '../testing/run-lkt.ts'

const start = Date.parse('2026-01-05T07:10:00Z')
const MINUTE = 60_000
const target = { id: 'mc-s/cp-1', stage: 'stage', stratum: 'a', shard: 'mc-s', customer: 'c' }

/** The log of a rollout of one control plane: what it decides is what the engine decides. */
function logOf(soakMs: number): string[] {
  const lines = [
    JSON.stringify({
      type: 'begin',
      version: 1,
      strategy: {
        stages: [{ name: 'stage', canary: 4, factor: 2, soakMs, finalSoakMs: soakMs }],
        budget: { percent: 5, minimum: 3 },
        sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
        operationTimeoutMs: 45 * MINUTE,
        autoRevert: true,
      },
      seed: 1,
      startedAt: start,
      deadline: start + 1440 * MINUTE,
      targets: 1,
    }),
    JSON.stringify({ type: 'target', target: { ...target, phase: 'Pending', requested: false } }),
    JSON.stringify({ type: 'cap', shard: 'mc-s', limit: 8 }),
  ]
  const decide = (at: number) => {
    const asked = (decisions: unknown) => JSON.stringify({ type: 'decide', at, decisions })
    const [found] = replay(parseLog([...lines, asked([])].join('\n'))).mismatches
    const decisions = (found?.actual ?? []) as { readonly type: string }[]
    lines.push(asked(decisions))
    for (const decision of decisions) {
      if (decision.type !== 'apply') lines.push(JSON.stringify({ type: 'acknowledge', decision }))
    }
  }
  const see = (phase: string, more: object) =>
    lines.push(JSON.stringify({ type: 'see', id: target.id, phase, requested: true, ...more }))
  decide(start)
  decide(start)
  see('Applying', { since: start + MINUTE })
  decide(start + MINUTE)
  see('Applied', { since: start + MINUTE, completedAt: start + 20 * MINUTE })
  decide(start + 20 * MINUTE)
  decide(start + 20 * MINUTE + soakMs)
  return lines
}

const lines = logOf(60 * MINUTE)
const run = (file: string, ...args: string[]) =>
  runLkt(['rollout', 'replay', 'log.jsonl', ...args], {
    files: { 'log.jsonl': file, 'short.yaml': JSON.stringify(strategyOf('short', shortSoak)) },
  })
const shortSoak = {
  stages: [
    { name: 'stage', selector: { environment: 'stage' as const }, canary: 4, factor: 2, soak: '10m', finalSoak: '10m' },
  ],
}

describe('rollout replay', () => {
  test('reproduces a log without a server', async () => {
    const { code, out, requests } = await run(lines.join('\n'))
    expect({ code, requests }).toEqual({ code: 0, requests: [] })
    expect(out).toMatch(/^REPLAYED {2}\d+ entries, 1 life of the engine: all 4 decisions are the same, bit for bit\n/)
    expect(out).toContain('PHASE     Completed 2026-01-05 08:30 UTC, 1h20m after the first wave\n')
    expect(out).toMatch(/stage +1 +1 +2026-01-05 07:10 +0s +1h20m\n$/)
  })

  test('ends with 1 and the first line that differs', async () => {
    const changed = lines.map((line) =>
      line.replace('"completedAt":' + (start + 20 * MINUTE), '"completedAt":' + (start + 21 * MINUTE)),
    )
    const { code, out } = await run(changed.join('\n'), '--strategy', 'short.yaml')
    expect(code).toBe(exitCodes.failed)
    expect(out).toMatch(/^DIFFERENT .* the first at line \d+\n/)
    expect(out).not.toContain('INSTEAD')
    const json = await run(changed.join('\n'), '-o', 'json')
    const { reproduced, firstDifference } = JSON.parse(json.out) as ReplayDocument
    expect(reproduced).toBe(false)
    expect(lines[firstDifference!.line - 1]).toContain('"complete"')
  })

  test('by another strategy the same control plane is soaked for less', async () => {
    const { code, out } = await run(lines.join('\n'), '--strategy', 'short.yaml', '-o', 'json')
    expect(code).toBe(0)
    const { record, instead } = JSON.parse(out) as ReplayDocument
    expect(record).toMatchObject({ phase: 'Completed', endedAt: '2026-01-05T08:30:00Z' })
    expect(instead).toMatchObject({
      strategy: 'short',
      run: { phase: 'Completed', treated: 1, endedAt: '2026-01-05T07:40:00Z' },
      unknown: { treated: 0, reverted: 0, caps: 0 },
      unplaced: 0,
    })
  })

  test.each([
    ['', /log\.jsonl is empty/],
    ['{', /log\.jsonl: Line 1 of the log is not JSON/],
    [lines.slice(1).join('\n'), /log\.jsonl: Entry 1 of the log \(target\) belongs to nothing/],
  ])('%# is refused with the file and what to do', async (text, message) => {
    const { code, out, notes } = await run(text)
    expect({ code, out }).toEqual({ code: exitCodes.usage, out: '' })
    expect(notes).toMatch(message)
  })
})
