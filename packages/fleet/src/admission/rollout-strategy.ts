import { fieldInvalid, invalid } from '@locktender/kube'
import type { FieldError } from '@locktender/kube'
import { parseDuration } from '../durations.ts'
import type { RolloutStrategy } from '../kinds/rollout-strategy.ts'
import { rolloutStrategies } from '../well-known.ts'

/** Refuses rules under which no rollout could ever go on, or none could be halted. */
export function admitRolloutStrategy(object: RolloutStrategy): undefined {
  const errors: FieldError[] = []
  const { goodRate, badRate, alpha, beta } = object.spec.sequentialTest
  if (Number(goodRate) >= Number(badRate)) {
    errors.push(
      fieldInvalid(
        'spec.sequentialTest.goodRate',
        goodRate,
        `is not below badRate ${badRate}, so the test could not tell a good fix from a bad one; lower goodRate or raise badRate`,
      ),
    )
  }
  if (Number(alpha) + Number(beta) >= 1) {
    errors.push(
      fieldInvalid(
        'spec.sequentialTest.alpha',
        alpha,
        `and beta ${beta} add up to 1 or more, so the test would be no better than a coin; choose values like 0.01`,
      ),
    )
  }
  if (parseDuration(object.spec.operationTimeout) === 0) {
    errors.push(
      fieldInvalid(
        'spec.operationTimeout',
        object.spec.operationTimeout,
        'leaves no time at all, so every change would fail; a healthy one takes about 15m, so write at least 30m',
      ),
    )
  }
  if (errors.length > 0) throw invalid(rolloutStrategies, object.metadata.name, errors)
  return undefined
}
