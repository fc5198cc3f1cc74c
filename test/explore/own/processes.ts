import { agentController, Registry } from '@locktender/agent'
import { AGENT_LEASE, approvals, leases, rollouts, type Approval, type Rollout } from '@locktender/fleet'
import { fixesController, managementClustersController, rolloutController } from '@locktender/fixes'
import { isAlreadyExists, microTimestamp, type KubeObject } from '@locktender/kube'
import type { Controller, World } from '@locktender/runtime'
import { HUB, own, type Place } from './fleet.ts'

/** What the manager runs. */
export function manager(): Controller[] {
  return [fixesController(), rolloutController(), managementClustersController()]
}

/** What the agent of a management cluster runs; its own name for the local API server is translated. */
export function agent({ name, environment }: Place): Controller[] {
  const identity = { name, environment, sector: 'main', region: 'east' }
  return [translated(agentController(identity, new Registry()), { local: name })]
}

/** A controller with other names for its API servers. */
function translated(controller: Controller, names: Readonly<Record<string, string>>): Controller {
  const to = <T extends { readonly cluster: string }>(access: T): T => ({
    ...access,
    cluster: names[access.cluster] ?? access.cluster,
  })
  const worlds = new WeakMap<World, World>()
  return {
    ...controller,
    reads: controller.reads.map(to),
    writes: controller.writes.map(to),
    reconcile(key, world, signal) {
      let inner = worlds.get(world)
      if (inner === undefined) {
        inner = { ...world, cluster: (name) => world.cluster(names[name] ?? name) }
        worlds.set(world, inner)
      }
      return controller.reconcile(key, inner, signal)
    },
  }
}

/** Somebody who consents to every plan that waits for approvals. */
export function approver(name: string): Controller {
  return {
    name,
    reads: [{ cluster: HUB, resource: rollouts, keys: ({ key }) => [key] }],
    writes: [{ cluster: HUB, resource: approvals }],
    async reconcile(key, world) {
      const hub = world.cluster(HUB)
      const rollout = hub.cache<Rollout>(rollouts).get(key)
      if (rollout?.status?.phase !== 'AwaitingApproval') return
      const spec = { rollout: key, planHash: rollout.spec.plan.hash }
      try {
        await hub.client.create(approvals, own('Approval', `${key}-${name}`, spec) as Approval)
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
      }
    },
  }
}

interface Lease extends KubeObject {
  readonly spec?: { readonly renewTime?: string }
}

/** Often enough not to be taken for dead. */
const BEAT_MS = 4 * 60_000

/**
 * The heart of an agent, which is no controller: it renews the lease from the moment it is first asked to until `lastsMs`
 * have gone by, except between `silent`; so it ends, and so do schedules. Times are counted from the beginning.
 */
export function heart(place: string, lastsMs: number, silent: readonly [number, number]): Controller {
  let begun: number | undefined
  return {
    name: `heart-${place}`,
    reads: [],
    writes: [{ cluster: HUB, resource: leases }],
    atStart: [place],
    async reconcile(_, world) {
      const now = world.clock.now()
      begun ??= now
      const age = now - begun
      if (age >= lastsMs) return
      if (age < silent[0] || age >= silent[1]) {
        const renewed: Partial<Lease> = { spec: { renewTime: microTimestamp(now) } }
        await world
          .cluster(HUB)
          .client.patch(leases, { name: AGENT_LEASE, namespace: place }, renewed, { type: 'merge' })
      }
      return { requeueAfterMs: BEAT_MS }
    },
  }
}
