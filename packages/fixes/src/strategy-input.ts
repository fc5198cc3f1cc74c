import { parseDuration } from '@locktender/fleet'
import type { RolloutStrategySpec } from '@locktender/fleet'
import type { StrategyInput } from '@locktender/rollout'

const HOUR = 3_600_000

/**
 * What an operation is taken to last until one was seen, milliseconds: 14 minutes until the last component of a highly
 * available control plane has rolled out (12-16 in observed overrides), and the 3 for which an agent sees it settle.
 */
const EXPECTED_OPERATION_MS = 17 * 60_000

/**
 * A strategy as the engine takes it. `maxPerShard` tells how many operations a management cluster may have now.
 *
 * @throws RangeError for a duration that admission would have refused
 */
export function strategyInput(strategy: RolloutStrategySpec, maxPerShard: (shard: string) => number): StrategyInput {
  const { goodRate, badRate, alpha, beta } = strategy.sequentialTest
  const { maxConcurrent, customerShare, haltBy, haltReasons, compareUntreated, onsetGrace, signals } = strategy
  return {
    stages: strategy.stages.map(({ name, canary, factor, sizes, soak, finalSoak, earned }) => ({
      name,
      canary,
      factor,
      ...(sizes === undefined ? {} : { sizes }),
      soakMs: parseDuration(soak),
      finalSoakMs: parseDuration(finalSoak),
      ...(earned && { earned: { healthyMs: earned.hours * HOUR, atMostMs: parseDuration(earned.atMost) } }),
    })),
    maxPerShard,
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(customerShare === undefined ? {} : { customerShare }),
    ...(haltBy === undefined ? {} : { haltBy }),
    ...(haltReasons === undefined ? {} : { haltReasons }),
    ...(compareUntreated === undefined ? {} : { compareUntreated }),
    ...(onsetGrace === undefined ? {} : { onsetGraceMs: parseDuration(onsetGrace) }),
    ...(signals && {
      signals: signals.map(({ name, goodShare, alpha: chance }) => {
        return { name, goodShare: Number(goodShare), alpha: Number(chance) }
      }),
    }),
    budget: strategy.failureBudget,
    sequentialTest: {
      goodRate: Number(goodRate),
      badRate: Number(badRate),
      alpha: Number(alpha),
      beta: Number(beta),
    },
    operationTimeoutMs: parseDuration(strategy.operationTimeout),
    expectedOperationMs: EXPECTED_OPERATION_MS,
    autoRevert: strategy.autoRevert,
  }
}
