import { targetState } from '@locktender/fleet'
import type { ControlPlane, ControlPlaneOperation, FixMatcher, TargetStatus } from '@locktender/fleet'
import type { TargetInput, TargetPhase } from '@locktender/rollout'
import { lateStatus } from './late-status.ts'
import { targetMeta, type PlacingRules } from './resolve-fix.ts'

/** What a control plane is to a rollout: in the words of people and in those of the engine. */
export interface Observation {
  readonly status: TargetStatus
  readonly input: TargetInput
}

export interface ObservationContext {
  readonly matcher: FixMatcher
  /** Name of the rollout. */
  readonly rollout: string
  /** It treats only those that an earlier rollout of the fix, which is complete, has not treated. */
  readonly followsUp?: boolean
  /** By which it is placed. */
  readonly strategy: PlacingRules
  /** Milliseconds since the epoch. */
  readonly now: number
  /** False while the agent of the management cluster is silent. */
  readonly reachable: boolean
  /** Whether illness of those that nothing was asked of is told, too, as that of treated ones is. */
  readonly compareUntreated?: boolean
  /** Whether healthy time is earned: since when a treated one is healthy is told, then. */
  readonly earnsHours?: boolean
}

/** Folds a ControlPlane into what one rollout has to know of it. */
export function observe(controlPlane: ControlPlane, context: ObservationContext): Observation {
  const { matcher, rollout } = context
  const meta = targetMeta(controlPlane, context.strategy)
  const override = controlPlane.spec.overrides?.find(({ component }) => component === matcher.component)
  const requested = override?.fix === matcher.name && override.rollout === rollout
  const operation = operationOf(controlPlane, matcher, rollout)
  const followsUp = context.followsUp === true && !requested && operation === undefined
  const late = followsUp ? lateStatus(controlPlane, matcher, context.now) : undefined
  if (followsUp && late === undefined) {
    return { status: { state: 'NotAffected' }, input: { ...meta, phase: 'NotAffected', requested } }
  }
  const status = refine(
    late !== undefined && context.reachable
      ? late
      : targetState(controlPlane, matcher, { now: context.now, rollout, reachable: context.reachable }),
    controlPlane,
    operation,
    { component: matcher.component, stage: meta.stage },
  )
  // The override was written by an earlier rollout of the same fix: not ours to judge, and not to be written again.
  const foreign = override?.fix === matcher.name && !requested && !followsUp
  const isUntreated = context.compareUntreated === true && status.state === 'Pending'
  const onset = status.state === 'Applied' && requested ? onsetOf(controlPlane, operation) : undefined
  const onsetAt = onset?.at ?? (isUntreated ? illnessOf(controlPlane)?.at : undefined)
  const reason = onset?.reason ?? status.reason
  const message = onset?.message ?? status.message
  return {
    status,
    input: {
      ...meta,
      phase: foreign ? foreignPhase(status) : phaseOf(status, operation),
      requested,
      ...(requested && override.wave !== undefined ? { wave: override.wave } : {}),
      ...(requested && override.attempt !== undefined ? { attempt: override.attempt } : {}),
      ...(operation === undefined ? {} : { since: Date.parse(operation.startTime) }),
      ...(operation?.completionTime === undefined ? {} : { completedAt: Date.parse(operation.completionTime) }),
      ...(operation !== undefined && isRevert(operation) ? { revert: true } : {}),
      ...(onsetAt === undefined ? {} : { onsetAt }),
      ...(context.earnsHours && requested && status.state === 'Applied' ? healthOf(controlPlane, operation) : {}),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    },
  }
}

function operationOf(
  controlPlane: ControlPlane,
  matcher: FixMatcher,
  rollout: string,
): ControlPlaneOperation | undefined {
  const operation = controlPlane.status?.operations?.find(({ component }) => component === matcher.component)
  const isOurs = operation?.fix === matcher.name && operation.rollout === rollout
  const override = controlPlane.spec.overrides?.find(({ component }) => component === matcher.component)
  const wanted = override?.rollout === rollout ? (override.attempt ?? 1) : 1
  // What came of an earlier attempt is no answer to this one.
  return isOurs && (operation.attempt ?? 1) >= wanted ? operation : undefined
}

function isRevert(operation: ControlPlaneOperation): boolean {
  return operation.image === undefined || operation.phase === 'Reverting' || operation.phase === 'Reverted'
}

