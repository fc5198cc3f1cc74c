import type { Reach } from './earned.ts'
import { StagePool } from './stage-pool.ts'
import type { TargetRecord } from './target.ts'
import type { PersistedWave, StageStrategy } from './types.ts'
import { Windows } from './windows.ts'

/** A wave that was opened (or is about to be). */
export interface WaveState {
  readonly number: number
  openedAt: number
  closedAt: number | undefined
  /** Somebody ended its soak early. */
  expedited: boolean
  /** The caller has persisted that it is open; before that nobody in it is touched. */
  acknowledged: boolean
  size: number
  requested: number
  applied: number
  failed: number
  broken: number
  /** How many members it has of each pair. */
  readonly pairs: Map<string, number>
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
  /** In the pool or closed, by shard: for the ETA. */
  readonly waitingPerShard: Map<string, number>
  /** The same by stratum, where hours are earned. */
  readonly waitingPerStratum: Map<string, number>
  /** When closed targets open. */
  readonly windows: Windows
  readonly waves: WaveState[]
  /** Its final soak is over; who joins now goes into its last wave. */
  passed: boolean
  targets: number
  /** Targets that must not be started yet. */
  closed: number
  /** How many of them open at each time. */
  readonly openings: Map<number, number>
  /** Members of waves that nobody asked yet, and that are at it. */
  idle: number
  busy: number
  /** Both of them by shard. */
  readonly atWork: Map<string, number>
  /** Of those that are at it, how many have begun, and the sum of the times from the rollout's start to theirs. */
  running: number
  starts: number
  undecided: number
  applied: number
  failed: number
  broken: number
  lastCompletionAt: number | undefined
  /** Who earns longest of those this stage waits for, as it was in that version of what is earned. */
  reach: { readonly version: number; readonly last: Reach | undefined } | undefined
}

export function newStage(index: number, strategy: StageStrategy): StageState {
  return {
    index,
    strategy,
    pool: new StagePool(),
    waitingPerShard: new Map(),
    waitingPerStratum: new Map(),
    windows: new Windows(),
    waves: [],
    passed: false,
    targets: 0,
    closed: 0,
    openings: new Map(),
    idle: 0,
    busy: 0,
    atWork: new Map(),
    running: 0,
    starts: 0,
    undecided: 0,
    applied: 0,
    failed: 0,
    broken: 0,
    lastCompletionAt: undefined,
    reach: undefined,
  }
}

export function newWave(number: number, openedAt: number, persisted?: PersistedWave): WaveState {
  return {
    number,
    openedAt,
    closedAt: persisted?.closedAt,
    expedited: persisted?.expedited ?? false,
    acknowledged: persisted !== undefined,
    size: 0,
    requested: 0,
    applied: 0,
    failed: 0,
    broken: 0,
    pairs: new Map(),
    untouched: new Set(),
    reported: persisted ?? {},
  }
}

/** The wave opened last. */
export function lastWave(stage: StageState): WaveState | undefined {
  return stage.waves[stage.waves.length - 1]
}
