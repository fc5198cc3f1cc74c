import type { ComponentFix, ControlPlane, RolloutHistory, RolloutStrategySpec } from '@locktender/fleet'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultStrategy } from './default-strategy.ts'
import { proposeRollout } from './propose-rollout.ts'
import { resolveFix } from './resolve-fix.ts'
import { controlPlaneOf, fixOf, image } from './test-objects.ts'

const now = Date.parse('2026-01-05T08:00:00Z')
const fleet = Array.from({ length: 12 }, (_, index) =>
  controlPlaneOf(`cp-${index}`, { environment: index < 4 ? 'integration' : 'production' }),
)

interface Proposed {
  readonly fix?: ComponentFix
  readonly strategy?: RolloutStrategySpec
  readonly fleet?: ControlPlane[]
  readonly history?: RolloutHistory
}

function propose(options: Proposed = {}) {
  const { fix = fixOf('one'), strategy = defaultStrategy(), history } = options
  const { targets } = resolveFix(fix, strategy, options.fleet ?? fleet, now)
  return proposeRollout({ fix, strategy, targets, name: 'one', ...(history && { history }) })
}

describe('a proposal', () => {
  test('freezes who, how and until when', () => {
    const { spec } = propose()
    expect(spec).toMatchObject({
      fix: 'one',
      fixUid: 'uid-one',
      strategy: defaultStrategy(),
      deadline: '2026-01-06T08:00:00Z',
    })
    expect(spec.plan.targets).toBe(12)
    expect(spec.plan.stages.map(({ name, targets }) => [name, targets])).toEqual([
      ['integration', 4],
      ['stage', 0],
      ['canary', 0],
      ['production', 8],
    ])
    for (const { targets, waves } of spec.plan.stages) {
      expect(waves.reduce((sum, size) => sum + size, 0)).toBe(targets)
    }
    expect(spec.plan.hash).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  test('is the same for the same input, in whatever order the fleet is listed', () => {
    const expected = propose()
    fc.assert(
      fc.property(fc.shuffledSubarray(fleet, { minLength: fleet.length }), (shuffled) => {
        expect(propose({ fleet: shuffled })).toEqual(expected)
      }),
    )
  })

  const another = defaultStrategy()
  test.each<[string, Parameters<typeof propose>[0]]>([
    [
      'the image',
      {
        fix: fixOf('one', {
          targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.9' }, image: image('e') }],
        }),
      },
    ],
    [
      'the range',
      {
        fix: fixOf('one', {
          targets: [{ platforms: ['AWS'], versions: { from: '4.20.0', to: '4.20.8' }, image: image('f') }],
        }),
      },
    ],
    ['the component', { fix: fixOf('one', { component: 'etcd' }) }],
    ['the deadline', { fix: fixOf('one', { deadline: '12h' }) }],
    ['the number of approvals', { strategy: { ...another, approvals: 1 } }],
    ['a soak', { strategy: { ...another, stages: another.stages.map((stage) => ({ ...stage, soak: '1m' })) } }],
    ['the limit for each management cluster', { strategy: { ...another, maxConcurrentPerManagementCluster: 99 } }],
    ['the budget', { strategy: { ...another, failureBudget: { percent: 50, minimum: 3 } } }],
    ['the test', { strategy: { ...another, sequentialTest: { ...another.sequentialTest, badRate: '0.5' } } }],
    ['the revert', { strategy: { ...another, autoRevert: false } }],
    ['who is never first', { strategy: { ...another, tiersNotFirst: ['platinum'] } }],
    ['the fleet', { fleet: fleet.slice(1) }],
    ['the history', { history: [{ stratum: 's', treated: 10, failed: 1 }] }],
  ])('has another hash when %s is another', (_, change) => {
    expect(propose(change).spec.plan.hash).not.toBe(propose().spec.plan.hash)
  })

  test('keeps the history it was made with; none is as if there were nothing to tell', () => {
    const history = [{ stratum: 's', treated: 10, failed: 1 }]
    expect(propose({ history }).spec.history).toEqual(history)
    expect(propose({ history: [] })).toEqual(propose())
  })

  test('is refused for a fix that was never stored', () => {
    const { uid: _, ...metadata } = fixOf('one').metadata
    const fix = { ...fixOf('one'), metadata }
    expect(() => proposeRollout({ fix, strategy: defaultStrategy(), targets: [], name: 'one' })).toThrow(TypeError)
  })
})

describe('resolving a fix', () => {
  const resolve = (controlPlanes: ControlPlane[]) => resolveFix(fixOf('one'), defaultStrategy(), controlPlanes, now)

  test('finds control planes by platform and version, with their stage', () => {
    const { targets } = resolve([
      controlPlaneOf('in'),
      controlPlaneOf('canary', { sector: 'canary' }),
      controlPlaneOf('integration', { environment: 'integration', sector: 'whatever' }),
      controlPlaneOf('nowhere', { sector: 'lab' }),
      controlPlaneOf('old', { version: '4.19.6' }),
      controlPlaneOf('new', { version: '4.20.10' }),
    ])
    expect(targets.map(({ id, stage }) => [id, stage])).toEqual([
      ['mc-1/in', 'production'],
      ['mc-1/canary', 'canary'],
      ['mc-1/integration', 'integration'],
      ['mc-1/nowhere', ''],
    ])
  })

  test('tells apart those that have it already and those that never reported', () => {
    const images = [{ component: 'control-plane-operator', image: image('f'), origin: 'payload' as const }]
    const { status: _, ...silent } = controlPlaneOf('silent')
    expect(resolve([controlPlaneOf('native', { status: { images } }), silent])).toEqual({
      targets: [],
      native: 1,
      unreported: 1,
    })
  })
})

describe('the default strategy', () => {
  test('takes 200 control planes through in well under a day', () => {
    const stages = defaultStrategy().stages
    const sizes = { integration: 10, stage: 20, canary: 10, production: 160 }
    const controlPlanes = Object.entries(sizes).flatMap(([stage, size]) =>
      Array.from({ length: size }, (_, index) => ({
        ...controlPlaneOf(`${stage}-${index}`, {
          environment: stage === 'canary' ? 'production' : (stage as 'production'),
          sector: stage === 'canary' ? 'canary' : 'main',
        }),
      })),
    )
    const { plan } = propose({ fleet: controlPlanes }).spec
    // Four management clusters in production, eight at once on each, 16 minutes for an operation.
    const hours = plan.stages.reduce((sum, { name, waves }) => {
      const atOnce = name === 'production' ? 32 : 8
      const batches = waves.reduce((total, size) => total + Math.ceil(size / atOnce), 0)
      const soaks =
        (waves.length - 1) * 0.5 + (stages.find((stage) => stage.name === name)?.finalSoak === '1h' ? 1 : 0.5)
      return sum + (batches * 16) / 60 + soaks
    }, 0)
    expect(hours).toBeGreaterThan(10)
    expect(hours).toBeLessThan(15)
  })
})
