import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { componentFixes, type ControlPlane } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { exitCodes } from './exit-codes.ts'
import { controlPlaneOf, fixOf, HALF_WAY, PLAN_HASH, rolloutOf } from './testing/objects.ts'
import { listOf, refusal, runLkt } from './testing/run-lkt.ts'

const api = '/apis/locktender.dev/v1alpha1'
const digest = (digit: string) => `sha256:${digit.repeat(64)}`
const overrides = fileURLToPath(
  new URL('../../../../shared/fixtures/hypershift-overrides/overrides.yaml', import.meta.url),
)

/** Runs the program as a process of its own. */
function lkt(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECONFIG: '/nonexistent/kubeconfig' }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

describe('as a process', () => {
  test('help goes to stdout and needs no server', async () => {
    const { code, stdout, stderr } = await lkt('fix', '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('request [options] <name>')
  })

  test('an unknown flag is a usage error with a hint', async () => {
    const { code, stdout, stderr } = await lkt('status', '--bogus')
    expect({ code, stdout }).toEqual({ code: exitCodes.usage, stdout: '' })
    expect(stderr).toContain("unknown option '--bogus'")
    expect(stderr).toContain('--help')
  })

  test('a kubeconfig that is not there is told by its path', async () => {
    const { code, stderr } = await lkt('status', '--kubeconfig', '/nonexistent/other')
    expect(code).toBe(exitCodes.usage)
    expect(stderr).toContain('/nonexistent/other')
  })
})

test.each([
  [['fixx'], /unknown command 'fixx'/],
  [['fix', 'status'], /missing required argument 'name'/],
  [['rollout', 'pause', 'run-1'], /--reason <text>' not specified/],
  [['fix', 'import', 'x', '--dry-run=maybe'], /Allowed choices are none, client, server/],
  [['fix', 'list', '-o', 'xml'], /unknown output format "xml"/],
])('%j is a usage error', async (args, message) => {
  const result = await runLkt(args)
  expect(result).toMatchObject({ code: exitCodes.usage, out: '', requests: [] })
  expect(result.notes).toMatch(message)
})

describe('what the server says becomes an exit code', () => {
  test.each([
    [404, 'NotFound', 'componentfixes "x" not found', exitCodes.notFound],
    [401, 'Unauthorized', 'Unauthorized', exitCodes.notPermitted],
    [403, 'Forbidden', 'User "bob" cannot get resource "componentfixes"', exitCodes.notPermitted],
    [403, 'Forbidden', 'approvals "a" is forbidden: the requester cannot approve', exitCodes.refused],
    [409, 'Conflict', 'the object has been modified', exitCodes.conflict],
    [422, 'Invalid', 'spec.deadline: Invalid value', exitCodes.refused],
    [503, 'ServiceUnavailable', 'not now', exitCodes.unavailable],
    [500, 'InternalError', 'oh no', exitCodes.failed],
  ])('%d %s "%s" → %d', async (status, reason, message, code) => {
    const result = await runLkt(['fix', 'status', 'x'], {
      answers: { [`GET ${api}/componentfixes/x`]: refusal(status, reason, message) },
    })
    expect(result).toMatchObject({ code, out: '' })
    expect(result.notes).toBe(`Error from server (${reason}): ${message}\n`)
  })
})

describe('fix list', () => {
  const fix = fixOf({ phase: 'Delivering', rollout: 'run-1', affected: 14, counts: { Applied: 6, Failed: 1 } })
  const answers = { [`GET ${api}/componentfixes`]: listOf(fix) }

  test('as a table', async () => {
    const { code, out } = await runLkt(['fix', 'list'], { answers })
    expect(code).toBe(0)
    expect(out).toBe(
      [
        'NAME    TICKET      COMPONENT                PHASE        AFFECTED   APPLIED   FAILED   DEADLINE   AGE',
        'fix-1   OCPBUGS-1   control-plane-operator   Delivering   14         6         1        24h        1h',
        '',
      ].join('\n'),
    )
  })

  test('as names and as JSON', async () => {
    const names = await runLkt(['fix', 'list', '-o', 'name'], { answers })
    expect(names.out).toBe('componentfix.locktender.dev/fix-1\n')
    const json = await runLkt(['fix', 'list', '-o', 'json'], { answers })
    expect(JSON.parse(json.out)).toEqual({ apiVersion: 'v1', kind: 'List', items: [fix] })
  })

  test('of nothing leaves stdout empty', async () => {
    const result = await runLkt(['fix', 'list'], { answers: { [`GET ${api}/componentfixes`]: listOf() } })
    expect(result).toMatchObject({ code: 0, out: '', notes: 'No resources found\n' })
  })
})

describe('fix status', () => {
  test('shows the rollout, and with --watch ends with the code of how it ended', async () => {
    const fix = fixOf({ phase: 'Reverted', rollout: 'run-1', affected: 14, counts: {} })
    const answers = {
      [`GET ${api}/componentfixes/fix-1`]: { body: fix },
      [`GET ${api}/rollouts/run-1`]: { body: rolloutOf(HALF_WAY) },
    }
    const { code, out } = await runLkt(['fix', 'status', 'fix-1', '--watch'], { answers })
    expect(code).toBe(exitCodes.stopped)
    expect(out).toContain('fix-1  Stops a leak  REVERTED\n')
    expect(out).toContain('6/14  42%')
  })
})

describe('fix request', () => {
  const request = (...more: string[]) => [
    'fix',
    'request',
    'fix-2',
    '--ticket',
    'OCPBUGS-2',
    '--platform',
    'aws',
    ...more,
  ]
  const image = `registry.example/cpo@${digest('b')}`

  test.each([
    [['--affects', '4.20.9-4.20.1', '--image', image], exitCodes.usage, /4\.20\.9.*4\.20\.1/],
    [['--affects', '4.20.1-4.21.1', '--image', image], exitCodes.usage, /4\.2[01]/],
    [['--affects', 'latest', '--image', image], exitCodes.usage, /latest/],
    [['--affects', '4.20.1', '--image', 'registry.example/cpo:v1'], exitCodes.usage, /digest/],
    [
      ['--affects', '4.20.1', '--image', `4.19=${image}`],
      exitCodes.usage,
      /no image for release line 4\.20; add --image/,
    ],
    [['--affects', '4.20.1', '--image', image, image], exitCodes.usage, /two images for all release lines/],
    [['--affects', '4.20.1', '--image', image, '--deadline', 'soon'], exitCodes.usage, /"soon" is not a duration/],
    [['--affects', '4.20.1', '--image', image, '--platform', 'Moon'], exitCodes.usage, /unknown platform "Moon"; use/],
  ] as const)('refuses %j before it asks the server', async (more, code, message) => {
    const result = await runLkt(request(...more))
    expect(result).toMatchObject({ code, out: '', requests: [] })
    expect(result.notes).toMatch(message)
  })

  test('refuses a fix that concerns no control plane, and writes nothing', async () => {
    const result = await runLkt(request('--affects', '4.20.1', '--image', image), {
      answers: {
        [`GET ${api}/rolloutstrategies/default`]: {
          body: { apiVersion: 'locktender.dev/v1alpha1', kind: 'RolloutStrategy', metadata: { name: 'default' } },
        },
        [`GET ${api}/controlplanes`]: listOf(),
      },
    })
    expect(result).toMatchObject({ code: exitCodes.refused, bodies: [] })
    expect(result.notes).toContain('concerns none of the 0 control planes')
    expect(result.notes).toContain('Nothing was written')
  })

  test('refuses a strategy that does not exist', async () => {
    const result = await runLkt(request('--affects', '4.20.1', '--image', image, '--strategy', 'fast'))
    expect(result).toMatchObject({ code: exitCodes.notFound, bodies: [] })
    expect(result.notes).toContain('RolloutStrategy "fast" does not exist')
  })
})

describe('rollouts and approvals', () => {
  const waiting = rolloutOf()
  const answers = {
    [`GET ${api}/rollouts`]: listOf(waiting),
    [`GET ${api}/rollouts/run-1`]: { body: waiting },
    [`PATCH ${api}/rollouts/run-1`]: { body: waiting },
    [`POST ${api}/approvals`]: {
      status: 201,
      body: { apiVersion: 'locktender.dev/v1alpha1', kind: 'Approval', metadata: { name: 'run-1-abcde' } },
    },
  }

  test('the list says what is given, what is needed and what to expect', async () => {
    const p80 = '2026-01-05T11:20:00Z'
    const outlook = { startTime: '2026-01-05T08:00:00Z', feasible: true, blockers: [], harmHours: '1.2', p80 }
    const looked = rolloutOf({ ...HALF_WAY, phase: 'AwaitingApproval', approvals: [], outlook })
    const { out } = await runLkt(['approvals', 'list'], { answers: { [`GET ${api}/rollouts`]: listOf(looked) } })
    expect(out).toBe(
      [
        'ROLLOUT   FIX     TARGETS   APPROVALS   BY       ENDS               DEADLINE   AGE',
        'run-1     fix-1   14        0/2         <none>   11:20 (in 3h20m)   kept       55m',
        '',
      ].join('\n'),
    )
  })

  test('an approval binds to the plan that is there, or to the one given', async () => {
    const present = await runLkt(['approvals', 'approve', 'run-1'], { answers })
    expect(present.bodies).toMatchObject([{ spec: { rollout: 'run-1', planHash: PLAN_HASH } }])
    expect(present.out).toBe('approval.locktender.dev/run-1-abcde created\n')
    const given = await runLkt(['approvals', 'approve', 'run-1', '--plan', digest('b')], { answers })
    expect(given.bodies).toMatchObject([{ spec: { planHash: digest('b') } }])
  })

  test('a rollout that runs cannot be approved', async () => {
    const running = { ...answers, [`GET ${api}/rollouts/run-1`]: { body: rolloutOf(HALF_WAY) } }
    const result = await runLkt(['approvals', 'approve', 'run-1'], { answers: running })
    expect(result).toMatchObject({ code: exitCodes.conflict, bodies: [] })
  })

  test('pause, resume and abort change nothing else', async () => {
    const pause = await runLkt(['rollout', 'pause', 'run-1', '--reason', 'lunch'], { answers })
    expect(pause).toMatchObject({ code: 0, bodies: [{ spec: { pause: { reason: 'lunch' } } }] })
    const abort = await runLkt(['rollout', 'abort', 'run-1', '--reason', 'wrong'], { answers })
    expect(abort).toMatchObject({ code: 0, bodies: [{ spec: { abort: { reason: 'wrong' } } }] })
    const early = await runLkt(['rollout', 'resume', 'run-1'], { answers })
    expect(early).toMatchObject({ code: exitCodes.conflict, bodies: [] })
    const paused = rolloutOf(HALF_WAY, { pause: { reason: 'lunch' } })
    const resumed = await runLkt(['rollout', 'resume', 'run-1'], {
      answers: { ...answers, [`GET ${api}/rollouts/run-1`]: { body: paused } },
    })
    expect(resumed).toMatchObject({ code: 0, bodies: [{ spec: { pause: null } }] })
  })

  test('revert and expedite say what will happen, and of which wave', async () => {
    const running = rolloutOf({ ...HALF_WAY, stage: 'production', wave: 1 })
    const given = { ...answers, [`GET ${api}/rollouts/run-1`]: { body: running } }
    const revert = await runLkt(['rollout', 'revert', 'run-1', '--reason', 'INC-1'], { answers: given })
    expect(revert).toMatchObject({ code: 0, bodies: [{ spec: { revert: { reason: 'INC-1' } } }] })
    expect(revert.out).toBe('rollout.locktender.dev/run-1 revert requested\n')
    expect(revert.notes).toContain('taken back everywhere')
    const expedite = await runLkt(['rollout', 'expedite', 'run-1', '--reason', 'INC-1'], { answers: given })
    expect(expedite.bodies).toEqual([{ spec: { expedite: { stage: 'production', wave: 1, reason: 'INC-1' } } }])
    expect(expedite.notes).toContain('no soak after wave 1 of production')
    const early = await runLkt(['rollout', 'expedite', 'run-1', '--reason', 'INC-1'], { answers })
    expect(early).toMatchObject({ code: exitCodes.conflict, bodies: [] })
  })

  test('skip and retry add to their lists, with the version that was read, and only where they help', async () => {
    const [failed, fresh] = [controlPlaneOf('p1'), controlPlaneOf('p2')]
    const override = {
      component: 'control-plane-operator',
      image: `registry.example/operator@${digest('f')}`,
      fix: 'fix-1',
      rollout: 'run-1',
    }
    const operation = {
      ...override,
      phase: 'Failed',
      startTime: '2026-01-05T08:00:00Z',
      reason: 'OperatorFailed',
    } as const
    const broken = {
      ...failed,
      spec: { ...failed.spec, overrides: [override] },
      status: { ...failed.status!, operations: [operation] },
    }
    const before = { controlPlane: 'mc-p/p9', reason: 'x', by: 'ann' }
    const running = rolloutOf({ ...HALF_WAY, stage: 'production', wave: 1 }, { retry: [before] })
    const given = {
      ...answers,
      [`GET ${api}/rollouts/run-1`]: { body: { ...running, metadata: { ...running.metadata, resourceVersion: '7' } } },
      [`GET ${api}/componentfixes/fix-1`]: { body: fixOf() },
    }
    const on = (plane: ControlPlane, ...args: string[]) =>
      runLkt(['rollout', ...args], { answers: { ...given, [`GET ${api}/controlplanes`]: listOf(plane) } })
    const retry = await on(broken, 'retry', 'run-1', 'p1', '--reason', 'mended')
    expect(retry).toMatchObject({ code: 0, out: 'rollout.locktender.dev/run-1 tries mc-p/p1 again\n' })
    expect(retry.bodies).toEqual([
      { metadata: { resourceVersion: '7' }, spec: { retry: [before, { controlPlane: 'mc-p/p1', reason: 'mended' }] } },
    ])
    const skip = await on(fresh, 'skip', 'run-1', 'p2', '--reason', 'moves')
    expect(skip.bodies).toMatchObject([{ spec: { skip: [{ controlPlane: 'mc-p/p2', reason: 'moves' }] } }])
    for (const refused of [
      await on(fresh, 'retry', 'run-1', 'p2', '--reason', 'x'),
      await on(broken, 'skip', 'run-1', 'p1', '--reason', 'x'),
    ]) {
      expect(refused).toMatchObject({ code: exitCodes.conflict, bodies: [] })
    }
  })

  test('a completed rollout can be reverted, and nothing else', async () => {
    const done = { ...answers, [`GET ${api}/rollouts/run-1`]: { body: rolloutOf({ ...HALF_WAY, phase: 'Completed' }) } }
    const revert = await runLkt(['rollout', 'revert', 'run-1', '--reason', 'INC-1'], { answers: done })
    expect(revert).toMatchObject({ code: 0, bodies: [{ spec: { revert: { reason: 'INC-1' } } }] })
    const pause = await runLkt(['rollout', 'pause', 'run-1', '--reason', 'INC-1'], { answers: done })
    expect(pause).toMatchObject({ code: exitCodes.conflict, bodies: [] })
  })

  test('explain and evidence of a rollout, for people and for programs', async () => {
    const explained = await runLkt(['rollout', 'explain', 'run-1'], { answers })
    expect(explained.out).toMatch(/^rollout run-1 {2}AwaitingApproval .*\nWAITS {5}AwaitingApproval: 2 more people/)
    const alone = await runLkt(['explain', 'run-1'], { answers })
    expect(alone.out).toBe(explained.out)
    const json = await runLkt(['rollout', 'explain', 'run-1', '-o', 'json'], { answers })
    expect(JSON.parse(json.out)).toMatchObject({
      apiVersion: 'cli.locktender.dev/v1',
      kind: 'RolloutExplanation',
      waiting: { reason: 'AwaitingApproval', next: [{ command: 'lkt rollout plan run-1' }, {}] },
    })
    const evidence = await runLkt(['rollout', 'evidence', 'run-1', '-o', 'yaml'], { answers })
    expect(evidence.out).toMatch(/^kind: RolloutEvidence$/m)
    const name = await runLkt(['rollout', 'evidence', 'run-1', '-o', 'name'], { answers })
    expect(name.out).toBe('rollout.locktender.dev/run-1\n')
  })

  test('explain of a fix shows its progress, then what its rollout waits for', async () => {
    const fix = fixOf({ phase: 'AwaitingApproval', rollout: 'run-1', affected: 14, counts: {} })
    const { out } = await runLkt(['explain', 'fix-1'], {
      answers: { ...answers, [`GET ${api}/componentfixes/fix-1`]: { body: fix } },
    })
    expect(out).toMatch(/^fix-1 {2}Stops a leak {2}AWAITINGAPPROVAL\n/)
    expect(out).toContain('\nNEXT      approve it: lkt approvals approve run-1\n')
  })

  test('what has ended cannot be paused', async () => {
    const over = { body: rolloutOf({ ...HALF_WAY, phase: 'Completed' }) }
    const result = await runLkt(['rollout', 'pause', 'run-1', '--reason', 'late'], {
      answers: { ...answers, [`GET ${api}/rollouts/run-1`]: over },
    })
    expect(result).toMatchObject({ code: exitCodes.conflict, bodies: [] })
    expect(result.notes).toContain('has ended (Completed)')
  })
})

describe('fix import', () => {
  const dryRun = (file: string) => ['fix', 'import', file, '--dry-run=client', '-o', 'json']

  test.runIf(existsSync(overrides))('makes ten fixes of the real file, without a server', async () => {
    const { code, out, requests } = await runLkt(dryRun(overrides))
    expect({ code, requests }).toEqual({ code: 0, requests: [] })
    const list = JSON.parse(out) as { kind: string; items: { kind: string; metadata: { name: string } }[] }
    expect(list.kind).toBe('List')
    expect(list.items.map(({ kind }) => kind)).toEqual(Array.from({ length: 10 }, () => componentFixes.kind))
    expect(new Set(list.items.map(({ metadata }) => metadata.name)).size).toBe(10)
  })

  test.each([
    ['platforms: [', /line 1/],
    ['- just a list', /line 1/],
  ])('refuses %j with the line', async (text, message) => {
    const result = await runLkt(dryRun('bad.yaml'), { files: { 'bad.yaml': text } })
    expect(result).toMatchObject({ code: exitCodes.usage, out: '', requests: [] })
    expect(result.notes).toMatch(message)
  })

  test.runIf(existsSync(overrides))('writes none when the server refuses one', async () => {
    const refused = refusal(422, 'Invalid', 'spec.strategy: Not found')
    const result = await runLkt(['fix', 'import', overrides], {
      answers: { [`POST ${api}/componentfixes`]: refused },
    })
    expect(result.code).toBe(exitCodes.refused)
    expect(result.notes).toContain('10 of 10 fixes are refused, so nothing was written')
    expect(result.requests.filter((request) => !request.includes('dryRun=All'))).toEqual([])
  })
})

test('explain of a name that nothing has says where to look', async () => {
  const result = await runLkt(['explain', 'nobody'], {
    answers: { [`GET ${api}/controlplanes`]: listOf() },
  })
  expect(result).toMatchObject({ code: exitCodes.notFound, out: '' })
  expect(result.notes).toContain('nothing is named "nobody"')
})

test('a freeze is why a control plane waits, in explain and in the clusters of a fix', async () => {
  const spec = { from: '2026-01-05T06:00:00Z', to: '2026-01-05T18:00:00Z', reason: 'winter sale', owner: 'shop' }
  const freeze = { apiVersion: 'locktender.dev/v1alpha1', kind: 'FreezeWindow', metadata: { name: 'sale' }, spec }
  const plane = controlPlaneOf('one')
  const { namespace, name } = plane.metadata
  const answers = {
    [`GET ${api}/componentfixes`]: listOf(fixOf()),
    [`GET ${api}/componentfixes/fix-1`]: { body: fixOf() },
    [`GET ${api}/controlplanes`]: listOf(plane),
    [`GET ${api}/namespaces/${namespace}/controlplanes`]: listOf(plane),
    [`GET ${api}/freezewindows`]: listOf(freeze),
  }
  const why = 'winter sale (freeze sale of shop, until 2026-01-05T18:00:00Z)'
  const explained = await runLkt(['explain', `${namespace}/${name}`], { answers })
  expect(explained.out).toContain(`FIX    fix-1  Pending: ${why}`)
  const { out } = await runLkt(['fix', 'clusters', 'fix-1', '-o', 'json'], { answers })
  expect(JSON.parse(out)).toMatchObject({ items: [{ state: 'Pending', reason: 'Freeze', message: why }] })
})
