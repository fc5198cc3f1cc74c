import { activeHold, fixMatcher, holdEnd, parseDuration } from '@locktender/fleet'
import type {
  ComponentFix,
  ControlPlane,
  FreezeWindow,
  ManagementCluster,
  Rollout,
  RolloutStrategySpec,
} from '@locktender/fleet'
import { hash32, objectKey } from '@locktender/kube'
import type { Exemption, PlannerTarget, Scenario, Stakes, Window } from '@locktender/rollout'
import { placesFor } from './caps.ts'
import { concerns } from './freeze-windows.ts'
import { pastDurations } from './past-durations.ts'
import { resolveFix } from './resolve-fix.ts'
import { observe } from './rollout-inputs.ts'
import { strategyInput } from './strategy-input.ts'

/**
 * What a fix and its bug are taken to be like while nobody has said otherwise: of control planes without the fix one in
 * a thousand suffers at any moment, and one fix in ten is itself bad. Both are in the middle of the range that the
 * planner was checked for.
 */
export const DEFAULT_STAKES: Stakes = { hazard: 0.001, prior: 0.1 }

/** What is planned: the rollout of a fix, also by another strategy than it has, or one that was not planned yet. */
type Subject =
  | { readonly rollout: Rollout; readonly strategy?: RolloutStrategySpec }
  | { readonly rollout?: undefined; readonly strategy: RolloutStrategySpec }

export type ScenarioInput = Subject & {
  readonly fix: ComponentFix
  readonly controlPlanes: Iterable<ControlPlane>
  readonly managementClusters: Iterable<ManagementCluster>
  readonly freezeWindows: Iterable<FreezeWindow>
  /** Milliseconds since the epoch; the start, unless the rollout has begun. */
  readonly now: number
  /** Instead of the deadline of the rollout or of the fix, milliseconds since the epoch. */
  readonly deadline?: number
  readonly stakes?: Stakes
}

/**
 * A rollout as the planner takes it: its targets as they are now, with limits of management clusters, freezes as windows,
 * holds as exemptions (one without an end until the deadline) and durations of earlier rollouts of the same component.
 * For a rollout that has begun it is the plan from its start. Other rollouts are taken to leave it their places.
 */
export function rolloutScenario(input: ScenarioInput): Scenario {
  const { fix, rollout, now } = input
  const strategy = input.rollout === undefined ? input.strategy : (input.strategy ?? input.rollout.spec.strategy)
  const startTime = rollout?.status?.startTime
  const startAt = startTime === undefined ? now : Date.parse(startTime)
  const deadline = input.deadline ?? deadlineOf(fix, rollout, startAt)
  const fleet = new Map(Array.from(input.controlPlanes, (controlPlane) => [objectKey(controlPlane), controlPlane]))
  const limits = new Map(Array.from(input.managementClusters, ({ metadata, spec }) => [metadata.name, spec]))
  const windows = new WindowClasses(input.freezeWindows, startAt)
  const targets: PlannerTarget[] = []
  const exemptions: Exemption[] = []
  for (const target of targetsOf(input, strategy, fleet)) {
    const controlPlane = fleet.get(target.id) as ControlPlane
    const windowClass = windows.of(controlPlane)
    targets.push(windowClass === '' ? target : { ...target, windowClass })
    const hold = activeHold(controlPlane, startAt)
    const skipped = rollout?.spec.skip?.find((asked) => asked.controlPlane === target.id)
    if (skipped !== undefined) {
      const { by: owner = '', reason } = skipped
      exemptions.push({ id: target.id, owner, reason, until: Math.max(deadline, startAt) })
      continue
    }
    if (hold === undefined) continue
    const { owner, reason } = hold
    exemptions.push({ id: target.id, owner, reason, until: Math.min(holdEnd(hold), Math.max(deadline, startAt)) })
  }
  return {
    targets,
    strategy: strategyInput(strategy, (name) =>
      placesFor(limits.get(name)?.maxConcurrent, strategy.maxConcurrentPerManagementCluster),
    ),
    stakes: input.stakes ?? DEFAULT_STAKES,
    startAt,
    deadline,
    windows: windows.windows,
    exemptions,
    seed: rollout?.spec.seed ?? hash32(fix.metadata.uid ?? fix.metadata.name),
    history: pastDurations(fleet.values(), fix.spec.component, rollout?.metadata.name),
  }
}

function deadlineOf(fix: ComponentFix, rollout: Rollout | undefined, startAt: number): number {
  if (rollout !== undefined) return Date.parse(rollout.spec.deadline)
  const { creationTimestamp } = fix.metadata
  return (creationTimestamp === undefined ? startAt : Date.parse(creationTimestamp)) + parseDuration(fix.spec.deadline)
}

function targetsOf(
  { fix, rollout, now }: ScenarioInput,
  strategy: RolloutStrategySpec,
  fleet: ReadonlyMap<string, ControlPlane>,
): readonly PlannerTarget[] {
  if (rollout?.spec.followUpOf === undefined) return resolveFix(fix, strategy, fleet.values(), now).targets
  const context = { matcher: fixMatcher(fix), rollout: rollout.metadata.name, followsUp: true, strategy, now }
  return Array.from(fleet.values(), (each) => observe(each, { ...context, reachable: true }).input).filter(
    ({ phase }) => phase !== 'NotAffected',
  )
}

/** Control planes with the same freezes are of one class, named after these. */
class WindowClasses {
  readonly windows: { [name: string]: Window } = {}
  readonly #freezes: readonly FreezeWindow[]

  /** Freezes that are over at `from` are left out. */
  constructor(freezes: Iterable<FreezeWindow>, from: number) {
    this.#freezes = [...freezes]
      .filter(({ spec }) => Date.parse(spec.to) > from)
      .sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
  }

  /** '' when no freeze is for it. */
  of(controlPlane: ControlPlane): string {
    const own = this.#freezes.filter((freeze) => concerns(freeze, controlPlane))
    const name = own.map(({ metadata }) => metadata.name).join(', ')
    if (own.length > 0) {
      this.windows[name] ??= {
        closed: own.map(({ spec }) => ({ from: Date.parse(spec.from), to: Date.parse(spec.to) })),
      }
    }
    return name
  }
}
