import { AGENT_LEASE, controlPlanes, leases, managementClusters, UNREGISTERED_ANNOTATION } from '@locktender/fleet'
import type { ControlPlane, ManagementCluster, ManagementClusterStatus } from '@locktender/fleet'
import { createMergePatch, timestamp } from '@locktender/kube'
import type { Condition, Json, KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { HUB } from './fixes-controller.ts'

const BY_NAMESPACE = 'namespace'

/**
 * Says on each ManagementCluster how many control planes are registered and how many HostedClusters are not. Agents may
 * not write there; they leave what they see on their Lease. Keys are names of management clusters.
 */
export function managementClustersController(): Controller {
  const indexed = new WeakSet<object>()
  return {
    name: 'management-clusters',
    reads: [
      { cluster: HUB, resource: managementClusters, keys: (event) => [event.key] },
      {
        cluster: HUB,
        resource: leases,
        keys(event) {
          const { name, namespace = '' } = event.object().metadata
          const isNews = event.type !== 'MODIFIED' || annotationOf(event.object()) !== annotationOf(event.previous())
          return name === AGENT_LEASE && isNews ? [namespace] : []
        },
      },
      {
        cluster: HUB,
        resource: controlPlanes,
        // Only how many there are matters.
        keys: (event) => (event.type === 'MODIFIED' ? [] : [event.key.slice(0, event.key.indexOf('/'))]),
      },
    ],
    writes: [{ cluster: HUB, resource: managementClusters, subresource: 'status' }],
    async reconcile(key, world) {
      const hub = world.cluster(HUB)
      const managementCluster = hub.cache<ManagementCluster>(managementClusters).get(key)
      if (managementCluster === undefined) return
      const fleet = hub.cache<ControlPlane>(controlPlanes)
      if (!indexed.has(fleet)) {
        indexed.add(fleet)
        fleet.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? ''])
      }
      const lease = hub.cache(leases).get(`${key}/${AGENT_LEASE}`)
      const before = managementCluster.status
      const status = managementClusterStatus(fleet.byIndex(BY_NAMESPACE, key).length, lease, before, world.clock.now())
      const patch = createMergePatch((before ?? {}) as unknown as Json, status as unknown as Json) as object
      if (Object.keys(patch).length === 0) return
      const options = { type: 'merge', subresource: 'status' } as const
      await hub.client.patch(managementClusters, { name: key }, { status: patch }, options)
    },
  }
}

/** The status of a management cluster from what is registered and what its agent says. `now` in milliseconds since the epoch. */
export function managementClusterStatus(
  registered: number,
  lease: KubeObject | undefined,
  before: ManagementClusterStatus | undefined,
  now: number,
): ManagementClusterStatus {
  const told = unregisteredOf(lease)
  if (told === undefined) return { controlPlanes: registered }
  const { count, first } = told
  const more = count > first.length ? ` and ${count - first.length} more` : ''
  const wanted =
    count === 0
      ? { status: 'True' as const, reason: 'AllRegistered', message: '' }
      : {
          status: 'False' as const,
          reason: 'UnregisteredHostedClusters',
          message: `${first.join(', ')}${more} ${count === 1 ? 'has' : 'have'} no ControlPlane, so no fix reaches ${count === 1 ? 'it' : 'them'}; create one for each.`,
        }
  const last = before?.conditions?.find(({ type }) => type === 'Registered')
  const lastTransitionTime = last?.status === wanted.status ? last.lastTransitionTime : timestamp(now)
  const condition: Condition = { type: 'Registered', ...wanted, lastTransitionTime }
  return { controlPlanes: registered, unregistered: count, conditions: [condition] }
}

function annotationOf(lease: KubeObject | undefined): string | undefined {
  return lease?.metadata.annotations?.[UNREGISTERED_ANNOTATION]
}

function unregisteredOf(lease: KubeObject | undefined): { count: number; first: readonly string[] } | undefined {
  try {
    const told = JSON.parse(annotationOf(lease) ?? 'null') as { count?: unknown; first?: unknown } | null
    const { count, first } = told ?? {}
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 0 || !Array.isArray(first)) return undefined
    // An agent can write anything there; what it says ends up in a status that people read.
    const names = first.filter((name) => typeof name === 'string').map((name) => name.slice(0, 127))
    return { count: Math.min(count, 2_147_483_647), first: names.slice(0, 5) }
  } catch {
    return undefined
  }
}
