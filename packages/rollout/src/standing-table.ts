import type { TargetPhase } from './types.ts'

/**
 * idle: nothing was asked of it. closed: nothing may be asked of it yet. busy: an operation is under way. done: it ended.
 * excluded: not to be waited for.
 */
export type Standing = 'idle' | 'closed' | 'busy' | 'done' | 'excluded'

/**
 * Touched = asked, decided to be asked, or seen in an operation. Again = touched, and somebody wants another attempt that
 * is not seen yet. Taken back = touched, and it is or was to be reverted.
 */
export type Treatment = 'untouched' | 'touched' | 'again' | 'takenBack'

/** How a target stands, or what that depends on. */
export type StandingCell =
  | Standing
  /** idle; closed until its window opens; excluded when somebody left it out. */
  | 'waiting'
  /** idle; closed until its window opens; busy from when the other attempt is decided. */
  | 'retry'
  /** busy; done when it takes longer than it may. */
  | 'timed'
  /** busy; done once the spec is seen without the change. */
  | 'unseen'
  /** busy; done when it was the revert that failed. */
  | 'stuck'
  /** Cannot be: whoever is in this phase was touched. */
  | 'never'

/** Whether an operation is to come, under way or over; excluded: nothing can be said. */
export type PhaseKind = 'excluded' | 'waiting' | 'running' | 'ended'

export interface StandingRow extends Readonly<Record<Treatment, StandingCell>> {
  readonly kind: PhaseKind
}

const AWAY: StandingRow = {
  kind: 'excluded',
  untouched: 'excluded',
  touched: 'excluded',
  again: 'excluded',
  takenBack: 'excluded',
}
const AT_WORK: StandingRow = {
  kind: 'running',
  untouched: 'never',
  touched: 'timed',
  again: 'timed',
  takenBack: 'busy',
}

/** How a target stands in every phase, whatever was asked of it: a phase or a column that is left out does not compile. */
export const STANDING_TABLE: Readonly<Record<TargetPhase, StandingRow>> = {
  NotAffected: AWAY,
  Held: AWAY,
  Unreachable: AWAY,
  Pending: { kind: 'waiting', untouched: 'waiting', touched: 'timed', again: 'timed', takenBack: 'unseen' },
  Applying: AT_WORK,
  Verifying: AT_WORK,
  Applied: { kind: 'ended', untouched: 'never', touched: 'done', again: 'done', takenBack: 'busy' },
  Failed: { kind: 'ended', untouched: 'never', touched: 'done', again: 'retry', takenBack: 'stuck' },
  Reverting: { kind: 'running', untouched: 'never', touched: 'timed', again: 'timed', takenBack: 'timed' },
  Reverted: { kind: 'ended', untouched: 'never', touched: 'done', again: 'done', takenBack: 'done' },
}
