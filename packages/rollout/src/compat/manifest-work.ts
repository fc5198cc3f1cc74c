import type { KeptQuirks } from './quirks.ts'

/** A condition of a ManifestWork. */
export interface WorkCondition {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly observedGeneration: number
  /** Milliseconds. */
  readonly transitionAt?: number
}

/** What a ManifestWorkReplicaSet looks at in one of its works. */
export interface ManifestWorkView {
  readonly generation: number
  readonly applied?: WorkCondition
  readonly progressing?: WorkCondition
  readonly degraded?: WorkCondition
}

/** The rollout status of the cluster of a work. */
export interface ManifestWorkStatus {
  readonly status: 'ToApply' | 'Progressing' | 'Succeeded' | 'Failed'
  /** The condition that gives the transition time; none for ToApply. */
  readonly transitionFrom?: 'progressing' | 'degraded'
  readonly transitionAt?: number
}

/** Whether a condition is there, speaks of this generation and, if asked, is True. */
export function conditionReady(
  condition: WorkCondition | undefined,
  generation: number,
  requireTrue: boolean,
): condition is WorkCondition {
  if (condition === undefined || condition.observedGeneration !== generation) return false
  return !requireTrue || condition.status === 'True'
}

/** Whether the agent has not reported on the present generation yet. Degraded may be absent, but not old. */
export function manifestWorkMustApply({ generation, applied, progressing, degraded }: ManifestWorkView): boolean {
  if (!conditionReady(applied, generation, true) || !conditionReady(progressing, generation, false)) return true
  return degraded !== undefined && degraded.observedGeneration !== generation
}

/** How a ManifestWorkReplicaSet reads the status of a cluster from the conditions of its work. */
export function manifestWorkStatus(work: ManifestWorkView, kept: KeptQuirks): ManifestWorkStatus {
  const { progressing, degraded } = work
  if (manifestWorkMustApply(work) || progressing === undefined) return { status: 'ToApply' }
  const failed =
    degraded?.status === 'True' &&
    (progressing.status === 'True' || (progressing.status === 'False' && !kept.has('degradedCountsAsSuccess')))
  if (failed) return since('Failed', 'degraded', degraded)
  return since(progressing.status === 'False' ? 'Succeeded' : 'Progressing', 'progressing', progressing)
}

function since(
  status: ManifestWorkStatus['status'],
  transitionFrom: 'progressing' | 'degraded',
  { transitionAt }: WorkCondition,
): ManifestWorkStatus {
  return { status, transitionFrom, ...(transitionAt !== undefined && { transitionAt }) }
}
