import { objectKey } from '@locktender/kube'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixMatcher } from './fix-targets.ts'
import { FleetIndex } from './fleet-index.ts'
import type { ControlPlane, ControlPlaneStatus } from './kinds/control-plane.ts'
import type { TargetState } from './states.ts'
import { TARGET_STATES } from './states.ts'
import { stratum } from './stratum.ts'
import { targetState } from './target-state.ts'
import { controlPlaneOf, fixOf, image, REPORT } from './objects.test-support.ts'

const START = Date.parse('2026-01-05T08:00:00Z')
const MINUTE = 60_000
const MANAGEMENT_CLUSTERS = ['mc-1', 'mc-2', 'mc-3']
const fixes = [
  fixOf('one'),
  fixOf('two', {
    supersedes: ['one'],
    targets: [{ platforms: ['AWS', 'Azure'], versions: { from: '4.20.4', to: '4.20.6' }, image: image('e') }],
  }),
]

const time = fc.nat(20).map((minutes) => new Date(START + minutes * MINUTE).toISOString())
const fixName = fc.constantFrom('one', 'two', 'other')
const anyImage = fc.constantFrom('0', 'e', 'f').map(image)

const status: fc.Arbitrary<Partial<ControlPlaneStatus>> = fc.record(
  {
    identity: fc.constantFrom('AWS', 'Azure').map((platform) => ({ ...REPORT.identity, platform })),
    version: fc
      .constantFrom('4.20.3', '4.20.6', '4.21.0')
      .map((version) => ({ controlPlane: version, dataPlane: version })),
    images: fc
      .record(
        {
          component: fc.constant('control-plane-operator'),
          image: anyImage,
          origin: fc.constantFrom('payload', 'file', 'annotation', 'unknown'),
          fix: fixName,
        },
        { requiredKeys: ['component', 'image', 'origin'] },
      )
      .map((entry) => [entry]),
    operations: fc.uniqueArray(
      fc.record({
        component: fc.constantFrom('control-plane-operator', 'etcd'),
        fix: fixName,
        rollout: fc.constantFrom('run-1', 'run-2'),
        phase: fc.constantFrom('Applying', 'Verifying', 'Applied', 'Failed', 'Reverting', 'Reverted'),
        startTime: time,
      }),
      { selector: ({ component }) => component, maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)

const spec: fc.Arbitrary<Partial<ControlPlane['spec']>> = fc.record(
  {
    overrides: fc
      .record({
        component: fc.constant('control-plane-operator'),
        image: anyImage,
        fix: fixName,
        rollout: fc.constantFrom('run-1', 'run-2'),
      })
      .map((override) => [override]),
    holds: fc.array(
      fc.record(
        { name: fc.constantFrom('a', 'b'), reason: fc.constant('trial'), owner: fc.constant('sre'), expires: time },
        { requiredKeys: ['name', 'reason', 'owner'] },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)

const controlPlane: fc.Arbitrary<ControlPlane> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    namespace: fc.constantFrom(...MANAGEMENT_CLUSTERS),
    spec,
    status: fc.option(status, { nil: undefined, freq: 5 }),
  })
  .map(({ name, namespace, status: report, ...rest }) => {
    const object = controlPlaneOf(name, { namespace, ...rest, status: report ?? {} })
    if (report !== undefined) return object
    const { status: _, ...unreported } = object
    return unreported
  })

type Step =
  | { readonly type: 'upsert'; readonly object: ControlPlane }
  | { readonly type: 'remove'; readonly key: string }
  | { readonly type: 'reachable'; readonly name: string; readonly reachable: boolean }
  | { readonly type: 'advance'; readonly minutes: number }
  | { readonly type: 'track'; readonly fix: number; readonly rollout: string | undefined }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: controlPlane.map((object): Step => ({ type: 'upsert', object })) },
  controlPlane.map((object): Step => ({ type: 'remove', key: objectKey(object) })),
  fc
    .record({ name: fc.constantFrom(...MANAGEMENT_CLUSTERS), reachable: fc.boolean() })
    .map((change): Step => ({ type: 'reachable', ...change })),
  fc.nat(6).map((minutes): Step => ({ type: 'advance', minutes })),
  fc
    .record({ fix: fc.nat(1), rollout: fc.constantFrom(undefined, 'run-1', 'run-2') })
    .map((change): Step => ({ type: 'track', ...change })),
)

/** The same questions answered by going over everything. */
class Model {
  now = START
  readonly objects = new Map<string, ControlPlane>()
  readonly unreachable = new Set<string>()
  readonly rollouts = new Map<number, string | undefined>()

  take(change: Step, index: FleetIndex): void {
    switch (change.type) {
      case 'upsert':
        this.objects.set(objectKey(change.object), change.object)
        index.upsert(change.object)
        return
      case 'remove':
        this.objects.delete(change.key)
        index.remove(change.key)
        return
      case 'reachable':
        if (change.reachable) this.unreachable.delete(change.name)
        else this.unreachable.add(change.name)
        index.setReachable(change.name, change.reachable)
        return
      case 'advance':
        this.now += change.minutes * MINUTE
        index.advance(this.now)
        return
      case 'track':
        this.rollouts.set(change.fix, change.rollout)
        index.track(fixes[change.fix]!, change.rollout)
    }
  }

  states(fix: number): Map<string, TargetState> {
    const matcher = fixMatcher(fixes[fix]!)
    const states = new Map<string, TargetState>()
    for (const [key, object] of [...this.objects].sort(([left], [right]) => (left < right ? -1 : 1))) {
      const reachable = !this.unreachable.has(object.metadata.namespace!)
      const context = { now: this.now, rollout: this.rollouts.get(fix), reachable }
      states.set(key, targetState(object, matcher, context).state)
    }
    return states
  }

  keys(belongs: (object: ControlPlane) => boolean): string[] {
    return [...this.objects]
      .filter(([, object]) => belongs(object))
      .map(([key]) => key)
      .sort()
  }
}

describe('the fleet index', () => {
  test('always agrees with a count over the whole fleet', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const index = new FleetIndex(START)
        const model = new Model()
        for (const change of steps) {
          model.take(change, index)
          expect(index.size).toBe(model.objects.size)
          for (const fix of model.rollouts.keys()) {
            const states = model.states(fix)
            const { name } = fixes[fix]!.metadata
            const counts: { [State in TargetState]?: number } = {}
            for (const state of TARGET_STATES) {
              const keys = [...states].filter(([, value]) => value === state).map(([key]) => key)
              if (keys.length > 0) counts[state] = keys.length
            }
            const listed = TARGET_STATES.filter((state) => state !== 'NotAffected').flatMap((state) =>
              index.inState(name, state).map((key) => [key, state]),
            )
            expect(new Map(listed as [string, TargetState][])).toEqual(
              new Map([...states].filter(([, state]) => state !== 'NotAffected')),
            )
            expect(index.counts(name)).toEqual(counts)
            expect(index.affected(name)).toBe(model.objects.size - (counts.NotAffected ?? 0))
          }
        }
        for (const name of MANAGEMENT_CLUSTERS) {
          expect(index.onManagementCluster(name)).toEqual(model.keys(({ metadata }) => metadata.namespace === name))
        }
        expect(index.strata()).toEqual([...new Set([...model.objects.values()].map(stratum))].sort())
        for (const name of index.strata()) {
          expect(index.inStratum(name)).toEqual(model.keys((object) => stratum(object) === name))
        }
      }),
      { numRuns: 300 },
    )
  })

  test('says when a hold ends, and ends it then', () => {
    const index = new FleetIndex(START)
    index.track(fixOf('one'))
    const expires = new Date(START + 5 * MINUTE).toISOString()
    const hold = { name: 'trial', reason: 'customer demo', owner: 'sre', expires }
    index.upsert(controlPlaneOf('a', { spec: { holds: [hold] } }))
    expect(index.counts('one')).toEqual({ Held: 1 })
    expect(index.status('one', 'mc-1/a')?.message).toBe(`customer demo (hold trial of sre, until ${expires})`)
    expect(index.nextDue).toBe(START + 5 * MINUTE)
    index.advance(START + 5 * MINUTE - 1)
    expect(index.counts('one')).toEqual({ Held: 1 })
    index.advance(START + 5 * MINUTE)
    expect(index.counts('one')).toEqual({ Pending: 1 })
    expect(index.nextDue).toBeUndefined()
  })

  test('knows nothing about a fix that is not tracked', () => {
    const index = new FleetIndex(START)
    index.upsert(controlPlaneOf('a'))
    index.track(fixOf('one'))
    index.untrack('one')
    expect(index.counts('one')).toEqual({})
    expect(index.affected('one')).toBe(0)
    expect(index.inState('one', 'Pending')).toEqual([])
    expect(index.status('one', 'mc-1/a')).toBeUndefined()
  })
})
