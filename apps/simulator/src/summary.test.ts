import { API_VERSION } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, ControlPlaneOperation, Rollout, RolloutStatus } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { generateFleet, simulatedImage } from './fleet-generator.ts'
import { componentFix } from './fleet-objects.ts'
import { rolloutOf } from './rollout.test-support.ts'
import { exitCodeOf, hasEnded, summarise } from './summary.ts'
import type { SummaryInput } from './summary.ts'

const start = Date.UTC(2026, 0, 5, 8)
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString()
const requested = componentFix(generateFleet({ clusters: 10, seed: 1 }))
const fix: ComponentFix = { ...requested, metadata: { ...requested.metadata, creationTimestamp: at(0) } }
const target = fix.spec.targets.find(({ versions }) => versions.from.startsWith('4.20'))!

function rolloutWith(status: Partial<RolloutStatus>, autoRevert = true): Rollout {
  const stages = [
    { name: 'integration', targets: 3, waves: [1, 2] },
    { name: 'production', targets: 1, waves: [1] },
  ]
  const plan = { fix: fix.metadata.name, deadline: at(24 * 60), stages, autoRevert }
  return rolloutOf('ro', plan, { phase: 'Completed', ...status })
}

function controlPlane(name: string, phase?: ControlPlaneOperation['phase']): ControlPlane {
  const requests = phase !== undefined && phase !== 'Reverted'
  const override = { component: fix.spec.component, image: target.image, fix: fix.metadata.name, rollout: 'ro' }
  const runs = phase === 'Applied' ? target.image : simulatedImage('control-plane-operator', '4.20.3')
  return {
    apiVersion: API_VERSION,
    kind: 'ControlPlane',
    metadata: { namespace: 'mc', name },
    spec: { hostedCluster: { namespace: 'clusters', name }, ...(requests && { overrides: [override] }) },
    status: {
      identity: {
        environment: 'integration',
        sector: 'integration',
        region: 'us-east-1',
        platform: 'AWS',
        architecture: 'amd64',
        topology: 'HighlyAvailable',
        customer: 'c',
        tier: 'gold',
      },
      version: { controlPlane: '4.20.3', dataPlane: '4.20.3' },
      images: [
        {
          component: fix.spec.component,
          image: runs,
          ...(phase === 'Applied'
            ? { origin: 'annotation' as const, fix: fix.metadata.name }
            : { origin: 'payload' as const }),
        },
      ],
      ...(phase !== undefined && {
        operations: [{ component: fix.spec.component, fix: fix.metadata.name, rollout: 'ro', phase, startTime: at(5) }],
      }),
      health: { state: 'Healthy', since: at(0) },
      nodeFingerprint: 'f',
      conditions: [],
    },
  }
}

function inputWith(rollout: Rollout, controlPlanes: ControlPlane[]): SummaryInput {
  return {
    fix,
    rollout,
    controlPlanes,
    brokenByFix: 1,
    now: start + 600 * 60_000,
    elapsedRealSeconds: 1.234567,
    cpuSeconds: 2.5,
  }
}

const stages: RolloutStatus['stages'] = [
  {
    name: 'integration',
    phase: 'Passed',
    waves: [
      { number: 1, size: 1, openedAt: at(10), closedAt: at(60), applied: 1, failed: 0, broken: 0 },
      { number: 2, size: 2, openedAt: at(60), closedAt: at(120), applied: 1, failed: 1, broken: 0 },
    ],
  },
]

describe('summary', () => {
  test('counts control planes from their objects and times from the request', () => {
    const rollout = rolloutWith({ stages, completionTime: at(130) })
    const controlPlanes = [
      controlPlane('a', 'Applied'),
      controlPlane('b', 'Applied'),
      controlPlane('c', 'Failed'),
      controlPlane('d'),
    ]
    const summary = summarise(inputWith(rollout, controlPlanes))
    expect(summary).toMatchObject({
      clusters: 4,
      applied: 2,
      failed: 1,
      broken: 1,
      reverted: 0,
      neverTouched: 1,
      halted: null,
      decisions: 7,
      outlook: null,
      elapsedVirtual: 130 * 60,
      elapsedReal: 1.23,
      cpuSeconds: 2.5,
    })
    expect(summary.perStage).toEqual([
      {
        name: 'integration',
        targets: 3,
        phase: 'Passed',
        applied: 2,
        failed: 1,
        broken: 0,
        openedAt: 600,
        closedAt: 7200,
      },
      {
        name: 'production',
        targets: 1,
        phase: 'Waiting',
        applied: 0,
        failed: 0,
        broken: 0,
        openedAt: null,
        closedAt: null,
      },
    ])
    expect(summary.perWave.map(({ stage, wave, openedAt }) => [stage, wave, openedAt])).toEqual([
      ['integration', 1, 600],
      ['integration', 2, 3600],
    ])
    expect(exitCodeOf(summary)).toBe(10)
  })

  test('tells why it was halted', () => {
    const verdict: NonNullable<RolloutStatus['verdict']> = {
      outcome: 'Halt',
      rule: 'sequential-test',
      reason: 'TooManyFailures',
      message: '2 of 3 failed',
      evidence: { treated: 3, failed: 2, llr: '4.6' },
      time: at(90),
    }
    const summary = summarise(
      inputWith(rolloutWith({ phase: 'Reverted', verdict }), [controlPlane('a', 'Reverted'), controlPlane('d')]),
    )
    expect(summary.halted).toEqual({
      rule: 'sequential-test',
      reason: 'TooManyFailures',
      message: '2 of 3 failed',
      evidence: { treated: 3, failed: 2, llr: '4.6' },
      at: 5400,
    })
    expect(summary).toMatchObject({ reverted: 1, neverTouched: 1, applied: 0 })
    expect(exitCodeOf(summary)).toBe(9)
  })

  test('says what was expected, from the request on', () => {
    const outlook = {
      startTime: at(5),
      end: at(120),
      feasible: true,
      blockers: [],
      harmHours: '1.5',
      p50: at(100),
      p80: at(125),
      p95: at(150),
    }
    const summary = summarise(inputWith(rolloutWith({ outlook, minutesBehind: 10 }), []))
    expect(summary.outlook).toEqual({
      feasible: true,
      harmHours: 1.5,
      end: 7200,
      p50: 6000,
      p80: 7500,
      p95: 9000,
      minutesBehind: 10,
    })
  })

  test('all applied is the only success', () => {
    const summary = summarise(inputWith(rolloutWith({}), [controlPlane('a', 'Applied')]))
    expect(exitCodeOf(summary)).toBe(0)
  })
})

test.each([
  ['Progressing', true, false],
  ['Halted', true, false],
  ['Halted', false, true],
  ['Reverting', true, false],
  ['Reverted', true, true],
  ['Completed', true, true],
  ['Aborted', true, true],
] as const)('a rollout that is %s (reverting by itself: %s) has ended: %s', (phase, autoRevert, ended) => {
  expect(hasEnded(rolloutWith({ phase }, autoRevert))).toBe(ended)
})
