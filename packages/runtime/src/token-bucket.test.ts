import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

describe('TokenBucket', () => {
  test('lets no more through in any stretch of time than a burst and its rate', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), (waits, rate, burst) => {
        const bucket = new TokenBucket(rate, burst, 0)
        const passed: number[] = []
        let now = 0
        for (const wait of waits) {
          now += wait
          if (bucket.take(now)) passed.push(now)
          else expect(bucket.take(now + bucket.waitMs(now))).toBe(true)
          now += bucket.waitMs(now)
        }
        for (const [first, from] of passed.entries()) {
          for (let last = first; last < passed.length; last++) {
            const allowed = burst + ((passed[last]! - from) / 1000) * rate
            expect(last - first + 1).toBeLessThanOrEqual(Math.floor(allowed + 1e-6))
          }
        }
      }),
      { seed: 1 },
    )
  })

  test('reserves ahead', () => {
    const bucket = new TokenBucket(10, 2, 0)
    expect([0, 0, 0, 50].map((now) => bucket.reserve(now))).toEqual([0, 0, 100, 150])
  })
})
