import type { ControlPlane } from '@locktender/fleet'
import { forkRandom } from '@locktender/kube'
import { RolloutEngine } from '@locktender/rollout'
import { expect, test } from 'vitest'
import { defaultStrategy } from './default-strategy.ts'
import { SignalWindows } from './signal-windows.ts'
import { strategyInput } from './strategy-input.ts'
import { controlPlaneOf } from './test-objects.ts'

const start = Date.parse('2026-01-05T08:00:00Z')
const minute = 60_000
const hour = 60 * minute
const flaps = { name: 'DegradedChanges', goodShare: '0.1', window: '1h', alpha: '0.01' }

function counting(at: number, status: Partial<ControlPlane['status']> = {}): ControlPlane {
  const signals = [{ name: flaps.name, value: 1, at: new Date(at).toISOString() }]
  return controlPlaneOf('a', { status: { signals, ...status } })
}

function taken(windows: SignalWindows, now: number): [number, number] {
  const [samples] = windows.take(now)
  return [samples?.bad ?? 0, samples?.total ?? 0]
}

test('each hour after the change is a sample, a bad one when something was counted in it', () => {
  const windows = new SignalWindows([flaps])
  windows.see('a', counting(start - minute), start, true, start)
  expect(windows.dueAt).toBe(start + hour + minute)
  expect(taken(windows, start + hour)).toEqual([0, 0])
  expect(taken(windows, start + hour + minute)).toEqual([0, 1])
  windows.see('a', counting(start + 90 * minute), start, true, start + 90 * minute)
  windows.see('a', counting(start + 100 * minute), start, true, start + 100 * minute)
  // Counted in the third hour before anybody looks at the second.
  windows.see('a', counting(start + 2 * hour + 30_000), start, true, start + 2 * hour + 30_000)
  expect(taken(windows, start + 2 * hour + minute)).toEqual([1, 1])
  expect(taken(windows, start + 3 * hour + minute)).toEqual([1, 1])
  expect(taken(windows, start + 6 * hour + minute)).toEqual([0, 3])
})

test('an hour says nothing when nobody knows, when another change was under way, and before it was first seen', () => {
  const silent = new SignalWindows([flaps])
  silent.see('a', counting(start - minute), start, false, start)
  expect(taken(silent, start + hour + minute)).toEqual([0, 0])
  const uncounted = new SignalWindows([flaps])
  uncounted.see('a', controlPlaneOf('a'), start, true, start)
  expect(taken(uncounted, start + hour + minute)).toEqual([0, 0])
  const disturbed = new SignalWindows([flaps])
  const startTime = new Date(start + 50 * minute).toISOString()
  const operations = [{ component: 'other', phase: 'Applying' as const, startTime }]
  disturbed.see('a', counting(start + 55 * minute, { operations }), start, true, start + 55 * minute)
  expect(taken(disturbed, start + 2 * hour + minute)).toEqual([0, 0])
  const late = new SignalWindows([flaps])
  late.see('a', counting(start - minute), start, true, start + 5 * hour)
  expect(taken(late, start + 6 * hour + minute)).toEqual([0, 1])
})

test('who is seen again after it was dropped is sampled once', () => {
  const windows = new SignalWindows([flaps])
  const now = start + 10 * minute
  windows.see('a', counting(start - minute), start, true, now)
  windows.drop('a')
  windows.see('a', counting(start - minute), start, true, now)
  expect(taken(windows, start + hour + minute)).toEqual([0, 1])
  windows.drop('a')
  expect(taken(windows, start + 9 * hour)).toEqual([0, 0])
  expect(windows.dueAt).toBeUndefined()
})

/** Whether a fix with which so many hours are bad is halted within so many of a hundred control planes; and after how many. */
function course(share: number, seed: number, hours: number): number | undefined {
  const random = forkRandom(seed, 'hours')
  const target = { id: 'a', stage: 'production', stratum: 's', shard: 'm', customer: 'c' }
  const engine = RolloutEngine.create({
    strategy: strategyInput({ ...defaultStrategy(), signals: [flaps] }, () => 8),
    seed: 1,
    targets: [{ ...target, phase: 'Pending', requested: false }],
    startedAt: start,
    deadline: start + 48 * hour,
  })
  for (let now = 1; now <= hours; now++) {
    let bad = 0
    for (let each = 0; each < 100; each++) if (random.next() < share) bad++
    engine.apply({ type: 'samples', signal: flaps.name, bad, total: 100 })
    if (engine.decide(start + now * hour).some(({ type }) => type === 'halt')) return now
  }
  return undefined
}

test('of 1,000 good fixes at most 1 % is halted in a day, and each that makes it twice as bad is', () => {
  const seeds = Array.from({ length: 1000 }, (_, seed) => seed)
  const halted = seeds.filter((seed) => course(0.1, seed, 24) !== undefined).length
  expect(halted).toBeLessThanOrEqual(10)
  const found = seeds.slice(0, 200).map((seed) => course(0.2, seed, 24) ?? Infinity)
  expect(Math.max(...found)).toBeLessThanOrEqual(12)
  const mean = found.reduce((sum, each) => sum + each, 0) / found.length
  expect(mean).toBeLessThan(4)
})
