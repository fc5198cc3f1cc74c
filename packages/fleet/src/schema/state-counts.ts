import { TARGET_STATES } from '../states.ts'
import type { StateCounts, TargetState } from '../states.ts'
import { object, optional } from './builder.ts'
import type { OptionalSchema, Schema } from './builder.ts'
import { count } from './common.ts'

const MEANING: Readonly<Record<TargetState, string>> = {
  NotAffected: 'Version or platform is outside the affected ones.',
  Pending: 'In a later wave.',
  Scheduled: 'Released to start; the agent has not begun.',
  Applying: 'New image set, components rolling.',
  Verifying: 'Rolled out, health being watched.',
  Applied: 'Runs the fix and stayed healthy.',
  Native: 'Has the fix without an override.',
  Held: 'On hold for a stated reason.',
  Blocked: 'Cannot proceed for a stated reason.',
  Failed: 'The change failed.',
  Reverting: 'The fix is being withdrawn.',
  Reverted: 'The fix was withdrawn.',
  Regressed: 'Had the fix and lost it.',
  Unknown: 'No recent report.',
}

/** Counts by target state; a state that is absent counts none. */
export function stateCounts(description: string): Schema<StateCounts> {
  const fields: Record<string, OptionalSchema<number>> = {}
  for (const state of TARGET_STATES) fields[state] = optional(count(MEANING[state]))
  return object(description, fields)
}
