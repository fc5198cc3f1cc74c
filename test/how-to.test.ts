import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOf, ReadersShell } from './support/readers-shell.ts'
import { SimulatorProcess } from './support/simulator-process.ts'

let reader: ReadersShell
let simulator: SimulatorProcess

beforeAll(async () => {
  reader = await ReadersShell.open()
  simulator = new SimulatorProcess(['--data', reader.fleet, '--clusters', '24', '--speed', '10000'])
  await simulator.kubeconfig()
  await simulator.printed(/rollout fix-90001 is Completed/)
}, 120_000)

afterAll(async () => {
  await simulator.kill()
  await reader.close()
})

/** Runs all blocks of a page; each must succeed. */
async function follow(page: string): Promise<string[]> {
  const outputs: string[] = []
  for (const block of await blocksOf(page)) {
    const { code, stdout, stderr } = await reader.run(block)
    expect({ block, code, stderr: code === 0 ? '' : stderr }).toEqual({ block, code: 0, stderr: '' })
    outputs.push(stdout)
  }
  return outputs
}

describe('the commands of the how-to pages do what the pages say', { timeout: 120_000 }, () => {
  test('plan a rollout', async () => {
    const [draft, proposed, requested, waiting, frozen] = await follow('how-to/plan-a-rollout.md')
    for (const label of ['START', 'END', 'SCHEDULE', 'DEADLINE', 'HARM', 'IF BAD', 'ASSUMES']) {
      expect(draft).toMatch(new RegExp(`^${label} +\\S`, 'm'))
    }
    expect(proposed).toMatch(/^WHY +Expected harm is/m)
    expect(proposed).toMatch(/by strategy my-fix-proposed\nSTART/)
    expect(requested).toContain('componentfix.locktender.dev/my-fix created')
    expect(waiting).toMatch(/^rollout my-fix .*AwaitingApproval$/m)
    expect(waiting).toMatch(/^PLAN +sha256:/m)
    expect(waiting).toContain('by strategy default instead of my-fix-proposed')
    expect(frozen).toMatch(/^sale +InForce .*environments=production +shop-sre$/m)
  })

  test('read the evidence', async () => {
    const [all] = await follow('how-to/read-the-evidence.md')
    for (const label of ['ENDED', 'VERDICT', 'BOUNDS', 'DEADLINE', 'HALTS IF']) {
      expect(all).toMatch(new RegExp(`^${label} +\\S`, 'm'))
    }
  })

  test('replay a rollout', async () => {
    const [, same, other] = await follow('how-to/replay-a-rollout.md')
    expect(same).toMatch(/^REPLAYED .* decisions are the same, bit for bit$/m)
    expect(other).toMatch(/^INSTEAD +by strategy default/m)
  })

  test('port a controller', async () => {
    const [, lists, run, tests] = await follow('how-to/port-a-controller.md')
    expect(lists).toMatch(/^input +ingresses\.config\.openshift\.io +<none> +cluster$/m)
    expect(lists).toMatch(/^user workload +configmaps +openshift-authentication +foo$/m)
    expect(run).toMatch(
      /^Configuration +Create +ingresses\.config\.openshift\.io +<none> +cluster +sample-operator-IngressCreator$/m,
    )
    expect(tests).toMatch(/^1 test.*passed/m)
  })

  test('write an event sequence, and read a failing plan', async () => {
    const [, , usual, found, recorded] = await follow('how-to/write-an-event-sequence.md')
    expect(usual).toMatch(/^1 schedules, .*: nothing wrong$/m)
    expect(found).toMatch(/^WRONG +expectation: both were made: ConfigMap shop\/web-private is missing$/m)
    expect(found).toMatch(/^exit code 1$/m)
    expect(recorded).toContain('configmap/story created')
    const story = await readFile(reader.inFolder('/tmp/recorded.yaml'), 'utf8')
    expect(story).toMatch(/- create:\n[^]*name: story[^]*- change:[^]*app: story[^]*- delete:/)

    const [json, plan, told] = await follow('how-to/read-a-failing-plan.md')
    expect(json).toMatch(/"kind": "Exploration"[^]*exit code 1$/m)
    expect(plan).toMatch(/^perturbations:\n {2}- action: restartController$/m)
    const page = await readFile(new URL('../docs/how-to/read-a-failing-plan.md', import.meta.url), 'utf8')
    for (const line of /```text\n([^]*?)```/.exec(page)![1]!.trim().split('\n')) expect(told).toContain(line.trim())
    expect(told).toMatch(/^exit code 1$/m)
  })
})
