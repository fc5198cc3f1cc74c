import type { ControlPlane, ControlPlaneOperation, ControlPlaneStatus } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { FleetExposure } from './fleet-exposure.ts'
import { controlPlaneOf, image } from './test-objects.ts'

const minute = 60_000
const hour = 60 * minute
const start = Date.parse('2026-01-05T08:00:00Z')
const iso = (time: number) => new Date(time).toISOString()

/** When a rollout's change was in place, or a phase of it. */
interface Change {
  readonly rollout: string
  readonly at: number
  readonly phase?: ControlPlaneOperation['phase']
}

const componentOf: Record<string, string> = { left: 'control-plane-operator', right: 'etcd' }

function plane(
  name: string,
  changes: readonly Change[] = [],
  health: ControlPlaneStatus['health'] = { state: 'Healthy', since: '2026-01-01T00:00:00Z' },
): ControlPlane {
  const overrides = changes.map(({ rollout }) => {
    return { component: componentOf[rollout] ?? rollout, image: image('f'), fix: rollout, rollout }
  })
  const operations = changes.map(({ at, phase = 'Applied' }, index) => ({
    ...overrides[index]!,
    phase,
    startTime: iso(at - 15 * minute),
    ...(phase === 'Applied' || phase === 'Failed' ? { completionTime: iso(at) } : {}),
  }))
  return controlPlaneOf(name, { spec: { overrides }, status: { operations, health } })
}

const ill = (at: number, reason = 'KASDown') => ({ state: 'Unavailable' as const, since: iso(at), reason })
const left = { name: 'left', component: 'control-plane-operator', startedAt: start }
const right = { name: 'right', component: 'etcd', startedAt: start }

