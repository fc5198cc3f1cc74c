import type { RolloutPhase, RolloutSpec, RolloutStatus } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { HALF_WAY, rolloutOf } from '../testing/objects.ts'
import { evidenceOf } from './evidence.ts'
import { renderEvidence } from './evidence-view.ts'
import { explainRollout } from './explanation.ts'
import { renderExplanation } from './explanation-view.ts'

const now = Date.parse('2026-01-05T08:00:00Z')
const gateOf = (reason: string, message: string): NonNullable<RolloutStatus['conditions']> => [
  { type: 'Progressing', status: 'True', reason, message, lastTransitionTime: '2026-01-05T07:55:00Z' },
]
const explained = (status?: RolloutStatus, spec?: Partial<RolloutSpec>) => explainRollout(rolloutOf(status, spec), now)

/** All that a status can tell. */
const full: RolloutStatus = {
  ...HALF_WAY,
  stage: 'production',
  wave: 1,
  waitsUntil: '2026-01-05T08:20:00Z',
  conditions: gateOf('Soak', 'Wave 1 of stage production soaks.'),
  verdict: {
    outcome: 'Clear',
    rule: 'Gate',
    reason: 'NoEvidenceAgainst',
    message: '1 of 7 treated targets failed: not enough against the change to halt.',
    evidence: { treated: 7, failed: 1, llr: '1.98', limit: '4.60' },
    bounds: { lower: '0.0073', upper: '0.5207' },
    outlook: '1 more failure would halt.',
    time: '2026-01-05T07:52:00Z',
  },
  forecast: {
    time: '2026-01-05T07:58:00Z',
    p50: '2026-01-05T11:20:00Z',
    p80: '2026-01-05T11:50:00Z',
    p95: '2026-01-05T12:30:00Z',
  },
  minutesBehind: 12,
  deadlineAtRisk: false,
  exposure: { hours: '12.5', onsets: 0, atMostPerHour: '0.2397' },
  suspects: [{ signature: 'EtcdSlow', onsets: 4, guilty: 'run-2', message: 'It has 4 of 4.' }],
}

test('an explanation with everything there is', () => {
  expect(renderExplanation(explained(full), now).join('\n')).toMatchInlineSnapshot(`
    "rollout run-1  Progressing  stage production, wave 1 of 2  14 control planes: 6 Applied, 1 Failed, 7 Pending
    WAITS     Soak, until 08:20 UTC (in 20m): Wave 1 of stage production soaks.
    OWNER     nobody: it goes on by itself
    VERDICT   go on, unchanged since 07:52 UTC (8m ago): 1 of 7 treated targets failed: not enough against the change to halt.
    BOUNDS    at most 52 % of the control planes fail with it, and at least 0.73 %, each with 95 % confidence
    OUTLOOK   1 more failure would halt.
    SUSPECT   EtcdSlow on 4 control planes: rollout run-2. It has 4 of 4.
    DEADLINE  Tue 07:00 UTC (in 23h), ends about 11:20 UTC (in 3h20m), with a chance of 80 % by 11:50 UTC (in 3h50m), 12m behind the plan
    ATTENTION mc-1/cp-9  Failed  Timeout: not ready after 45m
    NEXT      wait, or end this soak early: lkt rollout expedite run-1 --reason WHY
    NEXT      once it is mended there: lkt rollout retry run-1 mc-1/cp-9 --reason WHY"
  `)
})

test('evidence with everything there is', () => {
  expect(renderEvidence(evidenceOf(rolloutOf(full)), now, true)).toMatchInlineSnapshot(`
    "rollout run-1  Progressing  1 of 7 control planes that are through failed or became unhealthy
    VERDICT   go on, unchanged since 07:52 UTC (8m ago): 1 of 7 treated targets failed: not enough against the change to halt.
    BOUNDS    at most 52 % of the control planes fail with it, and at least 0.73 %, each with 95 % confidence
    OUTLOOK   1 more failure would halt.
    WEIGHT    1.98 for a bad fix against a good one, held against 4.60 (log likelihood ratio)
    EXPOSURE  12.5 healthy control-plane hours with the fix, 0 became unhealthy: at most 24 in 100 hours, with 95 % confidence
    SUSPECT   EtcdSlow on 4 control planes: rollout run-2. It has 4 of 4.
    HALTS IF  failures look like a fix that breaks 5 % rather than 0.5 % (a good fix is halted with a chance of 1 %)
              or more than 5 % of a stage fail, and more than 3 control planes of it
              or one reports UnexpectedNodeRollout or EtcdQuorumLost
              or treated ones fall ill much more often than untreated ones of their kind

    STAGE        CONTROL-PLANES   THROUGH   FAILED   FAIL-AT-LEAST   FAIL-AT-MOST
    stage        4                4         0        0 %             53 %
    production   10               3         1        1.7 %           86 %

    STAGE        WAVE   CONTROL-PLANES   APPLIED   FAILED   UNHEALTHY   FAIL-AT-LEAST   FAIL-AT-MOST   OPENED            CLOSED
    stage        1      4                4         0        0           0 %             53 %           07:10 (50m ago)   <none>
    production   1      3                2         1        0           1.7 %           86 %           07:50 (10m ago)   <none>
    "
  `)
})

