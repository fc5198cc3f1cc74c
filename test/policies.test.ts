import { ApiServer } from '@locktender/apiserver'
import {
  API_VERSION,
  approvals,
  componentFixes,
  crds,
  fleetPolicies,
  rollouts,
  rolloutStrategies,
} from '@locktender/fleet'
import type { Approval, ComponentFix, PolicyObject, Rollout, RolloutStrategy } from '@locktender/fleet'
import { defaultStrategy } from '@locktender/fixes'
import { Client, customResourceDefinitions, seededRandom, VirtualClock } from '@locktender/kube'
import type { KubeObject, Resource } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

// The rules for a hub that is not ours, on an API server that knows nothing of the fleet but its definitions.

let server: ApiServer

function admissionKind(kind: string, plural: string): Resource {
  return { group: 'admissionregistration.k8s.io', version: 'v1', plural, kind, namespaced: false }
}

const policyKinds: Readonly<Record<string, Resource>> = {
  ValidatingAdmissionPolicy: admissionKind('ValidatingAdmissionPolicy', 'validatingadmissionpolicies'),
  ValidatingAdmissionPolicyBinding: admissionKind(
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
  ),
}

function clientOf(name: string, ...groups: string[]): Client {
  const user = { name, groups: ['system:masters', ...groups] }
  return new Client({ transport: server.transport({ cluster: 'hub', user }), fieldManager: name })
}

/** Some rules are in the definitions as well, and would speak first. */
function withoutRules<T>(definition: T): T {
  const text = JSON.stringify(definition, (key, value: unknown) =>
    key === 'x-kubernetes-validations' ? undefined : value,
  )
  return JSON.parse(text) as T
}

beforeEach(async () => {
  server = await ApiServer.open({ clock: new VirtualClock(), random: seededRandom(1) })
  await server.cluster('hub')
  const admin = clientOf('admin')
  for (const definition of crds()) await admin.create(customResourceDefinitions, withoutRules(definition))
  for (const policy of fleetPolicies()) await admin.create<PolicyObject>(policyKinds[policy.kind]!, policy)
})

afterEach(async () => {
  await server.close()
})

async function refusal(write: Promise<unknown>): Promise<string> {
  return write.then(
    () => 'was not refused',
    (error: unknown) => (error as Error).message,
  )
}

const image = `registry.example/operator@sha256:${'f'.repeat(64)}`
const planHash = `sha256:${'a'.repeat(64)}`

function fix(spec: object = {}): ComponentFix {
  return {
    apiVersion: API_VERSION,
    kind: 'ComponentFix',
    metadata: { name: 'one' },
    spec: {
      ticket: 'T-1',
      component: 'control-plane-operator',
      targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image }],
      strategy: 'standard',
      deadline: '24h',
      requestedBy: 'alice',
      ...spec,
    },
  }
}

function rollout(spec: object = {}, name = 'run'): Rollout {
  return {
    apiVersion: API_VERSION,
    kind: 'Rollout',
    metadata: { name },
    spec: {
      fix: 'one',
      fixUid: 'u',
      strategy: defaultStrategy(),
      seed: 1,
      plan: { hash: planHash, targets: 1, stages: [{ name: 'integration', targets: 1, waves: [1] }] },
      deadline: '2026-01-06T08:00:00Z',
      ...spec,
    },
  }
}

function approval(spec: object = {}, name = 'a'): Approval {
  return {
    apiVersion: API_VERSION,
    kind: 'Approval',
    metadata: { name },
    spec: { rollout: 'run', planHash, approver: 'bob', ...spec },
  }
}

function change<T extends KubeObject>(who: string, resource: Resource, name: string, spec: object): Promise<T> {
  return clientOf(who).patch<T>(resource, { name }, { spec }, { type: 'merge' })
}

describe('a fix', () => {
  test('names who requests it', async () => {
    expect(await refusal(clientOf('alice').create(componentFixes, fix({ requestedBy: 'bob' })))).toContain(
      "ValidatingAdmissionPolicy 'locktender-componentfix' with binding 'locktender-componentfix' denied request: spec.requestedBy must be your own user name",
    )
    expect(await refusal(clientOf('alice').create(componentFixes, fix({ requestedBy: undefined })))).toContain(
      'own user name',
    )
    expect((await clientOf('alice').create(componentFixes, fix())).spec.requestedBy).toBe('alice')
  })

  test('can be labelled by others, and its status reported', async () => {
    await clientOf('alice').create(componentFixes, fix())
    await clientOf('bob').patch(
      componentFixes,
      { name: 'one' },
      { metadata: { labels: { a: 'b' } } },
      { type: 'merge' },
    )
    expect(await refusal(change('alice', componentFixes, 'one', { strategy: 'faster' }))).toContain('cannot be changed')
    const status = { phase: 'Pending', affected: 0, counts: {} }
    await clientOf('manager').patch(
      componentFixes,
      { name: 'one' },
      { status },
      { type: 'merge', subresource: 'status' },
    )
  })

  test.each([
    [{ targets: [{ ...fix().spec.targets[0], image: 'registry.example/operator:v1' }] }, 'by digest'],
    [{ deadline: '0s' }, 'leaves no time at all'],
  ])('with %j is refused', async (spec, why) => {
    expect(await refusal(clientOf('alice').create(componentFixes, fix(spec)))).toContain(why)
  })
})

