import { fixMatcher, stratum, targetState } from '@locktender/fleet'
import type {
  ComponentFix,
  ControlPlane,
  ControlPlaneIdentity,
  RolloutStrategySpec,
  StrategyStage,
} from '@locktender/fleet'
import { objectKey } from '@locktender/kube'
import type { TargetMeta } from '@locktender/rollout'

/** Whom a fix concerns in the fleet as it is now. */
export interface ResolvedFix {
  /** Control planes that need the fix; those in no stage of the strategy have the stage ''. */
  readonly targets: readonly TargetMeta[]
  /** Control planes that have the fix without an override. */
  readonly native: number
  /** Control planes of which nothing is known yet. */
  readonly unreported: number
}

/** What of a strategy says where a control plane belongs. */
export type PlacingRules = Pick<RolloutStrategySpec, 'stages' | 'tiersNotFirst'>

/** Looks up a fix against the whole fleet. `now` in milliseconds since the epoch. */
export function resolveFix(
  fix: ComponentFix,
  rules: PlacingRules,
  controlPlanes: Iterable<ControlPlane>,
  now: number,
): ResolvedFix {
  const matcher = fixMatcher(fix)
  const targets: TargetMeta[] = []
  let native = 0
  let unreported = 0
  for (const controlPlane of controlPlanes) {
    const { state } = targetState(controlPlane, matcher, { now })
    if (state === 'Unknown') unreported++
    else if (state === 'Native') native++
    else if (state !== 'NotAffected') targets.push(targetMeta(controlPlane, rules))
  }
  return { targets, native, unreported }
}

/** What planning needs to know of a control plane. */
export function targetMeta(controlPlane: ControlPlane, { stages, tiersNotFirst = [] }: PlacingRules): TargetMeta {
  const identity = controlPlane.status?.identity
  const isNotFirst = identity !== undefined && tiersNotFirst.includes(identity.tier)
  return {
    id: objectKey(controlPlane),
    stage: identity === undefined ? '' : stageOf(identity, stages),
    stratum: stratum(controlPlane),
    shard: controlPlane.metadata.namespace ?? '',
    customer: identity?.customer ?? '',
    ...(identity?.pair === undefined ? {} : { pair: identity.pair }),
    ...(isNotFirst ? { notFirst: true } : {}),
  }
}

/** Name of the first stage that selects such control planes; '' when none does. */
function stageOf(identity: ControlPlaneIdentity, stages: readonly StrategyStage[]): string {
  const stage = stages.find(
    ({ selector }) =>
      selector.environment === identity.environment &&
      (selector.sector === undefined || selector.sector === identity.sector),
  )
  return stage?.name ?? ''
}
