import { MAX_STRATA, stratum } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, Rollout, RolloutHistory } from '@locktender/fleet'
import type { OperationHistory } from '@locktender/rollout'

/**
 * How often earlier changes of a fix's component failed on each kind of control planes: the last operation of each that
 * belongs to a completed rollout of another fix. What a halted one did says how bad that fix was, not how often control
 * planes of a kind fail anyway. Kinds where nothing failed are left out, since a clean past changes no judgement; of more
 * than the API takes, those with most failures are kept. In the order of their names.
 */
export function operationHistory(
  controlPlanes: Iterable<ControlPlane>,
  fix: ComponentFix,
  rollouts: Iterable<Rollout>,
): RolloutHistory {
  const completed = new Set(
    [...rollouts].filter(({ status }) => status?.phase === 'Completed').map(({ metadata }) => metadata.name),
  )
  const strata = new Map<string, { treated: number; failed: number }>()
  for (const controlPlane of controlPlanes) {
    const operation = controlPlane.status?.operations?.find(({ component }) => component === fix.spec.component)
    if (operation === undefined || operation.fix === fix.metadata.name) continue
    // Without an image it is the revert that ended, not the change.
    if (operation.image === undefined || !completed.has(operation.rollout ?? '')) continue
    if (operation.phase !== 'Applied' && operation.phase !== 'Failed') continue
    const name = stratum(controlPlane)
    const counts = strata.get(name) ?? { treated: 0, failed: 0 }
    counts.treated++
    if (operation.phase === 'Failed') counts.failed++
    strata.set(name, counts)
  }
  return Array.from(strata, ([name, counts]) => ({ stratum: name, ...counts }))
    .filter(({ failed }) => failed > 0)
    .sort((left, right) => right.failed - left.failed || byName(left, right))
    .slice(0, MAX_STRATA)
    .sort(byName)
}

/** The history that was frozen with a rollout, as the engine asks for it. */
export function historyOf({ spec }: Rollout): ((stratum: string) => OperationHistory | undefined) | undefined {
  if (spec.history === undefined) return undefined
  const strata = new Map(spec.history.map(({ stratum: name, treated, failed }) => [name, { treated, failed }]))
  return (name) => strata.get(name)
}

function byName(left: { readonly stratum: string }, right: { readonly stratum: string }): number {
  return left.stratum < right.stratum ? -1 : left.stratum > right.stratum ? 1 : 0
}
