import type { KubeObject, Resource } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import type { Approval } from '../kinds/approval.ts'
import type { ComponentFix, ComponentFixPhase } from '../kinds/component-fix.ts'
import type { RolloutStrategy } from '../kinds/rollout-strategy.ts'
import type { Rollout, RolloutPhase } from '../kinds/rollout.ts'
import { approvalOf, fixOf, image, PLAN_HASH, readerOf, rolloutOf, STRATEGY } from '../objects.test-support.ts'
import { API_VERSION, approvals, componentFixes, deployments, rollouts, rolloutStrategies } from '../well-known.ts'
import { fleetAdmission } from './fleet-admission.ts'
import type { AdmissionReader } from './types.ts'

const alice = { name: 'alice', groups: ['locktender:requesters'] }
const bob = { name: 'bob', groups: ['locktender:approvers', 'system:authenticated'] }

interface Write {
  readonly user?: typeof alice
  readonly reader?: AdmissionReader
  readonly oldObject?: KubeObject
  readonly subresource?: string
  readonly operation?: 'DELETE'
}

function admit<T extends KubeObject>(resource: Resource, object: T, write: Write = {}): T {
  const { user = alice, reader = readerOf(), oldObject, ...rest } = write
  const operation = oldObject === undefined ? 'CREATE' : 'UPDATE'
  const request = { operation, resource, name: object.metadata.name, object, user, ...rest } as const
  const result = fleetAdmission().admit(oldObject === undefined ? request : { ...request, oldObject }, reader)
  return (result ?? object) as T
}

