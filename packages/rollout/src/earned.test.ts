import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { EarnedTime } from './earned.ts'
import { RolloutEngine } from './engine.ts'
import { liveThrough, type Tally } from './invariants/live-through.test-support.ts'
import { story, type Story } from './invariants/story.test-support.ts'
import { HOUR, MINUTE, modelStrategy } from './model.test-support.ts'
import { planDigestInput, planRollout } from './plan.ts'
import { workThrough } from './planner/propose.ts'
import { persistedFrom } from './summary.ts'
import type { EarnedSoak, StageStrategy, StrategyInput, TargetInput } from './types.ts'

afterEach(() => vi.restoreAllMocks())

const START = Date.UTC(2026, 2, 2, 8)
const EARNED: EarnedSoak = { healthyMs: 10 * HOUR, atMostMs: 24 * HOUR }

function stage(name: string, change: Partial<StageStrategy> = {}): StageStrategy {
  return { name, canary: 2, factor: 2, soakMs: 30 * MINUTE, finalSoakMs: 45 * MINUTE, earned: EARNED, ...change }
}

function strategyWith(...stages: StageStrategy[]): StrategyInput {
  return modelStrategy({ stages, maxPerShard: () => 100 })
}

function pending(id: string, change: Partial<TargetInput> = {}): TargetInput {
  const place = { stage: 'one', stratum: 'east', shard: 'mc', customer: id }
  return { id, ...place, phase: 'Pending', requested: false, ...change }
}

/** An engine whose targets take a change as long as it says, and the caller that keeps its contract. */
class World {
  readonly strategy: StrategyInput
  readonly targets = new Map<string, TargetInput>()
  engine: RolloutEngine
  now = START
  readonly opened: string[] = []

  constructor(strategy: StrategyInput, targets: readonly TargetInput[]) {
    this.strategy = strategy
    for (const target of targets) this.targets.set(target.id, target)
    this.engine = this.#create()
    this.settle()
  }

  #create(persisted?: ReturnType<typeof persistedFrom>): RolloutEngine {
    return RolloutEngine.create({
      strategy: this.strategy,
      seed: 1,
      targets: this.targets.values(),
      startedAt: START,
      deadline: START + 100 * HOUR,
      ...(persisted ? { persisted } : {}),
    })
  }

  restart(): void {
    this.engine = this.#create(persistedFrom(this.engine.summary(this.now)))
    this.settle()
  }

  tell(id: string, change: Partial<TargetInput>): void {
    const { onsetAt: _1, earnsNothing: _2, ...before } = this.targets.get(id) as TargetInput
    const target = { ...before, ...change }
    this.targets.set(id, target)
    this.engine.apply({ type: 'upsert', target })
    this.settle()
  }

  /** Changes are done at once. */
  settle(): void {
    for (let decisions = this.engine.decide(this.now); decisions.length > 0;) {
      for (const decision of decisions) {
        this.engine.acknowledge(decision)
        if (decision.type === 'open-wave') this.opened.push(`${decision.stage}/${decision.wave} ${this.minutes}`)
        if (decision.type !== 'apply') continue
        const target = this.targets.get(decision.id) as TargetInput
        const done: TargetInput = {
          ...target,
          phase: 'Applied',
          requested: true,
          wave: decision.wave,
          since: this.now - 1000,
          completedAt: this.now,
        }
        this.targets.set(decision.id, done)
        this.engine.apply({ type: 'upsert', target: done })
      }
      decisions = this.engine.decide(this.now)
    }
  }

  get minutes(): number {
    return (this.now - START) / MINUTE
  }

  at(minutes: number): void {
    this.now = START + minutes * MINUTE
    this.settle()
  }

  /** Until the engine wants nothing any more, or nothing before so many minutes. */
  run(minutes = Infinity): void {
    const end = START + minutes * MINUTE
    for (let due = this.engine.nextDue(this.now); due !== undefined && due <= end;) {
      this.now = due
      this.settle()
      due = this.engine.nextDue(this.now)
    }
    if (Number.isFinite(end)) this.at(minutes)
  }

  /** Minutes to the end by the estimate and by the simulation, between which there is no chance here. */
  expectedEnds(): number[] {
    const { eta = 0 } = this.engine.summary(this.now).eta
    const { p50 = 0 } = this.engine.forecast(this.now) ?? {}
    return [eta, p50].map((end) => (end - START) / MINUTE)
  }

  get gate() {
    return this.engine.summary(this.now).gate
  }
}

