import type { RolloutPhase } from './types.ts'

export type RolloutTrigger = 'pause' | 'resume' | 'abort' | 'halt' | 'revert' | 'reverted' | 'complete' | 'recall'

/** The phase after a trigger; '-' = it has no effect. */
export type PhaseCell = RolloutPhase | '-'

/**
 * What every trigger does in every phase: a phase or a trigger that is left out does not compile. Evidence is judged
 * while paused, too. A revert is never paused or aborted: it is the way back to what is known to work. A recall is the halt
 * of a rollout that is over, which only people can ask for.
 */
export const PHASE_TABLE: Readonly<Record<RolloutPhase, Readonly<Record<RolloutTrigger, PhaseCell>>>> = {
  Progressing: {
    pause: 'Paused',
    resume: '-',
    abort: 'Aborted',
    halt: 'Halted',
    revert: '-',
    reverted: '-',
    complete: 'Completed',
    recall: '-',
  },
  Paused: {
    pause: '-',
    resume: 'Progressing',
    abort: 'Aborted',
    halt: 'Halted',
    revert: '-',
    reverted: '-',
    complete: '-',
    recall: '-',
  },
  Halted: {
    pause: '-',
    resume: '-',
    abort: 'Aborted',
    halt: '-',
    revert: 'Reverting',
    reverted: '-',
    complete: '-',
    recall: '-',
  },
  Reverting: {
    pause: '-',
    resume: '-',
    abort: '-',
    halt: '-',
    revert: '-',
    reverted: 'Reverted',
    complete: '-',
    recall: '-',
  },
  Reverted: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: '-', complete: '-', recall: '-' },
  Completed: {
    pause: '-',
    resume: '-',
    abort: '-',
    halt: '-',
    revert: '-',
    reverted: '-',
    complete: '-',
    recall: 'Halted',
  },
  Aborted: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: '-', complete: '-', recall: '-' },
}

/** The phase after `trigger`, or undefined when it has no effect in `phase`. */
export function nextPhase(phase: RolloutPhase, trigger: RolloutTrigger): RolloutPhase | undefined {
  const cell = PHASE_TABLE[phase][trigger]
  return cell === '-' ? undefined : cell
}
