import {
  controlPlaneComponents,
  controlPlanes,
  deployments,
  hostedClusters,
  nodePools,
  type ControlPlane,
  type ControlPlaneStatus,
} from '@locktender/fleet'
import {
  apiVersionOf,
  createMergePatch,
  errorText,
  isFieldConflict,
  type Json,
  type KubeObject,
  type ObjectCache,
  objectKey,
} from '@locktender/kube'
import type { Controller, ReconcileResult, World } from '@locktender/runtime'
import { annotationsFor } from './change-record.ts'
import { foldStatus, type ManagementClusterIdentity } from './fold-status.ts'
import {
  controlPlaneNamespace,
  type ControlPlaneComponent,
  type Deployment,
  type HostedCluster,
  type HostedControlPlane,
  type NodePool,
} from './hypershift.ts'
import { nextChange } from './next-change.ts'
import type { Registry } from './registry.ts'

/** Owns the override annotations of a HostedCluster and the status of a ControlPlane. */
const FIELD_MANAGER = 'locktender-agent'

/** Names of the two API servers an agent knows. */
const HUB = 'hub'
const LOCAL = 'local'

/** Index of parts by the namespace of their control plane. */
const BY_NAMESPACE = 'namespace'
/** Index of NodePools by `namespace/clusterName`. */
const BY_CLUSTER = 'cluster'
const OPERATOR = 'control-plane-operator'

/**
 * Keeps the hosted control planes of one management cluster as their ControlPlane on the hub asks, and reports their
 * state there. Keys are those of ControlPlanes.
 */
export function agentController(managementCluster: ManagementClusterIdentity, registry: Registry): Controller {
  const one = (key: string | undefined): readonly string[] => (key === undefined ? [] : [key])
  const indexed = new WeakSet<object>()

  return {
    name: `agent-${managementCluster.name}`,
    concurrency: 8,
    reads: [
      {
        cluster: HUB,
        resource: controlPlanes,
        namespace: managementCluster.name,
        keys(event) {
          registry.onControlPlane(event)
          return [event.key]
        },
      },
      {
        cluster: LOCAL,
        resource: hostedClusters,
        keys(event) {
          registry.onHostedCluster(event)
          return one(registry.controlPlaneOf(event.key))
        },
      },
      {
        cluster: LOCAL,
        resource: controlPlaneComponents,
        keys: (event) => one(registry.ownerOf(namespaceOf(event.key))),
      },
      {
        cluster: LOCAL,
        resource: deployments,
        keys: (event) => one(event.key.endsWith(`/${OPERATOR}`) ? registry.ownerOf(namespaceOf(event.key)) : undefined),
      },
      {
        cluster: LOCAL,
        resource: nodePools,
        keys: (event) => one(registry.controlPlaneOf(clusterOf(event.object() as NodePool))),
      },
    ],
    writes: [
      { cluster: HUB, resource: controlPlanes, subresource: 'status' },
      { cluster: LOCAL, resource: hostedClusters },
    ],
    async reconcile(key, world): Promise<ReconcileResult | void> {
      const caches = cachesOf(world)
      if (!indexed.has(caches.components)) {
        indexed.add(caches.components)
        caches.components.addIndex(BY_NAMESPACE, (component) => [component.metadata.namespace ?? ''])
        caches.nodePools.addIndex(BY_CLUSTER, (pool) => [clusterOf(pool)])
      }
      const controlPlane = caches.controlPlanes.get(key)
      if (controlPlane === undefined) return
      const observed = observe(controlPlane, caches)
      if (observed === undefined) return
      return reconcileControlPlane(controlPlane, observed, managementCluster, world)
    },
  }
}

interface Caches {
  readonly controlPlanes: ObjectCache<ControlPlane>
  readonly hostedClusters: ObjectCache<HostedCluster>
  readonly components: ObjectCache<ControlPlaneComponent>
  readonly deployments: ObjectCache<Deployment>
  readonly nodePools: ObjectCache<NodePool>
}

function cachesOf(world: World): Caches {
  const local = world.cluster(LOCAL)
  return {
    controlPlanes: world.cluster(HUB).cache(controlPlanes),
    hostedClusters: local.cache(hostedClusters),
    components: local.cache(controlPlaneComponents),
    deployments: local.cache(deployments),
    nodePools: local.cache(nodePools),
  }
}

/** The control plane's objects, or undefined while its HostedCluster does not exist or has reported nothing yet. */
function observe(controlPlane: ControlPlane, caches: Caches): HostedControlPlane | undefined {
  const { hostedCluster: reference } = controlPlane.spec
  const key = `${reference.namespace}/${reference.name}`
  const hostedCluster = caches.hostedClusters.get(key)
  if (hostedCluster?.status === undefined) return undefined
  const parts = controlPlaneNamespace(reference)
  return {
    hostedCluster,
    components: gather(caches.components, BY_NAMESPACE, parts),
    nodePools: gather(caches.nodePools, BY_CLUSTER, key),
    operator: caches.deployments.get(`${parts}/${OPERATOR}`),
  }
}

function gather<T extends KubeObject>(cache: ObjectCache<T>, index: string, value: string): T[] {
  return cache
    .byIndex(index, value)
    .map((key) => cache.get(key))
    .filter((object) => object !== undefined)
}

async function reconcileControlPlane(
  controlPlane: ControlPlane,
  observed: HostedControlPlane,
  managementCluster: ManagementClusterIdentity,
  world: World,
): Promise<ReconcileResult | void> {
  const now = world.clock.now()
  const change = nextChange(controlPlane, observed, now)
  let current = observed
  let { blocked } = change
  if (change.records !== undefined) {
    const { metadata } = observed.hostedCluster
    const configuration: KubeObject = {
      apiVersion: apiVersionOf(hostedClusters),
      kind: hostedClusters.kind,
      metadata: {
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        annotations: annotationsFor(change.records, observed.hostedCluster),
      },
    }
    try {
      const hostedCluster = await world
        .cluster(LOCAL)
        .client.apply<HostedCluster>(hostedClusters, configuration, { fieldManager: FIELD_MANAGER })
      current = { ...observed, hostedCluster }
    } catch (error) {
      // Another writer owns the annotation: report it and leave it alone.
      if (!isFieldConflict(error)) throw error
      blocked = { reason: 'FieldOwnedByOther', message: errorText(error) }
    }
  }
  const folded = foldStatus(controlPlane, current, managementCluster, blocked, now)
  const patch = statusPatch(controlPlane.status, folded.status)
  if (Object.keys(patch).length > 0) {
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER }
    await world.cluster(HUB).client.report(controlPlanes, nameOf(controlPlane), { status: patch }, options)
  }
  if (folded.lookAgainAt !== undefined) return { requeueAfterMs: Math.max(1, folded.lookAgainAt - now) }
}

/** The smallest merge patch from one status to the other; empty when they are equal. */
function statusPatch(before: ControlPlaneStatus | undefined, after: ControlPlaneStatus): object {
  return createMergePatch((before ?? {}) as unknown as Json, after as unknown as Json) as object
}

function nameOf(object: KubeObject): { name: string; namespace: string | undefined } {
  return { name: object.metadata.name, namespace: object.metadata.namespace }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'))
}

function clusterOf(pool: NodePool): string {
  return objectKey({
    metadata: {
      ...(pool.metadata.namespace === undefined ? {} : { namespace: pool.metadata.namespace }),
      name: pool.spec.clusterName,
    },
  })
}
