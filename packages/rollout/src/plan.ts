import { seededHash } from './hash.ts'
import { StagePool, type Candidate } from './stage-pool.ts'
import type { StageStrategy, StrategyInput, TargetMeta } from './types.ts'

/** Reasons that halt at once when the strategy does not say: data planes changed, or etcd cannot write. */
export const DEFAULT_HALT_REASONS: readonly string[] = ['UnexpectedNodeRollout', 'EtcdQuorumLost']

/** Percent of a customer's targets in one wave when the strategy does not say. */
const DEFAULT_CUSTOMER_SHARE = 20

export interface PlannedStage {
  readonly name: string
  readonly targets: number
  /** Sizes of its waves, in order. */
  readonly waves: readonly number[]
}

/** Which target is in which wave, if nothing joins, leaves or goes offline. */
export interface Plan {
  readonly seed: number
  readonly stages: readonly PlannedStage[]
  /** Undefined for a target that is in no stage. Waves are numbered from 1. */
  waveOf(id: string): { readonly stage: string; readonly wave: number } | undefined
}

/** Size of the wave with this number (from 1) as long as there are enough targets. */
export function waveSize(stage: StageStrategy, wave: number): number {
  const size = Math.round(Math.max(1, stage.canary) * Math.max(1, stage.factor) ** (wave - 1))
  return Math.min(Math.max(1, size), Number.MAX_SAFE_INTEGER)
}

/** How many of a customer's `targets` may be in one wave: max(1, share). */
export function customerLimit(strategy: StrategyInput, targets: number): number {
  return Math.max(1, Math.floor((targets * (strategy.customerShare ?? DEFAULT_CUSTOMER_SHARE)) / 100))
}

/**
 * Plans the waves of a rollout. The result depends on the set of targets, the strategy and the seed, not on the order
 * of `targets`.
 */
export function planRollout(targets: Iterable<TargetMeta>, strategy: StrategyInput, seed: number): Plan {
  const pools = new Map(strategy.stages.map((stage) => [stage.name, new StagePool<Candidate>()]))
  const perCustomer = new Map<string, number>()
  for (const { id, stage, stratum, customer } of targets) {
    const pool = pools.get(stage)
    if (!pool) continue
    pool.add({ id, stratum, customer, hash: seededHash(seed, id) })
    perCustomer.set(customer, (perCustomer.get(customer) ?? 0) + 1)
  }
  const waves = new Map<string, { stage: string; wave: number }>()
  const share = (customer: string) => customerLimit(strategy, perCustomer.get(customer) ?? 0)
  const stages: PlannedStage[] = []
  for (const stage of strategy.stages) {
    const pool = pools.get(stage.name) as StagePool<Candidate>
    const planned = { name: stage.name, targets: pool.size, waves: [] as number[] }
    for (let wave = 1; pool.size > 0; wave++) {
      const picked = pool.pick(waveSize(stage, wave), share)
      planned.waves.push(picked.length)
      for (const { id } of picked) waves.set(id, { stage: stage.name, wave })
    }
    stages.push(planned)
  }
  return { seed, stages, waveOf: (id) => waves.get(id) }
}

/**
 * The text an approval binds to once hashed: every rule of the strategy but the caps (which may change while it runs)
 * and the wave of every target. Equal plans give equal texts.
 */
export function planDigestInput(targets: Iterable<TargetMeta>, strategy: StrategyInput, plan: Plan): string {
  const { budget, sequentialTest: test } = strategy
  const lines = [
    'locktender rollout plan 1',
    `seed ${plan.seed}`,
    `budget ${budget.percent} ${budget.minimum}`,
    `test ${test.goodRate} ${test.badRate} ${test.alpha} ${test.beta}`,
    `timeout ${strategy.operationTimeoutMs} revert ${strategy.autoRevert}`,
    `halt ${JSON.stringify(strategy.haltReasons ?? DEFAULT_HALT_REASONS)}`,
    `customer ${strategy.customerShare ?? DEFAULT_CUSTOMER_SHARE} grace ${strategy.onsetGraceMs ?? 0}`,
    ...strategy.stages.map((stage) =>
      JSON.stringify([stage.name, stage.canary, stage.factor, stage.soakMs, stage.finalSoakMs]),
    ),
  ]
  const members: string[] = []
  for (const { id } of targets) {
    const place = plan.waveOf(id)
    if (place) members.push(JSON.stringify([id, place.stage, place.wave]))
  }
  return [...lines, ...members.sort(), ''].join('\n')
}
