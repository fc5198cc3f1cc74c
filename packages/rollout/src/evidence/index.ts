export { attribute, type Attribution, type Suspect } from './attribution.ts'
export { cleanNeeded, posterior, rateBounds, shareBounds, type Bounds } from './bounds.ts'
export { ExposureAccount, type ExposureReading } from './exposure-account.ts'
export {
  ExposureLedger,
  type Contrast,
  type Credit,
  type HealthyTime,
  type ExposureEvent,
  type Overlap,
} from './exposure-ledger.ts'
export { compareRates, onsetsToVote, ratioAtLeast, type Comparison, type Opinion } from './rate-ratio.ts'
export { expectedOverlap, separability, type PlannedStart, type Separability } from './separability.ts'
export type { Effect } from './two-exposures.ts'
