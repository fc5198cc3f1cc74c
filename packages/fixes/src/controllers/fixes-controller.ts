import { componentFixes, controlPlanes, rollouts, rolloutStrategies } from '@locktender/fleet'
import type { ComponentFix, ComponentFixStatus, ControlPlane, Rollout, RolloutStrategy } from '@locktender/fleet'
import { createMergePatch, isAlreadyExists } from '@locktender/kube'
import type { Json } from '@locktender/kube'
import type { ClusterView, Controller, ReconcileResult, World } from '@locktender/runtime'
import { fixStatusOf, fixStatusWithout, isClosed } from '../fix-status.ts'
import { proposeRollout } from '../propose-rollout.ts'
import { resolveFix } from '../resolve-fix.ts'

/** Name under which the controllers of this package know the hub. */
export const HUB = 'hub'

/** How soon to look again for control planes that have not been reported, in milliseconds. */
const REPORT_POLL_MS = 10_000

/** A fix that cannot be proposed (yet), and why. */
interface NoRollout {
  readonly status: ComponentFixStatus
  readonly requeueAfterMs?: number
}

/** Proposes a Rollout for each ComponentFix and reports on the fix what its rollout does. Keys are names of fixes. */
export function fixesController(): Controller {
  // Fixes by the strategy they follow, so that one that comes late wakes those that wait for it.
  const followers = new Map<string, Set<string>>()
  return {
    name: 'fixes',
    concurrency: 4,
    reads: [
      {
        cluster: HUB,
        resource: componentFixes,
        keys(event) {
          const { strategy } = (event.object() as ComponentFix).spec
          const names = followers.get(strategy) ?? new Set()
          if (event.type === 'DELETED') names.delete(event.key)
          else names.add(event.key)
          followers.set(strategy, names)
          return [event.key]
        },
      },
      { cluster: HUB, resource: rollouts, keys: (event) => [(event.object() as Rollout).spec.fix] },
      { cluster: HUB, resource: rolloutStrategies, keys: (event) => [...(followers.get(event.key) ?? [])] },
      // Read when a plan is made; waiting for reports polls, so that reports cost nothing otherwise.
      { cluster: HUB, resource: controlPlanes, keys: () => [] },
    ],
    writes: [
      { cluster: HUB, resource: componentFixes, subresource: 'status' },
      { cluster: HUB, resource: rollouts },
    ],
    async reconcile(key, world): Promise<ReconcileResult | void> {
      const hub = world.cluster(HUB)
      const fix = hub.cache<ComponentFix>(componentFixes).get(key)
      if (fix === undefined || isClosed(fix.status)) return
      const existing = findRollout(fix, hub)
      if (existing !== undefined) {
        await writeStatus(fix, fixStatusOf(existing), hub)
        return
      }
      const proposed = await propose(fix, world)
      if ('spec' in proposed) {
        await writeStatus(fix, fixStatusOf(proposed), hub)
        return
      }
      await writeStatus(fix, proposed.status, hub)
      if (proposed.requeueAfterMs !== undefined) return { requeueAfterMs: proposed.requeueAfterMs }
    },
  }
}

/** Names a rollout of `fix` may have: its own, or one with its uid when an earlier fix of that name had a rollout. */
function rolloutNames(fix: ComponentFix): readonly [string, string] {
  const { name, uid = '' } = fix.metadata
  return [name, `${name.slice(0, 240)}-${uid.slice(0, 8)}`]
}

function findRollout(fix: ComponentFix, hub: ClusterView): Rollout | undefined {
  const cache = hub.cache<Rollout>(rollouts)
  return rolloutNames(fix)
    .map((name) => cache.get(name))
    .find((rollout) => rollout?.spec.fixUid === fix.metadata.uid)
}

async function propose(fix: ComponentFix, world: World): Promise<Rollout | NoRollout> {
  const hub = world.cluster(HUB)
  const strategy = hub.cache<RolloutStrategy>(rolloutStrategies).get(fix.spec.strategy)
  if (strategy === undefined) {
    const message = `RolloutStrategy "${fix.spec.strategy}" does not exist, so there is no plan; create it.`
    return { status: fixStatusWithout('Pending', message) }
  }
  const fleet = hub.cache<ControlPlane>(controlPlanes)
  const resolved = resolveFix(fix, strategy.spec.stages, fleet.values(), world.clock.now())
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
  targets: Parameters<typeof proposeRollout>[0]['targets'],
  hub: ClusterView,
): Promise<Rollout> {
  for (const name of rolloutNames(fix)) {
    const proposal = proposeRollout({ fix, strategy: strategy.spec, targets, name })
    try {
      return await hub.client.create(rollouts, proposal)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      // Created by us with the answer lost, or left by an earlier fix of this name.
      const existing = await hub.client.get<Rollout>(rollouts, name)
      if (existing.spec.fixUid === fix.metadata.uid) return existing
    }
  }
  throw new Error(`all names for the rollout of ComponentFix ${fix.metadata.name} are taken`)
}

async function writeStatus(fix: ComponentFix, status: ComponentFixStatus, hub: ClusterView): Promise<void> {
  const patch = createMergePatch((fix.status ?? {}) as unknown as Json, status as unknown as Json) as object
  if (Object.keys(patch).length === 0) return
  await hub.client.patch(
    componentFixes,
    { name: fix.metadata.name },
    { metadata: { uid: fix.metadata.uid }, status: patch },
    { type: 'merge', subresource: 'status' },
  )
}
