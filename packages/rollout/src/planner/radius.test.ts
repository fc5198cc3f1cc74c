import { expect, test } from 'vitest'
import { blastRadius } from './radius.ts'

test('radius, concentration and growth of waves', () => {
  const member = (shard: string, weight: number, chance = 0.1) => ({ shard, weight, chance })
  const [first, second, third] = blastRadius([
    [member('a', 1), member('b', 1)],
    [member('a', 3, 0.5), member('b', 1)],
    [],
  ])
  expect(first).toEqual({ radius: 0.2, weight: 2, concentration: 0.5, growth: Number.POSITIVE_INFINITY })
  expect(second).toEqual({ radius: 1.6, weight: 4, concentration: 0.625, growth: 3 })
  expect(third).toEqual({ radius: 0, weight: 0, concentration: 0, growth: 1 })
})
