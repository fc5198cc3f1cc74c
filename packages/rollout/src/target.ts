import type { Earning } from './earned.ts'
import type { Subject } from './evidence/comparison-watch.ts'
import type { Candidate } from './stage-pool.ts'
import { STANDING_TABLE, type PhaseKind, type Standing } from './standing-table.ts'
import type { StageState, WaveState } from './stage-state.ts'
import type { TargetInput, TargetMeta, TargetPhase } from './types.ts'

/** How a target's treatment ended; each target has at most one, and it only ever changes from applied to the others. */
export type Outcome = 'applied' | 'failed' | 'broken'

/** One target as the engine knows it. It is its own candidate for the pool of its stage. */
export class TargetRecord implements Candidate, Subject {
  /** Of the fleet, by the seed; see `Candidate`. */
  readonly hash: number
  readonly stage: StageState | undefined
  /** What planning knows of it: once it was touched that stays, whatever `input` says later. */
  meta: TargetMeta
  input: TargetInput
  /** It left; one of the same name that comes back has another record. */
  isGone = false
  pool: object | undefined = undefined
  wave: WaveState | undefined = undefined
  /** Order in which targets were put in waves; requests follow it. */
  sequence = 0
  /** A request was decided and is not visible in `input` yet. */
  issued = false
  /** Somebody left it out; or wants it tried again, which is yet to be decided (`again`) or to be seen (`retried`). */
  marked: 'skipped' | 'again' | 'retried' | undefined = undefined
  /** Taking the change back was decided. */
  revertIssued = false
  /** Start of the operation that took too long. */
  timedOutSince: number | undefined = undefined
  /** The onset that lasted long enough to count. */
  confirmedOnset: number | undefined = undefined
  /** Start of the operation, and the onset, a timer is set for. */
  timedSince: number | undefined = undefined
  timedOnset: number | undefined = undefined
  /** A window keeps it from being asked until then; only while nobody asked it. */
  closedUntil: number | undefined = undefined
  compared: Subject['compared'] = undefined
  history: History = NO_HISTORY

  constructor(input: TargetInput, hash: number, stage: StageState | undefined) {
    this.input = input
    this.meta = input
    // The same order among signed numbers: those need no memory of their own.
    this.hash = hash ^ 0x80000000
    this.stage = stage
  }

  get id(): string {
    return this.meta.id
  }

  get stratum(): string {
    return this.meta.stratum
  }

  get customer(): string {
    return this.meta.customer
  }

  get shard(): string {
    return this.meta.shard
  }

  get pair(): string | undefined {
    return this.meta.pair
  }

  get notFirst(): boolean | undefined {
    return this.meta.notFirst
  }
}

/** What was counted of a target for good. It outlives the target, so that one that comes back is not counted twice. */
export interface History {
  requested: boolean
  reverted: boolean
  outcome: Outcome | undefined
  /** The wave the outcome is counted in. */
  countedIn: number
}

/** Of every target that was never requested: one for all, so that a fleet that waits needs no more memory. */
export const NO_HISTORY: History = Object.freeze({
  requested: false,
  reverted: false,
  outcome: undefined,
  countedIn: 0,
})

export function kindOf(phase: TargetPhase): PhaseKind {
  return STANDING_TABLE[phase].kind
}

export function isTargetPhase(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(STANDING_TABLE, value)
}

/** An operation is running whose time is limited. */
export function isRunning(record: TargetRecord): boolean {
  return STANDING_TABLE[record.input.phase].kind === 'running'
}

/** The change was asked for, or an operation for it was seen. */
export function isTouched(record: TargetRecord): boolean {
  const { kind } = STANDING_TABLE[record.input.phase]
  return record.issued || record.input.requested || kind === 'running' || kind === 'ended'
}

/** Touched, and the change was or is being taken back. */
export function isTakenBack(record: TargetRecord): boolean {
  return isTouched(record) && (record.revertIssued || !(record.issued || record.input.requested))
}

/** Which attempt its spec asks for. */
export function attemptOf({ input }: TargetRecord): number {
  return input.attempt ?? 1
}

