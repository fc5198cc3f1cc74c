import { fixMatcher, targetState } from '@locktender/fleet'
import type { ComponentFix, ControlPlane, Rollout, RolloutStageStatus, RolloutStatus } from '@locktender/fleet'

/** The JSON document at the end of a run. Times are seconds since the fix was requested. */
export interface Summary {
  readonly clusters: number
  readonly phase: string
  readonly applied: number
  readonly failed: number
  /** Control planes that the fix really broke, known to the simulation alone. */
  readonly broken: number
  readonly reverted: number
  /** Control planes on which nothing was ever changed. */
  readonly neverTouched: number
  readonly halted: HaltSummary | null
  readonly perStage: readonly StageSummary[]
  readonly perWave: readonly WaveSummary[]
  readonly decisions: number
  /** What was expected when the rollout started, and how far from it it was. */
  readonly outlook: OutlookSummary | null
  /** Seconds of the clock from the request to the end, or to now. */
  readonly elapsedVirtual: number
  readonly elapsedReal: number
  readonly cpuSeconds: number
}

export interface HaltSummary {
  readonly rule: string
  readonly reason: string
  readonly message: string
  readonly evidence: NonNullable<NonNullable<Rollout['status']>['verdict']>['evidence']
  readonly at: number
}

export interface OutlookSummary {
  readonly feasible: boolean
  /** Expected control-plane hours of harm. */
  readonly harmHours: number
  /** End by the plan, and with a chance of 50, 80 and 95 %. */
  readonly end: number | null
  readonly p50: number | null
  readonly p80: number | null
  readonly p95: number | null
  /** Of the plan; negative when ahead. Null for a rollout that was halted or given up. */
  readonly minutesBehind: number | null
}

export interface StageSummary {
  readonly name: string
  readonly targets: number
  readonly phase: string
  readonly applied: number
  readonly failed: number
  readonly broken: number
  readonly openedAt: number | null
  readonly closedAt: number | null
}

export interface WaveSummary {
  readonly stage: string
  readonly wave: number
  readonly size: number
  readonly applied: number
  readonly failed: number
  readonly broken: number
  readonly openedAt: number | null
  readonly closedAt: number | null
}

export interface SummaryInput {
  readonly fix: ComponentFix
  readonly rollout: Rollout
  readonly controlPlanes: readonly ControlPlane[]
  readonly brokenByFix: number
  /** Milliseconds since the epoch of the simulation's clock. */
  readonly now: number
  readonly elapsedRealSeconds: number
  readonly cpuSeconds: number
}

/** Whether nothing more will happen to the rollout by itself. */
export function hasEnded(rollout: Rollout): boolean {
  const phase = rollout.status?.phase
  if (phase === 'Halted') return !rollout.spec.strategy.autoRevert
  return phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted'
}

/** Folds the objects of the hub into the summary; only `broken` and the real-time figures come from elsewhere. */
export function summarise(input: SummaryInput): Summary {
  const { fix, rollout, controlPlanes, now } = input
  const matcher = fixMatcher(fix)
  const [states, start] = [new Map<string, number>(), Date.parse(fix.metadata.creationTimestamp!)]
  let neverTouched = 0
  for (const controlPlane of controlPlanes) {
    const { state } = targetState(controlPlane, matcher, { now, rollout: rollout.metadata.name })
    states.set(state, (states.get(state) ?? 0) + 1)
    if (controlPlane.status?.operations === undefined && (controlPlane.spec.overrides ?? []).length === 0)
      neverTouched++
  }
  const since = (time: string | undefined): number | null =>
    time === undefined ? null : Math.round((Date.parse(time) - start) / 1000)
  const { status } = rollout
  const verdict = status?.verdict
  const waves = (status?.stages ?? []).flatMap((stage) =>
    stage.waves.map((wave) => ({
      stage: stage.name,
      wave: wave.number,
      size: wave.size,
      applied: wave.applied,
      failed: wave.failed,
      broken: wave.broken,
      openedAt: since(wave.openedAt),
      closedAt: since(wave.closedAt),
    })),
  )
  return {
    clusters: controlPlanes.length,
    phase: status?.phase ?? 'Pending',
    applied: states.get('Applied') ?? 0,
    failed: states.get('Failed') ?? 0,
    broken: input.brokenByFix,
    reverted: states.get('Reverted') ?? 0,
    neverTouched,
    halted:
      verdict?.outcome === 'Halt'
        ? {
            rule: verdict.rule,
            reason: verdict.reason,
            message: verdict.message,
            evidence: verdict.evidence,
            at: since(verdict.time)!,
          }
        : null,
    perStage: rollout.spec.plan.stages.map(({ name, targets }) =>
      stageSummary(
        name,
        targets,
        status?.stages.find((stage) => stage.name === name),
        waves.filter(({ stage }) => stage === name),
      ),
    ),
    perWave: waves,
    decisions: status?.decisions ?? 0,
    outlook: outlookSummary(status, since),
    elapsedVirtual: since(status?.completionTime) ?? Math.round((now - start) / 1000),
    elapsedReal: rounded(input.elapsedRealSeconds),
    cpuSeconds: rounded(input.cpuSeconds),
  }
}

function outlookSummary(
  status: RolloutStatus | undefined,
  since: (time: string | undefined) => number | null,
): OutlookSummary | null {
  if (status?.outlook === undefined) return null
  const { feasible, harmHours, end, p50, p80, p95 } = status.outlook
  return {
    feasible,
    harmHours: Number(harmHours),
    end: since(end),
    p50: since(p50),
    p80: since(p80),
    p95: since(p95),
    minutesBehind: status.minutesBehind ?? null,
  }
}

function stageSummary(
  name: string,
  targets: number,
  status: RolloutStageStatus | undefined,
  waves: readonly WaveSummary[],
): StageSummary {
  const sum = (pick: (wave: WaveSummary) => number) => waves.reduce((total, wave) => total + pick(wave), 0)
  const passed = status?.phase === 'Passed'
  return {
    name,
    targets,
    phase: status?.phase ?? 'Waiting',
    applied: sum(({ applied }) => applied),
    failed: sum(({ failed }) => failed),
    broken: sum(({ broken }) => broken),
    openedAt: waves[0]?.openedAt ?? null,
    closedAt: passed ? (waves.at(-1)?.closedAt ?? null) : null,
  }
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100
}

/** Exit codes of a run (reference/users-and-ux.md D.3). */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  timedOut: 8,
  stopped: 9,
  someFailed: 10,
  interrupted: 130,
} as const

/** The exit code that a finished run deserves. */
export function exitCodeOf(summary: Summary): number {
  if (summary.phase !== 'Completed') return exitCodes.stopped
  return summary.applied === summary.clusters ? exitCodes.done : exitCodes.someFailed
}
