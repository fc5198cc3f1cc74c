export { effectiveImages } from './override-file/effective-images.ts'
export { exportOverrides } from './override-file/export-overrides.ts'
export type { OverrideExport } from './override-file/export-overrides.ts'
export { formatFinding, OverrideFileError } from './override-file/finding.ts'
export type { Finding, FindingKind } from './override-file/finding.ts'
export { fixesFromOverrides } from './override-file/fixes-from-overrides.ts'
export type { ImportOptions } from './override-file/fixes-from-overrides.ts'
export { parseOverrideFile } from './override-file/parse.ts'
export type { OverrideFile, OverrideRow } from './override-file/parse.ts'
export { fixesController, HUB } from './controllers/fixes-controller.ts'
export { managementClustersController } from './controllers/management-clusters-controller.ts'
export { FIXES_MANAGER } from './controllers/override-writer.ts'
export { rolloutController } from './controllers/rollout-controller.ts'
export { defaultStrategy } from './default-strategy.ts'
export { frozenUntil, withFreeze } from './frozen-until.ts'
export { concerns as freezeConcerns } from './freeze-windows.ts'
export { dataDigest, packLines, unpackedLines } from './log-pieces.ts'
export { DEFAULT_STAKES, rolloutScenario } from './rollout-scenario.ts'
export type { ScenarioInput } from './rollout-scenario.ts'
export { strategyInput } from './strategy-input.ts'
// What those who look at rollouts of fixes need of the engine that decides them.
export {
  assess,
  guessedDurations,
  parseLog,
  plannedOperationMs,
  proposeStrategy,
  redecide,
  replay,
  RolloutLogError,
  shareBounds,
  whatIf,
} from '@locktender/rollout'
export type {
  Assessment,
  LogEntry,
  Mismatch,
  Proposal,
  Reason,
  Redecision,
  Replay,
  RunFigures,
  Scenario,
  StageStrategy,
  WhatIf,
} from '@locktender/rollout'