test('evidence before anybody is through', () => {
  const text = renderEvidence(evidenceOf(rolloutOf()), now, false)
  expect(text).toContain('rollout run-1  AwaitingApproval  0 of 0 control planes')
  expect(text).toContain('VERDICT   none yet: nobody is through\n')
  expect(text).toContain('production   10               0         0        <none>          <none>\n')
})

test('evidence of a rollout that halts by its budget alone says only what can halt it', () => {
  const strategy = {
    ...rolloutOf().spec.strategy,
    haltBy: 'Budget' as const,
    haltReasons: ['Fire'],
    compareUntreated: true,
  }
  const text = renderEvidence(evidenceOf(rolloutOf(full, { strategy })), now, false)
  expect(text).toMatch(/^HALTS IF {2}more than 5 %/m)
  expect(text).toContain('or one reports Fire\n')
  expect(text).toContain('or treated ones fall ill much more often')
})

describe('what it waits for', () => {
  const halt = { ...full.verdict!, outcome: 'Halt' as const, rule: 'SequentialTest', message: '3 of 7 failed.' }

  test.each<[string, RolloutStatus | undefined, Partial<RolloutSpec>, RegExp, string | undefined]>([
    ['nothing is known', undefined, {}, /^AwaitingApproval: 2 more people/, 'lkt rollout plan run-1'],
    [
      'one approval',
      { ...full, phase: 'AwaitingApproval', approvals: [full.approvals[0]!] },
      {},
      /1 more person must/,
      'lkt rollout plan run-1',
    ],
    ['all approvals', { ...full, phase: 'AwaitingApproval' }, {}, /all approvals are there/, undefined],
    ['soak', full, {}, /^Soak: Wave 1 of stage/, 'lkt rollout expedite run-1 --reason WHY'],
    [
      'operations',
      { ...full, conditions: gateOf('Operations', '2.') },
      {},
      /^Operations: 2\./,
      'lkt fix clusters fix-1 --state Scheduled,Applying,Verifying -o wide',
    ],
    ['onsets', { ...full, conditions: gateOf('Onsets', '2.') }, {}, /^Onsets/, 'lkt rollout evidence run-1'],
    ['caps', { ...full, conditions: gateOf('Slots', '2.') }, {}, /^Slots/, 'kubectl get managementclusters'],
    ['a freeze', { ...full, conditions: gateOf('Window', '2.') }, {}, /^Window/, 'lkt freeze list -o wide'],
    [
      'a pause',
      { ...full, phase: 'Paused' },
      { pause: { reason: 'lunch', by: 'bob' } },
      /^Paused: paused by bob: lunch/,
      'lkt rollout resume run-1',
    ],
    [
      'another',
      { ...full, waitsFor: { rollout: 'run-2', message: 'Alike.' } },
      {},
      /^WaitsForRollout: rollout run-2/,
      'lkt rollout explain run-2',
    ],
    [
      'another, not begun',
      { ...full, phase: 'AwaitingApproval', waitsFor: { rollout: 'run-2', message: 'Alike.' } },
      {},
      /^WaitsForRollout/,
      'lkt rollout explain run-2',
    ],
    [
      'a person',
      { ...full, phase: 'Halted', verdict: halt },
      {},
      /^Halted: .*3 of 7 failed/,
      'lkt rollout evidence run-1',
    ],
    [
      'reverts',
      { ...full, phase: 'Reverting', conditions: gateOf('Reverting', '3 left.') },
      {},
      /^Reverting: 3 left/,
      'lkt fix clusters fix-1 --state Reverting,Failed -o wide',
    ],
    [
      'a revert asked for',
      full,
      { revert: { reason: 'bad', by: 'bob' } },
      /^RevertRequested: .*bob.*: bad/,
      'kubectl get leases -A',
    ],
    ['an abort asked for', full, { abort: { reason: 'bad', by: 'bob' } }, /^AbortRequested/, 'kubectl get leases -A'],
    [
      'reverted',
      { ...full, phase: 'Reverted', verdict: halt },
      { revert: { reason: 'bad' } },
      /^Reverted: the fix was taken back\. 3 of 7/,
      'lkt rollout evidence run-1',
    ],
    [
      'aborted',
      { ...full, phase: 'Aborted' },
      { abort: { reason: 'bad', by: 'bob' } },
      /^Aborted: by bob: bad/,
      'lkt fix clusters fix-1 --state Applied -o wide',
    ],
    [
      'completed with failures',
      { ...full, phase: 'Completed' },
      {},
      /^Completed: 1 control plane failed or is/,
      'lkt fix clusters fix-1 --state Failed,Blocked -o wide',
    ],
    ['completed', { ...full, phase: 'Completed', counts: { Applied: 14 } }, {}, /^Completed: every/, undefined],
  ])('%s', (_, status, spec, words, next) => {
    const { waiting } = explained(status, spec)
    expect(`${waiting.reason}: ${waiting.message}`).toMatch(words)
    expect(waiting.owner).not.toBe('')
    expect(waiting.next[0]?.command).toBe(next)
  })

  test('every phase has an explanation that names an owner', () => {
    const phases: RolloutPhase[] = [
      'AwaitingApproval',
      'Progressing',
      'Paused',
      'Halted',
      'Reverting',
      'Reverted',
      'Completed',
      'Aborted',
    ]
    for (const phase of phases) {
      const lines = renderExplanation(explained({ ...full, phase }), now)
      expect(lines.filter((line) => /^(WAITS|ENDED|OWNER|NEXT) +\S/.test(line)).length).toBeGreaterThanOrEqual(3)
    }
  })
})

