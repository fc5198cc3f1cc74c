import type { Mismatch, Redecision, Replay, RunFigures } from '@locktender/rollout'
import { isoTime } from '../times.ts'

/** How a run went. */
export interface RunDocument {
  readonly phase: string
  readonly verdict?: {
    readonly outcome: string
    readonly rule: string
    readonly reason: string
    readonly message: string
  }
  /** Control planes that were asked to change. */
  readonly treated: number
  /** Of these, those whose change failed, and those that became unhealthy after it. */
  readonly failed: number
  readonly unhealthy: number
  readonly reverted: number
  /** Control planes that had been asked when it was halted. */
  readonly exposedAtHalt?: number
  readonly haltedAt?: string
  readonly endedAt?: string
  readonly waves: readonly {
    readonly stage: string
    readonly wave: number
    readonly controlPlanes: number
    readonly openedAt: string
    readonly closedAt?: string
  }[]
}

/** A decision that was made otherwise. */
export interface Difference {
  /** Line of the log, from 1. */
  readonly line: number
  readonly recorded: unknown
  readonly decidedNow: unknown
}

/** What `lkt rollout replay -o json` prints. Fields may be added, never changed. */
export interface ReplayDocument {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'RolloutReplay'
  readonly entries: number
  /** How often the engine was started. */
  readonly lives: number
  readonly decisions: number
  /** Whether all of them were made again, bit for bit. */
  readonly reproduced: boolean
  readonly differences: number
  readonly firstDifference?: Difference
  /** Absent when nothing was ever decided. */
  readonly record?: RunDocument
  /** The same fleet by another strategy. */
  readonly instead?: {
    readonly strategy: string
    readonly run: RunDocument
    /** What is not in the record and had to be supposed. */
    readonly unknown: Redecision['unknown']
    /** Control planes whose stage this strategy does not have by that name: they are not treated. */
    readonly unplaced: number
  }
}

/** A replay for programs. */
export function replayDocument(
  entries: number,
  { lives, decisions, mismatches, figures }: Replay,
  instead?: { readonly strategy: string; readonly redecision: Redecision },
): ReplayDocument {
  const [first] = mismatches
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutReplay',
    entries,
    lives,
    decisions,
    reproduced: first === undefined,
    differences: mismatches.length,
    ...(first === undefined ? {} : { firstDifference: differenceOf(first) }),
    ...(figures === undefined ? {} : { record: runDocument(figures) }),
    ...(instead === undefined
      ? {}
      : {
          instead: {
            strategy: instead.strategy,
            run: runDocument(instead.redecision.again),
            unknown: instead.redecision.unknown,
            unplaced: instead.redecision.unplaced,
          },
        }),
  }
}

function differenceOf({ index, expected, actual }: Mismatch): Difference {
  return { line: index + 1, recorded: expected, decidedNow: actual }
}

function runDocument(figures: RunFigures): RunDocument {
  const { phase, verdict, treated, failed, broken, reverted, exposedAtHalt, haltedAt, endedAt, waves } = figures
  return {
    phase,
    ...(verdict === undefined
      ? {}
      : {
          verdict: {
            outcome: verdict.outcome,
            rule: verdict.rule,
            reason: verdict.reason,
            message: verdict.message,
          },
        }),
    treated,
    failed,
    unhealthy: broken,
    reverted,
    ...(exposedAtHalt === undefined ? {} : { exposedAtHalt }),
    ...(haltedAt === undefined ? {} : { haltedAt: isoTime(haltedAt)! }),
    ...(endedAt === undefined ? {} : { endedAt: isoTime(endedAt)! }),
    waves: waves.map(({ stage, wave, size, openedAt, closedAt }) => ({
      stage,
      wave,
      controlPlanes: size,
      openedAt: isoTime(openedAt)!,
      ...(closedAt === undefined ? {} : { closedAt: isoTime(closedAt)! }),
    })),
  }
}
