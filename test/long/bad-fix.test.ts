import { expect, test } from 'vitest'
import { violations } from '../support/invariants.ts'
import { runDemo } from '../support/virtual-demo.ts'

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)

test(
  'a fix that breaks 5 % of 1,000 control planes is halted early and taken back everywhere',
  { timeout: 1_800_000 },
  async () => {
    const broken: number[] = []
    for (const seed of SEEDS) {
      const { summary, events } = await runDemo({ clusters: 1000, badFix: 0.05, seed })
      expect(violations(events), `seed ${seed}`).toEqual([])
      expect(summary.phase, `seed ${seed}`).toBe('Reverted')
      expect(summary.reverted + summary.neverTouched, `seed ${seed}`).toBe(1000)
      broken.push(summary.broken)
    }
    const mean = broken.reduce((sum, count) => sum + count, 0) / broken.length
    expect(mean, `broken by seed: ${broken.join(' ')}`).toBeLessThanOrEqual(12)
  },
)
