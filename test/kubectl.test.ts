import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kubectl, kubectlVersions, type CommandResult } from './support/kubectl.ts'
import { SimulatorProcess, temporaryFolder } from './support/simulator-process.ts'

const fix = 'fix-90001'
const lktMain = fileURLToPath(new URL('../apps/cli/src/main.ts', import.meta.url))

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let simulator: SimulatorProcess
let kubeconfig: string

beforeAll(async () => {
  folder = await temporaryFolder()
  simulator = new SimulatorProcess(['--clusters', '12', '--speed', '3000', '--data', join(folder.path, 'data')])
  kubeconfig = await simulator.kubeconfig()
  await simulator.printed(/rollout \S+ is Completed/)
}, 120_000)

afterAll(async () => {
  await simulator.kill()
  await folder[Symbol.asyncDispose]()
})

const strategy = (name: string, soak: string) => `apiVersion: locktender.dev/v1alpha1
kind: RolloutStrategy
metadata: {name: ${name}}
spec:
  approvals: 1
  stages:
  - {name: all, selector: {environment: stage}, canary: 1, factor: 2, soak: ${soak}, finalSoak: 1h}
  failureBudget: {percent: 5, minimum: 3}
  sequentialTest: {goodRate: "0.005", badRate: "0.05", alpha: "0.01", beta: "0.01"}
  operationTimeout: 45m
  autoRevert: true
`

describe.each(kubectlVersions)('kubectl %s', (version) => {
  let kubectl: Kubectl
  beforeAll(() => {
    kubectl = new Kubectl(version, kubeconfig, join(folder.path, version))
  })

  test('gets the kinds as tables', async () => {
    const planes = (await kubectl.ok(['get', 'controlplanes', '-A'])).trim().split('\n')
    expect(planes[0]).toMatch(/^NAMESPACE +NAME +VERSION +FIX +STATE +HEALTH +REGION +PLATFORM +AGE$/)
    expect(planes).toHaveLength(13)
    const runs = await kubectl.ok(['get', 'rollouts'])
    expect(runs).toMatch(/^NAME +FIX +PHASE/)
    expect(runs).toMatch(/fix-90001.* Completed /)
    expect(await kubectl.ok(['get', 'cp', '-A', '-o', 'wide'])).toContain('TOPOLOGY')
    expect(await kubectl.ok(['get', 'fix', fix, '-o', 'jsonpath={.status.counts.Applied}'])).toBe('12')
  })

  test('describes a fix, and shows HostedClusters of a management cluster', async () => {
    const described = await kubectl.ok(['describe', 'componentfix', fix])
    expect(described).toMatch(/Phase: +Delivered/)
    const contexts = await kubectl.ok(['config', 'get-contexts', '-o', 'name'])
    const context = contexts.split('\n').find((name) => name.startsWith('mc-'))!
    const hosted = await kubectl.ok(['get', 'hostedclusters', '-A', '--context', context])
    expect(hosted).toMatch(/hc-\d+/)
  })

  test('watches', async () => {
    const child = kubectl.start(['get', 'controlplanes', '-A', '-w'])
    try {
      const lines = await new Promise<string[]>((resolve, reject) => {
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          const all = text.trim().split('\n')
          if (all.length >= 13) resolve(all)
        })
        child.on('close', () => reject(new Error(`the watch ended: ${text}`)))
      })
      expect(lines[0]).toMatch(/^NAMESPACE/)
    } finally {
      child.kill()
    }
  })

  test('applies on either side, sees what is unchanged, waits and deletes', async () => {
    const name = `made-by-${version}`
    const apply = ['apply', '-f', '-']
    expect(await kubectl.ok(apply, strategy(name, '30m'))).toContain(`${name} created`)
    expect(await kubectl.ok(apply, strategy(name, '30m'))).toContain(`${name} unchanged`)
    expect(await kubectl.ok(apply, strategy(name, '40m'))).toContain(`${name} configured`)
    const other = `${name}-server`
    const serverSide = ['apply', '--server-side', '-f', '-']
    expect(await kubectl.ok(serverSide, strategy(other, '30m'))).toContain(`${other} serverside-applied`)
    const soak = ['get', 'strat', other, '-o', 'jsonpath={.spec.stages[0].soak}']
    expect(await kubectl.ok(soak)).toBe('30m')
    const taken = await kubectl.run([...serverSide, '--field-manager=somebody'], strategy(other, '50m'))
    expect(taken.code).toBe(1)
    expect(taken.stderr).toContain('conflict with "kubectl"')
    expect(await kubectl.ok(soak)).toBe('30m')
    await kubectl.ok(['wait', `rollout/${await rolloutName(kubectl)}`, '--for=jsonpath={.status.phase}=Completed'])
    expect(await kubectl.ok(['delete', 'strat', name, other])).toContain('deleted')
    const gone = await kubectl.run(['get', 'strat', name])
    expect(gone.code).toBe(1)
    expect(gone.stderr).toContain('NotFound')
  })

  test('is told what is wrong with an object', async () => {
    const bad = await kubectl.run(['apply', '-f', '-'], strategy(`bad-${version}`, 'soon'))
    expect(bad.code).toBe(1)
    expect(bad.stderr).toMatch(/soak/)
    const unknown = strategy(`bad-${version}`, '30m').replace('approvals: 1', 'approvals: 1\n  consent: 2')
    const strict = await kubectl.run(['apply', '-f', '-'], unknown)
    expect(strict.code).toBe(1)
    expect(strict.stderr).toContain('unknown field "spec.consent"')
  })

  test('explains fields and lists the resources', async () => {
    const explained = await kubectl.ok(['explain', 'controlplane.spec'])
    expect(explained).toContain('What should be. Written by the manager.')
    expect(explained).toContain('overrides')
    const resources = await kubectl.ok(['api-resources'])
    expect(resources).toMatch(/controlplanes +cp +locktender.dev\/v1alpha1 +true +ControlPlane/)
    expect(resources).toMatch(/deployments +\S* *apps\/v1/)
  })
})

