import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR, MINUTE, ModelWorld } from './model.test-support.ts'
import { planRollout } from './plan.ts'
import type { Decision, RolloutSummary } from './types.ts'
import { happen, happening, smallWorld } from './worlds.test-support.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

describe('1,000 targets over 20 seeds', () => {
  test('a good change with 0.5 % background failures completes in at least 19, within a day', () => {
    const worlds = SEEDS.map((seed) => new ModelWorld({ targets: 1000, seed, background: 0.005 }))
    const completed = worlds.filter((world) => world.run().phase === 'Completed')
    expect(completed.length).toBeGreaterThanOrEqual(19)
    for (const world of completed) {
      expect(world.requests.size).toBe(1000)
      expect(world.now).toBeLessThan(24 * HOUR)
    }
  })

  test('a change that breaks 5 % is halted with at most 12 broken on average and taken back everywhere', () => {
    let broken = 0
    for (const seed of SEEDS) {
      const world = new ModelWorld({ targets: 1000, seed, background: 0.005, bad: 0.05, perShard: 5 })
      const summary = world.run()
      expect(summary.phase).toBe('Reverted')
      expect([...world.reverts.keys()].sort()).toEqual([...world.requests.keys()].sort())
      for (const { phase, requested } of world.observed.values()) {
        expect(requested).toBe(false)
        expect(['Pending', 'Reverted']).toContain(phase)
      }
      // Who was broken before the halt waits for slots that are taken, once (a revert takes 12 minutes), never for the well.
      expect(world.longestHarm).toBeLessThanOrEqual(12 * MINUTE)
      broken += world.brokenBy.size
    }
    expect(broken / SEEDS.length).toBeLessThanOrEqual(12)
  })
})

