export { burnAt, type Burn, type PlannedWave } from '../eta-burn.ts'
export {
  forecastEnd,
  type Forecast,
  type ForecastOptions,
  type ForecastPart,
  type ForecastWave,
} from '../eta-forecast.ts'
export type { QueueLoad } from '../eta-makespan.ts'
export { DurationSketch } from '../eta-sketch.ts'
export { assess, forecastWave, guessedDurations, plannedDurations, type Assessment, type Scenario } from './assess.ts'
export { assignWaves, type Place, type WaveAssignment } from './assign-waves.ts'
export { Calendar, type Interval, type Window } from './calendar.ts'
export {
  chooseCanaries,
  type CanaryCandidate,
  type CanaryChoice,
  type CanaryOptions,
  type NotChosenReason,
} from './canaries.ts'
export {
  canariesToShow,
  chanceMissed,
  concurrencyNeeded,
  fixedTest,
  hoursToBound,
  soakToShowTwo,
  waldOutlook,
  type WaldOutlook,
} from './canary-size.ts'
export type { CanaryCoverage } from './coverage.ts'
export type { Exempted, Exemption } from './exemptions.ts'
export {
  DEFECT_PRIOR,
  expectedExposure,
  exposureTo,
  HALT_MODEL,
  unfixedHours,
  type Batch,
  type DefectPrior,
  type DefectExposure,
  type HaltModel,
  type Weighted,
} from './exposure.ts'
export { checkFeasibility, type Blocker, type BlockerKind, type Feasibility } from './feasibility.ts'
export { expectedHarm, RECOVERY_MS, type Harm, type Stakes } from './harm.ts'
export type { PlannerTarget } from './outline.ts'
export { proposeStrategy, type Alternative, type PlannerInput, type Proposal, type ProposedWave } from './propose.ts'
export { blastRadius, type BlastRadius, type WeightedTarget } from './radius.ts'
export type { Reason, ReasonSubject } from './reasons.ts'
export {
  earliestSchedule,
  type Schedule,
  type ScheduledWave,
  type ScheduleLimits,
  type WaveWork,
  type WorkGroup,
} from './schedule.ts'
export { whatIf, type WaveChange, type WhatIf } from './what-if.ts'
