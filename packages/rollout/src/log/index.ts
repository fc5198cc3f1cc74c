export { RolloutLogError, type LogEntry, type StrategyData } from './entries.ts'
export type { RunFigures, WaveTimes } from './figures.ts'
export { replay, type Mismatch, type Replay } from './replay.ts'
export { formatLogEntry, parseLog } from './text.ts'
