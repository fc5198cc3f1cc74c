import {
  DEFAULT_COMPONENT,
  type ComponentImage,
  type ControlPlane,
  type ControlPlaneHealth,
  type ControlPlaneIdentity,
  type ControlPlaneOperation,
  type ControlPlaneSignal,
  type ControlPlaneStatus,
} from '@locktender/fleet'
import { deepEqual, type Condition } from '@locktender/kube'
import { currentOverride, listedOverrides, readChangeRecords, type ChangeRecord } from './change-record.ts'
import {
  changedAt,
  findCondition,
  type HostedCluster,
  type HostedControlPlane,
  type VersionStatus,
} from './hypershift.ts'
import { nodeFingerprint } from './node-fingerprint.ts'
import { judgeProgress, operatorImage } from './progress.ts'

/** What an agent knows of its management cluster without looking. */
export interface ManagementClusterIdentity {
  readonly name: string
  readonly environment: ControlPlaneIdentity['environment']
  readonly sector: string
  readonly region: string
}

/** Labels by which a service marks a HostedCluster with whose it is and what belongs together. */
const CUSTOMER_LABEL = 'locktender.dev/customer'
const TIER_LABEL = 'locktender.dev/tier'
/** Those that stand in for each other have the same. */
const PAIR_LABEL = 'locktender.dev/pair'

/** Unavailable replicas are normal for minutes while components roll; only longer ones are a state of health. */
const DEGRADED_AFTER_MS = 10 * 60_000

export interface FoldedStatus {
  readonly status: ControlPlaneStatus
  /** Look again at this time (ms) even if nothing changes. */
  readonly lookAgainAt?: number
}

/**
 * Folds the objects of one hosted control plane into the status that the hub sees. Times are those of the objects, so
 * the result changes only when the state does, and a second agent would report the same.
 *
 * @param blocked why a wanted change was not started; undefined when nothing stands in the way
 */
export function foldStatus(
  controlPlane: ControlPlane,
  observed: HostedControlPlane,
  managementCluster: ManagementClusterIdentity,
  blocked: { readonly reason: string; readonly message: string } | undefined,
  now: number,
): FoldedStatus {
  const { hostedCluster } = observed
  const records = readChangeRecords(hostedCluster)
  const before = controlPlane.status
  const progress = records
    .map((record) => operationOf(record, observed, before?.operations ?? [], now))
    .toSorted((left, right) => newestFirst(left.operation, right.operation))
  const { health, lookAgainAt: healthDue } = healthOf(hostedCluster, before?.health, now)
  const due = [...progress.map(({ lookAgainAt }) => lookAgainAt), healthDue].filter((time) => time !== undefined)
  const status: ControlPlaneStatus = {
    identity: identityOf(observed, managementCluster),
    version: versionsOf(hostedCluster, before),
    images: imagesOf(observed, records),
    ...(progress.length === 0 ? {} : { operations: progress.map(({ operation }) => operation) }),
    health,
    ...signalsOf(hostedCluster, before?.signals),
    nodeFingerprint: nodeFingerprint(observed.nodePools),
    conditions: [changeable(blocked, before?.conditions, now)],
  }
  return { status, ...(due.length === 0 ? {} : { lookAgainAt: Math.min(...due) }) }
}

function newestFirst(left: ControlPlaneOperation, right: ControlPlaneOperation): number {
  const difference = Date.parse(right.startTime) - Date.parse(left.startTime)
  return difference === 0 ? (left.component < right.component ? -1 : 1) : difference
}

function operationOf(
  record: ChangeRecord,
  observed: HostedControlPlane,
  reported: readonly ControlPlaneOperation[],
  now: number,
): { operation: ControlPlaneOperation; lookAgainAt?: number } {
  const startTime = timestamp(record.changedAt)
  const before = reported.find(({ component }) => component === record.component)
  const finished = before?.startTime === startTime && before.completionTime !== undefined
  // An operation ends once. What happens to the control plane later is its health, not this operation's result.
  if (finished) return { operation: before }
  const progress = judgeProgress(record, observed, now)
  const ended = progress.phase === 'Applied' || progress.phase === 'Reverted' || progress.phase === 'Failed'
  return {
    operation: {
      component: record.component,
      ...(record.change === 'apply' ? { image: record.image } : {}),
      ...(record.fix === '' ? {} : { fix: record.fix }),
      ...(record.rollout === '' ? {} : { rollout: record.rollout }),
      ...(record.attempt === undefined ? {} : { attempt: record.attempt }),
      phase: progress.phase,
      startTime,
      ...(ended ? { completionTime: timestamp(now) } : {}),
      ...(progress.reason === undefined ? {} : { reason: progress.reason }),
      ...(progress.message === undefined ? {} : { message: progress.message.slice(0, 1024) }),
    },
    ...(ended || progress.lookAgainAt === undefined ? {} : { lookAgainAt: progress.lookAgainAt }),
  }
}

