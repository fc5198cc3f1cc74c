import { componentFixes, controlPlanes, rollouts, rolloutStrategies } from '@locktender/fleet'
import type {
  ComponentFix,
  ComponentFixStatus,
  ControlPlane,
  Rollout,
  RolloutHistory,
  RolloutStrategy,
} from '@locktender/fleet'
import { createMergePatch, isAlreadyExists } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import type { ClusterView, Controller, ObjectEvent, ReconcileResult, World } from '@locktender/runtime'
import { deliveredStatusOf, fixStatusOf, fixStatusWithout } from '../fix-status.ts'
import { inOrder, leftOutOf, nextFollowUpAt, nextFollowUpName, notSuperseded } from '../follow-up.ts'
import { operationHistory } from '../operation-history.ts'
import { proposeRollout } from '../propose-rollout.ts'
import type { RolloutProposal } from '../propose-rollout.ts'
import { resolveFix, targetMeta } from '../resolve-fix.ts'
import { DeliveredFixes } from './delivered-fixes.ts'

/** Name under which the controllers of this package know the hub. */
export const HUB = 'hub'

/** How soon to look again for control planes that have not been reported, in milliseconds. */
const REPORT_POLL_MS = 10_000

/** Counts of a delivered fix can change with every event of the fleet; its status follows at this pace, in milliseconds. */
const COUNTS_INTERVAL_MS = 10_000

/** Index of rollouts by the uid of their fix. */
const BY_FIX = 'fix'

/** A fix that cannot be proposed (yet), and why. */
interface NoRollout {
  readonly status: ComponentFixStatus
  readonly requeueAfterMs?: number
}

/**
 * Proposes a Rollout for each ComponentFix, another one when control planes come after it was delivered, and reports on
 * the fix what its rollouts do. Keys are names of fixes.
 */
export function fixesController(): Controller {
  return new FixesController()
}

