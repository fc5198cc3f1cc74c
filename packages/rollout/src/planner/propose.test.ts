import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modelMeta, modelStrategy } from '../model.test-support.ts'
import { customerLimit } from '../wave-size.ts'
import type { PlannerTarget } from './outline.ts'
import { limitsOf, proposeStrategy, workThrough, type PlannerInput } from './propose.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 10, 21)

const fleet = (size: number, change: (index: number) => Partial<PlannerTarget> = () => ({})): PlannerTarget[] =>
  Array.from({ length: size }, (_, index) => ({ ...modelMeta(index, size, 1, 5), ...change(index) }))

const inputOf = (change: Partial<PlannerInput> = {}): PlannerInput => ({
  targets: fleet(500),
  stages: ['integration', 'stage', 'canary', 'production'],
  stakes: { hazard: 0.001, prior: 0.1 },
  startAt: START,
  deadline: START + 72 * HOUR,
  operationMs: 20 * MINUTE,
  rules: modelStrategy({ maxPerShard: () => 10 }),
  seed: 7,
  ...change,
})
const soakOf = (change: Partial<PlannerInput>) => proposeStrategy(inputOf(change)).strategy.stages[0]?.soakMs ?? 0
const said = (change: Partial<PlannerInput>) => proposeStrategy(inputOf(change)).reasons.map(({ message }) => message)

describe('from a few numbers to a strategy', () => {
  test('a sentence for each choice', () => {
    expect(said({})).toMatchInlineSnapshot(`
      [
        "Expected harm is 3.9 control-plane hours: 2.4 of control planes that wait (0.1 % suffer at any moment) and 1.5 of a bad change (chance 10 %, then 7.5 harmed before it stops).",
        "8 waves grow 3 times from 100, because doubling from 10 would cost 4.7 control-plane hours instead of 3.8.",
        "15 min of soak after each wave, which harms least.",
        "The first waves are smaller than the strata are many; one of each can have been reached of the 12 strata of integration by wave 2, 16 strata of stage by wave 2, 15 strata of canary by wave 2.",
        "The last control plane has it at 2026-11-21 07:45 UTC; the last soak ends at 2026-11-21 08:00 UTC, 64 h before the deadline.",
      ]
    `)
  })

  test('a worse bug soaks less, a riskier fix soaks longer', () => {
    const hazards = [0.0001, 0.001, 0.01, 0.1].map((hazard) =>
      soakOf({ stakes: { hazard, prior: 0.1 }, minSoakMs: 5 * MINUTE }),
    )
    expect(hazards).toEqual([...hazards].sort((left, right) => right - left))
    const priors = [0.02, 0.1, 0.3, 0.9].map((prior) =>
      soakOf({ stakes: { hazard: 0.0001, prior }, minSoakMs: 5 * MINUTE }),
    )
    expect(priors).toEqual([...priors].sort((left, right) => left - right))
    expect(priors.at(-1)).toBeGreaterThan(hazards.at(-1) ?? 0)
  })

  test('doubling from ten unless another shape saves a tenth', () => {
    const { strategy, harm, alternatives } = proposeStrategy(inputOf({ stakes: { hazard: 0.0001, prior: 0.02 } }))
    expect(strategy.stages.at(-1)).toMatchObject({ canary: 10, factor: 2 })
    const least = Math.min(...alternatives.map((each) => each.harm))
    expect(harm.total).toBeLessThan(Math.max(least / 0.9, least + 0.5) * 1.1)
  })

  test('a deadline shortens the soak, or changes the shape, before it is given up', () => {
    const calm = { stakes: { hazard: 0, prior: 0.5 } }
    const free = proposeStrategy(inputOf({ ...calm, deadline: START + 400 * HOUR }))
    const tight = proposeStrategy(inputOf({ ...calm, deadline: START + 16 * HOUR }))
    const end = (proposal: typeof free) => proposal.feasibility.earliestEnd ?? 0
    expect(end(free)).toBeGreaterThan(START + 16 * HOUR)
    expect(tight.feasibility.feasible).toBe(true)
    expect(end(tight)).toBeLessThanOrEqual(START + 16 * HOUR)
    expect(tight.harm.total).toBeGreaterThan(free.harm.total)
  })

  test('what cannot be in time is said, with the fastest plan', () => {
    const proposal = proposeStrategy(inputOf({ deadline: START + 3 * HOUR }))
    expect(proposal.feasibility.feasible).toBe(false)
    expect(proposal.feasibility.blockers.length).toBeGreaterThan(0)
    const usual = proposal.alternatives.filter(({ canary, factor }) => canary === 10 && factor === 2)
    expect(proposal.feasibility.earliestEnd).toBeLessThan(Math.min(...usual.map(({ end }) => end)))
  })

  test('a halt that needs more failures makes waiting worth more', () => {
    const slow = { goodRate: 0.05, badRate: 0.15, alpha: 0.01, beta: 0.01 }
    const fast = proposeStrategy(inputOf())
    const late = proposeStrategy(inputOf({ rules: modelStrategy({ sequentialTest: slow }) }))
    expect(late.harm.exposed).toBeGreaterThan(fast.harm.exposed)
  })

  test('chances and durations must make sense', () => {
    expect(() => proposeStrategy(inputOf({ stakes: { hazard: 2, prior: 0 } }))).toThrow(RangeError)
    expect(() => proposeStrategy(inputOf({ stakes: { hazard: 0, prior: -1 } }))).toThrow(RangeError)
    expect(() => proposeStrategy(inputOf({ operationMs: 0 }))).toThrow(RangeError)
  })

  test('a rollout without targets ends at once', () => {
    const { waves, feasibility, harm } = proposeStrategy(inputOf({ targets: [] }))
    expect(waves).toEqual([])
    expect(feasibility).toMatchObject({ feasible: true, earliestEnd: START })
    expect(harm.total).toBe(0)
  })
})

