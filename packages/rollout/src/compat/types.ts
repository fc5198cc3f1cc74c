/** A decision group of a placement. Indexes start at 0 and have no gaps when the placement controller made them. */
export interface OcmGroupKey {
  readonly name: string
  readonly index: number
}

export interface OcmGroup extends OcmGroupKey {
  readonly clusters: readonly string[]
}

/** ToApply, Progressing, Succeeded, Failed, TimeOut or Skip; anything else is treated like Progressing. */
export type OcmStatusName = string

/** The status of one cluster, as the caller sees it or as the answer lists it. Times are milliseconds. */
export interface OcmStatus {
  readonly cluster: string
  readonly group: OcmGroupKey
  readonly status: OcmStatusName
  /**
   * When the cluster came into this status. For ToApply: when it was told to start (strict mode measures the deadline
   * from here); left out for a cluster that still waits.
   */
  readonly transitionAt?: number
  /** When the soak ends or the deadline passes. Written by the engine; taken as it is for ToApply. */
  readonly recheckAt?: number
}

/** A number of clusters, or a percentage such as `"25%"`. */
export type OcmSize = number | string

/** One entry: every group with this name, or, without a name, the group with this index (default 0). */
export interface OcmMandatoryGroup {
  readonly groupName?: string
  readonly groupIndex?: number
}

/** Body of a strategy; each type reads the fields it knows. */
export interface OcmStrategyBody {
  /** Go duration. A cluster keeps its slot until it has been Succeeded for this long. All ignores it. Default none. */
  readonly minSuccessTime?: string
  /** `None` (default) or a number with h, m or s: progressing or failed for longer is timed out. */
  readonly progressDeadline?: string
  /** Failed or timed-out clusters tolerated, of all clusters or (per group) of each group. All ignores it. Default 0. */
  readonly maxFailures?: OcmSize
  /** Progressive only: slots. Default every cluster. */
  readonly maxConcurrency?: OcmSize
  /** Not for All: treated first, group by group, tolerating no failure. */
  readonly mandatoryDecisionGroups?: readonly OcmMandatoryGroup[]
}

/** RolloutStrategy of cluster.open-cluster-management.io/v1alpha1. */
export interface OcmStrategy {
  readonly type: string
  readonly all?: OcmStrategyBody
  readonly progressive?: OcmStrategyBody
  readonly progressivePerGroup?: OcmStrategyBody
}

export interface OcmAnswer {
  /** The strategy that took effect: the body of its type, empty if there was none. */
  readonly strategy: OcmStrategy
  /** Who holds a slot, in order: to start (ToApply), running and soaking clusters. */
  readonly rollout: readonly OcmStatus[]
  /** Whose deadline passed, as TimeOut. */
  readonly timeout: readonly OcmStatus[]
  /** Whose cluster is in no group any more. */
  readonly removed: readonly OcmStatus[]
  /** More failures than tolerated. */
  readonly maxFailureBreach: boolean
  /** Milliseconds until the answer changes by time alone; absent when it does not. */
  readonly recheckAfter?: number
}

/** The field of a strategy that cannot be read. */
export type OcmStrategyField =
  | 'type'
  | 'deadline'
  | 'maxFailures'
  | 'maxConcurrency'
  | 'minSuccessTime'
  | 'mandatoryDecisionGroups'

/** A strategy that cannot be carried out. */
export class OcmStrategyError extends Error {
  readonly field: OcmStrategyField

  constructor(field: OcmStrategyField, message: string) {
    super(message)
    this.name = 'OcmStrategyError'
    this.field = field
  }
}