class FixesController implements Controller {
  readonly name = 'fixes'
  readonly concurrency = 4
  readonly reads = [
    { cluster: HUB, resource: componentFixes, keys: (event: ObjectEvent) => this.#onFix(event) },
    { cluster: HUB, resource: rollouts, keys: (event: ObjectEvent) => [(event.object() as Rollout).spec.fix] },
    { cluster: HUB, resource: rolloutStrategies, keys: (event: ObjectEvent) => this.#followersOf(event.key) },
    // While a fix waits for the first reports it polls, so that they cost nothing otherwise.
    { cluster: HUB, resource: controlPlanes, keys: (event: ObjectEvent) => this.#delivered.observe(event) },
  ]
  readonly writes = [
    { cluster: HUB, resource: componentFixes, subresource: 'status' },
    { cluster: HUB, resource: rollouts },
  ]
  /** Fixes by the strategy they follow, so that one that comes late wakes those that wait for it. */
  readonly #followers = new Map<string, Set<string>>()
  readonly #delivered = new DeliveredFixes()
  /** When the status of a delivered fix was written last. */
  readonly #writtenAt = new Map<string, number>()
  readonly #indexed = new WeakSet<object>()

  async reconcile(key: string, world: World): Promise<ReconcileResult | void> {
    const hub = world.cluster(HUB)
    const fix = hub.cache<ComponentFix>(componentFixes).get(key)
    if (fix === undefined) {
      this.#delivered.remove(key)
      this.#writtenAt.delete(key)
      return
    }
    if (fix.status?.phase === 'Refused') return
    const existing = this.#rolloutsOf(fix, world)
    const first = existing[0]
    if (first?.status?.phase === 'Completed') return this.#lookAfter(fix, existing, world)
    if (first !== undefined) {
      await writeStatus(fix, fixStatusOf(first), hub)
      return
    }
    if (fix.status?.phase === 'Delivered') {
      // Everybody had it in the release. Who comes without it is reason for a first rollout, with approvals of its own.
      this.#watchOver(fix, world)
      if (this.#late(fix, world).length === 0) return this.#atNextHoldEnd(world)
    }
    const proposed = await propose(fix, world)
    if ('spec' in proposed) {
      await writeStatus(fix, fixStatusOf(proposed), hub)
      return
    }
    await writeStatus(fix, proposed.status, hub)
    if (proposed.requeueAfterMs !== undefined) return { requeueAfterMs: proposed.requeueAfterMs }
  }

  /** A fix whose first rollout is complete: control planes that came later are treated by rollouts that follow it. */
  async #lookAfter(fix: ComponentFix, existing: readonly Rollout[], world: World): Promise<ReconcileResult | void> {
    const hub = world.cluster(HUB)
    const now = world.clock.now()
    this.#watchOver(fix, world)
    const first = existing[0]!
    let latest = existing.at(-1)!
    let due = this.#delivered.nextDue ?? Infinity
    if (latest.status?.phase === 'Completed') {
      const skip = leftOutOf(existing)
      const targets = this.#late(fix, world)
        .map((controlPlane) => targetMeta(controlPlane, first.spec.strategy))
        .filter(({ id, stage }) => stage !== '' && !skip.some(({ controlPlane }) => controlPlane === id))
      const startAt = nextFollowUpAt(latest)
      if (targets.length > 0 && startAt > now) due = Math.min(due, startAt)
      else if (targets.length > 0) {
        const name = nextFollowUpName(existing)
        const followUp = { of: first.metadata.name, from: now, skip }
        const history = historyFor(fix, hub)
        latest = await create({ fix, strategy: first.spec.strategy, targets, name, history, followUp }, hub)
        world.log.info('Followed up for control planes that came later', { rollout: name, targets: targets.length })
      }
    }
    const status = deliveredStatusOf(latest, this.#delivered.counts(fix.metadata.name))
    const turned = status.phase !== fix.status?.phase || status.rollout !== fix.status.rollout
    const writableAt = (this.#writtenAt.get(fix.metadata.name) ?? -Infinity) + COUNTS_INTERVAL_MS
    if (turned || now >= writableAt) {
      if (await writeStatus(fix, status, hub)) this.#writtenAt.set(fix.metadata.name, now)
    } else if (isChange(fix, status)) due = Math.min(due, writableAt)
    return due === Infinity ? undefined : { requeueAfterMs: Math.max(1, due - now) }
  }

  #watchOver(fix: ComponentFix, world: World): void {
    const now = world.clock.now()
    const hub = world.cluster(HUB)
    const fixes = [...hub.cache<ComponentFix>(componentFixes).values()]
    this.#delivered.add(fix, fixes, hub.cache<ControlPlane>(controlPlanes), now)
    this.#delivered.advance(now)
  }

  #late(fix: ComponentFix, world: World): ControlPlane[] {
    const hub = world.cluster(HUB)
    const fleet = hub.cache<ControlPlane>(controlPlanes)
    const found = this.#delivered.late(fix.metadata.name, fleet, world.clock.now())
    return notSuperseded(fix, found, hub.cache<ComponentFix>(componentFixes).values())
  }

  #atNextHoldEnd(world: World): ReconcileResult | undefined {
    const due = this.#delivered.nextDue
    return due === undefined ? undefined : { requeueAfterMs: Math.max(1, due - world.clock.now()) }
  }

  #rolloutsOf(fix: ComponentFix, world: World): Rollout[] {
    const cache = world.cluster(HUB).cache<Rollout>(rollouts)
    if (!this.#indexed.has(cache)) {
      this.#indexed.add(cache)
      cache.addIndex(BY_FIX, ({ spec }) => [spec.fixUid])
    }
    const found = cache.byIndex(BY_FIX, fix.metadata.uid ?? '').map((key) => cache.get(key))
    return inOrder(found.filter((rollout) => rollout !== undefined))
  }

  #onFix(event: ObjectEvent): readonly string[] {
    const { strategy, supersedes = [] } = (event.object() as ComponentFix).spec
    const names = this.#followers.get(strategy) ?? new Set()
    if (event.type === 'DELETED') names.delete(event.key)
    else names.add(event.key)
    this.#followers.set(strategy, names)
    // Those it supersedes count control planes that have this one as theirs.
    return event.type === 'MODIFIED' ? [event.key] : [event.key, ...supersedes]
  }

