import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultStrategy } from '@locktender/fixes'
import {
  API_VERSION,
  componentFixes,
  controlPlanes,
  leases,
  rolloutStrategies,
  type ComponentFix,
  type ControlPlane,
  type RolloutStrategy,
} from '@locktender/fleet'
import { Client, loadKubeconfig, systemClock, transportFromKubeconfig } from '@locktender/kube'
import type { Lease } from '@locktender/runtime'
import { afterEach, expect, test } from 'vitest'
import { FAST_CLOCK, fastClockFor } from './support/fast-clock.ts'
import { Program } from './support/program.ts'
import { temporaryFolder } from './support/simulator-process.ts'

const hook = fileURLToPath(new URL('support/use-fast-clock.ts', import.meta.url))
const started: Program[] = []

function start(path: string, args: readonly string[], env: Record<string, string>, options: readonly string[] = []) {
  const program = new Program(path, args, env, options)
  started.push(program)
  return program
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.end('SIGKILL')))
})

const strategy: RolloutStrategy = {
  apiVersion: API_VERSION,
  kind: 'RolloutStrategy',
  metadata: { name: 'quick' },
  spec: {
    ...defaultStrategy(),
    stages: [
      { name: 'all', selector: { environment: 'integration' }, canary: 3, factor: 3, soak: '1m', finalSoak: '1m' },
    ],
  },
}

test(
  'manager and agent, as programs with kubeconfigs of their own, deliver a fix over HTTPS and end cleanly',
  { timeout: 180_000 },
  async () => {
    await using folder = await temporaryFolder()
    const file = (name: string) => join(folder.path, name)
    const fast = { [FAST_CLOCK]: fastClockFor(120), HOME: folder.path }
    const server = start('test/support/serve-fleet.ts', [folder.path], fast, ['--import', hook])
    const { place } = JSON.parse((await server.printed(/^Serving (.*)$/m))[1]!) as {
      place: { name: string; environment: string; sector: string; region: string }
    }
    const metrics = ['--metrics-address', '127.0.0.1:0']
    const manager = start('apps/manager/src/main.ts', metrics, { ...fast, KUBECONFIG: file('manager') }, [
      '--import',
      hook,
    ])
    const { name, environment, sector, region } = place
    const agentArgs = ['--hub-kubeconfig', file('agent'), '--hub-context', 'hub', '--kubeconfig', file('agent')]
    const where = ['--context', name, '--name', name, '--environment', environment]
    const rest = ['--sector', sector, '--region', region]
    const agent = start('apps/agent/src/main.ts', [...agentArgs, ...where, ...rest, ...metrics], fast, [
      '--import',
      hook,
    ])
    await Promise.all([manager.printed(/"Started"/), agent.printed(/"Started"/)])

    const clock = systemClock()
    const transport = await transportFromKubeconfig(await loadKubeconfig({ path: file('people') }), { clock })
    const admin = new Client({ transport })
    await admin.create(rolloutStrategies, strategy)
    const lkt = async (...args: string[]) => {
      const program = start('apps/cli/src/main.ts', args, { KUBECONFIG: file('people'), HOME: folder.path })
      return { code: await program.exited, output: program.output }
    }
    const lines = ['4.18', '4.19', '4.20', '4.21', '4.22'].map((line) => `${line}.0-${line}.99`).join(',')
    const image = `registry.example/operator@sha256:${'a'.repeat(64)}`
    const what = ['--ticket', 'TEST-1', '--platform', 'AWS,Azure', '--affects', lines, '--image', image]
    const requester = ['--context', 'hub-release-requester']
    const asked = await lkt('fix', 'request', 'quick-fix', ...what, '--strategy', 'quick', ...requester)
    expect(asked).toMatchObject({ code: 0 })
    // The plan is made when all control planes have been reported.
    let refused = await lkt('approvals', 'approve', 'quick-fix', ...requester)
    while (refused.code === 3) refused = await lkt('approvals', 'approve', 'quick-fix', ...requester)
    expect(refused.code).toBe(4)
    for (const number of [1, 2]) {
      const approved = await lkt('approvals', 'approve', 'quick-fix', '--context', `hub-release-approver-${number}`)
      expect(approved).toMatchObject({ code: 0 })
    }
    const watched = await lkt('fix', 'status', 'quick-fix', '--watch')
    expect(watched).toMatchObject({ code: 0, output: expect.stringContaining('12/12  100%') })

    const { items } = await admin.listAll<ControlPlane>(controlPlanes)
    expect(items).toHaveLength(12)
    for (const { spec, status, metadata } of items) {
      expect(spec.overrides).toMatchObject([{ image, fix: 'quick-fix', rollout: 'quick-fix' }])
      expect(status?.operations).toMatchObject([{ phase: 'Applied', fix: 'quick-fix' }])
      const writers = metadata.managedFields?.map(
        ({ manager: writer, subresource }) => `${writer} ${subresource ?? ''}`,
      )
      expect(writers).toEqual(expect.arrayContaining(['locktender-fixes ', 'locktender-agent status']))
    }
    const fix = await admin.get<ComponentFix>(componentFixes, 'quick-fix')
    expect(fix.spec.requestedBy).toBe('release-requester')

    for (const [program, controller] of [
      [manager, 'rollouts'],
      [agent, `agent-${name}`],
    ] as const) {
      const url = (await program.printed(/"Serves metrics","url":"([^"]+)"/))[1]!
      const numbers = await (await fetch(`${url}/metrics`)).text()
      const reconciled = new RegExp(
        `^controller_runtime_reconcile_total{controller="${controller}",result="success"} [1-9]`,
        'm',
      )
      expect(numbers).toMatch(reconciled)
      expect(numbers).toMatch(/^rest_client_requests_total{code="200",method="PATCH",host="hub"} [1-9]/m)
      const ready = await fetch(`${url}/readyz`)
      expect([ready.status, ((await ready.json()) as { why: unknown }).why]).toEqual([200, []])
    }

    expect(await manager.end()).toBe(0)
    expect(await agent.end()).toBe(0)
    for (const program of [manager, agent]) {
      const lines = program.stdout.trim().split('\n')
      expect(lines.filter((line) => (JSON.parse(line) as { level: string }).level === 'error')).toEqual([])
    }
    // Given back, so that a successor need not wait.
    const lease = await admin.get<Lease>(leases, 'locktender-manager', 'locktender-system')
    expect(lease.spec.holderIdentity ?? '').toBe('')
    await transport.close()
    expect(await server.end()).toBe(0)
  },
)
