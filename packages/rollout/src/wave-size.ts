import type { StageStrategy, StrategyInput } from './types.ts'

/** Percent of a customer's targets in one wave when the strategy does not say. */
export const DEFAULT_CUSTOMER_SHARE = 20

/** Size of the wave with this number (from 1) as long as there are enough targets. */
export function waveSize(stage: StageStrategy, wave: number): number {
  const { sizes = [] } = stage
  const given = Math.min(wave, sizes.length)
  const base = given > 0 ? (sizes[given - 1] as number) : stage.canary
  const size = Math.round(Math.max(1, base) * Math.max(1, stage.factor) ** (given > 0 ? wave - given : wave - 1))
  return Math.min(Math.max(1, size), Number.MAX_SAFE_INTEGER)
}

/** How many of a customer's `targets` may be in one wave: max(1, share). */
export function customerLimit(strategy: StrategyInput, targets: number): number {
  return Math.max(1, Math.floor((targets * (strategy.customerShare ?? DEFAULT_CUSTOMER_SHARE)) / 100))
}
