export {
  readOcmCases,
  type OcmCase,
  type OcmCases,
  type OcmMalformed,
  type OcmOutcome,
  type OcmUnitRow,
} from './case-file.ts'
export { checkOcmCases, type OcmCheck, type OcmDifference, type OcmMended, type OcmMismatch } from './check-cases.ts'
export { carryTimes, decideOcmRollout, type OcmQuestion } from './decide.ts'
export { clusterChanges, divideIntoGroups, OcmGroups, type NamedGroup } from './groups.ts'
export {
  manifestWorkStatus,
  type ManifestWorkStatus,
  type ManifestWorkView,
  type WorkCondition,
} from './manifest-work.ts'
export { ALL_QUIRKS, COMPATIBLE, keeping, mending, QUIRKS, STRICT } from './quirks.ts'
export type { KeptQuirks, Quirk, QuirkDescription } from './quirks.ts'
export { OcmStrategyError } from './types.ts'
export type * from './types.ts'