describe('exemptions', () => {
  const targets = fleet(200)
  const exemptions = [
    { id: targets[150]?.id ?? '', owner: 'ana', reason: 'fair', until: START + 10 * HOUR },
    { id: targets[150]?.id ?? '', owner: 'ana', reason: 'fair', until: START + 4 * HOUR },
    { id: targets[151]?.id ?? '', owner: 'bo', reason: 'audit', until: START + 20 * HOUR },
    { id: targets[152]?.id ?? '', owner: 'bo', reason: 'over', until: START },
    { id: 'elsewhere', owner: 'bo', reason: 'other', until: START + 20 * HOUR },
  ]

  test('take targets out, and count as unfixed exposure until they end', () => {
    const { plan, exempted, harm, reasons } = proposeStrategy(inputOf({ targets, exemptions }))
    expect(exempted.unfixedHours).toBe(30)
    expect([150, 151, 152].map((index) => plan.waveOf(targets[index]?.id ?? '') === undefined)).toEqual([
      true,
      true,
      false,
    ])
    expect(harm.unfixedHours).toBeGreaterThan(30)
    expect(reasons.at(-1)?.message).toBe(
      '2 control planes are exempt for ana, bo: 30 hours without the change, 0.03 control-plane hours of the harm.',
    )
  })
})

