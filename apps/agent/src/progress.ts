import { DEFAULT_COMPONENT, type ControlPlaneOperation } from '@locktender/fleet'
import type { Condition } from '@locktender/kube'
import { readChangeRecords, type ChangeRecord } from './change-record.ts'
import { changedAt, findCondition, type Deployment, type HostedControlPlane } from './hypershift.ts'
import { nodeFingerprint } from './node-fingerprint.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/**
 * Limits of one operation, in milliseconds. From the observed timeline of an override on a healthy highly available
 * control plane (12–16 minutes in all, the API server 6 of them) with room for slow ones.
 */
const limits = {
  /** Until the control-plane operator's Deployment asks for the new image. */
  pickUp: 5 * MINUTE,
  /** Until the new control-plane operator is ready. */
  operatorReady: 10 * MINUTE,
  /** For one component to roll out. */
  component: 20 * MINUTE,
  /** For the whole operation. */
  total: 45 * MINUTE,
  /** Without any component rolling before the operation counts as rolled out; the operator looks every minute. */
  settle: 3 * MINUTE,
  /** Control plane unavailable while it changes. */
  unavailable: 2 * MINUTE,
  /** etcd without quorum. */
  etcdUnavailable: MINUTE,
  /** Unavailable replicas after the last component has rolled out. */
  degraded: 15 * MINUTE,
} as const

type Phase = ControlPlaneOperation['phase']

/** How far a change is, judged from the objects of the management cluster. */
export interface Progress {
  readonly phase: Phase
  /** Set with every phase but Applying and Reverting. */
  readonly reason?: string
  readonly message?: string
  /** Look again at this time (ms) even if nothing changes. */
  readonly lookAgainAt?: number
}

/**
 * Judges the change that `record` describes. HyperShift has no status of its own for overrides: neither the version
 * history nor `Progressing` moves, so the evidence is the operator's Deployment and the RolloutComplete condition of
 * every component, quiet for {@link limits.settle}.
 */
export function judgeProgress(record: ChangeRecord, observed: HostedControlPlane, now: number): Progress {
  const failure = findFailure(record, observed, now)
  if ('reason' in failure) return { phase: 'Failed', ...failure }
  const { dueAt } = failure
  const active: Phase = record.change === 'apply' ? 'Applying' : 'Reverting'

  const lastMove = lastMovement(record, observed)
  if (lastMove === undefined) return { phase: active, lookAgainAt: dueAt }
  const settledAt = lastMove + limits.settle
  const verifying: Phase = record.change === 'apply' ? 'Verifying' : 'Reverting'
  if (now < settledAt) return { phase: verifying, lookAgainAt: Math.min(dueAt, settledAt) }
  if (!isHealthy(observed)) return { phase: verifying, lookAgainAt: dueAt }
  return record.change === 'apply'
    ? { phase: 'Applied', reason: 'RolledOut', message: 'every component rolled out and the control plane is healthy' }
    : { phase: 'Reverted', reason: 'RolledBack', message: 'every component went back and the control plane is healthy' }
}

function isHealthy({ hostedCluster }: HostedControlPlane): boolean {
  const status = (type: string) => findCondition(hostedCluster.status?.conditions, type)?.status
  return status('Available') === 'True' && status('EtcdAvailable') === 'True' && status('Degraded') !== 'True'
}

/** When the last component stopped moving, or undefined while any is still on its way. */
function lastMovement(record: ChangeRecord, observed: HostedControlPlane): number | undefined {
  const { operator } = observed
  if (!operatorHasImage(record, operator) || !rolledOut(operator) || observed.components.length === 0) return undefined
  let last = record.changedAt
  for (const component of observed.components) {
    const complete = findCondition(component.status?.conditions, 'RolloutComplete')
    if (complete?.status !== 'True') return undefined
    last = Math.max(last, changedAt(complete)!)
  }
  return last
}

interface Failure {
  readonly reason: string
  readonly message: string
}

