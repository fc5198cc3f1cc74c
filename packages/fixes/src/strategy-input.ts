import { parseDuration } from '@locktender/fleet'
import type { RolloutStrategySpec } from '@locktender/fleet'
import type { StrategyInput } from '@locktender/rollout'

/**
 * A strategy as the engine takes it. `maxPerShard` tells how many operations a management cluster may have now.
 *
 * @throws RangeError for a duration that admission would have refused
 */
export function strategyInput(strategy: RolloutStrategySpec, maxPerShard: (shard: string) => number): StrategyInput {
  const { goodRate, badRate, alpha, beta } = strategy.sequentialTest
  const { maxConcurrent, customerShare, haltBy, haltReasons, compareUntreated, onsetGrace } = strategy
  return {
    stages: strategy.stages.map(({ name, canary, factor, sizes, soak, finalSoak }) => ({
      name,
      canary,
      factor,
      ...(sizes === undefined ? {} : { sizes }),
      soakMs: parseDuration(soak),
      finalSoakMs: parseDuration(finalSoak),
    })),
    maxPerShard,
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(customerShare === undefined ? {} : { customerShare }),
    ...(haltBy === undefined ? {} : { haltBy }),
    ...(haltReasons === undefined ? {} : { haltReasons }),
    ...(compareUntreated === undefined ? {} : { compareUntreated }),
    ...(onsetGrace === undefined ? {} : { onsetGraceMs: parseDuration(onsetGrace) }),
    budget: strategy.failureBudget,
    sequentialTest: {
      goodRate: Number(goodRate),
      badRate: Number(badRate),
      alpha: Number(alpha),
      beta: Number(beta),
    },
    operationTimeoutMs: parseDuration(strategy.operationTimeout),
    autoRevert: strategy.autoRevert,
  }
}
