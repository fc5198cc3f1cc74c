import { API_VERSION } from '@locktender/fleet'
import type { ComponentFix, Rollout, RolloutOutlook, RolloutStatus } from '@locktender/fleet'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changeLines } from './changes.ts'
import { Display } from './display.ts'
import { render } from './render.ts'
import type { Screen } from './render.ts'
import { columns } from './text.ts'
import { rolloutOf } from '../rollout.test-support.ts'

const start = Date.UTC(2026, 0, 5, 8)
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString()

const fix: ComponentFix = {
  apiVersion: API_VERSION,
  kind: 'ComponentFix',
  metadata: { name: 'fix-90001', creationTimestamp: at(0) },
  spec: {
    ticket: 'OCPBUGS-90001',
    summary: 'Close idle watches of the hosted API server',
    component: 'control-plane-operator',
    targets: [],
    strategy: 'standard',
    deadline: '24h',
    requestedBy: 'release-requester',
  },
}

function rolloutWith(status: Partial<RolloutStatus>): Rollout {
  const stages = [
    { name: 'integration', targets: 10, waves: [2, 4, 4] },
    { name: 'stage', targets: 20, waves: [4, 8, 8] },
    { name: 'canary', targets: 0, waves: [] },
    { name: 'production', targets: 30, waves: [4, 8, 18] },
  ]
  const plan = { fix: 'fix-90001', deadline: at(24 * 60), stages }
  return rolloutOf('fix-90001-1', plan, { phase: 'Progressing', ...status })
}

const wave = (number: number, size: number, applied: number, rest: { failed?: number; broken?: number } = {}) => ({
  number,
  size,
  openedAt: at(10),
  applied,
  failed: 0,
  broken: 0,
  ...rest,
})

const outlook = {
  startTime: at(5),
  end: at(16 * 60),
  feasible: true,
  blockers: [],
  harmHours: '12.4',
  p50: at(15 * 60 + 10),
  p80: at(16 * 60 + 30),
  p95: at(18 * 60 + 5),
}

const { p50: _p50, p80: _p80, p95: _p95, ...endless } = outlook
const late: RolloutOutlook = {
  ...endless,
  feasible: false,
  blockers: [{ kind: 'Soaks', message: 'Soaks alone need 30 h.' }],
}

const progressing = rolloutWith({
  stage: 'stage',
  wave: 2,
  eta: at(17 * 60 + 48),
  outlook,
  forecast: { time: at(250), p50: at(16 * 60 + 40), p80: at(17 * 60 + 55), p95: at(19 * 60 + 2) },
  minutesBehind: 65,
  approvals: [
    { user: 'release-approver-1', time: at(3) },
    { user: 'release-approver-2', time: at(5) },
  ],
  stages: [
    {
      name: 'integration',
      phase: 'Passed',
      waves: [wave(1, 2, 2), wave(2, 4, 4), wave(3, 4, 4)].map((each) => ({ ...each, closedAt: at(60) })),
    },
    { name: 'stage', phase: 'Open', waves: [wave(1, 4, 4), wave(2, 8, 1, { failed: 1 })] },
    { name: 'production', phase: 'Waiting', waves: [] },
  ],
  counts: { Applied: 15, Applying: 5, Verifying: 1, Failed: 1, Pending: 38 },
  problems: [
    {
      controlPlane: 'mc-stage-1/hc-0017',
      state: 'Failed',
      reason: 'ComponentFailed',
      message: 'oauth-openshift did not roll out within 20 min',
    },
  ],
})

function screenWith(rollout: Rollout | undefined, minutes: number): Screen {
  return {
    controlPlanes: 60,
    managementClusters: 7,
    speed: 'clock ×900',
    now: start + minutes * 60_000,
    fix,
    rollout,
  }
}

