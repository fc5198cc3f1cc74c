import {
  approvals,
  componentFixes,
  controlPlanes,
  DEFAULT_COMPONENT,
  freezeWindows,
  managementClusters,
  rollouts,
  type Approval,
  type ComponentFix,
  type ComponentOverride,
  type ControlPlane,
  type ControlPlaneOperation,
  type FreezeWindow,
  type ManagementCluster,
  type Rollout,
} from '@locktender/fleet'
import { objectKey, type KubeObject, type Resource } from '@locktender/kube'
import type { ObjectsState, WorldState } from '@locktender/runtime/explore'
import { HUB } from './fleet.ts'

/** What became of one object. */
export interface Change<T> {
  readonly key: string
  readonly before: T | undefined
  readonly after: T | undefined
}

/** A function that tells, each time it is asked, what has changed in a resource since it was asked before. */
export function changesOf<T extends KubeObject>(resource: Resource): (objects: ObjectsState) => Change<T>[] {
  let known = new Map<string, T>()
  return (objects) => {
    const now = objects.list<T>(resource)
    const changes: Change<T>[] = []
    let same = 0
    for (const after of now) {
      const key = objectKey(after)
      const before = known.get(key)
      if (before !== undefined) same++
      if (before !== after) changes.push({ key, before, after })
    }
    if (changes.length === 0 && same === known.size) return changes
    const next = new Map(now.map((object) => [objectKey(object), object]))
    for (const [key, before] of known) if (!next.has(key)) changes.push({ key, before, after: undefined })
    known = next
    return changes
  }
}

/** The fleet as its objects say. */
export class Fleet {
  readonly now: number
  readonly #hub: ObjectsState

  constructor(state: WorldState) {
    this.now = state.nowMs
    this.#hub = state.cluster(HUB)
  }

  get planes(): readonly ControlPlane[] {
    return this.#hub.list<ControlPlane>(controlPlanes)
  }

  get freezes(): readonly FreezeWindow[] {
    return this.#hub.list<FreezeWindow>(freezeWindows)
  }

  get rollouts(): readonly Rollout[] {
    return this.#hub.list<Rollout>(rollouts)
  }

  rollout(name: string): Rollout | undefined {
    return this.#hub.get<Rollout>(rollouts, name)
  }

  fix(name: string): ComponentFix | undefined {
    return this.#hub.get<ComponentFix>(componentFixes, name)
  }

  place(name: string): ManagementCluster | undefined {
    return this.#hub.get<ManagementCluster>(managementClusters, name)
  }

  /** People other than the requester who consented to the plan of a rollout, or to that of the one it follows. */
  consenting(rollout: Rollout): number {
    const followed = rollout.spec.followUpOf === undefined ? undefined : this.rollout(rollout.spec.followUpOf)
    const plans = [rollout, ...(followed === undefined ? [] : [followed])]
    const requester = this.fix(rollout.spec.fix)?.spec.requestedBy
    const given = this.#hub
      .list<Approval>(approvals)
      .filter(({ spec }) =>
        plans.some(({ metadata, spec: { plan } }) => spec.rollout === metadata.name && spec.planHash === plan.hash),
      )
    return new Set(given.map(({ spec }) => spec.approver).filter((who) => who !== undefined && who !== requester)).size
  }
}

export function overrideOf(plane: ControlPlane | undefined): ComponentOverride | undefined {
  return plane?.spec.overrides?.find(({ component }) => component === DEFAULT_COMPONENT)
}

export function operationOf(plane: ControlPlane | undefined): ControlPlaneOperation | undefined {
  return plane?.status?.operations?.find(({ component }) => component === DEFAULT_COMPONENT)
}

/** The attempt of the operation of an override is at its end, or it was taken back to its end. */
export function isInFlight(plane: ControlPlane | undefined): boolean {
  const [override, operation] = [overrideOf(plane), operationOf(plane)]
  if (override !== undefined) {
    const isItsOwn = operation?.rollout === override.rollout && (operation.attempt ?? 1) === (override.attempt ?? 1)
    return !(isItsOwn && (operation.phase === 'Applied' || operation.phase === 'Failed'))
  }
  if (operation === undefined || operation.phase === 'Reverted') return false
  return !(operation.phase === 'Failed' && operation.image === undefined)
}

/** A rollout that asks for a control plane, or withdraws what it asked for. */
export interface Asked {
  readonly key: string
  readonly before: ControlPlane | undefined
  readonly after: ControlPlane
  /** Undefined when it is withdrawn. */
  readonly override: ComponentOverride | undefined
}

/** Changes in which somebody is asked, or taken back. */
export function askedIn(changes: readonly Change<ControlPlane>[]): Asked[] {
  return changes.flatMap(({ key, before, after }) => {
    if (after === undefined) return []
    const [was, is] = [overrideOf(before), overrideOf(after)]
    const isSame = was?.rollout === is?.rollout && was?.attempt === is?.attempt && was?.image === is?.image
    return isSame ? [] : [{ key, before, after, override: is }]
  })
}
