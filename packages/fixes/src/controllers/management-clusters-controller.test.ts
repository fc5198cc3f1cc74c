import { UNREGISTERED_ANNOTATION } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { managementClusterStatus } from './management-clusters-controller.ts'

const now = Date.UTC(2026, 0, 5, 8)

function lease(annotation: string | undefined) {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'agent',
      ...(annotation !== undefined && { annotations: { [UNREGISTERED_ANNOTATION]: annotation } }),
    },
  }
}

describe('the status of a management cluster', () => {
  test('names the first HostedClusters without a ControlPlane and counts the others', () => {
    const told = lease(JSON.stringify({ count: 7, first: ['clusters/a', 'clusters/b'] }))
    const status = managementClusterStatus(50, told, undefined, now)
    expect(status).toEqual({
      controlPlanes: 50,
      unregistered: 7,
      conditions: [
        {
          type: 'Registered',
          status: 'False',
          reason: 'UnregisteredHostedClusters',
          message:
            'clusters/a, clusters/b and 5 more have no ControlPlane, so no fix reaches them; create one for each.',
          lastTransitionTime: '2026-01-05T08:00:00Z',
        },
      ],
    })
    const fewer = lease(JSON.stringify({ count: 1, first: ['clusters/b'] }))
    expect(managementClusterStatus(50, fewer, status, now + 1e6).conditions?.[0]).toMatchObject({
      message: 'clusters/b has no ControlPlane, so no fix reaches it; create one for each.',
      lastTransitionTime: '2026-01-05T08:00:00Z',
    })
    const none = lease(JSON.stringify({ count: 0, first: [] }))
    expect(managementClusterStatus(51, none, status, now + 1e6).conditions?.[0]).toMatchObject({
      status: 'True',
      lastTransitionTime: '2026-01-05T08:16:40Z',
    })
  })

  test.each([undefined, '', '{', 'null', '{"count":-1,"first":[]}', '{"count":"9","first":[]}', '{"count":2}'])(
    'says nothing of HostedClusters while the agent says %s',
    (annotation) => {
      expect(managementClusterStatus(3, lease(annotation), undefined, now)).toEqual({ controlPlanes: 3 })
    },
  )

  test('keeps out of the status what an agent must not put there', () => {
    const told = lease(JSON.stringify({ count: 1e12, first: [{}, 'x'.repeat(5000), 'a', 'b', 'c', 'd', 'e'] }))
    const { unregistered, conditions } = managementClusterStatus(3, told, undefined, now)
    expect(unregistered).toBe(2_147_483_647)
    expect(conditions![0]!.message.length).toBeLessThan(500)
  })
})