function refusal(write: () => unknown): string {
  try {
    write()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('was not refused')
}

function target(from: string, to: string, options: { platforms?: ['Azure']; image?: string; exclude?: string[] } = {}) {
  const { platforms = ['AWS'] as const, exclude } = options
  const versions = { from, to, ...(exclude === undefined ? {} : { exclude }) }
  return { platforms, versions, image: options.image ?? image('e') }
}

describe('a new fix', () => {
  test('bears the name of who asked, whatever the client wrote', () => {
    const admitted = admit(componentFixes, fixOf('one', { requestedBy: 'mallory' }), { user: bob })
    expect(admitted.spec.requestedBy).toBe('bob')
  })

  test('with a tag is refused with what, why and what to do', () => {
    const fix = fixOf('one', { targets: [target('4.20.0', '4.20.9', { image: 'registry.example/operator:v1' })] })
    expect(refusal(() => admit(componentFixes, fix))).toBe(
      'ComponentFix.locktender.dev "one" is invalid: spec.targets[0].image: Invalid value: "registry.example/operator:v1": image "registry.example/operator:v1" has the tag "v1" and no digest: a tag can point to other content tomorrow, and then control planes of one rollout would differ; use the digest, registry/repository@sha256:<64 hex digits>',
    )
  })

  test.each([
    ['inverted', target('4.20.9', '4.20.0'), 'spec.targets[0].versions', 'are inverted', 'swap "from" and "to"'],
    [
      'empty',
      target('4.20.1', '4.20.1', { exclude: ['4.20.1'] }),
      'spec.targets[0].versions',
      'the range is empty',
      'exclude fewer versions',
    ],
    [
      'across lines',
      target('4.20.0', '4.21.0'),
      'spec.targets[0].versions',
      'span the release lines',
      'one target for each line',
    ],
  ])('with a range that is %s is refused', (_, bad, path, what, advice) => {
    const message = refusal(() => admit(componentFixes, fixOf('one', { targets: [bad] })))
    expect(message).toContain(path)
    expect(message).toContain(what)
    expect(message).toContain(advice)
  })

  test('with several mistakes names them all', () => {
    const targets = [target('4.20.9', '4.20.0', { image: 'operator' }), target('4.21', '4.21.2')]
    const message = refusal(() => admit(componentFixes, fixOf('one', { targets, deadline: '0s' })))
    for (const path of [
      'spec.deadline',
      'spec.targets[0].image',
      'spec.targets[0].versions',
      'spec.targets[1].versions',
    ]) {
      expect(message).toContain(path)
    }
  })

  test('with two images for one control plane is refused', () => {
    const targets = [target('4.20.0', '4.20.5'), target('4.20.5', '4.20.9')]
    expect(refusal(() => admit(componentFixes, fixOf('one', { targets })))).toContain(
      'spec.targets[0] is for AWS 4.20.5 as well, so that two images would be meant for one control plane; divide the versions',
    )
  })

  test('may have neighbouring targets', () => {
    const targets = [
      target('4.20.0', '4.20.5', { exclude: ['4.20.3'] }),
      target('4.20.3', '4.20.3'),
      target('4.20.0', '4.20.9', { platforms: ['Azure'] }),
    ]
    expect(admit(componentFixes, fixOf('one', { targets })).spec.targets).toEqual(targets)
  })

  test('for a component and release that another fix has is refused', () => {
    const other = fixOf('other', { targets: [target('4.20.7', '4.20.20')] })
    expect(refusal(() => admit(componentFixes, fixOf('one'), { reader: readerOf(other) }))).toContain(
      'spec.targets[0]: Invalid value: "AWS 4.20.7": ComponentFix "other" already replaces control-plane-operator for AWS 4.20.7, and a component can run only one image; if these images contain that fix too, add "other" to spec.supersedes',
    )
  })

  test.each<[string, ComponentFix]>([
    ['for another platform', fixOf('other', { targets: [target('4.20.0', '4.20.9', { platforms: ['Azure'] })] })],
    ['for other versions', fixOf('other', { targets: [target('4.20.10', '4.20.20')] })],
    ['for another component', fixOf('other', { component: 'etcd' })],
    ['that includes it', fixOf('other', { supersedes: ['one'] })],
    ['of the same name, which is itself', fixOf('one')],
  ])('goes well with one %s', (_, other) => {
    expect(() => admit(componentFixes, fixOf('one'), { reader: readerOf(other) })).not.toThrow()
  })

  test('may supersede another', () => {
    const fix = fixOf('one', { supersedes: ['other'] })
    expect(() => admit(componentFixes, fix, { reader: readerOf(fixOf('other')) })).not.toThrow()
  })

  test.each<[ComponentFixPhase, boolean]>([
    ['Pending', true],
    ['AwaitingApproval', true],
    ['Delivering', true],
    ['Delivered', true],
    ['Halted', true],
    ['Reverted', false],
    ['Aborted', false],
    ['Refused', false],
  ])('is in the way of one that is %s: %s', (phase, refused) => {
    const other = { ...fixOf('other'), status: { phase, affected: 0, counts: {} } }
    const write = () => admit(componentFixes, fixOf('one'), { reader: readerOf(other) })
    expect(refused ? refusal(write) : (write(), '')).toContain(refused ? '"other" already replaces' : '')
  })
})

describe('a fix that exists', () => {
  test('cannot be changed', () => {
    const changed = fixOf('one', { strategy: 'faster' })
    expect(refusal(() => admit(componentFixes, changed, { oldObject: fixOf('one') }))).toBe(
      'ComponentFix.locktender.dev "one" is invalid: spec: Forbidden: a fix cannot be changed, since approvals and control planes already rely on what it says; create another ComponentFix that supersedes this one',
    )
  })

  test('cannot get another requester', () => {
    const changed = fixOf('one', { requestedBy: 'bob' })
    expect(refusal(() => admit(componentFixes, changed, { user: bob, oldObject: fixOf('one') }))).toContain('Forbidden')
  })

  test('can be applied again by anybody and keeps its requester', () => {
    const { requestedBy: _, ...spec } = fixOf('one').spec
    const again: ComponentFix = { ...fixOf('one'), spec }
    expect(admit(componentFixes, again, { user: bob, oldObject: fixOf('one') }).spec.requestedBy).toBe('alice')
  })

  test('can be labelled, reported on and deleted', () => {
    const labelled = { ...fixOf('one'), metadata: { name: 'one', labels: { team: 'a' } } }
    expect(admit(componentFixes, labelled, { oldObject: fixOf('one') })).toBe(labelled)
    const odd = fixOf('one', { strategy: 'faster' })
    expect(admit(componentFixes, odd, { subresource: 'status', oldObject: fixOf('one') })).toBe(odd)
    expect(admit(componentFixes, odd, { operation: 'DELETE', oldObject: fixOf('one') })).toBe(odd)
  })
})

describe('an approval', () => {
  const reader = readerOf(fixOf('one'), rolloutOf('run', 'one'))

  test('bears the name and groups of who gave it, whatever the client wrote', () => {
    const written = approvalOf('a', { approver: 'carol', groups: ['forged'] })
    expect(admit(approvals, written, { user: bob, reader }).spec).toEqual({
      rollout: 'run',
      planHash: PLAN_HASH,
      approver: 'bob',
      groups: bob.groups,
    })
  })

  test('by the requester is refused', () => {
    expect(refusal(() => admit(approvals, approvalOf('a', { approver: 'bob' }), { user: alice, reader }))).toBe(
      'approvals.locktender.dev "a" is forbidden: "alice" requested ComponentFix "one" and nobody approves their own request; ask somebody else with the role locktender-approver',
    )
  })

  test('for a rollout that does not exist is refused', () => {
    expect(refusal(() => admit(approvals, approvalOf('a', { rollout: 'none' }), { user: bob, reader }))).toContain(
      'spec.rollout: Invalid value: "none": there is no such Rollout',
    )
  })

  test('for another plan is refused and told the right one', () => {
    const planHash = `sha256:${'b'.repeat(64)}`
    const message = refusal(() => admit(approvals, approvalOf('a', { planHash }), { user: bob, reader }))
    expect(message).toContain(`spec.planHash: Invalid value: "${planHash}": Rollout "run" has the plan ${PLAN_HASH}`)
    expect(message).toContain('look at the plan again')
  })

  test('a second one by the same person is refused', () => {
    const given = approvalOf('first', { approver: 'bob' })
    const both = readerOf(fixOf('one'), rolloutOf('run', 'one'), given)
    expect(refusal(() => admit(approvals, approvalOf('second'), { user: bob, reader: both }))).toContain(
      '"bob" has approved this plan already (Approval "first")',
    )
    expect(
      admit(approvals, approvalOf('second'), { user: { ...bob, name: 'carol' }, reader: both }).spec.approver,
    ).toBe('carol')
  })

  test.each<[string, AdmissionReader]>([
    ['has no recorded requester', readerOf(anonymous(fixOf('one')), rolloutOf('run', 'one'))],
    ['is gone', readerOf(rolloutOf('run', 'one'))],
    [
      'was replaced by one of the same name',
      readerOf({ ...fixOf('one'), metadata: { name: 'one', uid: 'new' } }, rolloutOf('run', 'one')),
    ],
  ])('is refused when the fix %s', (_, incomplete) => {
    expect(refusal(() => admit(approvals, approvalOf('a'), { user: bob, reader: incomplete }))).toContain(
      'it is not known who requested ComponentFix "one"',
    )
  })

  test.each<RolloutPhase>(['Completed', 'Reverted', 'Aborted'])('is refused when the rollout is %s', (phase) => {
    const over: Rollout = {
      ...rolloutOf('run', 'one'),
      status: { phase, approvals: [], stages: [], counts: {}, problems: [], decisions: 0 },
    }
    expect(
      refusal(() => admit(approvals, approvalOf('a'), { user: bob, reader: readerOf(fixOf('one'), over) })),
    ).toContain(`Rollout "run" is over (${phase})`)
  })

  test('cannot be changed, but applied again by its author', () => {
    const stored: Approval = approvalOf('a', { approver: 'bob', groups: bob.groups })
    expect(
      refusal(() =>
        admit(approvals, approvalOf('a', { comment: 'after all not' }), { user: bob, reader, oldObject: stored }),
      ),
    ).toContain('spec: Forbidden: an approval cannot be changed')
    expect(admit(approvals, approvalOf('a'), { user: bob, reader, oldObject: stored })).toEqual(stored)
  })
})

describe('a rollout', () => {
  const stored = rolloutOf('run', 'one')

  test('keeps what was approved', () => {
    const faster = { ...stored, spec: { ...stored.spec, strategy: { ...STRATEGY, approvals: 0 } } }
    expect(refusal(() => admit(rollouts, faster, { oldObject: stored }))).toContain(
      'spec: Forbidden: of a rollout only pause, abort, revert, expedite, skip and retry can be changed, since approvals bind to everything else',
    )
  })

  test('can be paused and resumed, and says by whom', () => {
    const asked = { ...stored, spec: { ...stored.spec, pause: { reason: 'look', by: 'mallory' } } }
    const paused = admit(rollouts, asked, { user: bob, oldObject: stored })
    expect(paused.spec.pause).toEqual({ reason: 'look', by: 'bob' })
    expect(admit(rollouts, stored, { oldObject: paused }).spec.pause).toBeUndefined()
  })

  test('keeps the author of a pause when somebody else changes something else', () => {
    const paused = { ...stored, spec: { ...stored.spec, pause: { reason: 'look', by: 'bob' } } }
    const aborted = { ...stored, spec: { ...stored.spec, pause: { reason: 'look' }, abort: { reason: 'bad' } } }
    expect(admit(rollouts, aborted, { user: alice, oldObject: paused }).spec).toMatchObject({
      pause: { by: 'bob' },
      abort: { by: 'alice' },
    })
  })

  test.each(['abort', 'revert'] as const)('cannot be taken back from its %s', (field) => {
    const asked = { ...stored, spec: { ...stored.spec, [field]: { reason: 'bad', by: 'bob' } } }
    expect(refusal(() => admit(rollouts, stored, { oldObject: asked }))).toContain(`${field} is final`)
    const other = { ...stored, spec: { ...stored.spec, [field]: { reason: 'good' } } }
    expect(refusal(() => admit(rollouts, other, { oldObject: asked }))).toContain(`${field} is final`)
    expect(admit(rollouts, asked, { user: alice, oldObject: asked }).spec[field]?.by).toBe('bob')
  })

  test('says who asked to go on before the soak was over, wave by wave', () => {
    const first = { stage: 'canary', wave: 1, reason: 'urgent' }
    const asked: Rollout = { ...stored, spec: { ...stored.spec, expedite: { ...first, by: 'mallory' } } }
    const expedited = admit(rollouts, asked, { user: bob, oldObject: stored })
    expect(expedited.spec.expedite).toEqual({ ...first, by: 'bob' })
    const next: Rollout = { ...stored, spec: { ...stored.spec, expedite: { ...first, wave: 2 } } }
    expect(admit(rollouts, next, { user: alice, oldObject: expedited }).spec.expedite?.by).toBe('alice')
  })

  test.each(['skip', 'retry'] as const)('says who asked to %s a control plane; the list only grows', (field) => {
    const first = { controlPlane: 'mc-1/a', reason: 'quota' }
    const asked: Rollout = { ...stored, spec: { ...stored.spec, [field]: [{ ...first, by: 'mallory' }] } }
    const once = admit(rollouts, asked, { user: bob, oldObject: stored })
    expect(once.spec[field]).toEqual([{ ...first, by: 'bob' }])
    const more = [first, { controlPlane: 'mc-1/b', reason: 'quota' }]
    const next: Rollout = { ...stored, spec: { ...stored.spec, [field]: more } }
    const twice = admit(rollouts, next, { user: alice, oldObject: once })
    expect(twice.spec[field]?.map(({ by }) => by)).toEqual(['bob', 'alice'])
    for (const list of [[], [{ ...first, reason: 'other' }], more.toReversed()]) {
      const changed: Rollout = { ...stored, spec: { ...stored.spec, [field]: list } }
      expect(refusal(() => admit(rollouts, changed, { user: bob, oldObject: twice }))).toContain(
        `spec.${field}: Forbidden: entries can be added at the end`,
      )
    }
  })
})

describe('a strategy', () => {
  const strategy = (spec: Partial<RolloutStrategy['spec']>): RolloutStrategy => ({
    apiVersion: API_VERSION,
    kind: 'RolloutStrategy',
    metadata: { name: 'standard' },
    spec: { ...STRATEGY, ...spec },
  })

  test('that makes sense is admitted', () => {
    expect(() => admit(rolloutStrategies, strategy({}))).not.toThrow()
  })

  test.each([
    [{ sequentialTest: { ...STRATEGY.sequentialTest, goodRate: '0.05' } }, 'is not below badRate 0.05'],
    [{ sequentialTest: { ...STRATEGY.sequentialTest, alpha: '0.9', beta: '0.2' } }, 'no better than a coin'],
    [{ operationTimeout: '0s' }, 'leaves no time at all'],
  ])('that cannot work is refused: %j', (spec, why) => {
    expect(refusal(() => admit(rolloutStrategies, strategy(spec)))).toContain(why)
  })
})

test('objects of others are left alone', () => {
  const object = fixOf('one', { deadline: '0s' })
  expect(admit(deployments, object)).toBe(object)
})

function anonymous(fix: ComponentFix): ComponentFix {
  const { requestedBy: _, ...spec } = fix.spec
  return { ...fix, spec }
}
