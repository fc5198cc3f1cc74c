import { controlPlaneComponents, DEFAULT_COMPONENT, deployments, hostedClusters } from '@locktender/fleet'
import { timestamp, type Condition, type KubeObject } from '@locktender/kube'
import type { Controller } from '@locktender/runtime'
import { askedImage, CLUSTERS, condition, operatorTemplate, partsOf, PAYLOAD, SPOILT } from './fleet.ts'

/** How long a control plane rolls when its image changes. */
const ROLLING_MS = 4 * 60_000
/** How long after that who falls ill by the fix does so. */
const WELL_MS = 2 * 60_000

interface WithConditions extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] }
}

interface Operator extends KubeObject {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
}

/**
 * Stands for HyperShift on one management cluster: what the annotation of a HostedCluster asks for is rolled out and
 * complete a few minutes later, unless the HostedCluster is spoilt. It keeps nothing in memory.
 */
export function hyperShift(managementCluster: string): Controller {
  const own = ({ key }: { key: string }) => [key]
  const ofParts = ({ key }: { key: string }) => [`${CLUSTERS}/${key.slice(CLUSTERS.length + 1, key.indexOf('/'))}`]
  const read = (resource: typeof hostedClusters, keys: typeof own) => ({ cluster: managementCluster, resource, keys })
  const write = (resource: typeof hostedClusters, subresource?: string) => ({
    cluster: managementCluster,
    resource,
    ...(subresource !== undefined && { subresource }),
  })
  return {
    name: `hypershift-${managementCluster}`,
    reads: [read(hostedClusters, own), read(deployments, ofParts), read(controlPlaneComponents, ofParts)],
    writes: [write(hostedClusters, 'status'), write(deployments), write(controlPlaneComponents, 'status')],
    async reconcile(key, world) {
      const local = world.cluster(managementCluster)
      const { client } = local
      const cluster = local.cache<WithConditions>(hostedClusters).get(key)
      if (cluster === undefined) return undefined
      const parts = partsOf(cluster.metadata.name)
      const operator = local.cache<Operator>(deployments).get(`${parts}/${DEFAULT_COMPONENT}`)
      const component = local.cache<WithConditions>(controlPlaneComponents).get(`${parts}/kube-apiserver`)
      if (operator === undefined || component === undefined) return undefined
      const now = world.clock.now()
      const wanted = askedImage(cluster) ?? PAYLOAD
      const spoilt = wanted === PAYLOAD ? undefined : cluster.metadata.labels?.[SPOILT]
      const report = (resource: typeof hostedClusters, { metadata, status }: WithConditions, changed: Condition) => {
        const others = (status?.conditions ?? []).filter(({ type }) => type !== changed.type)
        const body = { status: { conditions: [...others, changed] } }
        return client.patch(resource, metadata, body, { type: 'merge', subresource: 'status' })
      }
      if (operator.spec.template.spec.containers[0]!.image !== wanted) {
        const rolling = condition('RolloutComplete', 'False', timestamp(now), 'RollingOut')
        await report(controlPlaneComponents, component, rolling)
        const spec = { template: operatorTemplate(wanted) }
        await client.patch(deployments, operator.metadata, { spec }, { type: 'merge' })
        return undefined
      }
      const complete = find(component, 'RolloutComplete')!
      const due = Date.parse(complete.lastTransitionTime) + ROLLING_MS
      if (complete.status === 'False') {
        if (spoilt === 'stuck') return undefined
        if (now < due) return { requeueAfterMs: due - now }
        await report(controlPlaneComponents, component, condition('RolloutComplete', 'True', timestamp(now)))
        return undefined
      }
      const isIll = find(cluster, 'Degraded')?.status === 'True'
      if (isIll === (spoilt === 'ill')) return undefined
      const illAt = Date.parse(complete.lastTransitionTime) + WELL_MS
      if (!isIll && now < illAt) return { requeueAfterMs: illAt - now }
      await report(hostedClusters, cluster, condition('Degraded', isIll ? 'False' : 'True', timestamp(now)))
      return undefined
    },
  }
}

function find({ status }: WithConditions, type: string): Condition | undefined {
  return status?.conditions?.find((each) => each.type === type)
}
