import {
  AGENT_LEASE,
  API_VERSION,
  approvals,
  componentFixes,
  controlPlanes,
  DEFAULT_COMPONENT,
  freezeWindows,
  leases,
  managementClusters,
  rolloutLogs,
  rollouts,
} from '@locktender/fleet'
import type { Approval, ComponentFix, ControlPlane, ManagementCluster, Rollout, RolloutPhase } from '@locktender/fleet'
import type { KubeObject } from '@locktender/kube'
import type { ClusterView, Controller, ObjectEvent, ReconcileResult, World } from '@locktender/runtime'
import { approvalsFor } from '../approvals.ts'
import { placesFor } from '../caps.ts'
import { hasInFlight, isOver } from '../rollout-status.ts'
import { AgentLiveness } from './agent-liveness.ts'
import { HUB } from './fixes-controller.ts'
import { Freezes } from './freezes.ts'
import { Overlaps } from './overlaps.ts'
import { RolloutRun } from './rollout-run.ts'
import { RolloutWorker } from './rollout-worker.ts'
import type { Ending } from './rollout-worker.ts'

interface AgentLease extends KubeObject {
  readonly spec?: { readonly renewTime?: string }
}

/** Carries out approved rollouts. Keys are names of rollouts. */
export function rolloutController(): Controller {
  return new RolloutController()
}

/**
 * Holds one {@link RolloutRun} for each rollout that is not over and feeds it with events of control planes as they
 * come: what an event costs does not depend on the size of the fleet. Runs are made from the caches when first needed
 * and dropped whenever somebody else turns out to have written the status of their rollout.
 */
