import { ApiServer } from '@locktender/apiserver'
import {
  controlPlaneComponents,
  CPO_IMAGE_ANNOTATION,
  customResourceDefinitions,
  deployments,
  hostedClusters,
  hypershiftCrds,
  nodePools,
} from '@locktender/fleet'
import { Client, seededRandom, VirtualClock } from '@locktender/kube'
import type { Condition, KubeObject } from '@locktender/kube'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { administrator } from './access.ts'
import { generateFleet, simulatedImage } from './fleet-generator.ts'
import { factsOf, hostedClusterNamespace } from './fleet-objects.ts'
import { SimulatedHyperShift } from './management-cluster.ts'

const minute = 60_000
const fix = simulatedImage('control-plane-operator', 'fix')
const fleet = generateFleet({ clusters: 20, seed: 1 })
const place = fleet.managementClusters.find(({ sector }) => sector === 'main')!.name

interface WithConditions extends KubeObject {
  readonly status: { readonly conditions: readonly Condition[] }
}

interface OperatorDeployment extends KubeObject {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } }
  }
  readonly status: { readonly observedGeneration: number; readonly updatedReplicas: number; readonly replicas: number }
}

describe('a simulated management cluster', () => {
  let clock: VirtualClock
  let server: ApiServer
  let client: Client
  let stop: AbortController
  let running: Promise<void>

  beforeEach(async () => {
    clock = new VirtualClock()
    server = await ApiServer.open({ clock, random: seededRandom(1) })
    await server.cluster('mc')
    client = new Client({ transport: server.transport({ cluster: 'mc', user: administrator }) })
    for (const definition of hypershiftCrds()) await client.create(customResourceDefinitions, definition)
    await begin()
  })

  afterEach(async () => {
    await end()
    await server.close()
  })

  async function begin(): Promise<void> {
    stop = new AbortController()
    const hypershift = new SimulatedHyperShift({
      client,
      clock,
      random: seededRandom(2),
      namespace: hostedClusterNamespace,
      controlPlanes: factsOf(fleet, place, 'few', clock.now()),
      failures: { seed: 1, badFix: 0, badImages: new Set(), failRate: 0 },
    })
    await hypershift.populate()
    running = hypershift.run(stop.signal)
    await clock.advance(1000)
  }

  async function end(): Promise<void> {
    stop.abort()
    await clock.advance(1000)
    await running
  }

  async function names(): Promise<string[]> {
    return (await client.listAll(hostedClusters)).items.map(({ metadata }) => metadata.name)
  }

  function annotate(name: string, image: string | null): Promise<KubeObject> {
    return client.patch(
      hostedClusters,
      { name, namespace: hostedClusterNamespace },
      { metadata: { annotations: { [CPO_IMAGE_ANNOTATION]: image } } },
      { type: 'merge' },
    )
  }

  async function condition(name: string, type: string): Promise<Condition | undefined> {
    const { status } = await client.get<WithConditions>(hostedClusters, name, hostedClusterNamespace)
    return status.conditions.find((each) => each.type === type)
  }

  async function rolling(name: string): Promise<number> {
    const { items } = await client.listAll<WithConditions>(controlPlaneComponents, { namespace: `clusters-${name}` })
    return items.filter(({ status }) =>
      status.conditions.some(({ type, status }) => type === 'RolloutComplete' && status === 'False'),
    ).length
  }

  function operator(name: string): Promise<OperatorDeployment> {
    return client.get(deployments, 'control-plane-operator', `clusters-${name}`)
  }

  test('has healthy control planes from the start', async () => {
    const all = await names()
    expect(all).toHaveLength(fleet.controlPlanes.filter(({ managementCluster }) => managementCluster === place).length)
    expect((await condition(all[0]!, 'Available'))?.status).toBe('True')
    expect((await client.listAll(nodePools)).items).toHaveLength(all.length)
  })

  test('rolls a control plane when its annotation asks for another operator, and no other one', async () => {
    const [one, other] = await names()
    const before = await client.get(hostedClusters, one!, hostedClusterNamespace)
    await annotate(one!, fix)
    await clock.advance(3 * minute)
    expect((await operator(one!)).spec.template.spec.containers[0]!.image).toBe(fix)
    expect(await rolling(one!)).toBeGreaterThan(0)
    expect((await condition(one!, 'Degraded'))?.status).toBe('True')
    expect((await condition(one!, 'Available'))?.status).toBe('True')
    await clock.advance(20 * minute)
    expect(await rolling(one!)).toBe(0)
    expect((await condition(one!, 'Degraded'))?.status).toBe('False')
    const { metadata, status } = await operator(one!)
    expect(status.observedGeneration).toBe(metadata.generation)
    expect([status.updatedReplicas, status.replicas]).toEqual([1, 1])
    const after = await client.get(hostedClusters, one!, hostedClusterNamespace)
    expect(after.metadata.generation).toBe(before.metadata.generation)
    expect((await operator(other!)).metadata.generation).toBe(1)
    for (const pool of (await client.listAll(nodePools)).items) expect(pool.metadata.generation).toBe(1)
  })

  test('continues after a restart where its objects are', async () => {
    const [one] = await names()
    await annotate(one!, fix)
    await clock.advance(3 * minute)
    const before = await rolling(one!)
    await end()
    await begin()
    expect(await rolling(one!)).toBe(before)
    await clock.advance(20 * minute)
    expect(await rolling(one!)).toBe(0)
    expect((await operator(one!)).metadata.generation).toBe(2)
  })

  test('goes back to the payload when the annotation is taken away', async () => {
    const [one] = await names()
    const payload = (await operator(one!)).spec.template.spec.containers[0]!.image
    await annotate(one!, fix)
    await clock.advance(5 * minute)
    await annotate(one!, null)
    await clock.advance(25 * minute)
    expect((await operator(one!)).spec.template.spec.containers[0]!.image).toBe(payload)
    expect(await rolling(one!)).toBe(0)
    expect((await condition(one!, 'Degraded'))?.status).toBe('False')
  })
})
