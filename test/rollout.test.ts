import {
  controlPlanes,
  CPO_IMAGE_ANNOTATION,
  hostedClusters,
  rollouts,
  type ControlPlane,
  type Rollout,
} from '@locktender/fleet'
import { objectKey, type KubeObject } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { annotations, everTouched, latest, violations } from './support/invariants.ts'
import { runDemo } from './support/virtual-demo.ts'

describe('a rollout over the real protocol, in virtual time', () => {
  test('a good fix reaches every control plane, once, within caps and waves', async () => {
    const { summary, events } = await runDemo({ clusters: 60, seed: 1 })
    expect(violations(events)).toEqual([])
    expect(summary).toMatchObject({ phase: 'Completed', clusters: 60, applied: 60, failed: 0, neverTouched: 0 })
    expect([...annotations(events).values()]).toEqual(Array.from({ length: 60 }, () => 1))
    const [rollout] = latest<Rollout>(events, rollouts.plural)
    const applied = latest<ControlPlane>(events, controlPlanes.plural).filter(
      ({ status }) => status?.operations?.[0]?.phase === 'Applied',
    )
    expect(rollout?.status?.counts.Applied).toBe(applied.length)
  })

  test('a bad fix is halted and reverted, and later waves never see it', async () => {
    const { summary, events } = await runDemo({ clusters: 120, seed: 1, badFix: 0.2 })
    expect(violations(events)).toEqual([])
    expect(summary.phase).toBe('Reverted')
    expect(summary.halted).not.toBeNull()
    expect(summary.neverTouched).toBeGreaterThan(0)
    const touched = everTouched(events)
    expect(touched.size + summary.neverTouched).toBe(120)
    for (const plane of latest<ControlPlane>(events, controlPlanes.plural)) {
      expect(plane.spec.overrides ?? []).toEqual([])
      if (!touched.has(objectKey(plane))) expect(plane.status?.operations).toBeUndefined()
    }
    for (const { metadata } of latest<KubeObject>(events, hostedClusters.plural)) {
      expect(metadata.annotations?.[CPO_IMAGE_ANNOTATION]).toBeUndefined()
    }
  })

  test('the same options and seed give the same summary', async () => {
    const options = { clusters: 40, seed: 7, failRate: 0.02 }
    const [first, second] = [await runDemo(options), await runDemo(options)]
    expect(JSON.stringify(second.summary)).toBe(JSON.stringify(first.summary))
    const other = await runDemo({ ...options, seed: 8 })
    expect(JSON.stringify(other.summary)).not.toBe(JSON.stringify(first.summary))
  })
})
