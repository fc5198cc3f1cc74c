import type { ComponentFixPhase, ComponentFixStatus, Rollout, RolloutPhase } from '@locktender/fleet'

const PHASES: Readonly<Record<RolloutPhase, ComponentFixPhase>> = {
  AwaitingApproval: 'AwaitingApproval',
  Progressing: 'Delivering',
  Paused: 'Delivering',
  Halted: 'Halted',
  Reverting: 'Halted',
  Reverted: 'Reverted',
  Completed: 'Delivered',
  Aborted: 'Aborted',
}

/** The status of a fix that has a rollout: what the rollout says, for those who look at the fix. */
export function fixStatusOf(rollout: Rollout): ComponentFixStatus {
  const { status } = rollout
  const counts = status?.counts ?? {}
  const affected = Object.entries(counts).reduce((sum, [state, count]) => (state === 'Native' ? sum : sum + count), 0)
  const message = status?.conditions?.find(({ type }) => type === 'Progressing')?.message
  return {
    phase: PHASES[status?.phase ?? 'AwaitingApproval'],
    rollout: rollout.metadata.name,
    affected: status === undefined ? rollout.spec.plan.targets : affected,
    counts,
    ...(message === undefined || message === '' ? {} : { message }),
  }
}

/** The status of a fix that has no rollout, with why and what to do. */
export function fixStatusWithout(phase: 'Pending' | 'Refused' | 'Delivered', message: string): ComponentFixStatus {
  return { phase, affected: 0, counts: {}, message }
}

/** Whether a fix came to an end without a rollout; nothing is proposed for it any more. */
export function isClosed(status: ComponentFixStatus | undefined): boolean {
  return status?.phase === 'Refused' || (status?.phase === 'Delivered' && status.rollout === undefined)
}
