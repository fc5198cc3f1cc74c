import { describe, expect, test } from 'vitest'
import { fixMatcher } from './fix-targets.ts'
import type { ComponentImage, ControlPlane, ControlPlaneOperation, Hold } from './kinds/control-plane.ts'
import type { TargetState } from './states.ts'
import { TARGET_STATES } from './states.ts'
import { stratum } from './stratum.ts'
import { targetState } from './target-state.ts'
import type { TargetContext } from './target-state.ts'
import { controlPlaneOf, fixOf, image, REPORT } from './objects.test-support.ts'

const NOW = Date.parse('2026-01-05T08:00:00Z')
const COMPONENT = 'control-plane-operator'
const fix = fixMatcher(fixOf('one'))

interface Situation {
  readonly version?: string
  readonly platform?: 'Azure'
  readonly override?: { readonly fix?: string; readonly rollout?: string }
  readonly operation?: Partial<ControlPlaneOperation>
  readonly runs?: Partial<ComponentImage>
  readonly holds?: readonly Hold[]
}

function situation(given: Situation): ControlPlane {
  const { version = '4.20.6', override, operation, runs, holds } = given
  return controlPlaneOf('a', {
    spec: {
      ...(override === undefined
        ? {}
        : { overrides: [{ component: COMPONENT, image: image('f'), fix: 'one', rollout: 'run', ...override }] }),
      ...(holds === undefined ? {} : { holds }),
    },
    status: {
      identity: { ...REPORT.identity, platform: given.platform ?? 'AWS' },
      version: { controlPlane: version, dataPlane: version },
      images: [{ component: COMPONENT, image: image('0'), origin: 'payload', ...runs }],
      ...(operation === undefined
        ? {}
        : {
            operations: [
              {
                component: COMPONENT,
                fix: 'one',
                rollout: 'run',
                phase: 'Applying' as const,
                startTime: '2026-01-05T07:00:00Z',
                ...operation,
              },
            ],
          }),
    },
  })
}

function state(given: Situation, context: Partial<TargetContext> = {}) {
  return targetState(situation(given), fix, { now: NOW, ...context })
}

const fixed: Partial<ComponentImage> = { image: image('f'), origin: 'annotation', fix: 'one' }
const hold = { name: 'trial', reason: 'demo', owner: 'sre' }

const cases: readonly (readonly [string, TargetState, Situation])[] = [
  ['a version outside the range', 'NotAffected', { version: '4.20.10' }],
  ['another platform', 'NotAffected', { platform: 'Azure' }],
  ['an affected one nobody touched', 'Pending', {}],
  ['a spec the agent has not seen', 'Scheduled', { override: {} }],
  ['a new image on its way', 'Applying', { override: {}, operation: {} }],
  ['a new image being watched', 'Verifying', { override: {}, operation: { phase: 'Verifying' }, runs: fixed }],
  ['a healthy new image', 'Applied', { override: {}, operation: { phase: 'Applied' }, runs: fixed }],
  [
    'a later operation on another component',
    'Applied',
    { override: {}, operation: { component: 'etcd' }, runs: fixed },
  ],
  ['a payload that has the image', 'Native', { runs: { image: image('f') } }],
  ['an override file that has the image', 'Native', { runs: { image: image('f'), origin: 'file' } }],
  ['the same image put there by hand', 'Pending', { runs: { image: image('f'), origin: 'annotation' } }],
  ['a hold', 'Held', { holds: [hold] }],
  ['a hold that ends later', 'Held', { holds: [{ ...hold, expires: '2026-01-05T08:00:01Z' }] }],
  ['a hold that has ended', 'Pending', { holds: [{ ...hold, expires: '2026-01-05T08:00:00Z' }] }],
  ['a hold that came too late', 'Applying', { holds: [hold], override: {}, operation: {} }],
  ['an override of another fix', 'Blocked', { override: { fix: 'other' } }],
  ['another operation in progress', 'Blocked', { operation: { fix: 'other' } }],
  ['another operation that has ended', 'Pending', { operation: { fix: 'other', phase: 'Applied' } }],
  ['a failure', 'Failed', { override: {}, operation: { phase: 'Failed' } }],
  ['a spec taken back afterwards', 'Reverting', { operation: { phase: 'Applied' }, runs: fixed }],
  ['a spec taken back after a failure', 'Reverting', { operation: { phase: 'Failed' } }],
  ['a spec taken back when only the image tells', 'Reverting', { runs: fixed }],
  ['the way back', 'Reverting', { operation: { phase: 'Reverting' } }],
  ['having been there', 'Reverted', { operation: { phase: 'Reverted' } }],
  ['asked again after having been there', 'Scheduled', { override: {}, operation: { phase: 'Reverted' } }],
  [
    'an upgrade out of the range',
    'Regressed',
    { version: '4.20.10', override: {}, operation: { phase: 'Applied' }, runs: fixed },
  ],
  ['an image that somebody replaced', 'Regressed', { override: {}, operation: { phase: 'Applied' } }],
  ['another fix that has taken its place', 'Blocked', { override: { fix: 'other' }, operation: { phase: 'Applied' } }],
]