/** In flight as anybody can see it in the objects: asked or being taken back, and not finished with that. */
function observedInFlight(world: ModelWorld): Map<string, number> {
  const perShard = new Map<string, number>()
  for (const { phase, requested, shard } of world.observed.values()) {
    const waited = requested ? ['Pending', 'Applying', 'Reverting'] : ['Applying', 'Applied', 'Failed', 'Reverting']
    if (waited.includes(phase)) perShard.set(shard, (perShard.get(shard) ?? 0) + 1)
  }
  return perShard
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/**
 * Decisions without those that are repeated because they were lost, and without the end: it may have been persisted
 * with the decision before it, which is as good as carried out.
 */
function once(log: readonly Decision[]): string[] {
  return [...new Set(log.filter(({ type }) => type !== 'complete').map((decision) => JSON.stringify(decision)))]
}

describe('in every world', () => {
  test('caps hold at every moment, for operations and for reverts (I5)', () => {
    fc.assert(
      fc.property(smallWorld, (options) => {
        const onStep = (world: ModelWorld) => {
          const perShard = observedInFlight(world)
          for (const count of perShard.values()) expect(count).toBeLessThanOrEqual(options.perShard ?? 0)
          const total = sum(perShard.values())
          expect(total).toBeLessThanOrEqual(options.strategy?.maxConcurrent ?? 0)
          expect(world.engine.summary(world.now).inFlight).toBe(total)
        }
        new ModelWorld({ ...options, onStep }).run()
      }),
      { seed: 17, numRuns: 60 },
    )
  })

  test('each target is asked at most once, only in an opened wave, and stages and waves go in order (I1-I4)', () => {
    fc.assert(
      fc.property(smallWorld, (options) => {
        const world = new ModelWorld(options)
        const { phase } = world.run()
        const opened = new Set<string>()
        const order: string[] = []
        for (const decision of world.log) {
          if (decision.type === 'open-wave') {
            opened.add(`${decision.stage}/${decision.wave}`)
            order.push(`${world.strategy.stages.findIndex(({ name }) => name === decision.stage)}/${decision.wave}`)
          }
          if (decision.type === 'apply') expect(opened).toContain(`${decision.stage}/${decision.wave}`)
        }
        const sorted = [...order].sort((left, right) => left.localeCompare(right, 'en', { numeric: true }))
        expect(order).toEqual(sorted)
        expect(new Set(order).size).toBe(order.length)
        for (const count of world.requests.values()) expect(count).toBe(1)
        expect(['Completed', 'Reverted']).toContain(phase)
        if (phase === 'Completed') {
          const reachable = [...world.observed.values()].filter((target) => target.phase !== 'Unreachable')
          expect(world.requests.size).toBe(reachable.length)
        } else {
          for (const id of world.requests.keys()) expect(world.reverts.get(id)).toBe(1)
        }
      }),
      { seed: 17, numRuns: 60 },
    )
  })

  test('no wave opens before all of the one before is finished and has soaked (I6)', () => {
    fc.assert(
      fc.property(smallWorld, (options) => {
        const world = new ModelWorld(options)
        world.run()
        let lastEnd: number | undefined
        const seen = new Set<string>()
        const replay = new ModelWorld({
          ...options,
          onStep: (running) => {
            for (const { id, completedAt } of running.observed.values()) {
              if (completedAt !== undefined && !seen.has(id)) {
                seen.add(id)
                lastEnd = Math.max(lastEnd ?? 0, completedAt)
              }
            }
            const newest = running.log.at(-1)
            if (newest?.type !== 'open-wave' || newest.at !== running.now || running.engine.phase !== 'Progressing')
              return
            expect(observedInFlight(running).size).toBe(0)
            if (lastEnd !== undefined) expect(running.now - lastEnd).toBeGreaterThanOrEqual(30 * MINUTE)
          },
        })
        replay.run()
        expect(replay.log).toEqual(world.log)
      }),
      { seed: 17, numRuns: 40 },
    )
  })

  test('the same observations and times give the same decisions, in whatever order targets are listed (I9)', () => {
    fc.assert(
      fc.property(smallWorld, (options) => {
        const world = new ModelWorld(options)
        const reversed = new ModelWorld({ ...options, reversed: true })
        expect(reversed.run()).toEqual(world.run())
        expect(reversed.log).toEqual(world.log)
      }),
      { seed: 17, numRuns: 40 },
    )
  })

  test('counters never go back (I11)', () => {
    fc.assert(
      fc.property(smallWorld, (options) => {
        const read = ({ requested, finished, failures, reverted, decisions }: RolloutSummary) => [
          requested,
          finished,
          failures,
          reverted,
          decisions,
        ]
        let before = [0, 0, 0, 0, 0]
        const onStep = (world: ModelWorld) => {
          const now = read(world.engine.summary(world.now))
          for (const [index, value] of now.entries()) expect(value).toBeGreaterThanOrEqual(before[index] ?? 0)
          before = now
        }
        new ModelWorld({ ...options, onStep }).run()
      }),
      { seed: 17, numRuns: 40 },
    )
  })
})

describe('when nothing interferes', () => {
  test('the waves are those of the plan that was approved (I3)', () => {
    for (const seed of [1, 2, 3]) {
      const world = new ModelWorld({ targets: 500, seed })
      const plan = planRollout(world.observed.values(), world.strategy, seed)
      expect(world.run().phase).toBe('Completed')
      for (const decision of world.log) {
        if (decision.type !== 'apply') continue
        expect(plan.waveOf(decision.id)).toEqual({ stage: decision.stage, wave: decision.wave })
      }
      const sizes = world.waves.map(({ size }) => size)
      expect(sizes).toEqual(plan.stages.flatMap(({ waves }) => waves))
    }
  })
})

describe('while targets join, leave, move, are held, closed and go offline', () => {
  const happenings = fc.array(happening, { maxLength: 60 })
  const crashes = fc.uniqueArray(fc.nat({ max: 300 }), { maxLength: 8 })

  test('it ends, with everybody treated once and within the caps (I2, I5, I8)', () => {
    fc.assert(
      fc.property(smallWorld, happenings, crashes, (options, events, crashAt) => {
        const onStep = (running: ModelWorld) => {
          const perShard = observedInFlight(running)
          for (const count of perShard.values()) expect(count).toBeLessThanOrEqual(options.perShard ?? 0)
          expect(sum(perShard.values())).toBeLessThanOrEqual(options.strategy?.maxConcurrent ?? 0)
          const end = running.log.at(-1)
          if (end?.type !== 'complete' || end.outcome !== 'Completed' || end.at !== running.now) return
          // Nobody who can be treated is left; who comes later is too late.
          for (const target of running.observed.values()) {
            expect(['Applied', 'Failed', 'Unreachable', 'Held']).toContain(target.phase)
          }
        }
        const world = new ModelWorld({ ...options, onStep, crashAt: new Set(crashAt), recordsWave: true })
        for (const event of events) world.schedule(event.minute * MINUTE, () => happen(world, event))
        const { phase } = world.run()
        for (const count of world.requests.values()) expect(count).toBe(1)
        if (phase === 'Reverted') {
          for (const target of world.observed.values()) expect(target.requested).toBe(false)
          return
        }
        expect(phase).toBe('Completed')
      }),
      { seed: 17, numRuns: 150 },
    )
  })

  test('what is counted bit by bit equals what is counted from scratch (I9)', () => {
    fc.assert(
      fc.property(smallWorld, happenings, (options, events) => {
        const onStep = (running: ModelWorld) => {
          const kept = running.engine.summary(running.now)
          const fresh = running.rebuilt().summary(running.now)
          expect(kept.counts).toEqual(fresh.counts)
          expect(kept.inFlight).toBe(fresh.inFlight)
          expect(kept.targets).toBe(fresh.targets)
          const targets = ({ stages }: RolloutSummary) => stages.map(({ targets }) => targets)
          expect(targets(kept)).toEqual(targets(fresh))
        }
        const world = new ModelWorld({ ...options, onStep })
        for (const event of events) world.schedule(event.minute * MINUTE, () => happen(world, event))
        world.run()
      }),
      { seed: 17, numRuns: 25 },
    )
  })
})

describe('after a crash at any decision', () => {
  const crashes = fc.uniqueArray(fc.nat({ max: 300 }), { maxLength: 25 })

  test.each([false, true])(
    'the restored engine decides as if nothing had happened (I10), recorded waves: %s',
    (recordsWave) => {
      fc.assert(
        fc.property(smallWorld, crashes, (options, crashAt) => {
          const steady = new ModelWorld(options)
          const expected = steady.run()
          const crashing = new ModelWorld({ ...options, recordsWave, crashAt: new Set(crashAt) })
          const summary = crashing.run()
          expect(once(crashing.log).sort()).toEqual(once(steady.log).sort())
          for (const count of crashing.requests.values()) expect(count).toBe(1)
          expect(summary.phase).toBe(expected.phase)
          expect(summary.counts).toEqual(expected.counts)
          if (expected.phase === 'Completed') expect(summary.stages).toEqual(expected.stages)
        }),
        { seed: 17, numRuns: 200 },
      )
    },
  )
})
