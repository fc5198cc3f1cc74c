import type { ComponentFixPhase, ComponentFixStatus, Rollout, RolloutPhase, StateCounts } from '@locktender/fleet'

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
  const message = status?.conditions?.find(({ type }) => type === 'Progressing')?.message
  return {
    phase: PHASES[status?.phase ?? 'AwaitingApproval'],
    rollout: rollout.metadata.name,
    affected: status === undefined ? rollout.spec.plan.targets : affectedOf(counts),
    counts,
    ...(message === undefined || message === '' ? {} : { message }),
  }
}

/** The status of a fix that has no rollout, with why and what to do. */
export function fixStatusWithout(phase: 'Pending' | 'Refused' | 'Delivered', message: string): ComponentFixStatus {
  return { phase, affected: 0, counts: {}, message }
}

/** The status of a fix that was delivered once: counts are those of the whole fleet, whichever rollout treated whom. */
export function deliveredStatusOf(latest: Rollout, counts: StateCounts): ComponentFixStatus {
  return { ...fixStatusOf(latest), affected: affectedOf(counts), counts }
}

function affectedOf(counts: StateCounts): number {
  return Object.entries(counts).reduce((sum, [state, count]) => (state === 'Native' ? sum : sum + count), 0)
}
