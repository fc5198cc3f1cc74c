import { duration } from './output.ts'

/** Being so few minutes off the plan is being on it. */
export const ON_PLAN_MINUTES = 5

/** "on plan", "12m behind the plan", "1h30m ahead of the plan". */
export function distanceFromPlan(minutes: number): string {
  if (Math.abs(minutes) < ON_PLAN_MINUTES) return 'on plan'
  return `${duration(Math.abs(minutes) * 60_000)} ${minutes > 0 ? 'behind' : 'ahead of'} the plan`
}