  #followersOf(strategy: string): readonly string[] {
    return [...(this.#followers.get(strategy) ?? [])]
  }
}

/** Names a rollout of `fix` may have: its own, or one with its uid when an earlier fix of that name had a rollout. */
function rolloutNames(fix: ComponentFix): readonly [string, string] {
  const { name, uid = '' } = fix.metadata
  return [name, `${name.slice(0, 240)}-${uid.slice(0, 8)}`]
}

async function propose(fix: ComponentFix, world: World): Promise<Rollout | NoRollout> {
  const hub = world.cluster(HUB)
  const strategy = hub.cache<RolloutStrategy>(rolloutStrategies).get(fix.spec.strategy)
  if (strategy === undefined) {
    const message = `RolloutStrategy "${fix.spec.strategy}" does not exist, so there is no plan; create it.`
    return { status: fixStatusWithout('Pending', message) }
  }
  const fleet = hub.cache<ControlPlane>(controlPlanes)
  const resolved = resolveFix(fix, strategy.spec, fleet.values(), world.clock.now())
  const { targets, native, unreported } = resolved
  if (unreported > 0) {
    const message = `Waits for the first report of ${unreported} of ${fleet.size} control planes.`
    return { status: fixStatusWithout('Pending', message), requeueAfterMs: REPORT_POLL_MS }
  }
  if (fleet.size === 0) {
    const message = 'No control plane is registered yet; the plan is made when there are some.'
    return { status: fixStatusWithout('Pending', message), requeueAfterMs: REPORT_POLL_MS }
  }
  if (targets.length === 0) return { status: nothingToDo(fix, native, fleet.size) }
  if (targets.every(({ stage }) => stage === '')) {
    const message = `No stage of RolloutStrategy "${fix.spec.strategy}" selects any of the ${targets.length} control planes concerned; add stages for their environments and request the fix again.`
    return { status: fixStatusWithout('Refused', message) }
  }
  return createRollout(fix, strategy, resolved.targets, hub)
}

function nothingToDo(fix: ComponentFix, native: number, fleetSize: number): ComponentFixStatus {
  if (native > 0) return fixStatusWithout('Delivered', `All ${native} control planes concerned run the fix already.`)
  const versions = fix.spec.targets.map(
    ({ platforms, versions: { from, to } }) => `${platforms.join('/')} ${from}–${to}`,
  )
  const message = `None of the ${fleetSize} control planes is ${versions.join(' or ')}, so there is nothing to deliver; check platforms and versions and request the fix again.`
  return fixStatusWithout('Refused', message)
}

async function createRollout(
  fix: ComponentFix,
  strategy: RolloutStrategy,
  targets: RolloutProposal['targets'],
  hub: ClusterView,
): Promise<Rollout> {
  const [own, other] = rolloutNames(fix)
  const proposal = { fix, strategy: strategy.spec, targets, history: historyFor(fix, hub) }
  try {
    return await create({ ...proposal, name: own }, hub)
  } catch (error) {
    // Left by an earlier fix of this name.
    if (!isAlreadyExists(error)) throw error
    return create({ ...proposal, name: other }, hub)
  }
}

function historyFor(fix: ComponentFix, hub: ClusterView): RolloutHistory {
  return operationHistory(hub.cache<ControlPlane>(controlPlanes).values(), fix, hub.cache<Rollout>(rollouts).values())
}

/** Creates a rollout, or gives the one of that name when it was created with the answer lost. */
async function create(proposal: RolloutProposal, hub: ClusterView): Promise<Rollout> {
  try {
    return await hub.client.create(rollouts, proposeRollout(proposal))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const existing = await hub.client.get<Rollout>(rollouts, proposal.name)
    if (existing.spec.fixUid !== proposal.fix.metadata.uid) throw error
    return existing
  }
}

function isChange(fix: ComponentFix, status: ComponentFixStatus): boolean {
  return Object.keys(statusPatch(fix, status)).length > 0
}

function statusPatch(fix: ComponentFix, status: ComponentFixStatus): object {
  return createMergePatch((fix.status ?? {}) as unknown as Json, status as unknown as Json) as object
}

/** Writes the status if it is another one than before; says whether it was. */
async function writeStatus(fix: ComponentFix, status: ComponentFixStatus, hub: ClusterView): Promise<boolean> {
  const patch = statusPatch(fix, status)
  if (Object.keys(patch).length === 0) return false
  await hub.client.patch(
    componentFixes,
    { name: fix.metadata.name },
    { metadata: { uid: fix.metadata.uid }, status: patch },
    { type: 'merge', subresource: 'status' },
  )
  return true
}
