/** What a change is to one control plane: the words used on every surface. */
export const TARGET_STATES = [
  'NotAffected',
  'Pending',
  'Scheduled',
  'Applying',
  'Verifying',
  'Applied',
  'Native',
  'Held',
  'Blocked',
  'Failed',
  'Reverting',
  'Reverted',
  'Regressed',
  'Unknown',
] as const

/** See {@link TARGET_STATES}. */
export type TargetState = (typeof TARGET_STATES)[number]

/** How many control planes are in each state; absent means none. */
export type StateCounts = { readonly [State in TargetState]?: number }
