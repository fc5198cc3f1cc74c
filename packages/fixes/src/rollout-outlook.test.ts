import type { RolloutOutlook } from '@locktender/fleet'
import { MAX_OUTLOOK_WAVES } from '@locktender/fleet'
import { assess } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { proposeRollout } from './propose-rollout.ts'
import { resolveFix } from './resolve-fix.ts'
import { forecastOf, minutesBehind, outlookOf } from './rollout-outlook.ts'
import { rolloutScenario } from './rollout-scenario.ts'
import { defaultStrategy } from './default-strategy.ts'
import { controlPlaneOf, fixOf } from './test-objects.ts'

const now = Date.parse('2026-01-05T08:30:00Z')
const MINUTE = 60_000
const fix = fixOf('one')
const strategy = defaultStrategy()
const controlPlanes = Array.from({ length: 20 }, (_, index) => controlPlaneOf(`cp-${index}`))
const { targets } = resolveFix(fix, strategy, controlPlanes, now)
const rollout = proposeRollout({ fix, strategy, targets, name: 'one' })
const scenario = rolloutScenario({ fix, rollout, controlPlanes, managementClusters: [], freezeWindows: [], now })
const assessment = assess(scenario)
const outlook = outlookOf(assessment, now)
const at = (time: string | undefined) => Date.parse(time ?? '')

describe('an outlook', () => {
  test('says when the plan ends, with what chance, and wave by wave', () => {
    expect(outlook).toMatchObject({ startTime: '2026-01-05T08:30:00Z', feasible: true, blockers: [] })
    expect(outlook.harmHours).toMatch(/^\d+\.\d$/)
    expect(at(outlook.p50)).toBeGreaterThan(now)
    expect(at(outlook.p80)).toBeGreaterThan(at(outlook.p50))
    expect(at(outlook.p95)).toBeGreaterThan(at(outlook.p80))
    expect(outlook.waves?.map(({ stage, wave, size }) => `${stage} ${wave} ${size}`)).toEqual([
      'production 1 2',
      'production 2 4',
      'production 3 8',
      'production 4 6',
    ])
    // Soaks are counted in whole operations.
    expect(at(outlook.end) - at(outlook.waves?.at(-1)?.endTime)).toBeGreaterThanOrEqual(60 * MINUTE)
  })

  test('of a plan that cannot be in time says what stands against it', () => {
    const late = outlookOf(assess({ ...scenario, deadline: now + 10 * MINUTE }), now)
    expect(late.feasible).toBe(false)
    expect(late.blockers[0]).toMatchObject({ kind: 'Soaks', message: expect.stringContaining('deadline') as string })
  })

  test('of a plan that never ends has no times that are none', () => {
    const closed = { ...scenario, strategy: { ...scenario.strategy, maxPerShard: () => 0 } }
    const never = outlookOf(assess(closed), now)
    expect(never).toEqual({
      startTime: '2026-01-05T08:30:00Z',
      feasible: false,
      blockers: [{ kind: 'ClosedShard', message: expect.stringContaining('mc-1') as string }],
      harmHours: never.harmHours,
    })
  })

  test('leaves waves out when there are more than can be stored', () => {
    const [wave] = assessment.waves
    const waves = Array.from({ length: MAX_OUTLOOK_WAVES + 1 }, () => wave!)
    expect(outlookOf({ ...assessment, waves }, now).waves).toBeUndefined()
    expect(outlookOf({ ...assessment, waves: waves.slice(1) }, now).waves).toHaveLength(MAX_OUTLOOK_WAVES)
  })
})

describe('a forecast', () => {
  const quantiles = { p50: now + MINUTE, p80: now + 2 * MINUTE, p95: now + 3 * MINUTE }
  const first = forecastOf(quantiles, undefined, now)

  test('is dated, from when it was first made', () => {
    expect(first).toEqual({
      time: '2026-01-05T08:30:00Z',
      p50: '2026-01-05T08:31:00Z',
      p80: '2026-01-05T08:32:00Z',
      p95: '2026-01-05T08:33:00Z',
    })
    expect(forecastOf({ ...quantiles, p50: now + MINUTE + 1 }, first, now + MINUTE)).toBe(first)
    expect(forecastOf({ ...quantiles, p50: now }, first, now + MINUTE)?.time).toBe('2026-01-05T08:31:00Z')
  })

  test('is none when there is no end', () => {
    expect(forecastOf(undefined, first, now)).toBeUndefined()
    expect(forecastOf({ ...quantiles, p95: Infinity }, first, now)).toBeUndefined()
  })
})

describe('minutes behind', () => {
  const behind = (phase: 'Progressing' | 'Paused' | 'Halted' | 'Completed', finished: number, time: number) =>
    minutesBehind(outlook, { phase, finished }, time)
  const waves = outlook.waves as NonNullable<RolloutOutlook['waves']>

  test('count from the waves of the outlook, and not in a soak', () => {
    expect(behind('Progressing', 0, now)).toBe(0)
    expect(behind('Progressing', 0, now + 7 * MINUTE)).toBe(7)
    const [first, second] = waves
    expect(behind('Progressing', 2, at(first?.endTime) - 5 * MINUTE)).toBe(-5)
    expect(behind('Progressing', 2, at(second?.startTime))).toBe(0)
    expect(behind('Paused', 2, at(second?.startTime) + 20 * MINUTE)).toBe(20)
    expect(behind('Progressing', 20, at(outlook.end) + MINUTE)).toBe(1)
  })

  test('of one that is complete count to its end, whoever is missing', () => {
    expect(behind('Completed', 18, at(outlook.end) + 9 * MINUTE)).toBe(9)
    expect(behind('Completed', 18, at(outlook.end) - 20 * MINUTE)).toBe(-20)
  })

  test('are none for one that was halted, or of which no waves are known', () => {
    expect(behind('Halted', 2, now)).toBeUndefined()
    const { waves: _, ...without } = outlook
    expect(minutesBehind(without, { phase: 'Progressing', finished: 0 }, now)).toBeUndefined()
    expect(minutesBehind(undefined, { phase: 'Progressing', finished: 0 }, now)).toBeUndefined()
  })
})