const many = (count: number, change: Partial<TargetInput> = {}) =>
  Array.from({ length: count }, (_, index) =>
    pending(`${change.stage ?? 'one'}-${change.stratum ?? ''}${index}`, change),
  )

test('a gate opens when the hours are earned, with those of earlier waves, and not before the shortest soak', () => {
  const world = new World(strategyWith(stage('one')), many(14))
  expect(world.opened).toEqual(['one/1 0'])
  expect(world.gate).toMatchObject({ waitingFor: 'Soak', until: START + 5 * HOUR })
  expect(world.gate.message).toBe(
    'Stage one soaks: earned 0 of 10 healthy control-plane hours in stratum east, until 2026-03-02 13:00 UTC.',
  )
  world.at(100)
  expect(world.gate.message).toContain('earned 3.3 of 10 healthy')
  world.run()
  // Two earn ten hours in five. With these behind it the next wave soaks as short as it may.
  expect(world.opened).toEqual(['one/1 0', 'one/2 300', 'one/3 330'])
  expect(world.engine.phase).toBe('Completed')
  expect(world.minutes).toBe(375)
})

test('without hours asked a soak is what it was', () => {
  const { earned: _, ...plain } = stage('one')
  const world = new World(strategyWith(plain), many(14))
  expect(world.gate).toMatchObject({ message: 'Stage one soaks.', until: START + 30 * MINUTE })
  expect(world.engine.summary(START)).not.toHaveProperty('credit')
})

test('hours of earlier stages count for the same stratum', () => {
  const targets = [...many(4), ...many(8, { stage: 'two' }), ...many(8, { stage: 'two', stratum: 'west' })]
  const world = new World(strategyWith(stage('one'), stage('two')), targets)
  world.run()
  // Stage two begins when all strata together have earned ten hours, as west was never treated; its first wave has one
  // of each stratum, so west earns ten hours by one of its own, while east has had enough from stage one.
  expect(world.opened.slice(0, 2)).toEqual(['one/1 0', 'one/2 300'])
  const [, , first, second, third] = world.opened
  expect(first).toBe('two/1 345')
  expect(second).toBe(`two/2 ${345 + 600}`)
  expect(third).toBe(`two/3 ${945 + 30}`)
})

test('a soak is never longer than it may be, and who earns nothing holds it until then', () => {
  const world = new World(strategyWith(stage('one', { earned: { ...EARNED, atMostMs: 2 * HOUR } })), many(6))
  expect(world.gate.until).toBe(START + 2 * HOUR)
  world.at(60)
  for (const id of [...world.targets.values()].filter(({ requested }) => requested).map(({ id }) => id)) {
    world.tell(id, { earnsNothing: true })
  }
  expect(world.gate).toMatchObject({ until: START + 2 * HOUR })
  expect(world.gate.message).toContain('earned 0 of 10 healthy')
  world.run()
  expect(world.opened).toEqual(['one/1 0', 'one/2 120'])
})

test('who falls ill takes along what it earned, and begins anew when it is well', () => {
  const strategy = { ...strategyWith(stage('one')), haltBy: 'Budget' as const }
  const world = new World(strategy, many(6))
  const [ill = ''] = [...world.targets.values()].filter(({ requested }) => requested).map(({ id }) => id)
  world.at(60)
  world.tell(ill, { onsetAt: START + 60 * MINUTE })
  expect(world.gate.until).toBe(START + 10 * HOUR)
  world.at(180)
  world.tell(ill, { healthySince: START + 170 * MINUTE })
  // t + (t − 170) = 600
  expect(world.gate.until).toBe(START + 385 * MINUTE)
  world.restart()
  expect(world.gate.until).toBe(START + 385 * MINUTE)
  expect(world.engine.summary(world.now).credit).toEqual([
    { stratum: 'east', treated: 2, healthy: 2, earnedMs: 190 * MINUTE, askedMs: 10 * HOUR },
  ])
})

test('expedite ends a soak that earns, too', () => {
  const world = new World(strategyWith(stage('one')), many(6))
  world.at(40)
  expect(world.engine.expedite('one', 1)).toBe(true)
  world.settle()
  expect(world.opened).toEqual(['one/1 0', 'one/2 40'])
})

