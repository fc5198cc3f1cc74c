import { describe, expect, test } from 'vitest'
import { nextLeaseStep, type Lease } from './leader-election.ts'

function observed(holderIdentity: string, seenAt = 1000, leaseDurationSeconds = 15) {
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'manager', namespace: 'locktender' },
    spec: { holderIdentity, leaseDurationSeconds },
  }
  return { lease, seenAt }
}

describe('nextLeaseStep', () => {
  test.each([
    ['creates a missing lease', undefined, 0, 'create'],
    ['renews its own', observed('me'), 1_000_000, 'renew'],
    ['takes one that was given back', observed(''), 1001, 'take'],
    ['waits while another renews', observed('other'), 15_999, 'wait'],
    ['takes over after a whole silent term', observed('other'), 16_000, 'take'],
    ['counts the term that the holder promised, not its own', observed('other', 1000, 60), 16_000, 'wait'],
  ])('%s', (_name, seen, now, kind) => {
    expect(nextLeaseStep(seen, 'me', 15_000, now).kind).toBe(kind)
  })
})
