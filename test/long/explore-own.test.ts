import { Explorer, type Scenario } from '@locktender/runtime/explore'
import { expect, test } from 'vitest'
import { findingOf, singleFaults } from '../explore/own/single-faults.ts'
import { delivery, halt, heldBack, interventions, silence } from '../explore/own/stories.ts'

const STORIES: readonly (readonly [Scenario, number])[] = [
  [delivery(4), 600],
  [halt(4), 1200],
  [interventions(6), 250],
  [silence(4), 150],
  [heldBack(4), 400],
  [delivery(20), 60],
  [halt(20), 100],
  [interventions(20), 40],
]

const SMALL = STORIES.slice(0, 3).map(([scenario]) => scenario)

test.each(STORIES.map(([scenario, schedules]) => [scenario.name, scenario, schedules] as const))(
  'the manager and its agents keep what they promise: %s',
  async (_, scenario, schedules) => {
    const { failures } = await (await Explorer.open(scenario)).explore({ seed: 3, schedules })
    expect(failures).toEqual([])
  },
  600_000,
)

test.each(SMALL.map((scenario) => [scenario.name, scenario] as const))(
  'whichever write goes wrong, and however: %s',
  async (_, scenario) => {
    const explorer = await Explorer.open(scenario)
    expect(await findingOf(explorer, await singleFaults(explorer))).toBeUndefined()
  },
  600_000,
)
