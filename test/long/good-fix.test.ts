import { expect, test } from 'vitest'
import { violations } from '../support/invariants.ts'
import { runDemo } from '../support/virtual-demo.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

test(
  'a good fix with 0.5 % background failures is not halted in at least 19 of 20 seeds',
  { timeout: 1_800_000 },
  async () => {
    const halted: number[] = []
    for (const seed of SEEDS) {
      const { summary, events } = await runDemo({ clusters: 1000, failRate: 0.005, seed })
      expect(violations(events), `seed ${seed}`).toEqual([])
      if (summary.halted === null) expect(summary.applied + summary.failed, `seed ${seed}`).toBe(1000)
      else halted.push(seed)
    }
    expect(halted.length, `halted: seeds ${halted.join(' ')}`).toBeLessThanOrEqual(1)
  },
)