/** The first thing that is wrong, or the time at which something may become wrong. */
function findFailure(
  record: ChangeRecord,
  observed: HostedControlPlane,
  now: number,
): Failure | { readonly dueAt: number } {
  const begun = lastChange(record, observed)
  let dueAt = begun + limits.total
  const overdue = (since: number, limit: number): boolean => {
    if (now >= since + limit) return true
    dueAt = Math.min(dueAt, since + limit)
    return false
  }

  if (record.nodeFingerprint !== nodeFingerprint(observed.nodePools)) {
    return {
      reason: 'UnexpectedNodeRollout',
      message: 'nodes of the customer began to roll while the control plane changed',
    }
  }
  const conditions = observed.hostedCluster.status?.conditions
  // Going back starts from whatever the change did; that it is not over in time is failure enough.
  const outage = record.change === 'apply' ? findOutage(conditions, overdue) : undefined
  if (outage !== undefined) return outage
  if (!operatorHasImage(record, observed.operator) && overdue(begun, limits.pickUp)) {
    return {
      reason: 'NotPickedUp',
      message: `the control-plane-operator Deployment did not change within ${minutes(limits.pickUp)}; is HyperShift running, or the cluster paused?`,
    }
  }
  if (!rolledOut(observed.operator) && overdue(begun, limits.operatorReady)) {
    return {
      reason: 'OperatorFailed',
      message: `the new control-plane operator was not ready within ${minutes(limits.operatorReady)}`,
    }
  }
  for (const component of observed.components) {
    const complete = findCondition(component.status?.conditions, 'RolloutComplete')
    // Components that wait for others are not to blame; the one they wait for is in this list too.
    if (complete?.status !== 'False' || complete.reason === 'WaitingForDependencies') continue
    if (overdue(Math.max(begun, changedAt(complete)!), limits.component)) {
      return {
        reason: 'ComponentFailed',
        message: `${component.metadata.name} did not roll out within ${minutes(limits.component)}: ${complete.message}`,
      }
    }
  }
  const moved = lastMovement(record, observed)
  const degraded = findCondition(conditions, 'Degraded')
  if (
    record.change === 'apply' &&
    moved !== undefined &&
    degraded?.status === 'True' &&
    overdue(moved, limits.degraded)
  ) {
    return {
      reason: 'ControlPlaneDegraded',
      message: `degraded ${minutes(limits.degraded)} after rolling out: ${degraded.message}`,
    }
  }
  if (now >= begun + limits.total) {
    return { reason: 'TimedOut', message: `not rolled out within ${minutes(limits.total)}` }
  }
  return { dueAt }
}

/** Limits run from the last change of any component: everything rolls again for each, so what was nearly done begins anew. */
function lastChange(record: ChangeRecord, { hostedCluster }: HostedControlPlane): number {
  return Math.max(record.changedAt, ...readChangeRecords(hostedCluster).map(({ changedAt: at }) => at))
}

/** Whether the control plane is down for longer than a change may take it down. */
function findOutage(
  conditions: readonly Condition[] | undefined,
  overdue: (since: number, limit: number) => boolean,
): Failure | undefined {
  const etcd = findCondition(conditions, 'EtcdAvailable')
  if (etcd?.status === 'False' && overdue(changedAt(etcd)!, limits.etcdUnavailable)) {
    return {
      reason: 'EtcdQuorumLost',
      message: `etcd has had no quorum for ${minutes(limits.etcdUnavailable)}: ${etcd.message}`,
    }
  }
  const available = findCondition(conditions, 'Available')
  if (available?.status === 'False' && overdue(changedAt(available)!, limits.unavailable)) {
    return {
      reason: 'ControlPlaneUnavailable',
      message: `unavailable for more than ${minutes(limits.unavailable)}: ${available.message}`,
    }
  }
  return undefined
}

function minutes(limit: number): string {
  return `${limit / MINUTE} min`
}

/** Whether the operator's Deployment asks for what the change wants. */
function operatorHasImage(record: ChangeRecord, operator: Deployment | undefined): boolean {
  const image =
    record.component === DEFAULT_COMPONENT ? operatorImage(operator) : overriddenImage(operator, record.component)
  if (record.change === 'apply') return image === record.image
  return operator !== undefined && image !== record.image
}

/** The container of the operator itself. */
function operatorContainer(operator: Deployment | undefined) {
  const containers = operator?.spec.template.spec.containers
  return containers?.find((container) => container.name === DEFAULT_COMPONENT) ?? containers?.[0]
}

export function operatorImage(operator: Deployment | undefined): string | undefined {
  return operatorContainer(operator)?.image
}

/** HyperShift hands the overrides of other components to its operator by this flag, as they are in the annotation. */
const OVERRIDES_FLAG = '--image-overrides='

function overriddenImage(operator: Deployment | undefined, component: string): string | undefined {
  const flag = operatorContainer(operator)?.args?.find((argument) => argument.startsWith(OVERRIDES_FLAG))
  const pairs = flag?.slice(OVERRIDES_FLAG.length).split(',') ?? []
  return pairs.find((pair) => pair.startsWith(`${component}=`))?.slice(component.length + 1)
}

function rolledOut(operator: Deployment | undefined): boolean {
  if (operator === undefined) return false
  const { status, spec, metadata } = operator
  const wanted = spec.replicas ?? 1
  return (
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    status?.updatedReplicas === wanted &&
    status.availableReplicas === wanted &&
    (status.replicas ?? wanted) === wanted
  )
}
