import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { simulatedImage } from '../fleet-generator.ts'
import { componentNames } from './components.ts'
import type { ComponentSet } from './components.ts'
import { fateOf } from './failure-modes.ts'
import type { FailureMode, FailureSettings } from './failure-modes.ts'
import { initialObjects, patchFor, viewFrom } from './objects.ts'
import { initialState, request, resumedState, step } from './state-machine.ts'
import type { ControlPlaneState } from './state-machine.ts'
import type { ControlPlaneFacts } from './view.ts'
import { healthyView } from './view.ts'

const start = Date.UTC(2026, 0, 5, 8)
const second = 1000
const minute = 60 * second
const fix = simulatedImage('control-plane-operator', 'fix')

function factsOf(name = 'hc-0001', components: ComponentSet = 'few'): ControlPlaneFacts {
  return {
    name,
    namespace: 'clusters',
    version: '4.20.6',
    payloadImage: simulatedImage('ocp-release', '4.20.6'),
    payloadOperatorImage: simulatedImage('control-plane-operator', '4.20.6'),
    platform: 'AWS',
    architecture: 'amd64',
    topology: 'HighlyAvailable',
    components: componentNames(components, 'AWS'),
    labels: {},
    createdAt: start - 24 * 60 * minute,
  }
}

const noFailures: FailureSettings = { seed: 1, badFix: 0, badImages: new Set(), failRate: 0 }
const allBad: FailureSettings = { ...noFailures, badFix: 1, badImages: new Set([fix]) }

interface Observation {
  readonly at: number
  readonly state: ControlPlaneState
  readonly writes: number
  readonly touched: readonly string[]
}

/** Plays from one due moment to the next until nothing is due or `until` is reached. */
function play(from: ControlPlaneState, now: number, until = Infinity): Observation[] {
  const seen: Observation[] = []
  let state = from
  let at: number | undefined = now
  while (at !== undefined && at <= until) {
    const result = step(state, at)
    state = result.state
    seen.push({
      at,
      state,
      writes: result.writes.length,
      touched: result.writes.map((write) => {
        const patch = patchFor(result.state, write, 1)
        return `${patch.resource.plural}/${patch.name}/${patch.subresource ?? ''}`
      }),
    })
    at = result.nextDue
  }
  return seen
}

function at(seen: readonly Observation[], offset: number): ControlPlaneState {
  return seen.findLast((observation) => observation.at <= start + offset)!.state
}

function incomplete(state: ControlPlaneState): string[] {
  return Object.entries(state.view.components)
    .filter(([, { status }]) => status === 'False')
    .map(([name]) => name)
}

function withMode(mode: FailureMode): { facts: ControlPlaneFacts; settings: FailureSettings } {
  for (let number = 1; number < 1000; number++) {
    const facts = factsOf(`hc-${number}`)
    if (fateOf(allBad, facts.name, fix).mode === mode) return { facts, settings: allBad }
  }
  throw new Error(`no control plane meets ${mode}`)
}

