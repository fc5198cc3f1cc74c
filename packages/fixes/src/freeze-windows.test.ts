import { API_VERSION } from '@locktender/fleet'
import type { FreezeWindowSpec } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { concerns } from './freeze-windows.ts'
import { controlPlaneOf } from './test-objects.ts'

const controlPlane = controlPlaneOf('one')

function isConcerned(selector: FreezeWindowSpec['selector'], of = controlPlane) {
  const spec = { from: '2026-01-05T10:00:00Z', to: '2026-01-05T18:00:00Z', reason: 'sale', owner: 'shop' }
  const metadata = { name: 'sale' }
  return concerns(
    { apiVersion: API_VERSION, kind: 'FreezeWindow', metadata, spec: { ...spec, ...(selector && { selector }) } },
    of,
  )
}

describe('a freeze is for', () => {
  test.each<[boolean, FreezeWindowSpec['selector']]>([
    [true, undefined],
    [true, {}],
    [true, { environments: ['stage', 'production'] }],
    [false, { environments: ['stage'] }],
    [true, { sectors: ['main'] }],
    [false, { sectors: ['canary'] }],
    [true, { regions: ['eu-1'] }],
    [false, { regions: ['us-1'] }],
    [true, { customers: ['acme'] }],
    [false, { customers: ['other'] }],
    [true, { tiers: ['gold'] }],
    [false, { tiers: ['silver'] }],
    [true, { managementClusters: ['mc-1'] }],
    [false, { managementClusters: ['mc-2'] }],
    [false, { environments: [] }],
    [false, { environments: ['production'], regions: ['us-1'] }],
    [true, { environments: ['production'], regions: ['eu-1'], managementClusters: ['mc-1'] }],
  ])('%s for %j', (expected, selector) => {
    expect(isConcerned(selector)).toBe(expected)
  })

  test('one that has not reported is of no environment, but on its management cluster', () => {
    const { status: _, ...unreported } = controlPlane
    expect(isConcerned({ environments: ['production'] }, unreported)).toBe(false)
    expect(isConcerned({ managementClusters: ['mc-1'] }, unreported)).toBe(true)
  })
})
