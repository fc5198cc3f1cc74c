import { controlPlanes, hostedClusters, nodePools, rollouts, secrets } from '@locktender/fleet'
import { isForbidden, isNotFound, type KubeObject } from '@locktender/kube'
import { administrator, agentIdentity } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { openDemo } from './support/virtual-demo.ts'

const merge = { type: 'merge' } as const

/** Whether the API server refused for want of rights. */
async function forbidden(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return false
  } catch (error) {
    if (isForbidden(error)) return true
    throw error
  }
}

test('an agent writes the status of its own control planes and nothing else', async () => {
  const { demo } = await openDemo({ clusters: 12 })
  try {
    const admin = demo.client('hub', administrator)
    const all = (await admin.listAll<KubeObject>(controlPlanes)).items
    const own = all[0]!.metadata
    const foreign = all.find(({ metadata }) => metadata.namespace !== own.namespace)!.metadata
    const agent = demo.client('hub', agentIdentity(own.namespace!))

    // What it is for. Without the rest of the status the server refuses the contents, not the person.
    expect((await agent.get(controlPlanes, own.name, own.namespace)).metadata.uid).toBe(own.uid)
    const status = { status: { nodeFingerprint: 'n2' } }
    const asked = agent.patch(controlPlanes, own, status, { ...merge, subresource: 'status' })
    await expect(asked).rejects.toMatchObject({ code: 422 })

    const hold = { spec: { holds: [{ name: 'mine', reason: 'none', owner: 'agent' }] } }
    expect(await forbidden(agent.patch(controlPlanes, own, hold, merge))).toBe(true)
    expect(await forbidden(agent.delete(controlPlanes, own))).toBe(true)
    expect(await forbidden(agent.patch(controlPlanes, foreign, status, { ...merge, subresource: 'status' }))).toBe(true)
    expect(await forbidden(agent.get(controlPlanes, foreign.name, foreign.namespace))).toBe(true)
    expect(await forbidden(agent.list(controlPlanes))).toBe(true)
    expect(await forbidden(agent.list(rollouts))).toBe(true)
    expect(await forbidden(agent.list(secrets, { namespace: own.namespace }))).toBe(true)
    const unchanged = await admin.get(controlPlanes, own.name, own.namespace)
    expect(unchanged.metadata.resourceVersion).toBe(own.resourceVersion)

    // On its management cluster it may annotate, but neither create nor touch nodes; elsewhere it is nobody.
    const local = demo.client(own.namespace!, agentIdentity(own.namespace!))
    const pool = (await local.list(nodePools)).items[0]!.metadata
    expect(await forbidden(local.patch(nodePools, pool, { metadata: { labels: { a: 'b' } } }, merge))).toBe(true)
    const cluster = (await local.list(hostedClusters)).items[0]!.metadata
    expect(await forbidden(local.delete(hostedClusters, cluster))).toBe(true)
    const elsewhere = demo.client(foreign.namespace!, agentIdentity(own.namespace!))
    expect(await forbidden(elsewhere.list(hostedClusters))).toBe(true)
    await expect(local.get(hostedClusters, 'nobody', cluster.namespace)).rejects.toSatisfy(isNotFound)
  } finally {
    await demo.close()
  }
})
