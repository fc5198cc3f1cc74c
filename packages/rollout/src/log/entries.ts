import type {
  Decision,
  OperationHistory,
  PersistedRollout,
  RolloutEvent,
  StrategyInput,
  TargetInput,
  TargetMeta,
} from '../types.ts'

/** Version of the format: the number goes up when an older reader would misread it. */
export const LOG_VERSION = 1

/** What can be written down of a strategy: all but what it answers when asked, which stands in the log answer by answer. */
export type StrategyData = Omit<StrategyInput, 'maxPerShard' | 'history'>

/** What was observed of a target, without what planning knows of it. */
export type Observation = Omit<TargetInput, keyof TargetMeta>

/** A life of the engine begins: with its creation or after a restart. Its targets follow, one entry each. */
export interface LifeEntry {
  readonly type: 'begin'
  readonly version: typeof LOG_VERSION
  readonly strategy: StrategyData
  readonly seed: number
  readonly startedAt: number
  readonly deadline: number
  /** How many targets follow. */
  readonly targets: number
  readonly persisted?: PersistedRollout
}

export interface TargetEntry {
  readonly type: 'target'
  readonly target: TargetInput
}

/** An answer of the strategy that is new or has changed: it holds from the next call on. */
export type AnswerEntry =
  /** Null = no limit. */
  | { readonly type: 'cap'; readonly shard: string; readonly limit: number | null }
  | { readonly type: 'history'; readonly stratum: string; readonly past: OperationHistory | null }

/** What somebody asked of the rollout, and got: what has no effect is not written down. */
export type OperatorEntry =
  | { readonly type: 'pause' | 'abort' | 'revertNow'; readonly reason: string }
  | { readonly type: 'resume' | 'revert' }
  | { readonly type: 'expedite'; readonly stage: string; readonly wave: number }
  | { readonly type: 'skip' | 'retry'; readonly id: string }

/** What was decided at once; what does not fit in one line follows in entries of its own, right after it. */
export interface DecideEntry {
  readonly type: 'decide'
  readonly at: number
  readonly decisions: readonly Decision[]
  /** So many more decisions follow in entries "decided". */
  readonly more?: number
}

/** Goes on with the decisions of the entry "decide" before it. */
export interface DecidedEntry {
  readonly type: 'decided'
  readonly decisions: readonly Decision[]
}

/** A call of the engine that may change what it decides. */
export type CallEntry =
  | RolloutEvent
  /** An upsert of a known target that changed nothing but what is observed of it. */
  | ({ readonly type: 'see'; readonly id: string } & Observation)
  | DecideEntry
  | { readonly type: 'acknowledge'; readonly decision: Decision }
  | { readonly type: 'writeFailed'; readonly id: string }
  | { readonly type: 'capsChanged' }
  | OperatorEntry

/**
 * One line of a rollout's log: plain data, so that it can be written as JSON. The entries of one life, in their order,
 * are all an engine ever knew: `replay` decides again what they say was decided. Times are milliseconds since the epoch.
 */
export type LogEntry = LifeEntry | TargetEntry | AnswerEntry | CallEntry | DecidedEntry

/** Something is wrong with a log; the message says where, what and what to do. */
export class RolloutLogError extends Error {
  override readonly name = 'RolloutLogError'
}