function healthOf(
  hostedCluster: HostedCluster,
  before: ControlPlaneHealth | undefined,
  now: number,
): { health: ControlPlaneHealth; lookAgainAt?: number } {
  const conditions = hostedCluster.status?.conditions
  const available = findCondition(conditions, 'Available')
  const degraded = findCondition(conditions, 'Degraded')
  const held = (health: ControlPlaneHealth): ControlPlaneHealth =>
    before?.state === health.state && before.reason === health.reason ? before : health
  if (available === undefined || available.status === 'Unknown') {
    return { health: held({ state: 'Unknown', since: timestamp(now), reason: 'NoReport' }) }
  }
  if (available.status === 'False') return { health: held(fromCondition('Unavailable', available)) }
  if (degraded?.status === 'True') {
    const due = changedAt(degraded)! + DEGRADED_AFTER_MS
    if (now >= due) return { health: held(fromCondition('Degraded', degraded)) }
    return { health: healthy(before, available), lookAgainAt: due }
  }
  return { health: healthy(before, available) }
}

/** Counts how often Degraded changed, for how short a time ever; the count so far is in the status itself. */
const DEGRADED_CHANGES = 'DegradedChanges'

function signalsOf(
  hostedCluster: HostedCluster,
  before: readonly ControlPlaneSignal[] | undefined,
): Pick<ControlPlaneStatus, 'signals'> {
  const degraded = findCondition(hostedCluster.status?.conditions, 'Degraded')
  const known = before?.find(({ name }) => name === DEGRADED_CHANGES)
  if (degraded === undefined) return before === undefined ? {} : { signals: before }
  const at = degraded.lastTransitionTime
  if (known !== undefined && Date.parse(at) <= Date.parse(known.at)) return { signals: before! }
  return { signals: [{ name: DEGRADED_CHANGES, value: known === undefined ? 0 : known.value + 1, at }] }
}

/** Healthy since the last time it was not, as far as anybody remembers. */
function healthy(before: ControlPlaneHealth | undefined, available: Condition): ControlPlaneHealth {
  return before?.state === 'Healthy' ? before : { state: 'Healthy', since: available.lastTransitionTime }
}

function fromCondition(state: ControlPlaneHealth['state'], condition: Condition): ControlPlaneHealth {
  return {
    state,
    since: condition.lastTransitionTime,
    reason: condition.reason,
    message: condition.message.slice(0, 1024),
  }
}

function identityOf(observed: HostedControlPlane, managementCluster: ManagementClusterIdentity): ControlPlaneIdentity {
  const { spec, metadata } = observed.hostedCluster
  const labels = metadata.labels ?? {}
  const architectures = new Set(observed.nodePools.map((pool) => pool.spec.arch ?? 'amd64'))
  return {
    environment: managementCluster.environment,
    sector: managementCluster.sector,
    region: spec.platform.aws?.region ?? spec.platform.azure?.location ?? managementCluster.region,
    platform: spec.platform.type as ControlPlaneIdentity['platform'],
    architecture: architectures.size > 1 ? 'multi' : ([...architectures][0] ?? 'amd64'),
    topology: spec.controllerAvailabilityPolicy === 'SingleReplica' ? 'SingleReplica' : 'HighlyAvailable',
    customer: labels[CUSTOMER_LABEL] ?? 'unknown',
    tier: labels[TIER_LABEL] ?? 'standard',
    ...(labels[PAIR_LABEL] === undefined || labels[PAIR_LABEL] === '' ? {} : { pair: labels[PAIR_LABEL] }),
  }
}

function versionsOf(
  hostedCluster: HostedCluster,
  before: ControlPlaneStatus | undefined,
): ControlPlaneStatus['version'] {
  const { status } = hostedCluster
  const dataPlane = completedVersion(status?.version) ?? before?.version.dataPlane ?? '0.0.0'
  // Older control-plane operators do not report a version of their own; then both planes move together.
  return { controlPlane: completedVersion(status?.controlPlaneVersion) ?? dataPlane, dataPlane }
}

function completedVersion(status: VersionStatus | undefined): string | undefined {
  return status?.history?.find((entry) => entry.state === 'Completed')?.version
}

function imagesOf(observed: HostedControlPlane, records: readonly ChangeRecord[]): ControlPlaneStatus['images'] {
  const { hostedCluster, operator } = observed
  const entry = (component: string, image: string, origin: ComponentImage['origin']): ComponentImage => {
    const ours = records.find((record) => record.component === component)
    const fix = ours?.change === 'apply' && ours.image === image && ours.fix !== '' ? ours.fix : undefined
    return { component, image, origin, ...(fix === undefined ? {} : { fix }) }
  }
  const running = operatorImage(operator)
  const annotated = currentOverride(hostedCluster, DEFAULT_COMPONENT) === running
  return [
    ...(running === undefined ? [] : [entry(DEFAULT_COMPONENT, running, annotated ? 'annotation' : 'payload')]),
    // What the others run without an override is in the release, which the agent does not read.
    ...listedOverrides(hostedCluster).map(({ component, image }) => entry(component, image, 'annotation')),
  ]
}

function changeable(
  blocked: { readonly reason: string; readonly message: string } | undefined,
  before: readonly Condition[] | undefined,
  now: number,
): Condition {
  const wanted = {
    type: 'Changeable',
    status: blocked === undefined ? ('True' as const) : ('False' as const),
    reason: blocked?.reason ?? 'NothingInTheWay',
    message: blocked?.message ?? '',
  }
  const last = findCondition(before, 'Changeable')
  const lastTransitionTime = last?.status === wanted.status ? last.lastTransitionTime : timestamp(now)
  const condition = { ...wanted, lastTransitionTime }
  return last !== undefined && deepEqual(last, condition) ? last : condition
}

/** RFC 3339 in whole seconds when it is one, as Kubernetes writes times; milliseconds are kept where they matter. */
function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z')
}
