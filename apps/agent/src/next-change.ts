import type { ControlPlane } from '@locktender/fleet'
import { currentOverride, readChangeRecord, type ChangeRecord } from './change-record.ts'
import { findCondition, type HostedControlPlane } from './hypershift.ts'
import { nodeFingerprint } from './node-fingerprint.ts'

/** What the agent should do to a HostedCluster. */
export type NextChange =
  | { readonly kind: 'none' }
  | { readonly kind: 'write'; readonly record: ChangeRecord }
  /** Something is wanted, but must not be started now. */
  | { readonly kind: 'blocked'; readonly reason: string; readonly message: string }

/**
 * Compares what the hub wants with the agent's own record on the HostedCluster. Asked again with the same objects it
 * answers the same, and once its answer is written it answers `none`: no change is made twice.
 */
export function nextChange(controlPlane: ControlPlane, observed: HostedControlPlane, now: number): NextChange {
  const { hostedCluster } = observed
  const wanted = controlPlane.spec.overrides ?? []
  const record = readChangeRecord(hostedCluster)
  if (wanted.length > 1) {
    const names = wanted.map((override) => override.component).join(', ')
    return {
      kind: 'blocked',
      reason: 'SeveralComponents',
      message: `one component at a time can be replaced, not ${names}`,
    }
  }
  const override = wanted[0]
  if (override === undefined) {
    if (record === undefined || record.change === 'revert') return { kind: 'none' }
    // Going back repairs; it never waits for the control plane to be well.
    return {
      kind: 'write',
      record: { ...record, change: 'revert', changedAt: now, nodeFingerprint: nodeFingerprint(observed.nodePools) },
    }
  }
  const inPlace =
    record?.change === 'apply' && record.component === override.component && record.image === override.image
  if (inPlace && record.fix === override.fix && record.rollout === override.rollout) return { kind: 'none' }

  const obstacle = findObstacle(observed, record, override.component, override.image)
  if (obstacle !== undefined) return { kind: 'blocked', ...obstacle }
  const previousImage =
    record?.change === 'apply' ? record.previousImage : currentOverride(hostedCluster, override.component)
  return {
    kind: 'write',
    record: {
      change: 'apply',
      component: override.component,
      image: override.image,
      fix: override.fix,
      rollout: override.rollout,
      // The same image under another name rolls nothing, so its operation began when the image was put there.
      changedAt: inPlace ? record.changedAt : now,
      nodeFingerprint: nodeFingerprint(observed.nodePools),
      previousImage,
    },
  }
}

/** Why a change must not be started (preflight): each is a state that somebody has to end first. */
function findObstacle(
  observed: HostedControlPlane,
  record: ChangeRecord | undefined,
  component: string,
  image: string,
): { readonly reason: string; readonly message: string } | undefined {
  const { hostedCluster } = observed
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
  const ours = record?.change === 'apply' && record.component === component && record.image === present
  if (present !== undefined && !ours && present !== image) {
    return {
      reason: 'ForeignOverride',
      message: `somebody else already replaces ${component} by ${present}; remove that annotation to let the fix in`,
    }
  }
  return undefined
}
