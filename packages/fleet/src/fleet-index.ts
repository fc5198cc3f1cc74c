import { Heap, objectKey } from '@locktender/kube'
import { fixMatcher } from './fix-targets.ts'
import type { FixMatcher } from './fix-targets.ts'
import { KeyGroups } from './key-groups.ts'
import type { ComponentFix } from './kinds/component-fix.ts'
import type { ControlPlane } from './kinds/control-plane.ts'
import type { StateCounts, TargetState } from './states.ts'
import { TARGET_STATES } from './states.ts'
import { stratum } from './stratum.ts'
import { holdEnd, targetState } from './target-state.ts'
import type { ControlPlaneView, TargetStatus } from './target-state.ts'

interface TrackedFix {
  readonly matcher: FixMatcher
  readonly rollout: string | undefined
  /** NotAffected is left out: it is most of the fleet for most fixes. */
  readonly states: KeyGroups<TargetState>
}

interface HoldEnd {
  readonly at: number
  readonly key: string
}

/**
 * Answers fleet-wide questions (how many in which state, which in this stratum, what on this management cluster)
 * from ControlPlane events, O(log n) each for every tracked fix, without going over the fleet. Its answers depend
 * only on the objects, the time and the reachability it was told, not on the order in which it was told.
 */
export class FleetIndex {
  #now: number
  readonly #views = new Map<string, ControlPlaneView>()
  readonly #strata = new KeyGroups<string>()
  readonly #managementClusters = new KeyGroups<string>()
  readonly #unreachable = new Set<string>()
  readonly #fixes = new Map<string, TrackedFix>()
  readonly #holdEnds = new Heap<HoldEnd>((left, right) => left.at < right.at)
  /** The end each key waits for; other entries of the heap are stale. */
  readonly #nextHoldEnd = new Map<string, number>()

  /** `now` in milliseconds since the epoch. */
  constructor(now: number) {
    this.#now = now
  }

  /** Number of control planes. */
  get size(): number {
    return this.#views.size
  }

  /** Takes in a new or changed control plane. */
  upsert(controlPlane: ControlPlane): void {
    const key = objectKey(controlPlane)
    const view = viewOf(controlPlane)
    this.#views.set(key, view)
    this.#strata.move(key, stratum(controlPlane))
    this.#managementClusters.move(key, controlPlane.metadata.namespace ?? '')
    this.#scheduleHoldEnd(key, view)
    this.#judge(key, view)
  }

