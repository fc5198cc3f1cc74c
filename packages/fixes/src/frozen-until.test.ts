import { API_VERSION } from '@locktender/fleet'
import type { FreezeWindow, FreezeWindowSpec } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { frozenUntil, nextFreezeChange, withFreeze } from './frozen-until.ts'
import { controlPlaneOf } from './test-objects.ts'

const controlPlane = controlPlaneOf('one')
const at = (hour: number) => Date.parse('2026-01-05T00:00:00Z') + hour * 3_600_000
const freeze = (name: string, from: number, to: number, selector?: FreezeWindowSpec['selector']): FreezeWindow => ({
  apiVersion: API_VERSION,
  kind: 'FreezeWindow',
  metadata: { name },
  spec: {
    from: new Date(at(from)).toISOString(),
    to: new Date(at(to)).toISOString(),
    reason: `${name} day`,
    owner: 'shop',
    ...(selector && { selector }),
  },
})

describe('a control plane', () => {
  test('is frozen from the begin of a freeze to its end, which is not part of it', () => {
    const freezes = [freeze('sale', 10, 18)]
    const hours = [9, 10, 17.9, 18].map((hour) => frozenUntil(controlPlane, freezes, at(hour))?.until)
    expect(hours).toEqual([undefined, at(18), at(18), undefined])
    expect(frozenUntil(controlPlane, freezes, at(12))).toEqual({
      until: at(18),
      reason: 'Freeze',
      message: 'sale day (freeze sale of shop, until 2026-01-05T18:00:00.000Z)',
    })
  })

  test('stays frozen through freezes that overlap or touch, in whatever order they are listed, and not past a gap', () => {
    const freezes = [
      freeze('late', 26, 30),
      freeze('touching', 20, 24),
      freeze('inner', 11, 12),
      freeze('overlapping', 16, 20),
      freeze('first', 10, 18),
    ]
    expect(frozenUntil(controlPlane, freezes, at(11))).toMatchObject({
      until: at(24),
      message: expect.stringContaining('freeze touching of shop'),
    })
    expect(frozenUntil(controlPlane, freezes.toReversed(), at(11))?.until).toBe(at(24))
    expect(frozenUntil(controlPlane, freezes, at(25))).toBeUndefined()
  })

  test('is not frozen by freezes for others', () => {
    const freezes = [freeze('stage', 10, 18, { environments: ['stage'] }), freeze('own', 10, 12, { tiers: ['gold'] })]
    expect(frozenUntil(controlPlane, freezes, at(11))?.until).toBe(at(12))
  })
})

test('a freeze is the reason of whoever waits, and changes no other state', () => {
  const frozen = frozenUntil(controlPlane, [freeze('sale', 10, 18)], at(11))
  expect(withFreeze({ state: 'Pending', image: 'one' }, frozen)).toEqual({
    state: 'Pending',
    image: 'one',
    reason: 'Freeze',
    message: expect.stringContaining('sale day'),
  })
  expect(withFreeze({ state: 'Applied' }, frozen)).toEqual({ state: 'Applied' })
  expect(withFreeze({ state: 'Pending' }, undefined)).toEqual({ state: 'Pending' })
})

test('the next change is the next begin or end of any freeze', () => {
  const freezes = [freeze('one', 10, 18), freeze('two', 12, 20)]
  const changes = [0, 10, 12, 18, 20].map((hour) => nextFreezeChange(freezes, at(hour)))
  expect(changes).toEqual([at(10), at(12), at(18), at(20), undefined])
  expect(nextFreezeChange([], at(0))).toBeUndefined()
})