describe('what a rollout earns', () => {
  test('is the healthy time of those that have its change, bounded by the rule of three', () => {
    const exposure = new FleetExposure()
    const planes = ['a', 'b', 'c'].map((name) => plane(name))
    exposure.track(left, planes, start)
    expect(exposure.earned('left', start)).toEqual({ hours: '0.0', onsets: 0 })
    exposure.see(plane('a', [{ rollout: 'left', at: start + hour }]), start + hour)
    exposure.see(plane('b', [{ rollout: 'left', at: start + 2 * hour }]), start + 2 * hour)
    expect(exposure.earned('left', start + 11 * hour)).toEqual({
      hours: '19.0',
      onsets: 0,
      atMostPerHour: (Math.log(20) / 19).toFixed(6),
    })
  })

  test('stands still while one is ill, taken back, out of reach or gone', () => {
    const exposure = new FleetExposure()
    const names = ['a', 'b', 'c', 'd']
    exposure.track(
      left,
      names.map((name) => plane(name)),
      start,
    )
    const change = [{ rollout: 'left', at: start + hour }]
    for (const name of names) exposure.see(plane(name, change), start + hour)
    exposure.see(plane('a', change, ill(start + 3 * hour)), start + 3 * hour)
    exposure.see(plane('a', change, { state: 'Healthy', since: iso(start + 5 * hour) }), start + 5 * hour)
    exposure.see(plane('b'), start + 3 * hour)
    exposure.drop('mc-1/c', start + 3 * hour)
    const unknown = { state: 'Unknown' as const, since: iso(start + 3 * hour) }
    exposure.see(plane('d', change, unknown), start + 3 * hour)
    expect(exposure.earned('left', start + 11 * hour)).toMatchObject({ hours: '14.0', onsets: 1 })
  })

  test('does not count who was ill before, nor what a change in progress does', () => {
    const exposure = new FleetExposure()
    exposure.track(left, [plane('a', [], ill(start - hour)), plane('b')], start)
    const changing = [{ rollout: 'left', at: start + hour, phase: 'Applying' as const }]
    exposure.see(plane('b', changing, ill(start + 50 * minute)), start + 50 * minute)
    exposure.see(plane('b', [{ rollout: 'left', at: start + hour }]), start + hour)
    exposure.see(plane('a', [{ rollout: 'left', at: start + hour }], ill(start - hour)), start + hour)
    expect(exposure.earned('left', start + 2 * hour)).toMatchObject({ hours: '1.0', onsets: 0 })
  })

  test('is the same when it is read from the objects after a restart, with what they no longer show carried over', () => {
    const exposure = new FleetExposure()
    const change = [{ rollout: 'left', at: start + hour }]
    const well = { state: 'Healthy' as const, since: iso(start + 5 * hour) }
    exposure.track(left, [plane('a'), plane('b'), plane('c')], start)
    for (const name of ['a', 'b']) exposure.see(plane(name, change), start + hour)
    exposure.see(plane('a', change, ill(start + 4 * hour)), start + 4 * hour)
    exposure.see(plane('a', change, well), start + 5 * hour)
    exposure.see(plane('b', change, ill(start + 6 * hour)), start + 6 * hour)
    const now = start + 7 * hour
    const told = exposure.earned('left', now)
    expect(told).toMatchObject({ hours: '10.0', onsets: 2 })

    const restarted = new FleetExposure()
    const objects = [plane('a', change, well), plane('b', change, ill(start + 6 * hour)), plane('c')]
    restarted.track({ ...left, told }, objects, now)
    expect(restarted.earned('left', now)).toEqual(told)
    restarted.see(plane('b', change, { state: 'Healthy', since: iso(now) }), now)
    expect(restarted.earned('left', now + hour)).toMatchObject({ hours: '12.0', onsets: 2 })
  })

  test('what was seen since a restart is kept when the account is made again for another rollout', () => {
    const exposure = new FleetExposure()
    const change = [{ rollout: 'left', at: start + hour }]
    const well = (at: number) => ({ state: 'Healthy' as const, since: iso(at) })
    const told = { hours: '10.0', onsets: 2 }
    // Of two onsets before the restart the objects tell nothing any more.
    const restart = start + 11 * hour
    exposure.track({ ...left, told }, [plane('a', change), plane('b')], restart)
    exposure.see(plane('a', change, ill(start + 12 * hour)), start + 12 * hour)
    exposure.see(plane('a', change, well(start + 13 * hour)), start + 13 * hour)
    const now = start + 15 * hour
    const before = exposure.earned('left', now)
    expect(before).toMatchObject({ hours: '13.0', onsets: 3 })

    const both = [...change, { rollout: 'right', at: start + 14 * hour }]
    const objects = [plane('a', change, well(start + 13 * hour)), plane('b', both.slice(1))]
    exposure.track({ ...right, startedAt: start + 13.5 * hour, told: undefined }, objects, now)
    expect(exposure.earned('left', now)).toEqual(before)
    expect(exposure.earned('left', now + hour)).toMatchObject({ hours: '14.0', onsets: 3 })
  })

  test('a rollout that nobody has yet begins without anything being forgotten', () => {
    const exposure = new FleetExposure()
    const change = [{ rollout: 'left', at: start + hour }]
    exposure.track(left, [plane('a')], start)
    exposure.see(plane('a', change), start + hour)
    exposure.see(plane('a', change, ill(start + 4 * hour)), start + 4 * hour)
    const well = { state: 'Healthy' as const, since: iso(start + 5 * hour) }
    exposure.see(plane('a', change, well), start + 5 * hour)
    const now = start + 6 * hour
    const before = exposure.earned('left', now)
    exposure.track({ ...right, startedAt: now - 1 }, [plane('a', change, well)], now)
    expect(exposure.earned('left', now)).toEqual(before)
    expect(exposure.earned('left', now)).toMatchObject({ hours: '4.0', onsets: 1 })
  })
})