describe('an approval', () => {
  beforeEach(async () => {
    await clientOf('manager').create(rollouts, rollout())
    await clientOf('manager').create(
      rollouts,
      rollout({ plan: { ...rollout().spec.plan, hash: `sha256:${'b'.repeat(64)}` } }, 'other'),
    )
  })

  test('names who gives it, and is for the plan there is', async () => {
    expect((await clientOf('bob', 'g').create(approvals, approval({ groups: ['g'] }))).spec.approver).toBe('bob')
    expect(await refusal(change('bob', approvals, 'a', { comment: 'after all not' }))).toContain('cannot be changed')
  })

  test.each([
    [{ approver: 'alice' }, 'spec.approver must be your own user name'],
    [{ approver: undefined }, 'spec.approver must be your own user name'],
    [{ groups: ['forged'] }, 'only groups you are in'],
    [{ planHash: `sha256:${'b'.repeat(64)}` }, 'the Rollout has another plan'],
  ])('with %j is refused', async (spec, why) => {
    expect(await refusal(clientOf('bob').create(approvals, approval(spec)))).toContain(why)
  })

  test('comes too late when the rollout is over', async () => {
    const status = { phase: 'Aborted', approvals: [], stages: [], counts: {}, problems: [], decisions: 0 }
    await clientOf('manager').patch(rollouts, { name: 'run' }, { status }, { type: 'merge', subresource: 'status' })
    expect(await refusal(clientOf('bob').create(approvals, approval()))).toContain('the Rollout is over')
  })
})

test('an approval needs a rollout', async () => {
  expect(await refusal(clientOf('bob').create(approvals, approval()))).toContain('no params found for policy binding')
})

describe('a rollout', () => {
  beforeEach(async () => {
    await clientOf('manager').create(rollouts, rollout())
  })

  test('can be paused and aborted by who says so, and nothing else', async () => {
    const pause = { reason: 'lunch', by: 'olga' }
    expect(await refusal(change('olga', rollouts, 'run', { pause: { reason: 'lunch', by: 'bob' } }))).toContain(
      'spec.pause.by must be your own user name',
    )
    await change('olga', rollouts, 'run', { pause })
    await change('ivan', rollouts, 'run', { abort: { reason: 'bad', by: 'ivan' } })
    await change('ivan', rollouts, 'run', { pause: null })
    expect(await refusal(change('olga', rollouts, 'run', { abort: null }))).toContain('an abort is final')
    expect(await refusal(change('olga', rollouts, 'run', { abort: { reason: 'other', by: 'olga' } }))).toContain(
      'is final',
    )
  })

  test.each(['skip', 'retry'])('%s grows by who says so, and nothing of it is taken away', async (field) => {
    const first = { controlPlane: 'mc-1/a', reason: 'quota', by: 'olga' }
    const second = { controlPlane: 'mc-1/b', reason: 'quota', by: 'ivan' }
    expect(await refusal(change('ivan', rollouts, 'run', { [field]: [first] }))).toContain(
      `by of a new entry of spec.${field} must be your own user name`,
    )
    await change('olga', rollouts, 'run', { [field]: [first] })
    expect(await refusal(change('olga', rollouts, 'run', { [field]: [first, second] }))).toContain('your own user name')
    await change('ivan', rollouts, 'run', { [field]: [first, second] })
    expect(await refusal(change('ivan', rollouts, 'run', { [field]: [second] }))).toContain('entries can be added')
    expect(await refusal(change('ivan', rollouts, 'run', { [field]: null }))).toContain('entries can be added')
  })

  test.each([
    { fix: 'two' },
    { seed: 2 },
    { followUpOf: 'x' },
    { plan: { targets: 2 } },
    { strategy: { approvals: 1 } },
  ])('cannot get %j', async (spec) => {
    expect(await refusal(change('olga', rollouts, 'run', spec))).toContain(
      'only pause, abort, revert, expedite, skip and retry can be changed',
    )
  })
})

test.each([
  [{ sequentialTest: { goodRate: '0.5', badRate: '0.05', alpha: '0.01', beta: '0.01' } }, 'is not below badRate'],
  [{ sequentialTest: { goodRate: '0.005', badRate: '0.05', alpha: '0.6', beta: '0.4' } }, 'no better than a coin'],
  [{ operationTimeout: '0s' }, 'every change would fail'],
  [{}, 'was not refused'],
])('a strategy with %j', async (spec, why) => {
  const strategy: RolloutStrategy = {
    apiVersion: API_VERSION,
    kind: 'RolloutStrategy',
    metadata: { name: 's' },
    spec: { ...defaultStrategy(), ...spec },
  }
  expect(await refusal(clientOf('admin').create(rolloutStrategies, strategy))).toContain(why)
})
