import { Explorer } from '@locktender/runtime/explore'
import { expect, test } from 'vitest'
import { bugs } from '../explore/bugs/index.ts'
import { examples } from '../explore/examples/index.ts'

/** Over all repaired versions together. */
const SCHEDULES = 100_000
const repaired = [...bugs, ...examples]

test.each(repaired.map((bug) => [bug.name, bug] as const))(
  'no schedule is an alarm on the repair of %s',
  async (_name, bug) => {
    const explorer = await Explorer.open(bug.scenario('repaired'))
    const { failures } = await explorer.explore({ seed: 3, schedules: Math.ceil(SCHEDULES / repaired.length) })
    expect(failures).toEqual([])
  },
  600_000,
)
