import type { RolloutStatus } from '@locktender/fleet'
import type { Forecast, RolloutSummary } from '@locktender/rollout'
import { describe, expect, test } from 'vitest'
import { Prospects } from './prospects.ts'
import { rolloutScenario } from './rollout-scenario.ts'
import { controlPlaneOf, fixOf, rolloutOf } from './test-objects.ts'

const MINUTE = 60_000
const start = Date.parse('2026-01-05T08:30:00Z')
const rollout = rolloutOf('one')
const controlPlanes = [controlPlaneOf('a')]
const scenarioAt = (now: number) =>
  rolloutScenario({ fix: fixOf('one'), rollout, controlPlanes, managementClusters: [], freezeWindows: [], now })
const none = () => []

/** An engine that ends an hour from each question, and counts them. */
function engine() {
  const asked: number[] = []
  const forecast = (now: number): Forecast => {
    asked.push(now)
    return { p50: now + 60 * MINUTE, p80: now + 70 * MINUTE, p95: now + 90 * MINUTE }
  }
  return { forecast, asked }
}

function summary(
  phase: RolloutSummary['phase'],
  waitingFor: RolloutSummary['gate']['waitingFor'] = 'Operations',
): Pick<RolloutSummary, 'phase' | 'finished' | 'gate'> {
  return { phase, finished: 0, gate: { waitingFor, message: '' } }
}

describe('what is expected of a rollout', () => {
  test('that waits is looked at again as its start moves on', () => {
    const prospects = new Prospects(undefined)
    expect(prospects.ahead()).toEqual({})
    expect(prospects.wait(() => scenarioAt(start), start)).toBe(true)
    expect(prospects.ahead().outlook?.startTime).toBe('2026-01-05T08:30:00Z')
    expect(prospects.dueAt).toBe(start + 15 * MINUTE)
    const tooEarly = () => {
      throw new Error('not asked')
    }
    expect(prospects.wait(tooEarly, start + 14 * MINUTE)).toBe(false)
    expect(prospects.wait(() => scenarioAt(start + 15 * MINUTE), start + 15 * MINUTE)).toBe(true)
    expect(prospects.ahead().outlook?.startTime).toBe('2026-01-05T08:45:00Z')
  })

  test('that may begin at once is looked at once', () => {
    const prospects = new Prospects(undefined)
    let looks = 0
    const scenario = () => {
      looks++
      return scenarioAt(start)
    }
    expect(prospects.lookAhead(scenario, start)?.startTime).toBe('2026-01-05T08:30:00Z')
    prospects.begin(scenario, start)
    expect(looks).toBe(1)
    expect(prospects.ahead().outlook?.startTime).toBe('2026-01-05T08:30:00Z')
    // One that had to wait for another is looked at again when it begins.
    prospects.lookAhead(scenario, start + MINUTE)
    prospects.begin(scenario, start + MINUTE)
    expect(looks).toBe(2)
  })

  test('that has begun is what was expected at its start, also after a restart', () => {
    const prospects = new Prospects(undefined)
    prospects.wait(() => scenarioAt(start), start)
    prospects.begin(() => scenarioAt(start + 5 * MINUTE), start + 5 * MINUTE)
    const at = { now: start + 5 * MINUTE, milestone: true }
    const expected = prospects.underWay(engine(), summary('Progressing'), none, at)
    expect(expected).toMatchObject({
      outlook: { startTime: '2026-01-05T08:35:00Z' },
      forecast: { p50: '2026-01-05T09:35:00Z', p80: '2026-01-05T09:45:00Z' },
      minutesBehind: 0,
    })
    const restarted = new Prospects(expected as RolloutStatus)
    const later = { now: start + 12 * MINUTE, milestone: false }
    expect(restarted.underWay(engine(), summary('Progressing'), none, later)).toMatchObject({
      outlook: expected.outlook,
      minutesBehind: 7,
    })
  })

  test('is forecast at milestones, and in between not more often than every five minutes', () => {
    const prospects = new Prospects(undefined)
    prospects.begin(() => scenarioAt(start), start)
    const { forecast, asked } = engine()
    let looks = 0
    const past = () => {
      looks++
      return []
    }
    for (const [minute, milestone] of [
      [0, false],
      [1, false],
      [2, true],
      [6, false],
      [7, false],
      [8, false],
    ] as const) {
      const at = { now: start + minute * MINUTE, milestone }
      const { forecast: told } = prospects.underWay({ forecast }, summary('Progressing'), past, at)
      expect(told).toBeDefined()
    }
    expect(asked.map((time) => (time - start) / MINUTE)).toEqual([0, 2, 7])
    expect(prospects.dueAt).toBe(start + 12 * MINUTE)
    expect(looks).toBe(1)
    const soaking = { now: start + 20 * MINUTE, milestone: false }
    prospects.underWay({ forecast }, summary('Progressing', 'Soak'), past, soaking)
    expect(asked).toHaveLength(3)
  })

  test('that is complete is how late it was, also when its status is written again', () => {
    const prospects = new Prospects(undefined)
    prospects.begin(() => scenarioAt(start), start)
    const { outlook } = prospects.ahead()
    const late = Date.parse(outlook?.end ?? '') + 30 * MINUTE
    const tell = (which: Prospects, now: number) =>
      which.underWay(engine(), summary('Completed'), none, { now, milestone: false }).minutesBehind
    expect([tell(prospects, late), tell(prospects, late + 10 * MINUTE)]).toEqual([30, 30])
    const stored = { phase: 'Completed', outlook, minutesBehind: 30 } as unknown as RolloutStatus
    expect(tell(new Prospects(stored), late + 10 * MINUTE)).toBe(30)
  })

  test('has no forecast while it is paused, but falls behind; and nothing when it was halted', () => {
    const prospects = new Prospects(undefined)
    prospects.begin(() => scenarioAt(start), start)
    const { forecast, asked } = engine()
    const at = (minute: number) => ({ now: start + minute * MINUTE, milestone: false })
    prospects.underWay({ forecast }, summary('Progressing'), none, at(0))
    const paused = prospects.underWay({ forecast }, summary('Paused'), none, at(10))
    expect(paused).toMatchObject({ minutesBehind: 10 })
    expect(paused.forecast).toBeUndefined()
    expect(prospects.dueAt).toBe(start + 15 * MINUTE)
    const halted = prospects.underWay({ forecast }, summary('Reverting'), none, at(20))
    expect(Object.keys(halted)).toEqual(['outlook'])
    expect(prospects.dueAt).toBe(Infinity)
    expect(asked).toHaveLength(1)
  })
})
