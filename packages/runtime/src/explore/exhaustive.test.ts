import { describe, expect, it } from 'vitest'
import type { Decision } from './choosers.ts'
import { Explorer, prepare } from './explore.ts'
import { Run } from './run.ts'
import type { Limits, Scenario } from './scenario.ts'
import { configMap, copier, scenario } from './scenarios.test-support.ts'

const LIMITS: Limits = {
  perturbations: 2,
  staleness: 1,
  restarts: 1,
  lostAnswers: 1,
  conflicts: 0,
  failures: 0,
  reorderings: 2,
  timeTravel: 1,
}

/** What every schedule within the limits writes, by trying each without leaving any out. */
async function everything(scenario: Scenario): Promise<{ readonly written: Set<string>; readonly schedules: number }> {
  const prepared = await prepare(scenario)
  const written = new Set<string>()
  const waiting: Decision[][] = [[]]
  let schedules = 0
  for (let decisions = waiting.pop(); decisions !== undefined; decisions = waiting.pop()) {
    const given = new Map(decisions.map(({ position, option }) => [position, option]))
    const last = decisions.at(-1)?.position ?? -1
    const made = decisions
    let position = -1
    const chooser = {
      choose(_kind: string, options: number) {
        position++
        const option = given.get(position)
        if (option !== undefined) return option
        if (position > last)
          for (let other = 1; other < options; other++) waiting.push([...made, { position, option: other }])
        return 0
      },
    }
    await new Run(prepared, chooser, undefined, {
      wrote: (state, writer) => written.add(`${writer} ${state}`),
    }).execute()
    schedules++
  }
  return { written, schedules }
}

describe('the exhaustive mode', () => {
  it.each([
    ['two in a chain', [() => copier('first', 'a', 'b'), () => copier('second', 'b', 'c')]],
    ['two beside each other', [() => copier('first', 'a', 'b'), () => copier('second', 'a', 'c')]],
  ])('reaches what trying every schedule reaches, in fewer: %s', async (_name, controllers) => {
    const small = scenario(controllers, {
      limits: LIMITS,
      clusters: { main: {} },
      steps: [{ create: configMap('a', { x: '1' }) }],
    })
    const all = await everything(small)
    const explorer = await Explorer.open(small)
    const found = await explorer.explore({ mode: 'exhaustive', schedules: Infinity })
    expect(found.failures).toEqual([])
    expect(found.complete).toBe(true)
    expect(found.coverage).toBe(all.written.size)
    expect(found.schedules).toBeLessThan(all.schedules * 0.7)
  })

  it('tries nothing twice, and ends', async () => {
    const none = scenario([() => copier('first', 'a', 'b')], { limits: { perturbations: 0 } })
    const { schedules, complete } = await (await Explorer.open(none)).explore({ mode: 'exhaustive' })
    expect([schedules, complete]).toEqual([2, true])
  })
})