describe('an override that goes well', () => {
  const seen = play(request(initialState(factsOf()), { image: fix }, start, noFailures), start)

  test.each([
    ['nothing moves at once', 0, { image: 'payload', incomplete: 0, degraded: 'False' }],
    ['the operator has the new image after 15 s', 15 * second, { image: 'fix', incomplete: 0, degraded: 'False' }],
    ['its component is rolling at 30 s', 30 * second, { image: 'fix', incomplete: 1, degraded: 'False' }],
    ['everything rolls after 2 min', 2 * minute, { image: 'fix', incomplete: 7, degraded: 'True' }],
    ['everything has rolled after 20 min', 20 * minute, { image: 'fix', incomplete: 0, degraded: 'False' }],
  ])('%s', (_name, offset, expected) => {
    const state = at(seen, offset)
    expect({
      image: state.view.operatorImage === fix ? 'fix' : 'payload',
      incomplete: incomplete(state).length,
      degraded: state.view.conditions.Degraded.status,
    }).toEqual(expected)
  })

  test('takes between 9 and 19 minutes', () => {
    const duration = seen.at(-1)!.at - start
    expect(duration).toBeGreaterThan(9 * minute)
    expect(duration).toBeLessThan(19 * minute)
  })

  test('keeps serving all the time', () => {
    for (const { state } of seen) {
      expect(state.view.conditions.Available.status).toBe('True')
      expect(state.view.conditions.EtcdAvailable.status).toBe('True')
      expect(state.view.conditions.KubeAPIServerAvailable.status).toBe('True')
    }
  })

  test('rolls etcd before the API server and the API server before what depends on it', () => {
    const done = (name: string) => seen.findLast(({ state }) => state.view.components[name]!.status === 'False')!.at
    expect(done('etcd')).toBeLessThan(done('kube-apiserver'))
    expect(done('kube-apiserver')).toBeLessThan(done('openshift-apiserver'))
  })

  test('costs at most 25 writes', () => {
    expect(seen.reduce((sum, { writes }) => sum + writes, 0)).toBeLessThanOrEqual(25)
  })

  test('asking again for the same image changes nothing', () => {
    const state = seen.at(-1)!.state
    expect(request(state, { image: fix }, start + 60 * minute, noFailures)).toBe(state)
  })

  test('conditions keep the time of their last change of status', () => {
    const { conditions } = seen.at(-1)!.state.view
    expect(conditions.Available.since).toBe(factsOf().createdAt)
    expect(conditions.Degraded.since).toBe(seen.at(-1)!.at)
  })
})

test('with all components it goes the same way', () => {
  const facts = factsOf('hc-0001', 'full')
  expect(facts.components.length).toBeGreaterThan(35)
  const seen = play(request(initialState(facts), { image: fix }, start, noFailures), start)
  expect(incomplete(at(seen, 2 * minute)).length).toBeGreaterThan(30)
  expect(incomplete(seen.at(-1)!.state)).toEqual([])
})

describe('a bad fix', () => {
  test('an image that cannot be pulled leaves the components alone', () => {
    const { facts, settings } = withMode('ImageNotPullable')
    const state = play(request(initialState(facts), { image: fix }, start, settings), start).at(-1)!.state
    expect(incomplete(state)).toEqual(['control-plane-operator'])
    expect(state.view.conditions.Degraded).toMatchObject({
      status: 'True',
      message: 'control-plane-operator deployment has 1 unavailable replicas',
    })
    expect(state.view.conditions.Available.status).toBe('True')
  })

  test('a crash-looping component never completes and the control plane serves on', () => {
    const { facts, settings } = withMode('ComponentCrashLoop')
    const state = play(request(initialState(facts), { image: fix }, start, settings), start).at(-1)!.state
    expect(incomplete(state)).toHaveLength(1)
    expect(state.view.conditions.Degraded.status).toBe('True')
    expect(state.view.conditions.Available.status).toBe('True')
  })

  test('the API server goes down and stays down', () => {
    const { facts, settings } = withMode('KubeAPIServerDown')
    const state = play(request(initialState(facts), { image: fix }, start, settings), start).at(-1)!.state
    expect(state.view.conditions.KubeAPIServerAvailable.status).toBe('False')
    expect(state.view.conditions.Available).toMatchObject({ status: 'False', reason: 'WaitingForAvailable' })
  })

  test('etcd loses its quorum', () => {
    const { facts, settings } = withMode('EtcdQuorumLoss')
    const state = play(request(initialState(facts), { image: fix }, start, settings), start).at(-1)!.state
    expect(state.view.conditions.EtcdAvailable).toMatchObject({ status: 'False', reason: 'EtcdWaitingForQuorum' })
    expect(state.view.conditions.Available.status).toBe('False')
  })

  test('a late failure comes about twenty minutes after everything was rolled out', () => {
    const { facts, settings } = withMode('LateFailure')
    const seen = play(request(initialState(facts), { image: fix }, start, settings), start)
    const complete = seen.find(({ state, at }) => at > start + 5 * minute && incomplete(state).length === 0)!
    expect(complete.state.view.conditions.Available.status).toBe('True')
    const failed = seen.at(-1)!
    expect(failed.state.view.conditions.Available.status).toBe('False')
    expect(failed.at - complete.at).toBeGreaterThan(13 * minute)
    expect(failed.at - complete.at).toBeLessThan(27 * minute)
  })

  test('can leave a control plane well but for moments, again and again', () => {
    const settings = { ...allBad, badFix: 0, unsteady: 1 }
    const seen = play(request(initialState(factsOf()), { image: fix }, start, settings), start)
    const after = seen.filter(({ at }) => at > start + 20 * minute)
    const moments = after.filter(({ state }) => state.view.conditions.Degraded.status === 'True')
    expect(moments.length).toBeGreaterThan(20)
    for (const { at, state } of moments) {
      const next = seen.find((each) => each.at > at)!
      expect(next.state.view.conditions.Degraded.status).toBe('False')
      expect(next.at - at).toBeLessThan(2 * minute)
      expect(state.view.conditions.Available.status).toBe('True')
    }
    expect(seen.at(-1)!.state).toMatchObject({ brokenByFix: false })
    expect(seen.at(-1)!.state.view.conditions.Degraded.status).toBe('False')
  })

  test('breaks its share of the control planes, the same ones every time', () => {
    const settings = { ...allBad, badFix: 0.05 }
    const broken = () =>
      Array.from({ length: 2000 }, (_, index) => `hc-${index}`).filter(
        (name) => fateOf(settings, name, fix).mode !== undefined,
      )
    expect(broken().length).toBeGreaterThan(60)
    expect(broken().length).toBeLessThan(140)
    expect(broken()).toEqual(broken())
  })
})

