import { DEFECT_PRIOR, expectedExposure, HALT_MODEL, unfixedHours } from './exposure.ts'
import type { Batch, DefectPrior, HaltModel } from './exposure.ts'

/** A lost control plane is back after this long on average: alarm, decision, revert. */
export const RECOVERY_MS = 2 * 3_600_000

/** What is known of the bug and of its fix. */
export interface Stakes {
  /** Share (0-1) of control planes without the change that suffer at any moment; 0 for a change that mends nothing. */
  readonly hazard: number
  /** Chance (0-1) that the change is itself bad. */
  readonly prior: number
  /** Time to recover a control plane that a bad change harmed, milliseconds. Default `RECOVERY_MS`. */
  readonly recoveryMs?: number
  /** What a bad change may be like. Default `DEFECT_PRIOR`. */
  readonly defects?: DefectPrior
  /** How fast it is stopped. Default `HALT_MODEL`. */
  readonly halt?: HaltModel
}

/** Expected harm of a schedule, in hours of suffering control planes. */
export interface Harm {
  /** waiting + defect. */
  readonly total: number
  /** Of those that wait for the change: hazard x unfixed hours. */
  readonly waiting: number
  /** Of those that a bad change harms: prior x hurt x recovery. */
  readonly defect: number
  /** Control-plane hours without the change, exempted ones included. */
  readonly unfixedHours: number
  /** Control planes that receive the change before it is stopped, given that it is bad. */
  readonly exposed: number
  /** Of those, harmed. */
  readonly hurt: number
}

/**
 * Expected harm: hazard x unfixed(T) + prior x hurt(T) x recovery. `exemptHours` are the hours that exempted control
 * planes stay without the change. Never falls when the hazard, the prior or the recovery time grow.
 */
export function expectedHarm(batches: readonly Batch[], from: number, stakes: Stakes, exemptHours = 0): Harm {
  const { exposed, hurt } = expectedExposure(batches, stakes.defects ?? DEFECT_PRIOR, stakes.halt ?? HALT_MODEL)
  const unfixed = unfixedHours(batches, from) + exemptHours
  const waiting = stakes.hazard * unfixed
  const defect = (stakes.prior * hurt * (stakes.recoveryMs ?? RECOVERY_MS)) / 3_600_000
  return { total: waiting + defect, waiting, defect, unfixedHours: unfixed, exposed, hurt }
}
