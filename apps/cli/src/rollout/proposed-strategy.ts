import type { StageStrategy } from '@locktender/rollout'
import { API_VERSION, formatDuration, rolloutStrategies, type RolloutStrategy } from '@locktender/fleet'
import type { NamedStrategy } from '../strategy-source.ts'

/**
 * `base` with the waves and soaks of `stages`, as an object that can be applied. Everything else stays as it was, but for
 * hours that soaks wait for: the soaks proposed are lengths of time.
 */
export function proposedStrategy(
  name: string,
  { spec }: NamedStrategy,
  stages: readonly StageStrategy[],
): RolloutStrategy {
  const paces = new Map(stages.map((stage) => [stage.name, stage]))
  return {
    apiVersion: API_VERSION,
    kind: rolloutStrategies.kind,
    metadata: { name },
    spec: {
      ...spec,
      stages: spec.stages.map((stage) => {
        const pace = paces.get(stage.name)
        if (pace === undefined) return stage
        const { sizes: _sizes, earned: _earned, ...rest } = stage
        return {
          ...rest,
          canary: pace.canary,
          ...(pace.sizes === undefined ? {} : { sizes: pace.sizes }),
          factor: pace.factor,
          soak: formatDuration(pace.soakMs),
          finalSoak: formatDuration(pace.finalSoakMs),
        }
      }),
    },
  }
}
