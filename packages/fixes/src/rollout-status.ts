import { MAX_CREDIT } from '@locktender/fleet'
import type {
  Rollout,
  RolloutPhase,
  RolloutProblem,
  RolloutStatus,
  RolloutVerdict,
  StateCounts,
  TargetState,
} from '@locktender/fleet'
import { deepEqual, timestamp } from '@locktender/kube'
import type { Condition } from '@locktender/kube'
import type { Decision, PersistedRollout, RolloutSummary, Verdict } from '@locktender/rollout'
import type { CountedApprovals } from './approvals.ts'
import type { Expected } from './prospects.ts'
import type { WaitsFor } from './waits-for.ts'

const MAX_MESSAGE = 1024

/** How much of the log of a rollout is stored. */
export interface LogState {
  readonly stored: NonNullable<RolloutStatus['log']>
  /** Why not all of it is. */
  readonly problem?: { readonly reason: string; readonly message: string }
}

export interface StatusInput {
  readonly rollout: Rollout
  /** The status as stored; times in it stay as long as what they date stays. */
  readonly previous: RolloutStatus | undefined
  readonly approvals: CountedApprovals
  readonly counts: StateCounts
  readonly expected?: Expected
  readonly log?: LogState
  /** What the fix has earned, and what is seen while it overlaps with others. */
  readonly evidence?: Pick<RolloutStatus, 'exposure' | 'suspects'>
  /** Keeps a rollout that is approved from its first wave. */
  readonly waitsFor?: WaitsFor | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Whether nothing more is decided in this phase. */
export function isOver(phase: RolloutPhase | undefined): boolean {
  return phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted'
}

/** Whether some control plane is on its way: asked to change and not at its end. */
export function hasInFlight(counts: StateCounts): boolean {
  return [counts.Scheduled, counts.Applying, counts.Verifying, counts.Reverting].some((count) => (count ?? 0) > 0)
}

/** The status of a rollout that waits for approvals, or that was aborted before it had them all. */
export function waitingStatus(input: StatusInput, aborted?: { reason: string; message: string }): RolloutStatus {
  const { rollout, previous, approvals, counts, now } = input
  const waitsFor = aborted === undefined ? input.waitsFor : undefined
  const condition = { status: 'False' as const, ...(aborted ?? waitingReason(input)) }
  return {
    phase: aborted === undefined ? 'AwaitingApproval' : 'Aborted',
    ...(aborted === undefined ? {} : { completionTime: previous?.completionTime ?? timestamp(now) }),
    approvals,
    ...input.expected,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    stages: previous?.stages ?? rollout.spec.plan.stages.map(({ name }) => ({ name, phase: 'Waiting', waves: [] })),
    counts,
    problems: previous?.problems ?? [],
    decisions: previous?.decisions ?? 0,
    conditions: [conditionOf('Progressing', condition, previous, now)],
  }
}

function waitingReason({ rollout, approvals, waitsFor }: StatusInput): { reason: string; message: string } {
  if (waitsFor !== undefined) return { reason: 'WaitsForRollout', message: waitsFor.message }
  const { plan, strategy } = rollout.spec
  const message = `${approvals.length} of ${strategy.approvals} approvals of plan ${plan.hash}.`
  return { reason: 'AwaitingApproval', message }
}

/**
 * The status of a rollout that is or was under way. `opening` is the wave about to be opened: in the status it is open,
 * since nothing in it may be touched before the status says so.
 */
export function runningStatus(
  input: StatusInput,
  summary: RolloutSummary,
  stateOf: (id: string) => TargetState | undefined,
  opening?: Extract<Decision, { type: 'open-wave' }>,
): RolloutStatus {
  const { previous, now } = input
  const stages: RolloutStatus['stages'] = summary.stages.map(({ name, phase, waves }) => ({
    name,
    phase,
    // A wave that a halt forestalled was never open.
    waves: waves.flatMap((wave) => {
      const opens = opening?.stage === name && opening.wave === wave.number ? opening.at : undefined
      const openedAt = wave.openedAt ?? opens
      if (openedAt === undefined) return []
      const { number, size, closedAt, expedited, applied, failed, broken } = wave
      const closed = closedAt === undefined ? {} : { closedAt: timestamp(closedAt) }
      const early = expedited === true ? { expedited } : {}
      return [{ number, size, openedAt: timestamp(openedAt), ...closed, ...early, applied, failed, broken }]
    }),
  }))
  const startTime = previous?.startTime ?? stages.flatMap(({ waves }) => waves)[0]?.openedAt
  const verdict = verdictOf(summary.verdict, previous?.verdict)
  const risk = riskOf(input, summary.eta)
  return {
    phase: summary.phase,
    ...(summary.stage === undefined ? {} : { stage: summary.stage }),
    ...(summary.wave === undefined ? {} : { wave: summary.wave }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(isOver(summary.phase) ? { completionTime: previous?.completionTime ?? timestamp(now) } : {}),
    approvals: input.approvals,
    stages,
    counts: input.counts,
    ...(verdict === undefined ? {} : { verdict }),
    ...(summary.eta.eta === undefined ? {} : { eta: timestamp(summary.eta.eta) }),
    ...input.expected,
    ...input.evidence,
    ...creditOf(summary),
    ...(summary.signals === undefined ? {} : { signals: summary.signals }),
    ...(summary.phase === 'Progressing' && summary.gate.until !== undefined
      ? { waitsUntil: timestamp(summary.gate.until) }
      : {}),
    ...(summary.phase === 'Progressing' ? { deadlineAtRisk: risk !== undefined } : {}),
    problems: summary.problems.map((problem) => problemOf(problem, stateOf(problem.id))),
    decisions: summary.decisions,
    ...(input.log === undefined ? {} : { log: input.log.stored }),
    conditions: [
      conditionOf('Progressing', progressOf(summary, risk), previous, now),
      ...logged(input.log, previous, now),
    ],
  }
}

/** What an engine needs of a status to go on where the one before it ended. */
export function persistedOf(status: RolloutStatus): PersistedRollout {
  const { phase, verdict, signals } = status
  return {
    stages: status.stages.map(({ name, waves }) => ({
      name,
      waves: waves.map(({ size, openedAt, closedAt, expedited, applied, failed, broken }) => ({
        size,
        openedAt: Date.parse(openedAt ?? status.startTime ?? ''),
        ...(closedAt === undefined ? {} : { closedAt: Date.parse(closedAt) }),
        ...(expedited === undefined ? {} : { expedited }),
        applied,
        failed,
        broken,
      })),
    })),
    ...(verdict?.outcome === 'Halt' ? { verdict: haltOf(verdict) } : {}),
    ...(phase === 'Completed' || phase === 'Reverted' || phase === 'Aborted' ? { outcome: phase } : {}),
    decisions: status.decisions,
    ...(signals && { signals: signals.map(({ name, bad, total }) => ({ name, bad, total })) }),
  }
}

/** Kinds that lack most, as they are when the status is written. */
function creditOf({ credit }: RolloutSummary): Pick<RolloutStatus, 'credit'> {
  if (credit === undefined || credit.length === 0) return {}
  const hours = (milliseconds: number) => (Math.floor(milliseconds / 360_000) / 10).toFixed(1)
  return {
    credit: credit.slice(0, MAX_CREDIT).map(({ stratum, treated, healthy, earnedMs, askedMs }) => {
      return { stratum, treated, healthy, hours: hours(earnedMs), asked: hours(askedMs) }
    }),
  }
}

/** What endangers the deadline, one sentence: its expected end is late, or is so with a chance of one in five. */
function riskOf({ rollout, expected }: StatusInput, eta: RolloutSummary['eta']): string | undefined {
  if (eta.deadlineAtRisk) return eta.message ?? 'The expected end is after the deadline.'
  const late = expected?.forecast?.p80
  if (late === undefined || Date.parse(late) <= Date.parse(rollout.spec.deadline)) return undefined
  return `With a chance of one in five it ends after ${late}, so after the deadline.`
}

function progressOf(
  summary: RolloutSummary,
  risk: string | undefined,
): Pick<Condition, 'status' | 'reason' | 'message'> {
  const { phase, gate, reason } = summary
  if (phase === 'Progressing') {
    const message = risk === undefined ? gate.message : `${gate.message} ${risk}`
    return { status: 'True', reason: gate.waitingFor, message }
  }
  if (phase === 'Reverting') return { status: 'True', reason: 'Reverting', message: gate.message }
  const message = phase === 'Halted' || phase === 'Reverted' ? (summary.verdict?.message ?? '') : (reason ?? '')
  return { status: 'False', reason: phase, message }
}

function conditionOf(
  type: string,
  wanted: Pick<Condition, 'status' | 'reason' | 'message'>,
  previous: RolloutStatus | undefined,
  now: number,
): Condition {
  const last = previous?.conditions?.find((each) => each.type === type)
  const lastTransitionTime = last?.status === wanted.status ? last.lastTransitionTime : timestamp(now)
  return { type, ...wanted, message: wanted.message.slice(0, MAX_MESSAGE), lastTransitionTime }
}

/** Says that a log has gaps, and that it has none any more; nothing while it never had any. */
function logged(log: LogState | undefined, previous: RolloutStatus | undefined, now: number): Condition[] {
  if (log?.problem !== undefined) return [conditionOf('Logged', { status: 'False', ...log.problem }, previous, now)]
  if (!previous?.conditions?.some(({ type }) => type === 'Logged')) return []
  return [conditionOf('Logged', { status: 'True', reason: 'Written', message: '' }, previous, now)]
}

/** The same judgement keeps the time at which it was first made. */
function verdictOf(verdict: Verdict | undefined, previous: RolloutVerdict | undefined): RolloutVerdict | undefined {
  if (verdict === undefined) return undefined
  const { outcome, rule, reason, message, evidence, bounds, outlook, at } = verdict
  const next: RolloutVerdict = {
    outcome,
    rule,
    reason,
    message: message.slice(0, MAX_MESSAGE),
    evidence,
    ...(bounds === undefined ? {} : { bounds }),
    ...(outlook === undefined ? {} : { outlook: outlook.slice(0, MAX_MESSAGE) }),
    time: timestamp(at),
  }
  const unchanged = previous !== undefined && deepEqual({ ...next, time: '' }, { ...previous, time: '' })
  return unchanged ? previous : next
}

/** A halt as the engine gave it. */
function haltOf({ time, rule, ...judgement }: RolloutVerdict): Verdict {
  return { ...judgement, rule: rule as Verdict['rule'], at: Date.parse(time) }
}

function problemOf(
  { id, phase, reason, message }: RolloutSummary['problems'][number],
  state: TargetState | undefined,
): RolloutProblem {
  return {
    controlPlane: id,
    state: state ?? (phase === 'Unreachable' ? 'Unknown' : phase),
    reason,
    message: message.slice(0, MAX_MESSAGE),
  }
}
