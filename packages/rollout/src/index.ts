export { RolloutEngine, type EngineOptions } from './engine.ts'
export { planDigestInput, planRollout, type Plan, type PlannedStage } from './plan.ts'
export { persistedFrom } from './summary.ts'
export type * from './types.ts'
