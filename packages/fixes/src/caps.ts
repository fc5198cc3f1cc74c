/** Operations at once on a management cluster of which no limit is known. */
const DEFAULT_MAX_PER_SHARD = 1

/**
 * Operations that one rollout may have at once on a management cluster: what its `limit` leaves after those `taken` by
 * other rollouts, and never more than the rollout's `own` limit.
 */
export function placesFor(limit: number | undefined, own: number | undefined, taken = 0): number {
  return Math.max(0, Math.min((limit ?? own ?? DEFAULT_MAX_PER_SHARD) - taken, own ?? Infinity))
}