describe('lkt with the same kubeconfig', () => {
  function lkt(...args: string[]): Promise<CommandResult> {
    const env = { PATH: process.env['PATH'], HOME: folder.path, KUBECONFIG: kubeconfig }
    return new Promise((resolve) => {
      execFile(process.execPath, [lktMain, ...args], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  }

  test('shows the fleet, the fix and its control planes', async () => {
    expect(await lkt('status')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^total +12 +12 /m) as string })
    expect((await lkt('fix', 'list')).stdout).toMatch(/fix-90001 .*Delivered +12 +12 +0/)
    const status = await lkt('fix', 'status', fix, '--watch')
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('12/12  100%') as string })
    const clusters = await lkt('fix', 'clusters', fix, '--state', 'Applied', '-o', 'name')
    expect(clusters.stdout.trim().split('\n')).toHaveLength(12)
    const target = clusters.stdout.split('\n')[0]!
    expect((await lkt('explain', target)).stdout).toMatch(/FIX +fix-90001 +Applied/)
    expect(await lkt('approvals', 'list')).toMatchObject({ code: 0, stdout: '' })
  })

  test('refuses what is over, missing or not permitted, each with its own code', async () => {
    const name = await rolloutName(new Kubectl('v35', kubeconfig, join(folder.path, 'v35')))
    const codes = [
      (await lkt('rollout', 'pause', name, '--reason', 'late')).code,
      (await lkt('fix', 'status', 'nobody')).code,
      (await lkt('rollout', 'abort', name, '--reason', 'late', '--context', 'hub-release-requester')).code,
    ]
    expect(codes).toEqual([5, 3, 5])
  })
})

async function rolloutName(kubectl: Kubectl): Promise<string> {
  return kubectl.ok(['get', 'rollouts', '-o', 'jsonpath={.items[0].metadata.name}'])
}
