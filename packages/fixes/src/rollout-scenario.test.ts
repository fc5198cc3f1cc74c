import { API_VERSION } from '@locktender/fleet'
import type { ControlPlane, ControlPlaneOperation, FreezeWindow, ManagementCluster } from '@locktender/fleet'
import { assess } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { defaultStrategy } from './default-strategy.ts'
import { proposeRollout } from './propose-rollout.ts'
import { resolveFix } from './resolve-fix.ts'
import { DEFAULT_STAKES, rolloutScenario } from './rollout-scenario.ts'
import type { ScenarioInput } from './rollout-scenario.ts'
import { controlPlaneOf, fixOf, image } from './test-objects.ts'

const now = Date.parse('2026-01-05T08:30:00Z')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const fix = fixOf('one')
const strategy = defaultStrategy()
const fleet = Array.from({ length: 30 }, (_, index) =>
  controlPlaneOf(`cp-${index}`, { environment: index < 10 ? 'integration' : 'production' }),
)
const managementCluster: ManagementCluster = {
  apiVersion: API_VERSION,
  kind: 'ManagementCluster',
  metadata: { name: 'mc-1' },
  spec: { environment: 'production', sector: 'main', region: 'eu-1', maxConcurrent: 3 },
}
const others = { controlPlanes: fleet, managementClusters: [managementCluster], freezeWindows: [], now }

function freeze(name: string, selector?: FreezeWindow['spec']['selector']): FreezeWindow {
  const from = '2026-01-05T10:00:00Z'
  const to = '2026-01-05T18:00:00Z'
  const spec = { from, to, reason: 'sale', owner: 'shop', ...(selector === undefined ? {} : { selector }) }
  return { apiVersion: API_VERSION, kind: 'FreezeWindow', metadata: { name }, spec }
}

function proposed(controlPlanes: readonly ControlPlane[] = fleet) {
  const { targets } = resolveFix(fix, strategy, controlPlanes, now)
  return proposeRollout({ fix, strategy, targets, name: 'one' })
}