describe('of two rollouts that overlap', () => {
  const number = 60
  const names = Array.from({ length: number }, (_, index) => `cp-${index}`)
  /** The left change reaches everybody within ten hours, the right one every second from the sixth hour on. */
  const changesOf = (index: number): Change[] => [
    { rollout: 'left', at: start + hour + (index / number) * 10 * hour },
    ...(index % 2 === 0 ? [{ rollout: 'right', at: start + 6 * hour + (index / number) * 10 * hour }] : []),
  ]
  const now = start + 18 * hour
  const victims = [0, 4, 10, 16, 22, 28]

  /** Everybody treated; then these fall ill one after the other. */
  function afterOnsets(some: readonly number[]) {
    const exposure = new FleetExposure()
    const planes = names.map((name) => plane(name))
    exposure.track(left, planes, start)
    exposure.track({ ...right, startedAt: start }, planes, start)
    const steps = names.flatMap((_, index) => changesOf(index).map((change) => ({ index, at: change.at })))
    for (const { index, at } of steps.sort((one, other) => one.at - other.at)) {
      const done = changesOf(index).filter((change) => change.at <= at)
      exposure.see(plane(names[index]!, done), at)
    }
    const changed = some.map((index, order) => {
      const at = now + order * minute
      return exposure.see(plane(names[index]!, changesOf(index), ill(at)), at)
    })
    return { exposure, changed }
  }

  test('the one is named that those who fall ill have in common, and the other is excused from then on', () => {
    const { exposure, changed } = afterOnsets(victims)
    expect(exposure.suspects()).toMatchObject([
      { signature: 'KASDown', onsets: 6, guilty: 'right', message: expect.stringContaining('right raises the rate') },
    ])
    expect(exposure.isExcused('left', 'mc-1/cp-0')).toBe(true)
    expect(exposure.isExcused('right', 'mc-1/cp-0')).toBe(false)
    // Who fell ill before it was known is looked at again.
    expect(changed.flat()).toContain('mc-1/cp-0')
  })

  test('who does not have the guilty change is not excused, nor who falls ill in another way', () => {
    const { exposure } = afterOnsets(victims)
    const later = now + hour
    exposure.see(plane('cp-1', changesOf(1), ill(later)), later)
    expect(exposure.isExcused('left', 'mc-1/cp-1')).toBe(false)
    exposure.see(plane('cp-3', changesOf(3), ill(later, 'EtcdDown')), later)
    expect(exposure.isExcused('left', 'mc-1/cp-3')).toBe(false)
  })

  test('who could be ill because of either is held against one of them, the stronger suspect, until one is named', () => {
    const { exposure, changed } = afterOnsets([4])
    // The right change came last.
    expect(['left', 'right'].map((each) => exposure.isExcused(each, 'mc-1/cp-4'))).toEqual([true, false])
    expect(changed.flat()).toEqual(['mc-1/cp-4'])
    // Those with the left change alone turn the suspicion, also for what was seen before.
    const later = now + hour
    const again = [1, 3, 5, 7].flatMap((index) =>
      exposure.see(plane(`cp-${index}`, changesOf(index), ill(later)), later),
    )
    expect(again).toContain('mc-1/cp-4')
    expect(['left', 'right'].map((each) => exposure.isExcused(each, 'mc-1/cp-4'))).toEqual([false, true])
    // What is held against one that is over stays so while it lasts.
    exposure.untrack('left', later)
    exposure.see(plane('cp-9', changesOf(9), ill(later)), later + hour)
    expect(exposure.isExcused('right', 'mc-1/cp-4')).toBe(true)
  })

  test('nobody is named when all fall ill alike', () => {
    const { exposure } = afterOnsets([0, 1, 2, 3, 4, 5])
    expect(exposure.suspects()).toEqual([
      { signature: 'KASDown', onsets: 6, message: 'No change stands out as the cause of KASDown.' },
    ])
    for (const id of ['mc-1/cp-0', 'mc-1/cp-2', 'mc-1/cp-4']) {
      expect(['left', 'right'].filter((each) => exposure.isExcused(each, id))).toHaveLength(1)
    }
    expect(exposure.isExcused('left', 'mc-1/cp-1')).toBe(false)
  })

  test('an excuse lasts until the control plane is well, also when the guilty one is over', () => {
    const { exposure } = afterOnsets(victims)
    exposure.untrack('right', now + hour)
    expect(exposure.isExcused('left', 'mc-1/cp-0')).toBe(true)
    const again = now + 2 * hour
    const only = changesOf(0).slice(0, 1)
    exposure.see(plane('cp-0', only, { state: 'Healthy', since: iso(again) }), again)
    expect(exposure.isExcused('left', 'mc-1/cp-0')).toBe(false)
    exposure.see(plane('cp-0', only, ill(again + hour)), again + hour)
    expect(exposure.isExcused('left', 'mc-1/cp-0')).toBe(false)
  })

  test('a restart names the same one from those who are still ill', () => {
    const { exposure } = afterOnsets(victims)
    const restarted = new FleetExposure()
    const objects = names.map((name, index) => {
      const order = victims.indexOf(index)
      return order < 0 ? plane(name, changesOf(index)) : plane(name, changesOf(index), ill(now + order * minute))
    })
    expect(restarted.track(left, objects, now + hour)).toEqual([])
    const changed = restarted.track(right, objects, now + hour)
    expect(changed.toSorted()).toEqual(victims.map((index) => `mc-1/cp-${index}`).toSorted())
    expect(restarted.suspects()).toMatchObject([{ signature: 'KASDown', onsets: 6, guilty: 'right' }])
    const later = now + 2 * hour
    expect(restarted.earned('left', later)).toEqual(exposure.earned('left', later))
  })
})
