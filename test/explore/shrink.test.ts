import {
  Explorer,
  failingPlan,
  isSameFailure,
  planLength,
  type Scenario,
  shrink,
  type Shrunk,
  withoutSteps,
} from '@locktender/runtime/explore'
import { describe, expect, test } from 'vitest'
import { bugs } from './bugs/index.ts'

/** Far more unusual choices than a walk makes otherwise, so that most of them have nothing to do with the failure. */
const MANY = {
  perturbations: 20,
  reorderings: 20,
  restarts: 5,
  staleness: 5,
  lostAnswers: 3,
  conflicts: 3,
  failures: 2,
}

/** One of each class, and of each oracle that comes up. */
const SHRUNK = ['paired-secrets', 'console-service', 'lost-deletion', 'unmet-expectation', 'overwritten-finalizer']

const wild = (name: string): Scenario => {
  const scenario = bugs.find((bug) => bug.name === name)!.scenario('buggy')
  return { ...scenario, limits: { ...scenario.limits, ...MANY } }
}

async function found(scenario: Scenario) {
  const explorer = await Explorer.open(scenario)
  const { failures } = await explorer.explore({ schedules: 500, seed: 1 })
  return failingPlan(failures[0]!, 1)
}

describe('a failure shrinks', { timeout: 60_000 }, () => {
  test('to a plan with a quarter of the parts, which fails alike, and needs each part', async () => {
    const shares: number[] = []
    for (const name of SHRUNK) {
      const scenario = wild(name)
      const plan = await found(scenario)
      const { plan: small } = await shrink(scenario, plan)
      shares.push(planLength(scenario, small) / planLength(scenario, plan))
      expect(small.choices.length).toBeGreaterThan(0)
      const explorer = await Explorer.open(withoutSteps(scenario, small.withoutSteps))
      const fails = async (choices: typeof small.choices) => {
        const { findings } = await explorer.replay({ scenario: scenario.name, choices })
        return findings.some((finding) => isSameFailure(finding, plan))
      }
      expect(await fails(small.choices)).toBe(true)
      for (const left of small.choices) expect(await fails(small.choices.filter((one) => one !== left))).toBe(false)
    }
    shares.sort((left, right) => left - right)
    expect(shares[Math.floor(shares.length / 2)]).toBeLessThanOrEqual(0.25)
  })

  test('always to the same plan, and no further than the schedules allow', async () => {
    const scenario = wild('lost-deletion')
    const plan = await found(scenario)
    const shrunk: Shrunk[] = [await shrink(scenario, plan), await shrink(scenario, plan)]
    expect(shrunk[1]).toEqual(shrunk[0])
    const { plan: first, schedules } = await shrink(scenario, plan, { schedules: 1 })
    expect({ choices: first.choices.length, schedules }).toEqual({ choices: plan.choices.length, schedules: 1 })
  })

  test('only when it is one', async () => {
    const scenario = wild('lost-deletion')
    const plan = { ...(await found(scenario)), choices: [] }
    await expect(shrink(scenario, plan)).rejects.toThrow('the plan does not fail by the oracle confluence')
  })
})