class RolloutController implements Controller {
  readonly name = 'rollouts'
  readonly concurrency = 4
  readonly reads = [
    { cluster: HUB, resource: rollouts, keys: (event: ObjectEvent) => this.#onRollout(event) },
    {
      cluster: HUB,
      resource: approvals,
      keys: (event: ObjectEvent) => [(event.object() as Approval).spec.rollout],
    },
    { cluster: HUB, resource: controlPlanes, keys: (event: ObjectEvent) => this.#onControlPlane(event) },
    { cluster: HUB, resource: managementClusters, keys: (event: ObjectEvent) => this.#onManagementCluster(event) },
    { cluster: HUB, resource: freezeWindows, keys: (event: ObjectEvent) => this.#onFreeze(event) },
    { cluster: HUB, resource: leases, keys: (event: ObjectEvent) => this.#onLease(event) },
    { cluster: HUB, resource: componentFixes, keys: (event: ObjectEvent) => this.#onFix(event) },
  ]
  readonly writes = [
    { cluster: HUB, resource: controlPlanes },
    { cluster: HUB, resource: rollouts, subresource: 'status' },
    { cluster: HUB, resource: rolloutLogs },
  ]
  readonly #workers = new Map<string, RolloutWorker>()
  /** How rollouts ended whose end was stored here, by UID, while the cache may still show them under way. */
  readonly #ended = new Map<string, RolloutPhase | undefined>()
  readonly #liveness = new AgentLiveness()
  readonly #freezes = new Freezes()
  readonly #overlaps = new Overlaps(() => this.#workers.values())
  #isAssembled = false
  /** Limits by management cluster. */
  readonly #caps = new Map<string, number>()

  async reconcile(key: string, world: World, signal: AbortSignal): Promise<ReconcileResult | void> {
    const hub = world.cluster(HUB)
    const rollout = hub.cache<Rollout>(rollouts).get(key)
    if (rollout === undefined) {
      this.#workers.delete(key)
      this.#overlaps.end(key)
      return
    }
    this.#assemble(world)
    this.#catchUp(hub, world.clock.now())
    const worker = this.#worker(rollout, world)
    if (worker === undefined) return
    const isThere = fixOf(rollout, hub) !== undefined
    worker.run.rollout = rollout
    const { followUpOf } = rollout.spec
    const followed = followUpOf === undefined ? undefined : hub.cache<Rollout>(rollouts).get(followUpOf)
    const given = hub.cache<Approval>(approvals).values()
    const counted = approvalsFor(rollout, followed, given, worker.run.fix.spec.requestedBy)
    try {
      const due = await worker.work(counted, hub, signal, isThere ? undefined : fixGone(rollout.spec.fix))
      this.#overlap(worker, world)
      if (worker.isDone) {
        this.#workers.delete(key)
        this.#overlaps.end(key)
        this.#ended.set(rollout.metadata.uid ?? '', worker.status?.phase)
        return
      }
      const times = [due, worker.run.nextHoldEnd(), this.#liveness.nextDue(), this.#freezes.nextDue()]
      const next = Math.min(...times.map((time) => time ?? Infinity))
      return next === Infinity ? undefined : { requeueAfterMs: Math.max(1, next - world.clock.now()) }
    } catch (error) {
      if (worker.isVoid) this.#workers.delete(key)
      throw error
    }
  }

  /** Every rollout knows of the others before the first of them decides. */
  #assemble(world: World): void {
    if (this.#isAssembled) return
    this.#isAssembled = true
    for (const rollout of world.cluster(HUB).cache<Rollout>(rollouts).values()) this.#worker(rollout, world)
  }

  #overlap(worker: RolloutWorker, world: World): void {
    const fleet = world.cluster(HUB).cache<ControlPlane>(controlPlanes)
    this.#overlaps.begin(worker, fleet.values(), () => world.clock.now())
  }

  /** Takes in what changes by time alone: holds that end, agents that fall silent, freezes that begin or end. */
  #catchUp(hub: ClusterView, now: number): void {
    const fleet = hub.cache<ControlPlane>(controlPlanes)
    const changed = this.#liveness.advance(now)
    const refrozen = this.#freezes.advance(now)
    for (const { run } of this.#workers.values()) {
      for (const id of changed.flatMap((name) => run.onManagementCluster(name))) this.#account(id, fleet.get(id))
    }
    const again = this.#overlaps.again()
    let freed = false
    for (const worker of this.#workers.values()) {
      const { run } = worker
      const ids = [
        ...changed.flatMap((name) => run.onManagementCluster(name)),
        ...run.endedHolds(now),
        ...(refrozen ? run.pending() : []),
        ...again,
      ]
      for (const id of ids) {
        const controlPlane = fleet.get(id)
        if (controlPlane === undefined) continue
        const effect = run.observe(controlPlane)
        if (effect.changed) worker.touch()
        freed ||= effect.freed
      }
    }
    if (freed) this.#roomChanged()
  }

  /** The worker of a rollout, made from the caches when there is none; undefined when there is nothing to do for it. */
  #worker(rollout: Rollout, world: World): RolloutWorker | undefined {
    const { name, uid } = rollout.metadata
    const existing = this.#workers.get(name)
    if (existing?.run.rollout.metadata.uid === uid) return existing
    this.#workers.delete(name)
    const { status } = rollout
    const ended = this.#ended.get(uid ?? '')
    const isRecalled = rollout.spec.revert !== undefined && status?.phase === 'Completed'
    if (ended !== undefined && !(isRecalled && ended === 'Completed')) return undefined
    if (status !== undefined && isOver(status.phase) && !hasInFlight(status.counts) && !isRecalled) return undefined
    // One that was recalled goes on until its next end, whatever becomes of this worker.
    this.#ended.delete(uid ?? '')
    const hub = world.cluster(HUB)
    const run = new RolloutRun({
      rollout,
      fix: fixOf(rollout, hub) ?? goneFix(rollout),
      controlPlanes: hub.cache<ControlPlane>(controlPlanes).values(),
      now: () => world.clock.now(),
      reachable: (managementCluster) => this.#liveness.reachable(managementCluster),
      maxPerShard: (managementCluster) => this.#room(name, managementCluster),
      frozen: (controlPlane) => this.#freezes.on(controlPlane, world.clock.now()),
      isExcused: (id) => this.#overlaps.isExcused(name, id),
    })
    const worker = new RolloutWorker(run, world, {
      evidence: () => this.#overlaps.evidence(name),
      waitsFor: (outlook) => this.#overlaps.waitsFor(run, outlook, world.clock.now()),
    })
    this.#workers.set(name, worker)
    this.#overlap(worker, world)
    return worker
  }

  /** Places on a management cluster for one rollout: what its limit leaves after the others. */
  #room(rollout: string, managementCluster: string): number {
    const own = this.#workers.get(rollout)?.run.rollout.spec.strategy.maxConcurrentPerManagementCluster
    let taken = 0
    for (const [name, { run }] of this.#workers) if (name !== rollout) taken += run.busyOn(managementCluster)
    return placesFor(this.#caps.get(managementCluster), own, taken)
  }

  #onRollout(event: ObjectEvent): readonly string[] {
    if (event.type === 'DELETED') this.#ended.delete(event.object().metadata.uid ?? '')
    const worker = this.#workers.get(event.key)
    // Its status is written by the worker itself.
    const { uid, generation } = (event.object() as Rollout).metadata
    const known = worker?.run.rollout.metadata
    const onlyStatus = event.type === 'MODIFIED' && known?.uid === uid && known?.generation === generation
    const waiting = [...this.#workers].filter(([, other]) => other.isWaiting).map(([name]) => name)
    return onlyStatus ? waiting : [event.key, ...waiting]
  }

  #onControlPlane(event: ObjectEvent): readonly string[] {
    const keys = new Set<string>()
    let freed = false
    const disturbed = this.#account(event.key, event.type === 'DELETED' ? undefined : (event.object() as ControlPlane))
    for (const [name, worker] of disturbed ? this.#workers : []) {
      worker.touch()
      keys.add(name)
    }
    for (const [name, worker] of this.#workers) {
      const effect =
        event.type === 'DELETED' ? worker.run.remove(event.key) : worker.run.observe(event.object() as ControlPlane)
      if (effect.changed) {
        worker.touch()
        keys.add(name)
      }
      freed ||= effect.freed
    }
    if (freed && this.#workers.size > 1) for (const name of this.#roomChanged()) keys.add(name)
    return [...keys]
  }

  /** Accounts for a control plane, before its rollouts look at it; says whether they have to look at others, too. */
  #account(id: string, controlPlane: ControlPlane | undefined): boolean {
    const isIn = controlPlane !== undefined && this.#liveness.reachable(controlPlane.metadata.namespace ?? '')
    if (isIn) return this.#overlaps.observe(controlPlane)
    this.#overlaps.drop(id)
    return false
  }

  #onManagementCluster(event: ObjectEvent): readonly string[] {
    if (event.type === 'DELETED') this.#caps.delete(event.key)
    else this.#caps.set(event.key, (event.object() as ManagementCluster).spec.maxConcurrent)
    return this.#roomChanged()
  }

  #roomChanged(): string[] {
    for (const { run } of this.#workers.values()) run.engine?.capsChanged()
    return [...this.#workers.keys()]
  }

  #onFreeze(event: ObjectEvent): readonly string[] {
    this.#freezes.observe(event)
    return [...this.#workers.keys()]
  }

  #onLease(event: ObjectEvent): readonly string[] {
    const { namespace = '', name } = event.object().metadata
    const renewTime = (event.object() as AgentLease).spec?.renewTime
    if (name !== AGENT_LEASE || event.type === 'DELETED' || renewTime === undefined) return []
    return this.#liveness.renewed(namespace, renewTime) ? [...this.#workers.keys()] : []
  }

  #onFix(event: ObjectEvent): readonly string[] {
    if (event.type !== 'DELETED') return []
    return [...this.#workers].filter(([, { run }]) => run.rollout.spec.fix === event.key).map(([name]) => name)
  }
}

/** The fix of a rollout; undefined when it was deleted, even if there is another one of that name. */
function fixOf({ spec }: Rollout, hub: ClusterView): ComponentFix | undefined {
  const fix = hub.cache<ComponentFix>(componentFixes).get(spec.fix)
  return fix?.metadata.uid === spec.fixUid ? fix : undefined
}

function fixGone(name: string): Ending {
  return {
    reason: 'FixDeleted',
    message: `ComponentFix "${name}" was deleted; what has it keeps it. Request it again to go on.`,
  }
}

/** Stands for a fix that was deleted while nobody watched: by its name, control planes that have it are still found. */
function goneFix({ spec }: Rollout): ComponentFix {
  return {
    apiVersion: API_VERSION,
    kind: componentFixes.kind,
    metadata: { name: spec.fix, uid: spec.fixUid },
    spec: { ticket: '', component: DEFAULT_COMPONENT, targets: [], strategy: '', deadline: '0s' },
  }
}
