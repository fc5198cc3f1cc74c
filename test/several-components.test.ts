import {
  approvals,
  componentFixes,
  controlPlanes,
  CPO_IMAGE_ANNOTATION,
  hostedClusters,
  IMAGE_OVERRIDES_ANNOTATION,
  nodePools,
  rollouts,
  type ComponentFix,
  type ControlPlane,
  type Rollout,
} from '@locktender/fleet'
import { administrator, approvers, requester } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { openDemo } from './support/virtual-demo.ts'

const minute = 60_000
const image = `registry.example/etcd@sha256:${'e'.repeat(64)}`

test('a second fix for another component joins the first one and can be taken back alone', async () => {
  const { demo, clock } = await openDemo({ clusters: 8 })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  const hub = demo.client('hub', administrator)
  const until = async (done: () => Promise<boolean>) => {
    for (let step = 0; step < 500; step++) {
      if (await done()) return
      await clock.advance(10 * minute)
    }
    throw new Error('not done after 80 hours')
  }
  const phaseOf = async (name: string) => (await hub.get<Rollout>(rollouts, name)).status?.phase
  const planes = async () => (await hub.listAll<ControlPlane>(controlPlanes)).items

  await until(async () => (await hub.list(rollouts)).items.length > 0)
  await until(async () => (await phaseOf('fix-90001')) === 'Completed')
  const first = await hub.get<ComponentFix>(componentFixes, 'fix-90001')
  const { requestedBy: _, ...asked } = first.spec
  const second: ComponentFix = {
    apiVersion: first.apiVersion,
    kind: first.kind,
    metadata: { name: 'etcd-fix' },
    spec: { ...asked, component: 'etcd', targets: asked.targets.map((target) => ({ ...target, image })) },
  }
  await demo.client('hub', requester).create(componentFixes, second)
  await clock.advance(minute)
  const { spec } = await hub.get<Rollout>(rollouts, 'etcd-fix')
  for (const approver of approvers) {
    await demo.client('hub', approver).create(approvals, {
      apiVersion: first.apiVersion,
      kind: 'Approval',
      metadata: { name: `etcd-${approver.name}` },
      spec: { rollout: 'etcd-fix', planHash: spec.plan.hash },
    } as never)
  }
  await until(async () => (await phaseOf('etcd-fix')) === 'Completed')

  for (const { spec, status } of await planes()) {
    expect(spec.overrides?.map(({ component, fix }) => [component, fix])).toEqual([
      ['control-plane-operator', 'fix-90001'],
      ['etcd', 'etcd-fix'],
    ])
    expect(status?.operations).toMatchObject([
      { component: 'etcd', fix: 'etcd-fix', phase: 'Applied' },
      { component: 'control-plane-operator', fix: 'fix-90001', phase: 'Applied' },
    ])
    expect(status?.images.map(({ component, fix }) => [component, fix])).toEqual([
      ['control-plane-operator', 'fix-90001'],
      ['etcd', 'etcd-fix'],
    ])
    expect(status?.health.state).toBe('Healthy')
  }
  const [plane] = await planes()
  const local = demo.client(plane!.metadata.namespace!, administrator)
  const { name, namespace } = plane!.spec.hostedCluster
  const annotations = async () => (await local.get(hostedClusters, name, namespace)).metadata.annotations
  expect(await annotations()).toMatchObject({ [IMAGE_OVERRIDES_ANNOTATION]: `etcd=${image}` })

  // By hand, as an administrator would: the first one goes, the second one stays.
  const kept = plane!.spec.overrides!.filter(({ component }) => component === 'etcd')
  await hub.patch(controlPlanes, plane!.metadata, { spec: { overrides: kept } }, { type: 'merge' })
  await clock.advance(40 * minute)
  const after = (await planes())[0]!
  expect(after.status?.operations).toMatchObject([
    { component: 'control-plane-operator', phase: 'Reverted' },
    { component: 'etcd', phase: 'Applied' },
  ])
  expect(await annotations()).toMatchObject({ [IMAGE_OVERRIDES_ANNOTATION]: `etcd=${image}` })
  expect(await annotations()).not.toHaveProperty([CPO_IMAGE_ANNOTATION])
  for (const pool of (await local.listAll(nodePools)).items) expect(pool.metadata.generation).toBe(1)

  stop.abort()
  await Promise.race([running, clock.run()])
  await demo.close()
})