describe('render', () => {
  test('before the fix is requested', () => {
    const screen = { ...screenWith(undefined, 0), fix: undefined }
    expect(render(screen, { width: 80, colour: false }).join('\n')).toMatchInlineSnapshot(`
      "Locktender  no fix yet                                                  Starting
      60 control planes on 7 management clusters · 2026-01-05 08:00 UTC · clock ×900

      Clock   starts with the fix
      "
    `)
  })

  test('waiting for approvals', () => {
    const approvals = [{ user: 'release-approver-1', time: at(3) }]
    const rollout = rolloutWith({ phase: 'AwaitingApproval', approvals, outlook })
    expect(render(screenWith(rollout, 4), { width: 100, colour: false }).join('\n')).toMatchInlineSnapshot(`
      "Locktender  fix-90001  Close idle watches of the hosted API server                  AwaitingApproval
      60 control planes on 7 management clusters · 2026-01-05 08:04 UTC · clock ×900

      Clock   T+00:04 of 24:00  ··································  no ETA yet
      Plan    in time · ends 50 % T+15:10, 80 % T+16:30, 95 % T+18:05 · 12.4 h of harm expected
      Waiting for approvals of plan sha256:abababababab: 1 of 2 (release-approver-1)

      integration  ·······································      0/10  3 waves: 2 4 4
      stage        ·······································      0/20  3 waves: 4 8 8
      canary                                                     0/0  nothing to do
      production   ·······································      0/30  3 waves: 4 8 18
      "
    `)
  })

  test.each<[string, Partial<RolloutStatus>, string[]]>([
    [
      'a plan that is too late',
      { phase: 'AwaitingApproval', outlook: late },
      ['Plan    too late: Soaks alone need 30 h · no end · 12.4 h of harm expected'],
    ],
    ['nothing known', { phase: 'AwaitingApproval' }, []],
    ['a pause', { phase: 'Paused', minutesBehind: 30 }, ['Ends    30m behind the plan']],
    ['no delay', { minutesBehind: -3 }, ['Ends    on plan']],
    ['haste', { minutesBehind: -150 }, ['Ends    2h 30m ahead of the plan']],
    ['an end', { phase: 'Completed', minutesBehind: 75 }, ['Plan    ended 1h 15m later than planned']],
    ['an early end', { phase: 'Completed', minutesBehind: -20 }, ['Plan    ended 20m earlier than planned']],
    ['a punctual end', { phase: 'Completed', minutesBehind: 4 }, ['Plan    ended as planned']],
    ['a halt', { phase: 'Reverting', outlook }, []],
  ])('says what is to be expected after %s', (_, status, expected) => {
    const lines = render(screenWith(rolloutWith(status), 75), { width: 120, colour: false })
    expect(lines.filter((line) => /^(Plan|Ends) /.test(line))).toEqual(expected)
  })

  test('in the second stage, with one failure', () => {
    expect(render(screenWith(progressing, 252), { width: 100, colour: false }).join('\n')).toMatchInlineSnapshot(`
      "Locktender  fix-90001  Close idle watches of the hosted API server                       Progressing
      60 control planes on 7 management clusters · 2026-01-05 12:12 UTC · clock ×900

      Clock   T+04:12 of 24:00  █████·····························  ETA T+17:48  on track, slack 6h 12m
      Ends    50 % T+16:40, 80 % T+17:55, 95 % T+19:02 · 1h 05m behind the plan

      integration  ███████████████████████████████████████     10/10  passed, 3 waves
      stage        ██████████▒▒▒▒▒▒▒▒▒▒▒▒✕✕···············      5/20  wave 2/3 (8) · 1 failed
      canary                                                     0/0  nothing to do
      production   ·······································      0/30  3 waves: 4 8 18

      States  ○ 38 Pending  ◑ 5 Applying  ◕ 1 Verifying  ● 15 Applied  ✕ 1 Failed

      Attention
      ✕ mc-stage-1/hc-0017  ComponentFailed: oauth-openshift did not roll out within 20 min
      "
    `)
  })

  test('halted and being reverted', () => {
    const rollout = rolloutWith({
      phase: 'Reverting',
      eta: at(25 * 60),
      deadlineAtRisk: true,
      stages: [{ name: 'integration', phase: 'Open', waves: [wave(1, 2, 2), wave(2, 4, 2, { broken: 2 })] }],
      counts: { Reverting: 4, Reverted: 2, Pending: 54 },
      verdict: {
        outcome: 'Halt',
        rule: 'sequential-test',
        reason: 'TooManyFailures',
        message: '2 of 6 treated control planes broke; a good fix breaks 0.5 %',
        evidence: { treated: 6, failed: 2 },
        time: at(70),
      },
    })
    expect(render(screenWith(rollout, 75), { width: 90, colour: false }).join('\n')).toMatchInlineSnapshot(`
      "Locktender  fix-90001  Close idle watches of the hosted API server               Reverting
      60 control planes on 7 management clusters · 2026-01-05 09:15 UTC · clock ×900

      Clock   T+01:15 of 24:00  █·······················  taking it back: 2 done, 4 under way

      How far it came before it was halted; all of it is taken back:
      integration  ↩↩↩↩↩↩↩↩↩↩↩↩✕✕✕✕✕✕···········      4/10  wave 2/3 (4) · 2 broken
      stage        ·····························      0/20  3 waves: 4 8 8
      canary                                           0/0  nothing to do
      production   ·····························      0/30  3 waves: 4 8 18

      States  ○ 54 Pending  ↺ 4 Reverting  ↩ 2 Reverted

      Attention
      ✕ Halted by sequential-test: 2 of 6 treated control planes broke; a good fix breaks 0.5 %
      "
    `)
  })

  test('those that failed and are back are told in one line, since they need nobody any more', () => {
    const problem = (name: string, state: 'Reverted' | 'Failed') =>
      ({ controlPlane: `mc-1/${name}`, state, reason: 'Any', message: 'why' }) as const
    const problems = [problem('a', 'Reverted'), problem('b', 'Failed'), problem('c', 'Reverted')]
    const lines = render(screenWith(rolloutWith({ phase: 'Reverted', problems }), 75), { width: 90, colour: false })
    expect(lines.slice(lines.indexOf('Attention') + 1, -1)).toEqual([
      '↩ Failed or broke, back and healthy: mc-1/a, mc-1/c',
      '✕ mc-1/b  Any: why',
    ])
  })

  test('colour only paints: without it the text is the same', () => {
    const plain = render(screenWith(progressing, 252), { width: 100, colour: false })
    const painted = render(screenWith(progressing, 252), { width: 100, colour: true })
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    expect(painted.map((line) => line.replaceAll(/\u001B\[\d+m/g, ''))).toEqual(plain)
    expect(painted.join('')).toContain('\u001B[32m')
  })

  test('no line is wider than the terminal', () => {
    for (const width of [20, 40, 60, 80, 100, 120]) {
      const lines = render(screenWith(progressing, 252), { width, colour: false })
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    }
  })
})

test('columns fill the bar and hide nothing', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 10, max: 80 }),
      (parts, width) => {
        fc.pre(parts.some((part) => part > 0))
        const sizes = columns(parts, width)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(width)
        for (const [index, part] of parts.entries()) expect(sizes[index]! > 0).toBe(part > 0)
      },
    ),
  )
})

