// The numbers of a Kubernetes API server: what rules may cost is part of which definitions and objects it accepts.

/** Greatest estimated cost of one rule, over all places where it applies. */
export const RULE_COST_LIMIT = 10_000_000

/** Greatest estimated cost of all rules of a schema. */
export const SCHEMA_COST_LIMIT = 100_000_000

/** What one evaluation may cost. */
export const CALL_COST_LIMIT = 1_000_000

/** What all rules of one object may cost together. */
export const OBJECT_COST_LIMIT = 10_000_000

/** Size of the largest request, which bounds lists and strings without a limit of their own. */
export const REQUEST_BYTES = 3 * 1024 * 1024

/** Longest message an expression may make. */
export const MESSAGE_BYTES = 5 * 1024
