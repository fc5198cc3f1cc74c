import fc from 'fast-check'
import { seededHash } from '../hash.ts'
import type { StrategyInput, TargetMeta } from '../types.ts'

/** Everything happens at multiples of this, so that many things happen at the same time. */
export const TICK = 5 * 60_000

export const TIMEOUT_TICKS = 9

/** Something that happens to the fleet, or that somebody asks of the rollout. */
export interface Happening {
  readonly tick: number
  readonly kind:
    | 'join'
    | 'join-treated'
    | 'leave'
    | 'come-back'
    | 'move'
    | 'pair'
    | 'unpair'
    | 'concern'
    | 'hold'
    | 'offline'
    | 'stratum-offline'
    | 'close'
    | 'unclose'
    | 'ill'
    | 'well'
    | 'signal'
    | 'samples'
    | 'cap'
    | 'lost-acknowledgements'
    | 'restart'
    | 'pause'
    | 'expedite'
    | 'abort'
    | 'revert'
    | 'revert-now'
    | 'skip'
    | 'retry'
  readonly whom: number
  /** How long it lasts; `FOREVER` = to the end. */
  readonly ticks: number
}

export const FOREVER = 61

/** A world and all that happens in it: the same story gives the same run. */
export interface Story {
  readonly seed: number
  readonly targets: number
  readonly stages: readonly { readonly canary: number; readonly factor: number; readonly sizes: readonly number[] }[]
  readonly strata: number
  readonly shards: number
  readonly customers: number
  /** Percent of the targets that are one of a pair, and that are never first. */
  readonly pairs: number
  readonly notFirst: number
  readonly perShard: number
  readonly maxConcurrent: number
  readonly customerShare: number
  /** Percent of the operations that fail or hang, and of the treated that fall ill later. */
  readonly failing: number
  readonly hanging: number
  readonly falling: number
  /** Percent of the writes that fail. */
  readonly failingWrites: number
  /** How late the engine hears of a target, at most. */
  readonly lag: number
  readonly soakTicks: number
  /** Ticks of healthy time that are asked of a stratum, and how long it soaks at most for them. */
  readonly earned: { readonly healthyTicks: number; readonly atMostTicks: number } | null
  readonly graceTicks: number
  readonly haltBy: 'Evidence' | 'Budget'
  readonly budget: { readonly percent: number; readonly minimum: number } | null
  readonly hasHistory: boolean
  readonly compareUntreated: boolean
  readonly autoRevert: boolean
  readonly recordsWave: boolean
  readonly happenings: readonly Happening[]
  /** Decisions at which the caller dies: before carrying out those with even numbers, after those with odd ones. */
  readonly crashes: readonly number[]
}

const percent = (...values: number[]) => fc.constantFrom(...values)

const kind: fc.Arbitrary<Happening['kind']> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom<Happening['kind'][]>(
      'join',
      'leave',
      'come-back',
      'move',
      'hold',
      'offline',
      'stratum-offline',
      'close',
      'unclose',
      'ill',
      'well',
      'cap',
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Happening['kind'][]>(
      'join-treated',
      'pair',
      'unpair',
      'skip',
      'retry',
      'retry',
      'retry',
      'retry',
      'concern',
      'samples',
      'lost-acknowledgements',
      'restart',
      'pause',
      'expedite',
      'revert',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom<Happening['kind'][]>('signal', 'abort', 'revert-now') },
)

const happening: fc.Arbitrary<Happening> = fc.record({
  // Most of it while a small fleet is under way.
  tick: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 200 })),
  kind,
  whom: fc.nat({ max: 9999 }),
  ticks: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 1, arbitrary: fc.constant(FOREVER) },
  ),
})