test('background failures strike with any image, and never on the way back to the payload', () => {
  const settings = { ...noFailures, failRate: 1 }
  const state = play(request(initialState(factsOf()), { image: fix }, start, settings), start).at(-1)!.state
  expect(state.brokenBy).toBeDefined()
  expect(state.brokenByFix).toBe(false)
  const healed = play(request(state, {}, start + 60 * minute, settings), start + 60 * minute).at(-1)!.state
  expect(healed.brokenBy).toBeUndefined()
})

describe('properties', () => {
  const interruption = fc.integer({ min: 0, max: 60 * 60 }).map((seconds) => start + seconds * second)
  const name = fc.integer({ min: 1, max: 500 }).map((number) => `hc-${number}`)

  test('taking the annotation away heals, whatever went wrong and whenever it happens', () => {
    fc.assert(
      fc.property(name, interruption, (cluster, reverted) => {
        const facts = factsOf(cluster)
        const before = play(request(initialState(facts), { image: fix }, start, allBad), start, reverted).at(-1)!.state
        const after = play(request(before, {}, reverted, allBad), reverted).at(-1)!
        const { view } = after.state
        const healthy = healthyView(facts)
        expect(view.operatorImage).toBe(facts.payloadOperatorImage)
        expect(view.observedOperatorImage).toBe(facts.payloadOperatorImage)
        expect(view.operatorReady).toBe(true)
        expect(incomplete(after.state)).toEqual([])
        for (const [condition, { status }] of Object.entries(view.conditions)) {
          expect([condition, status]).toEqual([
            condition,
            healthy.conditions[condition as keyof typeof healthy.conditions].status,
          ])
        }
      }),
    )
  })

  test('a restart at any moment ends in the same place', () => {
    fc.assert(
      fc.property(name, interruption, (cluster, stopped) => {
        const facts = factsOf(cluster)
        const begun = request(initialState(facts), { image: fix }, start, allBad)
        const undisturbed = play(begun, start).at(-1)!.state
        const before = play(begun, start, stopped).at(-1)!.state
        // Before the template is written the simulator remembers nothing and starts over.
        const record = before.view.operatorImage === fix ? before.operation : undefined
        const resumed = request(resumedState(facts, before.view, record, allBad), { image: fix }, stopped, allBad)
        const after = play(resumed, stopped).at(-1)!.state
        expect(after.view.operatorImage).toBe(undisturbed.view.operatorImage)
        expect(incomplete(after)).toEqual(incomplete(undisturbed))
        expect(after.view.conditions.Available.status).toBe(undisturbed.view.conditions.Available.status)
        expect(after.brokenByFix).toBe(undisturbed.brokenByFix)
      }),
    )
  })

  test('only conditions and the operator are ever written: no node pool, no spec of a hosted cluster', () => {
    fc.assert(
      fc.property(name, interruption, (cluster, reverted) => {
        const first = play(request(initialState(factsOf(cluster)), { image: fix }, start, allBad), start, reverted)
        const second = play(request(first.at(-1)!.state, {}, reverted, allBad), reverted)
        for (const touched of [...first, ...second].flatMap((observation) => observation.touched)) {
          expect(touched).toMatch(
            /^(deployments\/control-plane-operator\/(status)?|controlplanecomponents\/[^/]+\/status|hostedclusters\/[^/]+\/status)$/,
          )
        }
      }),
    )
  })
})

