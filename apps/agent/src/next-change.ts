import type { ComponentOverride, ControlPlane } from '@locktender/fleet'
import { currentOverride, readChangeRecords, type ChangeRecord } from './change-record.ts'
import { findCondition, type HostedControlPlane } from './hypershift.ts'
import { nodeFingerprint } from './node-fingerprint.ts'

/** Why something that is wanted must not be started now. */
export interface Obstacle {
  /** One CamelCase word. */
  readonly reason: string
  readonly message: string
}

/** What the agent should do to a HostedCluster. */
export interface NextChange {
  /** All records it should have from now on, to be carried out by one request; absent when there is nothing to write. */
  readonly records?: readonly ChangeRecord[]
  /** What keeps some component from being changed; the others are not affected. */
  readonly blocked?: Obstacle
}

/**
 * Compares what the hub wants with the agent's own records on the HostedCluster, component by component. Asked again
 * with the same objects it answers the same, and once its answer is written there is nothing more to write: no change is
 * made twice.
 */
export function nextChange(controlPlane: ControlPlane, observed: HostedControlPlane, now: number): NextChange {
  const wanted = controlPlane.spec.overrides ?? []
  const records = new Map(readChangeRecords(observed.hostedCluster).map((record) => [record.component, record]))
  const fingerprint = nodeFingerprint(observed.nodePools)
  const next = new Map(records)
  let blocked: Obstacle | undefined
  for (const record of records.values()) {
    if (record.change === 'revert' || wanted.some(({ component }) => component === record.component)) continue
    // Going back repairs; it never waits for the control plane to be well.
    next.set(record.component, { ...record, change: 'revert', changedAt: now, nodeFingerprint: fingerprint })
  }
  for (const override of wanted) {
    const record = records.get(override.component)
    if (isCarriedOut(override, record)) continue
    const obstacle = findObstacle(observed, record, override)
    if (obstacle === undefined) {
      next.set(override.component, recordOf(override, record, observed, { changedAt: now, fingerprint }))
    } else {
      blocked ??=
        wanted.length === 1 ? obstacle : { ...obstacle, message: `${override.component}: ${obstacle.message}` }
    }
  }
  const changes = [...next].some(([component, record]) => records.get(component) !== record)
  return {
    ...(changes ? { records: [...next.values()] } : {}),
    ...(blocked === undefined ? {} : { blocked }),
  }
}

function isInPlace(override: ComponentOverride, record: ChangeRecord | undefined): record is ChangeRecord {
  return record?.change === 'apply' && record.image === override.image
}

function isCarriedOut(override: ComponentOverride, record: ChangeRecord | undefined): boolean {
  const isOurs = isInPlace(override, record) && record.fix === override.fix && record.rollout === override.rollout
  return isOurs && !isAnotherAttempt(override, record)
}

/** It failed, and is to be looked at anew. */
function isAnotherAttempt({ rollout, attempt = 1 }: ComponentOverride, record: ChangeRecord): boolean {
  return record.rollout === rollout && attempt > (record.attempt ?? 1)
}

function recordOf(
  override: ComponentOverride,
  before: ChangeRecord | undefined,
  { hostedCluster }: HostedControlPlane,
  start: { readonly changedAt: number; readonly fingerprint: string },
): ChangeRecord {
  const { component, image, fix, rollout, attempt } = override
  const isTheSame = isInPlace(override, before) && !isAnotherAttempt(override, before)
  return {
    change: 'apply',
    component,
    image,
    fix,
    rollout,
    ...(attempt === undefined ? {} : { attempt }),
    // The same image under another name rolls nothing, so its operation began when the image was put there.
    changedAt: isTheSame ? before.changedAt : start.changedAt,
    nodeFingerprint: start.fingerprint,
    previousImage: before?.change === 'apply' ? before.previousImage : currentOverride(hostedCluster, component),
  }
}

/** Why a change must not be started (preflight): each is a state that somebody has to end first. */
function findObstacle(
  { hostedCluster }: HostedControlPlane,
  record: ChangeRecord | undefined,
  { component, image }: ComponentOverride,
): Obstacle | undefined {
  const { metadata, spec, status } = hostedCluster
  if (metadata.deletionTimestamp !== undefined) {
    return { reason: 'Deleting', message: 'the hosted cluster is being deleted' }
  }
  if (spec.pausedUntil !== undefined && spec.pausedUntil !== 'false') {
    return { reason: 'Paused', message: `reconciliation is paused until ${spec.pausedUntil}` }
  }
  const etcd = findCondition(status?.conditions, 'EtcdAvailable')
  if (etcd?.status !== 'True') {
    return { reason: 'EtcdUnavailable', message: etcd?.message ?? 'nothing is known about etcd' }
  }
  const present = currentOverride(hostedCluster, component)
  const ours = record?.change === 'apply' && record.image === present
  if (present !== undefined && !ours && present !== image) {
    return {
      reason: 'ForeignOverride',
      message: `somebody else already replaces ${component} by ${present}; remove that annotation to let the fix in`,
    }
  }
  return undefined
}