describe('the state of a control plane', () => {
  test.each(cases)('with %s is %s', (_, expected, given) => {
    expect(state(given).state).toBe(expected)
  })

  test('can be each of the words', () => {
    const reached = new Set([...cases.map(([, expected]) => expected), 'Unknown'])
    expect(TARGET_STATES.filter((word) => !reached.has(word))).toEqual([])
  })

  test('is unknown before the first report', () => {
    const { status: _, ...unreported } = situation({})
    expect(targetState(unreported, fix, { now: NOW })).toMatchObject({ state: 'Unknown', reason: 'NeverReported' })
  })

  test('is unknown without a recent report, unless the fix does not concern it', () => {
    expect(state({ override: {}, operation: {} }, { reachable: false })).toMatchObject({
      state: 'Unknown',
      reason: 'Unreachable',
    })
    expect(state({ platform: 'Azure' }, { reachable: false }).state).toBe('NotAffected')
  })

  test('counts what an earlier rollout of the fix did only when not asked about one', () => {
    const given: Situation = { operation: { phase: 'Reverted', rollout: 'earlier' } }
    expect(state(given).state).toBe('Reverted')
    expect(state(given, { rollout: 'run' }).state).toBe('Pending')
    expect(state({ ...given, override: { rollout: 'run' } }).state).toBe('Scheduled')
  })

  test('is not blocked by a fix that is superseded', () => {
    const newer = fixOf('two', { supersedes: ['one'] })
    expect(
      targetState(situation({ override: { fix: 'two' } }), fixMatcher(fixOf('one'), [newer]), { now: NOW }),
    ).toMatchObject({ state: 'Native', reason: 'Superseded' })
    const later = fixMatcher(newer)
    expect(targetState(situation({ override: {} }), later, { now: NOW }).state).toBe('Pending')
  })

  test('comes with the image, reason and message', () => {
    const operation = { phase: 'Failed', reason: 'ImagePull', message: 'no such image' } as const
    expect(state({ override: {}, operation })).toEqual({
      state: 'Failed',
      reason: 'ImagePull',
      message: 'no such image',
      image: image('f'),
    })
  })

  test('names the hold that lasts longest', () => {
    const holds = [
      { ...hold, name: 'short', expires: '2026-01-06T08:00:00Z' },
      { ...hold, name: 'long' },
    ]
    expect(state({ holds }).message).toBe('demo (hold long of sre, until it is removed)')
  })
})

test('a stratum is a cell of like control planes', () => {
  expect(stratum(situation({}))).toBe('4.20/AWS/amd64/HighlyAvailable/east')
  expect(stratum({})).toBe('')
})
