const HOUR = 3_600_000
/** Half of those that a change makes ill are ill so many hours after it: the middle of what the planner reckons with. */
const MEDIAN_HOURS = 1

/**
 * How likely a change that makes a control plane ill does so just `ms` milliseconds after it, per hour: falls with the
 * square of the time, so that a slow leak is not ruled out. An onset in the midst of the change is one right after it.
 */
export function onsetDelayDensity(ms: number): number {
  const passed = Math.max(0, ms) / HOUR / MEDIAN_HOURS
  return 1 / (MEDIAN_HOURS * (1 + passed) ** 2)
}