test.each([
  ['few hours', { healthyMs: 2 * HOUR, atMostMs: 24 * HOUR }],
  ['many hours', { healthyMs: 60 * HOUR, atMostMs: 100 * HOUR }],
  ['more than anybody waits for', { healthyMs: 500 * HOUR, atMostMs: 3 * HOUR }],
])('the planner expects waves when the engine opens them: %s', (_, earned) => {
  const strategy = strategyWith(stage('one', { earned }), stage('two', { earned, canary: 3 }))
  const east = { stage: 'two', stratum: 'east' }
  const targets = [
    ...many(11),
    ...many(20, east),
    ...many(9, { ...east, stratum: 'west' }),
    ...many(2, { ...east, stratum: 'north' }),
  ]
  const world = new World(strategy, targets)
  const expected = world.expectedEnds()
  world.run(200)
  expected.push(...world.expectedEnds())
  world.run()
  for (const end of expected) expect(Math.abs(end - world.minutes)).toBeLessThan(0.03 * world.minutes)
  const limits = { startAt: START, roundMs: 1, maxPerShard: () => 100, calendars: new Map() }
  const { work, schedule } = workThrough(targets, strategy, 1, limits)
  const planned = work.map(({ stage, wave }, index) => {
    const { startsAt } = schedule.waves[index]!
    return `${stage}/${wave} ${Math.round((startsAt - START) / MINUTE)}`
  })
  expect(planned).toEqual(world.opened.map((each) => each.replace(/[0-9.]+$/, (at) => String(Math.round(Number(at))))))
  expect(world.engine.phase).toBe('Completed')
})

test('approvals bind to the hours that are asked', () => {
  const targets = many(4)
  const digest = (strategy: StrategyInput) => planDigestInput(targets, strategy, planRollout(targets, strategy, 1))
  const { earned: _, ...plain } = stage('one')
  const digests = [
    plain,
    stage('one'),
    stage('one', { earned: { ...EARNED, healthyMs: 1 } }),
    stage('one', { sizes: [2] }),
  ]
  expect(new Set(digests.map((each) => digest(strategyWith(each)))).size).toBe(4)
})

const earning = story.map((each): Story => {
  const { healthyTicks, atMostTicks } = each.earned ?? { healthyTicks: 24, atMostTicks: 30 }
  return { ...each, failing: 0, hanging: 0, earned: { healthyTicks, atMostTicks } }
})

function liveThroughMany(numRuns: number): Tally {
  const tally: Tally = new Map()
  for (const each of fc.sample(earning, { seed: 21, numRuns })) liveThrough(each, tally)
  return tally
}

test('in every story gates open by what was earned, no sooner and no later', () => {
  const tally = liveThroughMany(150)
  expect(tally.get('earned')).toBeGreaterThan(150)
})

test.each<[string, () => void]>([
  [
    'does not ask strata that were never treated',
    () => {
      const reach = Reflect.get(EarnedTime.prototype, 'reach') as EarnedTime['reach']
      vi.spyOn(EarnedTime.prototype, 'reach').mockImplementation(function (this: EarnedTime, asked, strata) {
        return reach.call(
          this,
          asked,
          [...strata].filter((stratum) => this.by(0, stratum).treated > 0),
        )
      })
    },
  ],
  [
    'counts the ill',
    () => {
      const move = Reflect.get(EarnedTime.prototype, 'move') as EarnedTime['move']
      vi.spyOn(EarnedTime.prototype, 'move').mockImplementation(function (this: EarnedTime, stratum, before, after) {
        move.call(this, stratum, before === null ? 0 : before, after === null ? 0 : after)
      })
    },
  ],
  [
    'opens a millisecond early',
    () => {
      const reach = Reflect.get(EarnedTime.prototype, 'reach') as EarnedTime['reach']
      vi.spyOn(EarnedTime.prototype, 'reach').mockImplementation(function (this: EarnedTime, asked, strata) {
        const last = reach.call(this, asked, strata)
        return last && { ...last, at: last.at - 1 }
      })
    },
  ],
  [
    'opens a minute late',
    () => {
      const reach = Reflect.get(EarnedTime.prototype, 'reach') as EarnedTime['reach']
      vi.spyOn(EarnedTime.prototype, 'reach').mockImplementation(function (this: EarnedTime, asked, strata) {
        const last = reach.call(this, asked, strata)
        return last && { ...last, at: last.at + 60_000 }
      })
    },
  ],
])('the stories find an engine that %s', (_, spoil) => {
  spoil()
  expect(() => liveThroughMany(150)).toThrow(/I6|I21/)
})
