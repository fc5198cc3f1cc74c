import {
  API_VERSION,
  controlPlanes,
  hostedClusters,
  managementClusters,
  type ControlPlane,
  type ManagementCluster,
} from '@locktender/fleet'
import type { KubeObject } from '@locktender/kube'
import { administrator } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { openDemo } from './support/virtual-demo.ts'

const minute = 60_000
const name = 'mc-prod-1'

test('HostedClusters without a ControlPlane are seen at their ManagementCluster, though agents may not write there', async () => {
  const { demo, clock } = await openDemo({ clusters: 8 })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  const hub = demo.client('hub', administrator)
  const local = demo.client(name, administrator)
  const status = async () => (await hub.get<ManagementCluster>(managementClusters, name)).status
  await clock.advance(2 * minute)
  expect(await status()).toMatchObject({
    controlPlanes: 2,
    unregistered: 0,
    conditions: [{ type: 'Registered', status: 'True' }],
  })

  const [known] = (await local.list<KubeObject & { spec: object }>(hostedClusters)).items
  const metadata = { name: 'made-by-hand', namespace: known!.metadata.namespace! }
  const { apiVersion, kind, spec } = known!
  await local.create<KubeObject & { spec: object }>(hostedClusters, { apiVersion, kind, metadata, spec })
  await clock.advance(2 * minute)
  expect(await status()).toMatchObject({
    controlPlanes: 2,
    unregistered: 1,
    conditions: [{ status: 'False', message: expect.stringContaining('clusters/made-by-hand has no ControlPlane') }],
  })

  await hub.create<ControlPlane>(controlPlanes, {
    apiVersion: API_VERSION,
    kind: controlPlanes.kind,
    metadata: { name: metadata.name, namespace: name },
    spec: { hostedCluster: metadata },
  })
  await clock.advance(2 * minute)
  expect(await status()).toMatchObject({ controlPlanes: 3, unregistered: 0, conditions: [{ status: 'True' }] })

  stop.abort()
  await Promise.race([running, clock.run()])
  await demo.close()
})
