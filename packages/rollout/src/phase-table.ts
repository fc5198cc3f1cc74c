import type { RolloutPhase } from './types.ts'

export type RolloutTrigger = 'pause' | 'resume' | 'abort' | 'halt' | 'revert' | 'reverted' | 'complete'

/**
 * Every step a rollout can take; what is not here has no effect. Evidence is judged while paused, too. A revert is
 * never paused or aborted: it is the way back to what is known to work.
 */
const STEPS: Readonly<Record<RolloutPhase, Readonly<Partial<Record<RolloutTrigger, RolloutPhase>>>>> = {
  Progressing: { pause: 'Paused', abort: 'Aborted', halt: 'Halted', complete: 'Completed' },
  Paused: { resume: 'Progressing', abort: 'Aborted', halt: 'Halted' },
  Halted: { abort: 'Aborted', revert: 'Reverting' },
  Reverting: { reverted: 'Reverted' },
  Reverted: {},
  Completed: {},
  Aborted: {},
}

/** The phase after `trigger`, or undefined when it has no effect in `phase`. */
export function nextPhase(phase: RolloutPhase, trigger: RolloutTrigger): RolloutPhase | undefined {
  return STEPS[phase][trigger]
}
