import { assignWaves, type WaveAssignment } from './planner/assign-waves.ts'
import type { StrategyInput, TargetMeta } from './types.ts'
import { DEFAULT_CUSTOMER_SHARE } from './wave-size.ts'

/** Reasons that halt at once when the strategy does not say: data planes changed, or etcd cannot write. */
export const DEFAULT_HALT_REASONS: readonly string[] = ['UnexpectedNodeRollout', 'EtcdQuorumLost']

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

/**
 * Plans the waves of a rollout. The result depends on the set of targets, the strategy and the seed, not on the order
 * of `targets`.
 */
export function planRollout(targets: Iterable<TargetMeta>, strategy: StrategyInput, seed: number): Plan {
  const listed = Array.isArray(targets) ? (targets as readonly TargetMeta[]) : Array.from(targets)
  return planOf(listed, assignWaves(listed, strategy, seed), strategy, seed)
}

/** Gives an assignment of `targets` as a plan; which target is where is looked up only when somebody asks. */
export function planOf(
  targets: readonly TargetMeta[],
  { places, sizes }: WaveAssignment,
  strategy: StrategyInput,
  seed: number,
): Plan {
  let byId: Map<string, number> | undefined
  const stages = strategy.stages.map(({ name }, index) => {
    const waves = sizes[index] as readonly number[]
    return { name, targets: waves.reduce((sum, size) => sum + size, 0), waves }
  })
  return {
    seed,
    stages,
    waveOf(id) {
      byId ??= new Map(targets.map((target, index) => [target.id, index]))
      const place = places[byId.get(id) ?? -1]
      return place && { stage: strategy.stages[place.stage]?.name ?? '', wave: place.wave }
    },
  }
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
    budget ? `budget ${budget.percent} ${budget.minimum}` : 'no budget',
    `test ${test.goodRate} ${test.badRate} ${test.alpha} ${test.beta}`,
    ...(strategy.haltBy === 'Budget' ? ['halt by budget'] : []),
    `timeout ${strategy.operationTimeoutMs} revert ${strategy.autoRevert}`,
    `halt ${JSON.stringify(strategy.haltReasons ?? DEFAULT_HALT_REASONS)}`,
    `customer ${strategy.customerShare ?? DEFAULT_CUSTOMER_SHARE} grace ${strategy.onsetGraceMs ?? 0}`,
    ...(strategy.compareUntreated ? ['compare untreated'] : []),
    ...(strategy.signals ?? []).map(({ name, goodShare, alpha }) => JSON.stringify([name, goodShare, alpha])),
    ...strategy.stages.map((stage) =>
      JSON.stringify([
        stage.name,
        stage.canary,
        stage.factor,
        stage.soakMs,
        stage.finalSoakMs,
        ...(stage.sizes || stage.earned ? [stage.sizes ?? []] : []),
        ...(stage.earned ? [stage.earned.healthyMs, stage.earned.atMostMs] : []),
      ]),
    ),
  ]
  const members: string[] = []
  for (const { id } of targets) {
    const place = plan.waveOf(id)
    if (place) members.push(JSON.stringify([id, place.stage, place.wave]))
  }
  return [...lines, ...members.sort(), ''].join('\n')
}
