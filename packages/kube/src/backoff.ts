import type { Random } from './random.ts'

/** Shortest wait, client-go's reflector default. */
const MIN_MS = 800
/** Longest wait, client-go's reflector default. */
const MAX_MS = 30_000

/**
 * How long to wait before try number `attempt` (0 for the first retry): between half and all of a bound that doubles
 * with each attempt. Always within 0.8 and 30 s; different `random`s spread clients that failed together.
 */
export function backoffDelay(attempt: number, random: Random): number {
  const bound = Math.min(MAX_MS, 2 * MIN_MS * 2 ** attempt)
  return Math.round((bound / 2) * (1 + random.next()))
}