/** Adds what only a rollout can say about a state. */
function refine(
  status: TargetStatus,
  controlPlane: ControlPlane,
  operation: ControlPlaneOperation | undefined,
  { component, stage }: { readonly component: string; readonly stage: string },
): TargetStatus {
  const changeable = controlPlane.status?.conditions?.find(({ type }) => type === 'Changeable')
  if (status.state === 'Scheduled' && changeable?.status === 'False') {
    return { ...status, state: 'Blocked', reason: changeable.reason, message: changeable.message }
  }
  const broken = status.state === 'Pending' ? brokenByAnother(controlPlane, component) : undefined
  if (broken !== undefined) {
    const by = broken.fix === undefined ? `a change of ${broken.component}` : `ComponentFix ${broken.fix}`
    const message = `${by} failed here and the control plane has been unhealthy since; take that back or repair it first.`
    return { ...status, state: 'Blocked', reason: 'OtherChangeFailed', message }
  }
  if (status.state === 'Pending' && stage === '') {
    const message = 'No stage of the strategy selects its environment and sector; add one and request the fix again.'
    return { ...status, state: 'Blocked', reason: 'NoStage', message }
  }
  if (status.state === 'Reverting' && operation?.phase === 'Failed' && isRevert(operation)) {
    const reason = operation.reason ?? 'RevertFailed'
    const message = operation.message ?? 'What was there before could not be restored.'
    return { ...status, state: 'Failed', reason, message }
  }
  return status
}

function phaseOf({ state }: TargetStatus, operation: ControlPlaneOperation | undefined): TargetPhase {
  switch (state) {
    case 'NotAffected':
    case 'Native':
      return 'NotAffected'
    case 'Pending':
    case 'Scheduled':
      return 'Pending'
    case 'Held':
    case 'Blocked':
    case 'Regressed':
      return 'Held'
    case 'Unknown':
      return 'Unreachable'
    case 'Reverting':
      // Until the agent begins to take it back, the operation before speaks.
      return operation?.phase ?? 'Applied'
    default:
      return state
  }
}

function foreignPhase({ state }: TargetStatus): TargetPhase {
  if (state === 'Unknown') return 'Unreachable'
  return state === 'Applied' || state === 'Native' || state === 'NotAffected' ? 'NotAffected' : 'Held'
}

/** The change of another component that failed and since whose begin the control plane is ill. */
function brokenByAnother(controlPlane: ControlPlane, component: string): ControlPlaneOperation | undefined {
  const illness = illnessOf(controlPlane)
  if (illness === undefined) return undefined
  return controlPlane.status?.operations?.find(
    (other) => other.component !== component && other.phase === 'Failed' && illness.at >= Date.parse(other.startTime),
  )
}

/** From when on it earns healthy time: nothing while it is ill, of whatever, or nobody can tell. */
function healthOf(
  { status }: ControlPlane,
  operation: ControlPlaneOperation | undefined,
): Pick<TargetInput, 'healthySince' | 'earnsNothing'> {
  const health = status?.health
  if (health?.state !== 'Healthy') return { earnsNothing: true }
  const since = Date.parse(health.since)
  const isLater = operation?.completionTime !== undefined && since > Date.parse(operation.completionTime)
  return isLater ? { healthySince: since } : {}
}

/** An illness, since when and why. */
interface Onset {
  readonly at: number
  readonly reason: string
  readonly message: string
}

/**
 * When the control plane fell ill after the change; undefined while it is well, when it was ill before, and as long as
 * the change of another component, in which it fell ill, is under way or has failed.
 */
function onsetOf(controlPlane: ControlPlane, operation: ControlPlaneOperation | undefined): Onset | undefined {
  const illness = illnessOf(controlPlane)
  if (illness === undefined || operation === undefined) return undefined
  const others = controlPlane.status?.operations?.filter(({ component }) => component !== operation.component) ?? []
  const isAnothers = others.some((other) => {
    // What the change was like that is being taken back is no longer told.
    if (isUnderWay(other) && isRevert(other)) return true
    return (isUnderWay(other) || other.phase === 'Failed') && illness.at >= Date.parse(other.startTime)
  })
  return isAnothers || illness.at < Date.parse(operation.startTime) ? undefined : illness
}

/** Whether an operation has not come to its end. */
export function isUnderWay({ phase }: ControlPlaneOperation): boolean {
  return phase === 'Applying' || phase === 'Verifying' || phase === 'Reverting'
}

/** What a control plane suffers from now, by the one standard there is for treated and untreated ones. */
export function illnessOf({ status }: ControlPlane): Onset | undefined {
  const health = status?.health
  if (health?.state !== 'Degraded' && health?.state !== 'Unavailable') return undefined
  return { at: Date.parse(health.since), reason: health.reason ?? health.state, message: health.message ?? '' }
}