const smallFleets = fc
  .array(
    fc.record({
      stage: fc.constantFrom('canary', 'production'),
      stratum: fc.constantFrom('a', 'b'),
      shard: fc.constantFrom('mc-1', 'mc-2'),
      customer: fc.constantFrom('x', 'y', 'z'),
      windowClass: fc.constantFrom('', 'nights'),
      pair: fc.constantFrom(undefined, 'p', 'q'),
      notFirst: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((items) =>
    items.map(({ pair, ...rest }, index): PlannerTarget => ({ id: `cp-${index}`, ...rest, ...(pair ? { pair } : {}) })),
  )
const nights = { open: [0, 24, 48].map((day) => ({ from: START + (day + 2) * HOUR, to: START + (day + 6) * HOUR })) }
const smallInput = (targets: PlannerTarget[], hours: number, perShard: number): PlannerInput =>
  inputOf({
    targets,
    stages: ['canary', 'production'],
    deadline: START + hours * HOUR,
    windows: { nights },
    rules: modelStrategy({ maxPerShard: () => perShard, maxConcurrent: 3 }),
  })

describe('in general', () => {
  test('caps, windows, shares, pairs and tiers hold in every plan', () => {
    fc.assert(
      fc.property(
        smallFleets,
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 3 }),
        (targets, hours, perShard) => {
          const input = smallInput(targets, hours, perShard)
          const { plan, strategy, waves, feasibility } = proposeStrategy(input)
          expect(plan.stages.reduce((sum, stage) => sum + stage.targets, 0)).toBe(targets.length)
          for (const [index, wave] of waves.entries()) {
            const members = targets.filter(({ id }) => {
              const place = plan.waveOf(id)
              return place?.stage === wave.stage && place.wave === wave.wave
            })
            expect(members).toHaveLength(wave.size)
            const before = waves[index - 1]
            if (before) expect(wave.startsAt).toBeGreaterThanOrEqual(before.endsAt + before.soakMs)
            const pairs = members.flatMap(({ pair }) => pair ?? [])
            expect(new Set(pairs).size).toBe(pairs.length)
            const rounds = (wave.endsAt - wave.startsAt) / input.operationMs
            for (const shard of ['mc-1', 'mc-2']) {
              expect(members.filter((each) => each.shard === shard).length).toBeLessThanOrEqual(rounds * perShard)
            }
            expect(members.length).toBeLessThanOrEqual(rounds * 3)
            if (members.some(({ windowClass }) => windowClass === 'nights') && Number.isFinite(wave.endsAt)) {
              const open = limitsOf(input).calendars.get('nights')?.openTime(wave.startsAt, wave.endsAt) ?? 0
              expect(open).toBeGreaterThanOrEqual(input.operationMs)
            }
            const rest = targets.filter(({ id, stage }) => {
              const place = plan.waveOf(id)
              return stage === wave.stage && place !== undefined && place.wave > wave.wave
            })
            // A customer has more than its share only when every other that waits could not come or had its share.
            for (const customer of new Set(members.map((each) => each.customer))) {
              const all = targets.filter((each) => each.customer === customer).length
              const mine = members.filter((each) => each.customer === customer).length
              if (mine <= customerLimit(strategy, all)) continue
              const eager = rest.filter((each) => {
                const theirs = targets.filter(({ customer: other }) => other === each.customer).length
                const there = members.filter(({ customer: other }) => other === each.customer).length
                return (
                  there < customerLimit(strategy, theirs) &&
                  each.pair === undefined &&
                  !(wave.wave === 1 && each.notFirst)
                )
              })
              expect(eager).toEqual([])
            }
          }
          const last = waves.at(-1)
          if (feasibility.feasible && last) expect(last.endsAt + last.soakMs).toBeLessThanOrEqual(input.deadline ?? 0)
        },
      ),
      { seed: 1, numRuns: 60 },
    )
  })

  test('is feasible exactly when one of the shapes is', () => {
    let both = 0
    fc.assert(
      fc.property(
        smallFleets,
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 3 }),
        (targets, hours, perShard) => {
          const input = smallInput(targets, hours, perShard)
          const ends = [5, 10, 20, 50, 100].flatMap((canary) =>
            [2, 3, 5, 10].map((factor) => {
              const stages = input.stages.map((name) => {
                const own = targets.filter(({ stage }) => stage === name).length
                const first = Math.max(1, Math.min(canary, Math.ceil(own / 4)))
                return { name, canary: first, factor, soakMs: 15 * MINUTE, finalSoakMs: 15 * MINUTE }
              })
              return workThrough(targets, { ...input.rules, stages }, input.seed, limitsOf(input)).schedule.end
            }),
          )
          const exists = ends.some((end) => end <= (input.deadline ?? 0))
          expect(proposeStrategy(input).feasibility.feasible).toBe(exists)
          both += exists ? 1 : 0
        },
      ),
      { seed: 2, numRuns: 40 },
    )
    expect(both).toBeGreaterThan(5)
    expect(both).toBeLessThan(35)
  })

  test('does not depend on the order of listing', () => {
    fc.assert(
      fc.property(smallFleets, fc.integer({ min: 1, max: 80 }), (targets, hours) => {
        const one = proposeStrategy(smallInput(targets, hours, 2))
        const two = proposeStrategy(smallInput([...targets].reverse(), hours, 2))
        for (const key of ['waves', 'harm', 'feasibility', 'reasons', 'alternatives'] as const) {
          expect(two[key]).toEqual(one[key])
        }
        for (const { id } of targets) expect(two.plan.waveOf(id)).toEqual(one.plan.waveOf(id))
      }),
      { seed: 3, numRuns: 30 },
    )
  })

  test('the least harm there is grows with the hazard', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(chance, chance, (one, two) => {
        const least = (hazard: number) =>
          Math.min(
            ...proposeStrategy(inputOf({ targets: fleet(60), stakes: { hazard, prior: 0.1 } })).alternatives.map(
              ({ harm }) => harm,
            ),
          )
        expect(least(Math.max(one, two))).toBeGreaterThanOrEqual(least(Math.min(one, two)))
      }),
      { seed: 4, numRuns: 20 },
    )
  })
})
