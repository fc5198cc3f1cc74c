import { StagePool } from './stage-pool.ts'
import type { TargetRecord } from './target.ts'
import type { PersistedWave, StageStrategy } from './types.ts'

/** A wave that was opened (or is about to be). */
export interface WaveState {
  readonly number: number
  openedAt: number
  closedAt: number | undefined
  /** The caller has persisted that it is open; before that nobody in it is touched. */
  acknowledged: boolean
  size: number
  requested: number
  applied: number
  failed: number
  broken: number
  /** Members that were not touched. */
  readonly untouched: Set<TargetRecord>
  /** Counts an earlier engine reported before a halt; the revert removes what they were counted from. */
  readonly reported: Pick<PersistedWave, 'applied' | 'failed' | 'broken'>
}

/** One stage of the rollout with everything that is counted for it. */
export interface StageState {
  readonly index: number
  readonly strategy: StageStrategy
  readonly pool: StagePool<TargetRecord>
  /** In the pool, by shard: for the ETA. */
  readonly poolPerShard: Map<string, number>
  readonly waves: WaveState[]
  /** Its final soak is over; who joins now goes into its last wave. */
  passed: boolean
  targets: number
  /** Members of waves that nobody asked yet, and that are at it. */
  idle: number
  busy: number
  undecided: number
  applied: number
  failed: number
  broken: number
  lastCompletionAt: number | undefined
}

export function newStage(index: number, strategy: StageStrategy): StageState {
  return {
    index,
    strategy,
    pool: new StagePool(),
    poolPerShard: new Map(),
    waves: [],
    passed: false,
    targets: 0,
    idle: 0,
    busy: 0,
    undecided: 0,
    applied: 0,
    failed: 0,
    broken: 0,
    lastCompletionAt: undefined,
  }
}

export function newWave(number: number, openedAt: number, persisted?: PersistedWave): WaveState {
  return {
    number,
    openedAt,
    closedAt: persisted?.closedAt,
    acknowledged: persisted !== undefined,
    size: 0,
    requested: 0,
    applied: 0,
    failed: 0,
    broken: 0,
    untouched: new Set(),
    reported: persisted ?? {},
  }
}

/** The wave opened last. */
export function lastWave(stage: StageState): WaveState | undefined {
  return stage.waves[stage.waves.length - 1]
}