  /** Forgets a control plane, by `namespace/name`. */
  remove(key: string): void {
    this.#views.delete(key)
    this.#strata.move(key, undefined)
    this.#managementClusters.move(key, undefined)
    this.#nextHoldEnd.delete(key)
    for (const fix of this.#fixes.values()) fix.states.move(key, undefined)
  }

  /**
   * Begins to count the states of a fix, only as far as `rollout` made them if given; `others` are the fixes that may
   * supersede it. O(n) once.
   */
  track(fix: ComponentFix, rollout?: string, others: Iterable<ComponentFix> = []): void {
    const tracked: TrackedFix = { matcher: fixMatcher(fix, others), rollout, states: new KeyGroups() }
    this.#fixes.set(fix.metadata.name, tracked)
    for (const [key, view] of this.#views) this.#judgeFor(tracked, key, view)
  }

  untrack(fix: string): void {
    this.#fixes.delete(fix)
  }

  /** Says whether a management cluster has reported within its freshness limit; all are taken to have at first. */
  setReachable(managementCluster: string, reachable: boolean): void {
    const changed = reachable ? this.#unreachable.delete(managementCluster) : !this.#unreachable.has(managementCluster)
    if (!changed) return
    if (!reachable) this.#unreachable.add(managementCluster)
    for (const key of this.#managementClusters.keys(managementCluster)) this.#judge(key, this.#views.get(key)!)
  }

  /** Lets time pass: holds that have expired no longer hold. */
  advance(now: number): void {
    this.#now = Math.max(this.#now, now)
    for (;;) {
      const next = this.#holdEnds.peek()
      if (next === undefined || next.at > this.#now) return
      this.#holdEnds.pop()
      if (this.#nextHoldEnd.get(next.key) !== next.at) continue
      const view = this.#views.get(next.key)!
      this.#nextHoldEnd.delete(next.key)
      this.#scheduleHoldEnd(next.key, view)
      this.#judge(next.key, view)
    }
  }

  /** When {@link advance} next has something to do; undefined if never. */
  get nextDue(): number | undefined {
    for (;;) {
      const next = this.#holdEnds.peek()
      if (next === undefined || this.#nextHoldEnd.get(next.key) === next.at) return next?.at
      this.#holdEnds.pop()
    }
  }

  /** The state of one control plane with its reason; undefined if the fix or the control plane is not known. */
  status(fix: string, key: string): TargetStatus | undefined {
    const tracked = this.#fixes.get(fix)
    const view = this.#views.get(key)
    return tracked === undefined || view === undefined ? undefined : this.#statusOf(tracked, view)
  }

  /** Counts by state, without states that count none. Empty for a fix that is not tracked. */
  counts(fix: string): StateCounts {
    const tracked = this.#fixes.get(fix)
    if (tracked === undefined) return {}
    const counts: { [State in TargetState]?: number } = {}
    for (const state of TARGET_STATES) {
      const count = state === 'NotAffected' ? this.size - tracked.states.size : tracked.states.count(state)
      if (count > 0) counts[state] = count
    }
    return counts
  }

  /** How many control planes a fix concerns: all that are not NotAffected. */
  affected(fix: string): number {
    return this.#fixes.get(fix)?.states.size ?? 0
  }

  /** Control planes in one state of a fix other than NotAffected, by `namespace/name`, sorted. */
  inState(fix: string, state: Exclude<TargetState, 'NotAffected'>): string[] {
    return this.#fixes.get(fix)?.states.keys(state) ?? []
  }

  /** Strata that have control planes, sorted; '' holds those that never reported. */
  strata(): string[] {
    return this.#strata.groups()
  }

  /** Control planes of a stratum, by `namespace/name`, sorted. */
  inStratum(name: string): string[] {
    return this.#strata.keys(name)
  }

  /** Control planes of a management cluster, by `namespace/name`, sorted. */
  onManagementCluster(name: string): string[] {
    return this.#managementClusters.keys(name)
  }

  #judge(key: string, view: ControlPlaneView): void {
    for (const fix of this.#fixes.values()) this.#judgeFor(fix, key, view)
  }

  #judgeFor(fix: TrackedFix, key: string, view: ControlPlaneView): void {
    const { state } = this.#statusOf(fix, view)
    fix.states.move(key, state === 'NotAffected' ? undefined : state)
  }

  #statusOf(fix: TrackedFix, view: ControlPlaneView): TargetStatus {
    const reachable = !this.#unreachable.has(view.metadata.namespace ?? '')
    return targetState(view, fix.matcher, { now: this.#now, rollout: fix.rollout, reachable })
  }

  #scheduleHoldEnd(key: string, view: ControlPlaneView): void {
    let at = Infinity
    for (const hold of view.spec.holds ?? []) {
      const end = holdEnd(hold)
      if (end > this.#now && end < at) at = end
    }
    if (at === Infinity) {
      this.#nextHoldEnd.delete(key)
    } else if (this.#nextHoldEnd.get(key) !== at) {
      this.#nextHoldEnd.set(key, at)
      this.#holdEnds.push({ at, key })
    }
  }
}

/** Keeps only what states depend on, so that the rest of the object can be freed. */
function viewOf({ metadata, spec, status }: ControlPlane): ControlPlaneView {
  return {
    metadata: {
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    },
    spec: {
      ...(spec.overrides === undefined ? {} : { overrides: spec.overrides }),
      ...(spec.holds === undefined ? {} : { holds: spec.holds }),
    },
    ...(status === undefined
      ? {}
      : {
          status: {
            identity: status.identity,
            version: status.version,
            images: status.images,
            ...(status.operations === undefined ? {} : { operations: status.operations }),
          },
        }),
  }
}
