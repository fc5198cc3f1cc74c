import { expect, test } from 'vitest'
import type { PlanDocument } from './plan-document.ts'
import { renderPlan } from './plan-view.ts'
import type { WhatIfDocument } from './what-if-document.ts'
import { renderWhatIf } from './what-if-view.ts'

const now = Date.parse('2026-01-05T08:00:00Z')

const plan: PlanDocument = {
  apiVersion: 'cli.locktender.dev/v1',
  kind: 'RolloutPlan',
  fix: 'fix-1',
  rollout: 'run-1',
  phase: 'AwaitingApproval',
  hash: 'sha256:aa',
  strategy: 'default',
  controlPlanes: 14,
  startTime: '2026-01-05T08:00:00Z',
  deadline: '2026-01-06T07:00:00Z',
  feasible: true,
  blockers: [],
  end: {
    planned: '2026-01-05T12:00:00Z',
    p50: '2026-01-05T11:00:00Z',
    p80: '2026-01-05T11:20:00Z',
    p95: '2026-01-05T11:50:00Z',
  },
  harm: { total: 1.2, waiting: 0.9, badFix: 0.3, exposed: 7.1, hurt: 0.4 },
  stakes: { hazard: 0.001, prior: 0.1 },
  pairs: { groups: 2, controlPlanes: 4 },
  notFirst: 1,
  held: [{ controlPlane: 'mc-1/cp-3', owner: 'ana', reason: 'fair', until: '2026-01-07T00:00:00Z' }],
  waves: [
    {
      stage: 'stage',
      wave: 1,
      controlPlanes: 4,
      startsAt: '2026-01-05T08:00:00Z',
      endsAt: '2026-01-05T08:20:00Z',
      soak: '1h',
      managementClusters: 1,
      customers: 3,
      kinds: 2,
    },
    { stage: 'production', wave: 1, controlPlanes: 10, soak: '30m', managementClusters: 2, customers: 6, kinds: 4 },
  ],
}

test('a plan before anybody approves', () => {
  expect(renderPlan(plan, now, false)).toMatchInlineSnapshot(`
    "rollout run-1  14 control planes in 2 waves by strategy default  AwaitingApproval
    PLAN      sha256:aa
    START     08:00 UTC (now), if it may begin at once
    END       with a chance of 50 % by 11:00 UTC (in 3h), 80 % by 11:20 UTC (in 3h20m), 95 % by 11:50 UTC (in 3h50m)
    SCHEDULE  ends 12:00 UTC (in 4h); it takes operations to be slow
    DEADLINE  Tue 07:00 UTC (in 23h): kept with 19h40m to spare, with a chance of at least 80 %
    HARM      1.2 control-plane hours expected: 0.9 of waiting for the fix, 0.3 of a bad fix
    IF BAD    7 would get the fix before it is stopped, and fewer than 1 of these be harmed
    ASSUMES   0.1 % suffer at any moment without the fix (--hazard); it is bad with a chance of 10 % (--prior)
    PAIRS     4 control planes in 2 groups that stand in for each other: no two of one in a wave, nor at the same time
    TIERS     1 control plane kept out of first waves for their tier
    HELD      1 control plane left out while on hold:
              mc-1/cp-3  fair (ask ana), until Wed 00:00 UTC (in 40h)

    Times are UTC.
    STAGE        WAVE   CONTROL-PLANES   STARTS        ENDS             SOAK
    stage        1      4                08:00 (now)   08:20 (in 20m)   1h
    production   1      10               never         never            30m
    "
  `)
})

test('wide has who is in each wave', () => {
  expect(renderPlan(plan, now, true).split('\n').slice(-4).join('\n')).toMatchInlineSnapshot(`
    "STAGE        WAVE   CONTROL-PLANES   STARTS        ENDS             SOAK   MANAGEMENT-CLUSTERS   CUSTOMERS   KINDS
    stage        1      4                08:00 (now)   08:20 (in 20m)   1h     1                     3           2
    production   1      10               never         never            30m    2                     6           4
    "
  `)
})

test.each([
  [{}, /kept with 19h40m to spare, with a chance of at least 80 %/],
  [{ end: { ...plan.end, p80: '2026-01-06T07:00:01Z' } }, /AT RISK, the chance to keep it is below 80 %/],
  [{ feasible: false, end: { planned: '2026-01-06T09:00:00Z' } }, /CANNOT BE KEPT, it ends 2h later/],
  [{ feasible: false, end: {} }, /CANNOT BE KEPT, it never ends/],
])('the deadline of %j', (change, words) => {
  expect(/^DEADLINE .*$/m.exec(renderPlan({ ...plan, ...change }, now, false))?.[0]).toMatch(words)
})

test('why the deadline cannot be kept, and why the planner chose as it did', () => {
  const text = renderPlan(
    {
      ...plan,
      feasible: false,
      blockers: [{ kind: 'Soaks', message: 'Soaks alone need 30 h.' }],
      reasons: [{ subject: 'Soak', message: 'An hour harms least.' }],
    },
    now,
    false,
  )
  expect(text).toContain('\nAGAINST   Soaks alone need 30 h.\n')
  expect(text).toContain('\nWHY       An hour harms least.\n')
})

test('once begun, where it is', () => {
  const [first, second] = plan.waves as [PlanDocument['waves'][number], PlanDocument['waves'][number]]
  const waves = [
    { ...first, state: 'Passed' as const },
    { ...second, state: 'Open' as const },
  ]
  const text = renderPlan({ ...plan, startTime: '2026-01-05T07:10:00Z', waves }, now, false)
  expect(text).toContain('START     07:10 UTC (50m ago); planned from there on')
  expect(text).toMatch(/SOAK +STATE\nstage .* Passed\nproduction .* Open\n/)
})

test('another strategy', () => {
  const after: PlanDocument = {
    ...plan,
    strategy: 'fast',
    feasible: false,
    end: { ...plan.end, p80: '2026-01-05T10:50:00Z' },
    harm: { ...plan.harm, total: 1.5, badFix: 0.6 },
  }
  const document: WhatIfDocument = {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutWhatIf',
    rollout: 'run-1',
    before: plan,
    after,
    moved: 6,
    joined: 0,
    left: 0,
    waves: [{ stage: 'stage', wave: 1, before: 4, after: 10, added: 6, removed: 0 }],
  }
  expect(renderWhatIf(document, now)).toMatchInlineSnapshot(`
    "rollout run-1  by strategy fast instead of default, beginning now. Nothing is changed. Times are UTC.
    WHAT                        AS-PLANNED         INSTEAD            CHANGE
    end, 50 % chance            11:00 (in 3h)      11:00 (in 3h)      same
    end, 80 % chance            11:20 (in 3h20m)   10:50 (in 2h50m)   30m earlier
    end, 95 % chance            11:50 (in 3h50m)   11:50 (in 3h50m)   same
    end of the schedule         12:00 (in 4h)      12:00 (in 4h)      same
    deadline                    kept               MISSED             MISSED
    waves                       2                  2                  same
    control planes              14                 14                 same
    harm, control-plane hours   1.2                1.5                +0.3
      of waiting                0.9                0.9                same
      of a bad fix              0.3                0.6                +0.3
    a bad fix reaches           7.1                7.1                same
      and harms                 0.4                0.4                same
    6 control planes would be in another wave, 0 would join, 0 would leave.

    STAGE   WAVE   AS-PLANNED   INSTEAD   COME   GO
    stage   1      4            10        6      0
    "
  `)
})
