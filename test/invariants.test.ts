import { CPO_IMAGE_ANNOTATION, type ControlPlane, type Rollout } from '@locktender/fleet'
import { beforeEach, describe, expect, test } from 'vitest'
import { violations } from './support/invariants.ts'
import type { Recorded } from './support/recorder.ts'

const image = `registry.example/operator@sha256:${'b'.repeat(64)}`
let revision = 0

beforeEach(() => {
  revision = 0
})

function event(cluster: string, plural: string, key: string, object: unknown): Recorded {
  const [namespace, name] = key.includes('/') ? key.split('/', 2) : [undefined, key]
  const body = object as Record<string, unknown>
  const metadata = { name, namespace, generation: 1, ...(body['metadata'] as object | undefined) }
  const full = { apiVersion: 'v1', kind: 'Any', ...body, metadata } as Recorded['object']
  return { cluster, plural, key, type: 'MODIFIED', revision: ++revision, object: full }
}

const managementCluster = (maxConcurrent: number) =>
  event('hub', 'managementclusters', 'mc-1', { spec: { maxConcurrent } })
const rollout = (size: number) =>
  event('hub', 'rollouts', 'run', {
    spec: { strategy: { stages: [{ name: 'all', selector: { environment: 'stage' } }] } } as unknown as Rollout['spec'],
    status: { stages: [{ name: 'all', waves: [{ number: 1, size, openedAt: '2026-01-05T08:00:00Z' }] }] },
  })
const plane = (name: string, phase?: string, asked = true) =>
  event('hub', 'controlplanes', `mc-1/${name}`, {
    spec: {
      hostedCluster: { namespace: 'clusters', name },
      ...(asked && { overrides: [{ component: 'control-plane-operator', image, fix: 'fix', rollout: 'run' }] }),
    } satisfies ControlPlane['spec'],
    status: {
      identity: { environment: 'stage', sector: 'main' },
      ...(phase !== undefined && {
        operations: [{ component: 'control-plane-operator', rollout: 'run', phase }],
      }),
    },
  })
const hosted = (name: string, annotation?: string, generation = 1, release = 'a') =>
  event('mc-1', 'hostedclusters', `clusters/${name}`, {
    metadata: { generation, ...(annotation !== undefined && { annotations: { [CPO_IMAGE_ANNOTATION]: annotation } }) },
    spec: { release },
  })

describe('the invariants', () => {
  test('hold for a change that is asked for, made and finished', () => {
    const events = [
      managementCluster(1),
      rollout(2),
      hosted('a'),
      plane('a', undefined, false),
      plane('a'),
      hosted('a', image),
      plane('a', 'Applying'),
      plane('a', 'Applied'),
      plane('b'),
    ]
    expect(violations(events)).toEqual([])
  })

  test('count changes under way on one management cluster', () => {
    const events = [managementCluster(1), rollout(2), plane('a', 'Verifying'), plane('b')]
    expect(violations(events)).toEqual(['@4 mc-1/b: 2 changes at once on mc-1, allowed are 1'])
  })

  test('see a control plane changed outside the opened waves', () => {
    expect(violations([managementCluster(9), rollout(1), plane('a'), plane('b')])).toEqual([
      '@4 mc-1/b: number 2 in all, where 1 were let in',
    ])
    expect(violations([plane('a')])[0]).toContain('changed for run, which nobody has seen')
  })

  test('see a change made twice, and one that nobody asked for', () => {
    const before = [managementCluster(9), rollout(1), hosted('a'), plane('a')]
    const twice = [...before, hosted('a', image), hosted('a'), hosted('a', image)]
    expect(violations(twice)).toEqual(['@7 clusters/a: annotated 2 times'])
    expect(violations([hosted('c', image)])[0]).toContain('its ControlPlane does not ask for it')
  })

  test('see a spec or a generation that moved', () => {
    const moved = violations([hosted('a'), hosted('a', undefined, 2, 'b')])
    expect(moved).toEqual(['@2 clusters/a: its generation moved', '@2 clusters/a: its spec was changed'])
  })
})