/** Every third story is one in which nothing happens but the rollout itself. */
export const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.nat({ max: 2 ** 31 - 1 }),
  targets: fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 25 }), fc.nat({ max: 60 })),
  stages: fc.array(
    fc.record({
      canary: fc.integer({ min: 1, max: 8 }),
      factor: fc.constantFrom(1, 2, 2, 3),
      sizes: fc.oneof(fc.constant([]), fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 })),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  strata: fc.integer({ min: 1, max: 4 }),
  shards: fc.integer({ min: 1, max: 4 }),
  customers: fc.integer({ min: 1, max: 10 }),
  pairs: percent(0, 0, 40),
  notFirst: percent(0, 0, 30, 100),
  perShard: fc.integer({ min: 1, max: 5 }),
  maxConcurrent: fc.integer({ min: 1, max: 12 }),
  customerShare: percent(20, 50),
  failing: percent(0, 0, 3, 10, 40),
  hanging: percent(0, 0, 5, 20),
  falling: percent(0, 0, 5, 30),
  failingWrites: percent(0, 0, 10),
  lag: fc.constantFrom(0, 0, 1, 2),
  soakTicks: fc.constantFrom(0, 3, 6),
  earned: fc.option(
    fc.record({ healthyTicks: fc.integer({ min: 1, max: 60 }), atMostTicks: fc.integer({ min: 1, max: 40 }) }),
  ),
  graceTicks: fc.constantFrom(0, 0, 2),
  haltBy: fc.constantFrom('Evidence', 'Evidence', 'Budget'),
  budget: fc.option(fc.record({ percent: percent(0, 10, 50), minimum: fc.nat({ max: 4 }) })),
  hasHistory: fc.boolean(),
  compareUntreated: fc.constantFrom(false, false, true),
  autoRevert: fc.constantFrom(true, true, false),
  recordsWave: fc.constantFrom(true, true, false),
  happenings: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(happening, { minLength: 1, maxLength: 20 }) },
  ),
  crashes: fc.oneof(fc.constant([]), fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 6 })),
})

/** Nobody comes, goes or interferes; what is decided is seen at once, and nothing is lost but what a crash loses. */
export function isQuiet({ happenings, lag, failingWrites }: Story): boolean {
  return happenings.length === 0 && lag === 0 && failingWrites === 0
}

/** A number between 0 and 1 that depends on nothing but the story and the name. */
export function chance({ seed }: Story, name: string): number {
  return seededHash(seed, name) / 2 ** 32
}

export function metaOf(story: Story, id: string): TargetMeta {
  const of = (name: string, count: number) => Math.floor(chance(story, `${name}/${id}`) * count)
  const stage = of('stage', story.stages.length + 0.2)
  // Half of the targets come two by two.
  const couple = Number(id.slice(id.lastIndexOf('-') + 1)) >> 1
  const paired = story.pairs > 0 && chance(story, `pair/${couple}`) * 100 < story.pairs
  return {
    id,
    stage: stage < story.stages.length ? `stage-${stage}` : '',
    stratum: `stratum-${of('stratum', story.strata)}`,
    shard: `shard-${of('shard', story.shards)}`,
    customer: `customer-${of('customer', story.customers)}`,
    ...(paired ? { pair: `pair-${couple}` } : {}),
    ...(chance(story, `first/${id}`) * 100 < story.notFirst ? { notFirst: true } : {}),
  }
}

export function strategyOf(story: Story, maxPerShard: (shard: string) => number): StrategyInput {
  const { soakTicks, earned, graceTicks, budget, hasHistory } = story
  return {
    stages: story.stages.map(({ canary, factor, sizes }, index) => ({
      name: `stage-${index}`,
      canary,
      factor,
      ...(sizes.length > 0 ? { sizes } : {}),
      soakMs: soakTicks * TICK,
      finalSoakMs: 2 * soakTicks * TICK,
      ...(earned ? { earned: { healthyMs: earned.healthyTicks * TICK, atMostMs: earned.atMostTicks * TICK } } : {}),
    })),
    maxPerShard,
    maxConcurrent: story.maxConcurrent,
    customerShare: story.customerShare,
    ...(budget ? { budget } : {}),
    haltBy: story.haltBy,
    sequentialTest: { goodRate: 0.005, badRate: 0.05, alpha: 0.01, beta: 0.01 },
    ...(hasHistory
      ? { history: (stratum: string) => (stratum === 'stratum-0' ? { treated: 40, failed: 4 } : undefined) }
      : {}),
    compareUntreated: story.compareUntreated,
    signals: [{ name: 'Errors', goodShare: 0.01, alpha: 0.01 }],
    operationTimeoutMs: TIMEOUT_TICKS * TICK,
    onsetGraceMs: graceTicks * TICK,
    autoRevert: story.autoRevert,
  }
}
