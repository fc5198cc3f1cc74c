import type {
  Rollout,
  RolloutPhase,
  RolloutProblem,
  RolloutSuspect,
  RolloutVerdict,
  StateCounts,
} from '@locktender/fleet'
import { waitingOf, type Waiting } from './waiting.ts'

/** What somebody asked of a rollout. */
export interface Request {
  readonly what: 'pause' | 'abort' | 'revert' | 'expedite' | 'skip' | 'retry'
  readonly by?: string
  readonly reason: string
  /** Of the end of a soak. */
  readonly stage?: string
  readonly wave?: number
  /** Whom it is about, as namespace/name. */
  readonly controlPlane?: string
}

/** What `lkt rollout explain -o json` prints. Fields may be added, never changed. */
export interface RolloutExplanation {
  readonly apiVersion: 'cli.locktender.dev/v1'
  readonly kind: 'RolloutExplanation'
  readonly rollout: string
  readonly fix: string
  readonly phase: RolloutPhase
  readonly stage?: string
  readonly wave?: number
  /** Waves of that stage in the plan. */
  readonly waves?: number
  readonly controlPlanes: number
  readonly counts: StateCounts
  readonly waiting: Waiting
  /** What people asked of it: a pause, an abort, a revert, the end of a soak, to leave somebody out or try again. */
  readonly asked: readonly Request[]
  readonly verdict?: RolloutVerdict
  readonly suspects: readonly RolloutSuspect[]
  readonly deadline: {
    readonly time: string
    /** It will not be kept, or was not. */
    readonly atRisk: boolean
    /** When the rollout ended. */
    readonly ended?: string
    readonly eta?: string
    /** End with a chance of 80 %. */
    readonly p80?: string
    readonly minutesBehind?: number
  }
  readonly problems: readonly RolloutProblem[]
  /** Of the problems, control planes on which it can be tried again once what made it fail is mended. */
  readonly retries: readonly string[]
}

/** Says of a rollout what it waits for, how it stands and what to do. `now` in milliseconds since the epoch. */
export function explainRollout(rollout: Rollout, now: number): RolloutExplanation {
  const { metadata, spec, status } = rollout
  const running = status?.completionTime === undefined
  const eta = running ? (status?.forecast?.p50 ?? status?.eta ?? status?.outlook?.p50) : undefined
  const p80 = running ? (status?.forecast?.p80 ?? status?.outlook?.p80) : undefined
  const deadline = Date.parse(spec.deadline)
  const late = (status?.completionTime === undefined ? now : Date.parse(status.completionTime)) > deadline
  return {
    apiVersion: 'cli.locktender.dev/v1',
    kind: 'RolloutExplanation',
    rollout: metadata.name,
    fix: spec.fix,
    phase: status?.phase ?? 'AwaitingApproval',
    ...placeOf(rollout),
    controlPlanes: spec.plan.targets,
    counts: status?.counts ?? {},
    waiting: waitingOf(rollout),
    asked: [
      ...(['pause', 'abort', 'revert', 'expedite'] as const).flatMap((what) => {
        const request = spec[what]
        return request === undefined ? [] : [{ what, ...request }]
      }),
      ...(['skip', 'retry'] as const).flatMap((what) => spec[what]?.map((request) => ({ what, ...request })) ?? []),
    ],
    ...(status?.verdict === undefined ? {} : { verdict: status.verdict }),
    suspects: status?.suspects ?? [],
    deadline: {
      time: spec.deadline,
      atRisk: late || (running && (status?.deadlineAtRisk === true || status?.outlook?.feasible === false)),
      ...(status?.completionTime === undefined ? {} : { ended: status.completionTime }),
      ...(eta === undefined ? {} : { eta }),
      ...(p80 === undefined ? {} : { p80 }),
      ...(status?.minutesBehind === undefined || !running ? {} : { minutesBehind: status.minutesBehind }),
    },
    problems: status?.problems ?? [],
    retries: retriesOf(rollout),
  }
}

/** Nothing is tried again once the rollout is halted or over. */
function retriesOf({ status }: Rollout): string[] {
  if (status?.phase !== 'Progressing' && status?.phase !== 'Paused') return []
  return status.problems.flatMap(({ controlPlane, state, reason }) =>
    state === 'Failed' || reason === 'WriteRefused' || reason === 'FieldConflict' ? [controlPlane] : [],
  )
}

function placeOf({ spec, status }: Rollout): Pick<RolloutExplanation, 'stage' | 'wave' | 'waves'> {
  if (status?.stage === undefined || status.wave === undefined) return {}
  const planned = spec.plan.stages.find(({ name }) => name === status.stage)?.waves.length ?? 0
  const opened = status.stages.find(({ name }) => name === status.stage)?.waves.length ?? 0
  return { stage: status.stage, wave: status.wave, waves: Math.max(planned, opened) }
}
