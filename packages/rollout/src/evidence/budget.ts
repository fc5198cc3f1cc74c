import type { FailureBudget } from '../types.ts'

/** How many of a stage's `targets` may fail before the rollout halts: max(minimum, percent), rounded down; all without a budget. */
export function allowedFailures(budget: FailureBudget | undefined, targets: number): number {
  if (!budget) return targets
  return Math.max(budget.minimum, Math.floor((targets * budget.percent) / 100))
}
