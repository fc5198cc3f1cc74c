import type { FailureBudget } from './types.ts'

/** How many of a stage's `targets` may fail before the rollout halts: max(minimum, percent), rounded down. */
export function allowedFailures(budget: FailureBudget, targets: number): number {
  return Math.max(budget.minimum, Math.floor((targets * budget.percent) / 100))
}
