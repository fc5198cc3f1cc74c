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
import type { VirtualClock } from '@locktender/kube'
import { administrator, approvers, requester, type Demo } from '@locktender/simulator'
import { expect, test } from 'vitest'
import { openDemo } from './support/virtual-demo.ts'

const minute = 60_000
const image = `registry.example/etcd@sha256:${'e'.repeat(64)}`

/** Advances the clock until `done`, in steps of so many minutes. */
async function until(clock: VirtualClock, done: () => Promise<boolean>, step = 10): Promise<void> {
  for (let passed = 0; passed < 5000; passed += step) {
    if (await done()) return
    await clock.advance(step * minute)
  }
  throw new Error('not done after 80 hours')
}

/** Requests and approves a fix for etcd that is like the first one in all else. */
async function deliverForEtcd(demo: Demo, clock: VirtualClock): Promise<void> {
  const hub = demo.client('hub', administrator)
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
}

test('a second fix for another component joins the first one and can be taken back alone', async () => {
  const { demo, clock } = await openDemo({ clusters: 8 })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  const hub = demo.client('hub', administrator)
  const phaseOf = async (name: string) => (await hub.get<Rollout>(rollouts, name)).status?.phase
  const planes = async () => (await hub.listAll<ControlPlane>(controlPlanes)).items

  await until(clock, async () => (await hub.list(rollouts)).items.length > 0)
  await until(clock, async () => (await phaseOf('fix-90001')) === 'Completed')
  await deliverForEtcd(demo, clock)
  await until(clock, async () => (await phaseOf('etcd-fix')) === 'Completed')

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

test('a good fix goes on to its end while a bad one for another component is taken back around it', async () => {
  const { demo, clock } = await openDemo({ clusters: 60, badFix: 0.3, seed: 2 })
  const stop = new AbortController()
  const running = demo.run(stop.signal)
  const hub = demo.client('hub', administrator)
  const statusOf = async (name: string) => (await hub.get<Rollout>(rollouts, name)).status
  await until(clock, async () => (await hub.list(rollouts)).items.length > 0, 1)
  await deliverForEtcd(demo, clock)
  await until(clock, async () => (await statusOf('fix-90001'))?.phase === 'Reverted')
  // What the bad one broke while both were there is on its account alone.
  const applied = (await statusOf('etcd-fix'))?.counts.Applied ?? 0
  expect(applied).toBeGreaterThan(0)
  expect(applied).toBeLessThan(60)
  await until(clock, async () => (await statusOf('etcd-fix'))?.completionTime !== undefined)
  const status = await statusOf('etcd-fix')
  expect(status).toMatchObject({ phase: 'Completed', counts: { Applied: 60 }, exposure: { onsets: 0 } })
  const waves = status!.stages.flatMap((stage) => stage.waves)
  expect(waves.reduce((sum, { failed, broken }) => sum + failed + broken, 0)).toBe(0)

  stop.abort()
  await Promise.race([running, clock.run()])
  await demo.close()
})
