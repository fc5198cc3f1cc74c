import { describe, expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import type { PlanDocument } from '../rollout/plan-document.ts'
import type { WhatIfDocument } from '../rollout/what-if-document.ts'
import { controlPlaneOf, fixOf, HALF_WAY, rolloutOf, strategyOf } from '../testing/objects.ts'
import { listOf, runLkt, type LktOptions } from '../testing/run-lkt.ts'

const api = '/apis/locktender.dev/v1alpha1'
const fleet = Array.from({ length: 9 }, (_, index) => controlPlaneOf(`cp-${index}`, index < 6 ? 'stage' : 'production'))
const answers: NonNullable<LktOptions['answers']> = {
  [`GET ${api}/rollouts/run-1`]: { body: rolloutOf() },
  [`GET ${api}/componentfixes/fix-1`]: { body: fixOf() },
  [`GET ${api}/rolloutstrategies/default`]: { body: strategyOf('default') },
  [`GET ${api}/controlplanes`]: listOf(...fleet),
  [`GET ${api}/managementclusters`]: listOf(),
  [`GET ${api}/freezewindows`]: listOf(),
}
const fast = `
apiVersion: locktender.dev/v1alpha1
kind: RolloutStrategy
metadata: { name: fast }
spec:
  stages:
    - { name: stage, selector: { environment: stage }, canary: 1, factor: 1, soak: 5m, finalSoak: 5m }
`
const run = (...args: string[]) => runLkt(['rollout', ...args], { answers, files: { 'fast.yaml': fast } })
const planOf = async (...args: string[]) => JSON.parse((await run('plan', ...args, '-o', 'json')).out) as PlanDocument

describe('rollout plan', () => {
  test('of a rollout: those its stages select, in its waves, with all that was approved', async () => {
    const result = await run('plan', 'run-1')
    expect(result).toMatchObject({ code: 0, notes: '', bodies: [] })
    expect(result.out).toContain('rollout run-1  6 control planes in 2 waves by strategy default  AwaitingApproval\n')
    const plan = await planOf('run-1')
    expect(plan).toMatchObject({
      kind: 'RolloutPlan',
      rollout: 'run-1',
      hash: rolloutOf().spec.plan.hash,
      feasible: true,
    })
    expect(plan.waves.map(({ stage, controlPlanes, customers }) => [stage, controlPlanes, customers])).toEqual([
      ['stage', 4, 4],
      ['stage', 2, 2],
    ])
  })

  test('of a fix, by its own strategy or another, or of one that nobody has requested yet', async () => {
    const { rollout, hash, waves } = await planOf('--fix', 'fix-1')
    expect({ rollout, hash, waves: waves.length }).toEqual({ rollout: undefined, hash: undefined, waves: 2 })
    expect(await planOf('--fix', 'fix-1', '-f', 'fast.yaml')).toMatchObject({ strategy: 'fast', controlPlanes: 6 })
    const { metadata: _, ...unrequested } = fixOf()
    const draft = JSON.stringify({ ...unrequested, metadata: { name: 'draft' } })
    const { code, out } = await runLkt(['rollout', 'plan', '--fix', 'draft.json'], {
      answers,
      files: { 'draft.json': draft },
    })
    expect(code).toBe(0)
    expect(out).toContain('plan for fix draft  6 control planes in 2 waves by strategy default\n')
  })

  test('with other stakes has another harm', async () => {
    const [usual, worse] = [await planOf('run-1'), await planOf('run-1', '--hazard', '50%', '--prior', '0')]
    expect(worse.harm.waiting).toBeGreaterThan(100 * usual.harm.waiting)
    expect(worse).toMatchObject({ harm: { badFix: 0 }, stakes: { hazard: 0.5, prior: 0 } })
  })

  test('proposed: a strategy that a server takes, and why', async () => {
    const table = await run('plan', 'run-1', '--propose')
    expect(table.out).toMatch(/^WHY {7}Expected harm is/m)
    expect(table.notes).toContain('kubectl apply -f strategy.yaml')
    const { out } = await run('plan', 'run-1', '--propose', '-o', 'yaml')
    const again = await runLkt(['rollout', 'what-if', 'run-1', '-f', 'proposed.yaml', '-o', 'name'], {
      answers,
      files: { 'proposed.yaml': out },
    })
    expect(again).toMatchObject({ code: 0, out: 'rollout.locktender.dev/run-1\n' })
  })

  test.each([
    [[], exitCodes.usage, /say what to plan/],
    [['run-1', '--fix', 'fix-1'], exitCodes.usage, /say what to plan/],
    [
      ['run-1', '--strategy', 'default'],
      exitCodes.usage,
      /frozen; compare it with another by "lkt rollout what-if run-1"/,
    ],
    [['--fix', 'fix-1', '--strategy', 'slow'], exitCodes.notFound, /RolloutStrategy "slow" does not exist/],
    [['--fix', 'fix-1', '--strategy', 'default', '-f', 'fast.yaml'], exitCodes.usage, /not both/],
    [['--fix', 'fast.yaml'], exitCodes.usage, /fast\.yaml: it holds a RolloutStrategy, not a ComponentFix/],
    [['run-1', '--hazard', '110%'], exitCodes.usage, /share from 0 to 1/],
    [['run-2'], exitCodes.notFound, /not found/],
  ] as const)('%j is refused', async (args, code, message) => {
    const result = await run('plan', ...args)
    expect(result).toMatchObject({ code, out: '' })
    expect(result.notes).toMatch(message)
  })

  test('nothing is proposed for a rollout that has begun', async () => {
    const begun = rolloutOf({ ...HALF_WAY, startTime: '2026-01-05T07:10:00Z' })
    const given = { ...answers, [`GET ${api}/rollouts/run-1`]: { body: begun } }
    const result = await runLkt(['rollout', 'plan', 'run-1', '--propose'], { answers: given })
    expect(result).toMatchObject({ code: exitCodes.conflict, out: '' })
    expect(result.notes).toContain('lkt rollout plan --fix fix-1 --propose')
    const { out } = await runLkt(['rollout', 'plan', 'run-1'], { answers: given })
    expect(out).toMatch(/STATE\nstage +1 .* Open\nstage +2 .* Waiting\n/)
  })
})

describe('rollout what-if', () => {
  test('says who moves and how much earlier', async () => {
    const { code, out } = await run('what-if', 'run-1', '-f', 'fast.yaml')
    expect(code).toBe(0)
    expect(out).toContain('rollout run-1  by strategy fast instead of default, beginning now.')
    const { out: json } = await run('what-if', 'run-1', '-f', 'fast.yaml', '-o', 'json')
    const document = JSON.parse(json) as WhatIfDocument
    expect(document).toMatchObject({ kind: 'RolloutWhatIf', joined: 0, left: 0, moved: 5 })
    expect(document.waves[0]).toEqual({ stage: 'stage', wave: 1, before: 4, after: 1, added: 0, removed: 3 })
    expect(document.after.end.p80! > document.before.end.p80!).toBe(true)
  })

  test('with itself changes nothing; with nothing it asks', async () => {
    const { out } = await run('what-if', 'run-1', '--strategy', 'default')
    expect(out).toMatch(/0 control planes would be in another wave, 0 would join, 0 would leave\.\n$/)
    expect(await run('what-if', 'run-1')).toMatchObject({ code: exitCodes.usage, out: '', requests: [] })
  })
})