test('what was written can be read back', () => {
  const facts = factsOf()
  const objects = initialObjects(facts).map(({ object, status }) => ({ ...object, status }))
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind)
  const operator = ofKind('Deployment')[0]!
  const { view, operation } = viewFrom(
    facts,
    ofKind('HostedCluster')[0]!,
    { ...operator, metadata: { ...operator.metadata, generation: 1 } },
    ofKind('ControlPlaneComponent'),
  )
  expect(view).toEqual(healthyView(facts))
  expect(operation).toBeUndefined()
})

describe('overrides of single images', () => {
  const etcd = simulatedImage('etcd', 'fix')
  const hyperkube = simulatedImage('hyperkube', 'fix')
  const args = (state: ControlPlaneState) => {
    const { body } = patchFor(state, { target: 'operator-template' }, 1)
    return JSON.stringify(body)
  }

  test('roll the operator and what runs these images, and nothing else', () => {
    const begun = request(initialState(factsOf()), { overrides: `etcd=${etcd}` }, start, noFailures)
    const seen = play(begun, start)
    expect(incomplete(at(seen, 2 * minute))).toEqual(['etcd'])
    const after = seen.at(-1)!.state
    expect(args(after)).toContain(`--image-overrides=etcd=${etcd}`)
    expect(after.view.operatorImage).toBe(factsOf().payloadOperatorImage)
    const more = request(after, { overrides: `etcd=${etcd},hyperkube=${hyperkube}` }, start + 60 * minute, noFailures)
    const rolled = play(more, start + 60 * minute)
    expect(incomplete(at(rolled, 62 * minute))).toEqual(['kube-apiserver', 'kube-controller-manager'])
    expect(incomplete(rolled.at(-1)!.state)).toEqual([])
  })

  test('come and go with the image of the operator in one operation', () => {
    const both = { image: fix, overrides: `etcd=${etcd}` }
    const seen = play(request(initialState(factsOf()), both, start, noFailures), start)
    expect(incomplete(at(seen, 2 * minute))).toHaveLength(7)
    const back = play(request(seen.at(-1)!.state, {}, start + 60 * minute, noFailures), start + 60 * minute)
    expect(incomplete(at(back, 62 * minute))).toHaveLength(7)
    expect(args(back.at(-1)!.state)).toContain('--image-overrides==')
  })

  test('are there again after a restart', () => {
    const facts = factsOf()
    const before = play(request(initialState(facts), { overrides: `etcd=${etcd}` }, start, noFailures), start)
    const { view, operation } = before.at(-1)!.state
    const resumed = resumedState(facts, view, operation, noFailures)
    expect(request(resumed, { overrides: `etcd=${etcd}` }, start + 60 * minute, noFailures)).toBe(resumed)
  })

  test('break a control plane when one of them is bad', () => {
    const settings = { ...allBad, badImages: new Set([etcd]) }
    const begun = request(initialState(factsOf()), { overrides: `etcd=${etcd}` }, start, settings)
    expect(play(begun, start).at(-1)!.state.brokenByFix).toBe(true)
  })
})