describe('a scenario', () => {
  test('has the waves that the rollout was proposed with', () => {
    const rollout = proposed()
    const { waves, feasibility } = assess(rolloutScenario({ fix, rollout, ...others }))
    const planned = rollout.spec.plan.stages.flatMap(({ name, waves: sizes }) => sizes.map((size) => [name, size]))
    expect(waves.map(({ stage, size }) => [stage, size])).toEqual(planned)
    expect(feasibility.feasible).toBe(true)
  })

  test('of a fix without a rollout has the plan it would get, its stakes and its deadline', () => {
    const scenario = rolloutScenario({ fix, strategy, ...others })
    expect(scenario).toEqual({
      ...rolloutScenario({ fix, rollout: proposed(), ...others }),
      strategy: { ...scenario.strategy, maxPerShard: expect.any(Function) as unknown },
    })
    expect(scenario).toMatchObject({
      stakes: DEFAULT_STAKES,
      startAt: now,
      deadline: Date.parse('2026-01-06T08:00:00Z'),
    })
    const { creationTimestamp: _, ...metadata } = fix.metadata
    const unstored = { ...fix, metadata }
    expect(rolloutScenario({ fix: unstored, strategy, ...others }).deadline).toBe(now + 24 * HOUR)
    expect(rolloutScenario({ fix, strategy, ...others, deadline: now + HOUR }).deadline).toBe(now + HOUR)
  })

  test('takes another strategy than the one of the rollout when there is one', () => {
    const other = { ...strategy, stages: [strategy.stages[3]!] }
    const { targets, strategy: taken } = rolloutScenario({ fix, rollout: proposed(), strategy: other, ...others })
    expect(taken.stages.map(({ name }) => name)).toEqual(['production'])
    expect(targets.filter(({ stage }) => stage === 'production')).toHaveLength(20)
  })

  test('of a rollout that has begun starts when it began', () => {
    const rollout = proposed()
    const status = { startTime: '2026-01-05T08:10:00Z' } as unknown as NonNullable<typeof rollout.status>
    const scenario = rolloutScenario({ fix, rollout: { ...rollout, status }, ...others })
    expect(scenario.startAt).toBe(Date.parse('2026-01-05T08:10:00Z'))
  })

  test('has the limits of management clusters and those of the strategy', () => {
    const { maxPerShard } = rolloutScenario({ fix, strategy, ...others }).strategy
    expect([maxPerShard('mc-1'), maxPerShard('unknown')]).toEqual([3, 8])
    const low = { ...strategy, maxConcurrentPerManagementCluster: 2 }
    expect(rolloutScenario({ fix, strategy: low, ...others }).strategy.maxPerShard('mc-1')).toBe(2)
  })

  test('leaves the held out, for as long as they are held', () => {
    const hold = { name: 'sale', reason: 'busy', owner: 'shop' }
    const end = '2026-01-05T12:30:00Z'
    const holds = [[hold], [{ ...hold, expires: end }], [{ ...hold, expires: '2026-01-05T08:00:00Z' }]]
    const held = holds.map((each, index) => controlPlaneOf(`cp-${index}`, { spec: { holds: each } }))
    const controlPlanes = [...held, ...fleet.slice(3)]
    const scenario = rolloutScenario({ fix, strategy, ...others, controlPlanes })
    expect(scenario.exemptions).toEqual([
      { id: 'mc-1/cp-0', owner: 'shop', reason: 'busy', until: scenario.deadline },
      { id: 'mc-1/cp-1', owner: 'shop', reason: 'busy', until: Date.parse(end) },
    ])
    const { targets } = assess(scenario)
    expect(targets).toHaveLength(28)
    expect(targets.map(({ id }) => id)).toContain('mc-1/cp-2')
  })

  test('closes freezes for those they are for', () => {
    const freezeWindows = [
      freeze('sale', { environments: ['production'] }),
      freeze('all'),
      freeze('stage', { environments: ['stage'] }),
    ]
    const scenario = rolloutScenario({ fix, strategy, ...others, freezeWindows })
    const closed = { from: Date.parse('2026-01-05T10:00:00Z'), to: Date.parse('2026-01-05T18:00:00Z') }
    expect(scenario.windows).toEqual({ all: { closed: [closed] }, 'all, sale': { closed: [closed, closed] } })
    const classes = Map.groupBy(scenario.targets, ({ windowClass }) => windowClass)
    expect([classes.get('all')?.length, classes.get('all, sale')?.length]).toEqual([10, 20])
    const { waves } = assess(scenario)
    expect(waves.at(-1)!.endsAt).toBeGreaterThan(closed.to)
    const past = rolloutScenario({ fix, strategy, ...others, freezeWindows, now: closed.to })
    expect(past.windows).toEqual({})
  })

  test('of a follow-up has only those that came later', () => {
    const override = { component: 'control-plane-operator', image: image('f'), fix: 'one', rollout: 'one', wave: 1 }
    const images = [{ component: override.component, image: image('f'), origin: 'annotation' as const, fix: 'one' }]
    const done = controlPlaneOf('done', {
      spec: { overrides: [override] },
      status: { operations: [operation('one')], images },
    })
    const late = controlPlaneOf('late')
    const followUp = { of: 'one', from: now }
    const { targets } = resolveFix(fix, strategy, [late], now)
    const rollout = proposeRollout({ fix, strategy, targets, name: 'one-2', followUp })
    const scenario = rolloutScenario({ fix, rollout, ...others, controlPlanes: [done, late] })
    expect(scenario.targets.map(({ id }) => id)).toEqual(['mc-1/late'])
  })

  test('knows how long earlier rollouts took, wave by wave, but not this one', () => {
    const treated = (name: string, rollout: string, wave: number, minutes: number) =>
      controlPlaneOf(name, {
        spec: { overrides: [{ component: 'control-plane-operator', image: image('e'), fix: 'old', rollout, wave }] },
        status: { operations: [operation(rollout, minutes)] },
      })
    const controlPlanes = [
      treated('a', 'old', 1, 10),
      treated('b', 'old', 1, 20),
      treated('c', 'old', 2, 40),
      treated('d', 'one', 1, 50),
    ]
    const durations = (input: ScenarioInput) =>
      rolloutScenario(input).history?.map(({ count, mean }) => [count, mean / MINUTE])
    expect(durations({ fix, strategy, ...others, controlPlanes })).toEqual([
      [2, 15],
      [1, 40],
      [1, 50],
    ])
    expect(durations({ fix, rollout: proposed(), ...others, controlPlanes })).toEqual([
      [2, 15],
      [1, 40],
    ])
    expect(durations({ fix, strategy, ...others })).toEqual([])
  })
})

function operation(rollout: string, minutes = 10): ControlPlaneOperation {
  const completionTime = `2026-01-05T07:${minutes}:00Z`
  const fixName = rollout === 'old' ? 'old' : 'one'
  return {
    component: 'control-plane-operator',
    image: image('f'),
    fix: fixName,
    rollout,
    phase: 'Applied',
    startTime: '2026-01-05T07:00:00Z',
    completionTime,
  }
}
