import { Explorer } from '@locktender/runtime/explore'
import { describe, expect, test } from 'vitest'
import { bugs } from './bugs/index.ts'
import { examples } from './examples/index.ts'

const everything = [...bugs, ...examples].map((bug) => [bug.name, bug] as const)

/** Far more than the hardest of them needs with this seed, and seconds of processor time. */
const TO_FIND = 20_000
/** A sample; `test/long/explore-zoo.test.ts` tries very many more. */
const TO_TRUST = 60

describe('the explorer', () => {
  test.each(everything)('finds %s', async (_name, bug) => {
    const explorer = await Explorer.open(bug.scenario('buggy'))
    const { failures } = await explorer.explore({ seed: 1, schedules: TO_FIND })
    expect(failures.map(({ oracle }) => oracle)).toHaveLength(1)
    expect(bug.oracles).toContain(failures[0]!.oracle)
    const { findings } = await explorer.replay(failures[0]!.plan)
    expect(findings).toContainEqual({ oracle: failures[0]!.oracle, message: failures[0]!.message })
  })

  test.each(everything)('has nothing against the repair of %s', async (_name, bug) => {
    const explorer = await Explorer.open(bug.scenario('repaired'))
    const { failures, schedules } = await explorer.explore({ seed: 2, schedules: TO_TRUST })
    expect(failures).toEqual([])
    expect(schedules).toBe(TO_TRUST)
  })
})
