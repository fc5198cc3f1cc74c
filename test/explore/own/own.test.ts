import { Explorer, type Scenario } from '@locktender/runtime/explore'
import { describe, expect, test } from 'vitest'
import { findingOf, singleFaults } from './single-faults.ts'
import { delivery, halt, heldBack, interventions, silence } from './stories.ts'

interface Sample {
  readonly scenario: Scenario
  readonly schedules: number
  /** One of so many single faults is tried. */
  readonly every: number
}

/** Samples; `test/long/explore-own.test.ts` tries very many more, and larger fleets. */
const SAMPLES: readonly Sample[] = [
  { scenario: delivery(4), schedules: 20, every: 40 },
  { scenario: halt(4), schedules: 30, every: 15 },
  { scenario: interventions(6), schedules: 10, every: 120 },
  { scenario: silence(4), schedules: 8, every: 150 },
]

describe('the manager and its agents', () => {
  test.each(SAMPLES.map((sample) => [sample.scenario.name, sample] as const))(
    'keep what they promise: %s',
    async (_, { scenario, schedules, every }) => {
      const explorer = await Explorer.open(scenario)
      expect((await explorer.explore({ seed: 1, schedules })).failures).toEqual([])
      expect(await findingOf(explorer, await singleFaults(explorer, every))).toBeUndefined()
    },
  )

  test('a hold is heeded although the manager has not heard of it', async () => {
    const explorer = await Explorer.open(heldBack(4))
    const late = 'hears of it when nothing else is left to do'
    const at = 'manager: controlplanes.locktender.dev mc-a/cp-01 is changed'
    // The first change is the report of the agent, the second the hold.
    expect(await findingOf(explorer, [{ kind: 'cache', at, nth: 2, take: late }])).toBeUndefined()
  })

  test('a revert of what was delivered goes on after its status could not be written', async () => {
    const explorer = await Explorer.open(interventions(6))
    const plans = (await singleFaults(explorer)).filter(
      ({ at, take }) => at.includes('patches rollouts.locktender.dev/status') && take === 'fails with 500',
    )
    // The revert is the end of the story.
    expect(await findingOf(explorer, plans.slice(-6))).toBeUndefined()
  })
})