test('what people asked of it is told with who and why', () => {
  const expedite = { stage: 'production', wave: 1, reason: 'INC-1', by: 'bob' }
  const lines = renderExplanation(explained(full, { expedite, pause: { reason: 'lunch' } }), now)
  expect(lines).toContain('ASKED     pause by somebody: lunch')
  expect(lines).toContain('ASKED     expedite of the soak after wave 1 of production by bob: INC-1')
})

test('after a revert: whom it harmed, and nothing of a deadline', () => {
  const problems = [
    { controlPlane: 'mc-1/cp-9', state: 'Reverted' as const, reason: 'RolledBack', message: 'well again' },
  ]
  const lines = renderExplanation(explained({ ...full, phase: 'Reverted', problems }), now)
  expect(lines).toContain('HARMED    mc-1/cp-9  Reverted  RolledBack: well again')
  expect(lines.filter((line) => line.startsWith('DEADLINE'))).toEqual([])
})

describe('the deadline', () => {
  const line = (status?: RolloutStatus, at = now) =>
    renderExplanation(explainRollout(rolloutOf(status), at), at).find((text) => text.startsWith('DEADLINE'))

  test.each([
    [
      full,
      now,
      'DEADLINE  Tue 07:00 UTC (in 23h), ends about 11:20 UTC (in 3h20m), with a chance of 80 % by 11:50 UTC (in 3h50m), 12m behind the plan',
    ],
    [
      { ...full, minutesBehind: -90, deadlineAtRisk: true },
      now,
      'DEADLINE  Tue 07:00 UTC (in 23h), AT RISK, ends about 11:20 UTC (in 3h20m), with a chance of 80 % by 11:50 UTC (in 3h50m), 1h30m ahead of the plan',
    ],
    [
      { ...HALF_WAY, minutesBehind: 0 },
      now,
      'DEADLINE  Tue 07:00 UTC (in 23h), ends about 11:20 UTC (in 3h20m), on plan',
    ],
    [
      { ...full, phase: 'Completed' as const, completionTime: '2026-01-05T07:59:00Z' },
      now + 24 * 3_600_000,
      'DEADLINE  07:00 UTC (1h ago), kept with 23h1m to spare: it ended Mon 07:59 UTC (24h1m ago)',
    ],
    [
      { ...full, phase: 'Paused' as const },
      now,
      'DEADLINE  Tue 07:00 UTC (in 23h), before the pause it was to end about 11:20 UTC (in 3h20m), with a chance of 80 % by 11:50 UTC (in 3h50m), 12m behind the plan',
    ],
    [undefined, now + 24 * 3_600_000, 'DEADLINE  07:00 UTC (1h ago), MISSED'],
  ])('%#', (status, at, words) => {
    expect(line(status, at)).toBe(words)
  })
})
