import { describe, expect, test } from 'vitest'
import { exitCodes } from './exit-codes.ts'
import { fixExitCode, renderFixProgress } from './fix-progress.ts'
import { fixOf, HALF_WAY, rolloutOf } from './testing/objects.ts'

const now = Date.parse('2026-01-05T08:00:00Z')
const delivering = fixOf({ phase: 'Delivering', rollout: 'run-1', affected: 14, counts: {} })

describe('progress of a fix', () => {
  test('before there is a rollout: its phase and why', () => {
    expect(renderFixProgress(fixOf(), undefined, now)).toEqual(['fix-1  Stops a leak  PENDING'])
    const refused = fixOf({ phase: 'Refused', affected: 0, counts: {}, message: 'matches nothing' })
    expect(renderFixProgress(refused, undefined, now)).toEqual(['fix-1  Stops a leak  REFUSED', 'matches nothing'])
  })

  test('under way', () => {
    expect(renderFixProgress(delivering, rolloutOf(HALF_WAY), now)).toEqual([
      'fix-1  Stops a leak  DELIVERING',
      '[############................] 6/14  42%   T+1h of 24h   ETA in 3h20m',
      'STAGE          DONE/ALL  WAVES  STATE',
      'stage               4/4  1/1    passed',
      'production         2/10  1/2    open, 1 failed',
      'COUNTS     Applied 6  Failed 1  Pending 7',
      'ATTENTION  mc-1/cp-9  Failed  not ready after 45m',
    ])
  })

  test('once delivered: the whole fleet, and the rollout of those that came later', () => {
    const again = fixOf({ phase: 'Delivering', rollout: 'run-1', affected: 15, counts: { Applied: 14, Pending: 1 } })
    const run = rolloutOf(HALF_WAY)
    const followUp = {
      ...run,
      metadata: { ...run.metadata, name: 'run-1-follow-up-1', creationTimestamp: '2026-01-05T07:30:00Z' },
      spec: { ...run.spec, followUpOf: 'run-1' },
    }
    const lines = renderFixProgress(again, followUp, now)
    expect(lines.slice(1, 3)).toEqual([
      '[##########################..] 14/15  93%   T+30m of 24h   ETA in 3h20m',
      'FOLLOW-UP  run-1-follow-up-1: 14 planned that came after run-1, progressing',
    ])
    expect(lines).toContain('COUNTS     Applied 14  Pending 1')
  })

  test('before anybody approves: what is expected', () => {
    const outlook = {
      startTime: '2026-01-05T08:00:00Z',
      feasible: true,
      blockers: [],
      harmHours: '1.2',
      p50: '2026-01-05T11:00:00Z',
      p80: '2026-01-05T11:20:00Z',
      p95: '2026-01-05T12:00:00Z',
    }
    const fix = fixOf({ phase: 'AwaitingApproval', rollout: 'run-1', affected: 14, counts: {} })
    const line = (change: Partial<typeof outlook>) => {
      const waiting = { ...HALF_WAY, phase: 'AwaitingApproval' as const, outlook: { ...outlook, ...change } }
      return renderFixProgress(fix, rolloutOf(waiting), now).find((text) => text.startsWith('EXPECTED'))
    }
    expect(line({})).toBe('EXPECTED   ends in 3h, with 80 % in 3h20m; deadline kept; harm 1.2 control-plane hours')
    expect(line({ feasible: false })).toContain('DEADLINE CANNOT BE KEPT')
  })

  test.each([
    [0, 'ETA in 3h10m, with 80 % in 3h50m'],
    [-4, 'ETA in 3h10m, with 80 % in 3h50m'],
    [12, 'ETA in 3h10m, with 80 % in 3h50m, 12m behind the plan'],
    [-90, 'ETA in 3h10m, with 80 % in 3h50m, 1h30m ahead of the plan'],
  ])('how sure the end is, %d minutes behind', (minutesBehind, words) => {
    const at = '2026-01-05T11:50:00Z'
    const forecast = { time: '2026-01-05T07:58:00Z', p50: '2026-01-05T11:10:00Z', p80: at, p95: at }
    const lines = renderFixProgress(delivering, rolloutOf({ ...HALF_WAY, forecast, minutesBehind }), now)
    expect(lines[1]?.endsWith(words)).toBe(true)
  })

  test('warns as soon as the deadline is at risk, and when it has passed', () => {
    const late = rolloutOf({ ...HALF_WAY, deadlineAtRisk: true })
    expect(renderFixProgress(delivering, late, now)[1]).toMatch(/DEADLINE AT RISK$/)
    const afterwards = Date.parse('2026-01-06T07:00:01Z')
    expect(renderFixProgress(delivering, rolloutOf(HALF_WAY), afterwards)[1]).toMatch(/DEADLINE AT RISK$/)
  })

  test('halted: the verdict in a sentence', () => {
    const halted = rolloutOf({
      ...HALF_WAY,
      phase: 'Reverted',
      completionTime: '2026-01-05T07:55:00Z',
      verdict: {
        outcome: 'Halt',
        rule: 'SequentialTest',
        reason: 'FailingTooOften',
        message: '3 of 7 failed',
        evidence: { treated: 7, failed: 3 },
        time: '2026-01-05T07:52:00Z',
      },
    })
    const lines = renderFixProgress(delivering, halted, now)
    expect(lines).toContain('HALTED     3 of 7 failed')
    expect(lines[1]).toMatch(/took 55m of 24h$/)
  })
})

test.each([
  ['Pending', undefined],
  ['AwaitingApproval', undefined],
  ['Delivering', undefined],
  ['Delivered', exitCodes.done],
  ['Halted', exitCodes.stopped],
  ['Reverted', exitCodes.stopped],
  ['Aborted', exitCodes.stopped],
  ['Refused', exitCodes.refused],
] as const)('a fix that is %s ends a command with %s', (phase, code) => {
  expect(fixExitCode(fixOf({ phase, affected: 0, counts: {} }))).toBe(code)
})

test('a fix delivered with failures says so by its code', () => {
  const code = fixExitCode(fixOf({ phase: 'Delivered', affected: 2, counts: { Applied: 1, Blocked: 1 } }))
  expect(code).toBe(exitCodes.finishedWithFailures)
})