/** The operation observed now took longer than allowed. */
export function hasTimedOut({ input, timedOutSince }: TargetRecord): boolean {
  return timedOutSince !== undefined && timedOutSince === input.since
}

export function standingOf(record: TargetRecord): Standing {
  const { input, issued, revertIssued, marked } = record
  const wantsRetry = marked === 'again' || marked === 'retried'
  const row = STANDING_TABLE[input.phase]
  const isAsked = issued || input.requested
  const isTouched = isAsked || row.kind === 'running' || row.kind === 'ended'
  const cell = row[!isTouched ? 'untouched' : revertIssued || !isAsked ? 'takenBack' : wantsRetry ? 'again' : 'touched']
  switch (cell) {
    case 'waiting':
      if (marked === 'skipped') return 'excluded'
      return record.closedUntil === undefined ? 'idle' : 'closed'
    case 'retry':
      if (marked === 'retried') return 'busy'
      return record.closedUntil === undefined ? 'idle' : 'closed'
    case 'timed':
      return hasTimedOut(record) ? 'done' : 'busy'
    // Until the agent starts on the revert, the status still tells of the operation before.
    case 'unseen':
      return isAsked ? 'busy' : 'done'
    case 'stuck':
      return input.revert ? 'done' : 'busy'
    case 'never':
      return 'excluded'
    default:
      return cell
  }
}

/** Unhealthy after the change, but not for long enough to count. */
export function isUndecided(record: TargetRecord): boolean {
  const { onsetAt } = record.input
  return (
    onsetAt !== undefined &&
    record.confirmedOnset !== onsetAt &&
    record.history.outcome !== 'failed' &&
    record.history.outcome !== 'broken' &&
    isTouched(record) &&
    !isTakenBack(record) &&
    STANDING_TABLE[record.input.phase].kind !== 'excluded'
  )
}

/** What the observation says about the outcome, regardless of what was counted before. */
export function observedOutcome(record: TargetRecord, operationTimeoutMs: number): Outcome | undefined {
  const { input } = record
  if (!isTouched(record) || isTakenBack(record)) return undefined
  // There is another attempt only after a failure, which stays one.
  if (attemptOf(record) > 1 || input.phase === 'Failed' || hasTimedOut(record)) return 'failed'
  const ended = input.phase === 'Applied'
  if (!ended && input.phase !== 'Verifying') return undefined
  if (input.onsetAt !== undefined && record.confirmedOnset === input.onsetAt) return 'broken'
  if (!ended) return undefined
  const { since, completedAt } = input
  const late = since !== undefined && completedAt !== undefined && completedAt - since > operationTimeoutMs
  return late ? 'failed' : 'applied'
}

/** What it earns by what is observed now, whatever was counted before. */
export function earningOf(record: TargetRecord, operationTimeoutMs: number): Earning {
  if (!isTouched(record) || isTakenBack(record)) return undefined
  const { phase, onsetAt, completedAt, healthySince, earnsNothing } = record.input
  const standing = standingOf(record)
  // Who is out of reach after its end was treated, whatever becomes of it.
  if (standing === 'excluded' && phase !== 'NotAffected' && completedAt !== undefined) return null
  if (standing !== 'done') return undefined
  const isWell = onsetAt === undefined && earnsNothing !== true
  if (!isWell || completedAt === undefined || observedOutcome(record, operationTimeoutMs) !== 'applied') return null
  return Math.max(completedAt, healthySince ?? completedAt)
}

/** Nothing changed of what planning knows of it. */
export function samePlace(left: TargetMeta, right: TargetMeta): boolean {
  return (
    left.stage === right.stage &&
    left.stratum === right.stratum &&
    left.shard === right.shard &&
    left.customer === right.customer &&
    left.pair === right.pair &&
    left.notFirst === right.notFirst
  )
}

/** What planning knows of a target. */
export function metaOf({ id, stage, stratum, shard, customer, pair, notFirst }: TargetMeta): TargetMeta {
  return {
    id,
    stage,
    stratum,
    shard,
    customer,
    ...(pair === undefined ? {} : { pair }),
    ...(notFirst === undefined ? {} : { notFirst }),
  }
}
