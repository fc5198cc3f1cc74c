import type { RolloutPhase } from './types.ts'

export type RolloutTrigger = 'pause' | 'resume' | 'abort' | 'halt' | 'revert' | 'reverted' | 'complete'

/** The phase after a trigger; '-' = it has no effect. */
export type PhaseCell = RolloutPhase | '-'

/**
 * What every trigger does in every phase: a phase or a trigger that is left out does not compile. Evidence is judged
 * while paused, too. A revert is never paused or aborted: it is the way back to what is known to work.
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
  },
  Paused: {
    pause: '-',
    resume: 'Progressing',
    abort: 'Aborted',
    halt: 'Halted',
    revert: '-',
    reverted: '-',
    complete: '-',
  },
  Halted: { pause: '-', resume: '-', abort: 'Aborted', halt: '-', revert: 'Reverting', reverted: '-', complete: '-' },
  Reverting: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: 'Reverted', complete: '-' },
  Reverted: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: '-', complete: '-' },
  Completed: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: '-', complete: '-' },
  Aborted: { pause: '-', resume: '-', abort: '-', halt: '-', revert: '-', reverted: '-', complete: '-' },
}

/** The phase after `trigger`, or undefined when it has no effect in `phase`. */
export function nextPhase(phase: RolloutPhase, trigger: RolloutTrigger): RolloutPhase | undefined {
  const cell = PHASE_TABLE[phase][trigger]
  return cell === '-' ? undefined : cell
}
