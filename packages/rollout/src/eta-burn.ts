/** A wave as it was planned. */
export interface PlannedWave {
  readonly size: number
  readonly startsAt: number
  readonly endsAt: number
  /** After its end. */
  readonly soakMs: number
}

export interface Burn {
  /** When the plan would have had as many finished, milliseconds since the epoch. */
  readonly plannedAt: number
  /** How much later than planned it is; negative when it is ahead. */
  readonly minutesBehind: number
  /** Minutes lost for each hour since the start: 0 = on plan, 60 = stands still. */
  readonly minutesLostPerHour: number
}

/**
 * How far a rollout is behind its plan when `finished` targets have ended, in the order of the plan. Between the start
 * and the end of a wave the plan finishes its targets evenly; in a soak it is on plan until the next wave should start.
 */
export function burnAt(waves: readonly PlannedWave[], finished: number, now: number): Burn {
  const start = waves[0]?.startsAt ?? now
  let plannedAt = start
  let left = finished
  for (const { size, startsAt, endsAt, soakMs } of waves) {
    if (left <= 0) break
    // Who has finished a wave is not late before its soak is over.
    const soaked = Math.min(Math.max(now, endsAt), endsAt + soakMs)
    plannedAt = left < size ? startsAt + ((endsAt - startsAt) * left) / size : soaked
    left -= size
  }
  const behind = now - plannedAt
  const hours = (now - start) / 3_600_000
  return {
    plannedAt,
    minutesBehind: behind / 60_000,
    minutesLostPerHour: hours > 0 ? behind / 60_000 / hours : 0,
  }
}