describe('change lines', () => {
  test('tell what became different', () => {
    const before = screenWith(rolloutWith({ phase: 'AwaitingApproval' }), 2)
    expect(changeLines(before, screenWith(progressing, 252))).toMatchInlineSnapshot(`
      [
        "T+00:03  approved by release-approver-1",
        "T+00:05  rollout fix-90001-1 outlook: in time · ends 50 % T+15:10, 80 % T+16:30, 95 % T+18:05 · 12.4 h of harm expected",
        "T+00:05  approved by release-approver-2",
        "T+00:10  integration wave 1 opened: 2 control planes",
        "T+00:10  integration wave 2 opened: 4 control planes",
        "T+00:10  integration wave 3 opened: 4 control planes",
        "T+00:10  stage wave 1 opened: 4 control planes",
        "T+00:10  stage wave 2 opened: 8 control planes",
        "T+01:00  integration wave 1 passed: 2 applied",
        "T+01:00  integration wave 2 passed: 4 applied",
        "T+01:00  integration wave 3 passed: 4 applied",
        "T+04:12  mc-stage-1/hc-0017 Failed: ComponentFailed: oauth-openshift did not roll out within 20 min",
        "T+04:12  rollout fix-90001-1 is Progressing",
      ]
    `)
  })

  test('nothing changed, nothing told', () => {
    expect(changeLines(screenWith(progressing, 252), screenWith(progressing, 260))).toEqual([])
  })
})

describe('display', () => {
  test('redraws over itself on a terminal', () => {
    const written: string[] = []
    const display = new Display({ write: (text) => written.push(text), columns: 100, colour: false })
    display.show(screenWith(progressing, 252))
    display.show(screenWith(progressing, 253))
    const height = written[0]!.split('\n').length - 1
    expect(written[1]!.startsWith(`\u001B[${height}A`)).toBe(true)
  })

  test('writes lines elsewhere, without any control sequence', () => {
    const written: string[] = []
    const display = new Display({ write: (text) => written.push(text), columns: undefined, colour: false })
    display.show(screenWith(progressing, 252))
    const lines = written.length
    display.show(screenWith(progressing, 253))
    expect(lines).toBeGreaterThan(0)
    expect(written).toHaveLength(lines)
    expect(written.join('')).not.toContain('\u001B')
  })
})
