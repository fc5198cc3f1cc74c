import { componentFixes, controlPlanes, leases, rollouts, rolloutStrategies } from '@locktender/fleet'
import type { ControlPlane } from '@locktender/fleet'
import { defaultStrategy } from '@locktender/fixes'
import { seededRandom } from '@locktender/kube'
import type { KubeObject } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { fixedImage, maxConcurrent } from './hub.ts'
import type { Hub, HubOptions } from './hub.ts'
import { hubWith } from './open-hub.ts'

const minute = 60_000

/** What kubectl puts where the image of a fix would go. */
async function overrideByHand(hub: Hub, target: { name: string; namespace: string }, fix: string): Promise<object> {
  const image = fixedImage.replace(/f/g, 'e')
  const override = { component: 'control-plane-operator', image, fix, rollout: 'x' }
  const patch = { spec: { overrides: [override] } }
  await hub.admin.patch(controlPlanes, target, patch, { type: 'merge', fieldManager: 'kubectl' })
  return override
}

describe('a good fix', () => {
  test('reaches everybody once, within waves and limits', async () => {
    const hub = await hubWith({ seed: 1 })
    await hub.deliver('good')
    const rollout = await hub.untilPhase('good', 'Completed')
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    expect([...hub.recorder.requests().values()]).toEqual(Array.from({ length: 24 }, () => 1))
    expect(rollout.status).toMatchObject({
      counts: { Applied: 24 },
      approvals: [{ user: 'bob' }, { user: 'carol' }],
      problems: [],
      verdict: { outcome: 'Clear' },
    })
    const waves = rollout.status!.stages.flatMap((stage) => stage.waves)
    expect(waves.reduce((sum, wave) => sum + wave.applied, 0)).toBe(24)
    expect(waves.every((wave) => wave.openedAt !== undefined && wave.closedAt !== undefined)).toBe(true)
    await hub.clock.advance(minute)
    expect((await hub.fix('good')).status).toMatchObject({ phase: 'Delivered', rollout: 'good', affected: 24 })
    const members = new Map<string, number>()
    for (const { spec, metadata } of await hub.fleet()) {
      const wave = spec.overrides?.[0]?.wave
      expect(spec.overrides).toEqual([
        { component: 'control-plane-operator', image: fixedImage, fix: 'good', rollout: 'good', wave },
      ])
      expect(metadata.generation).toBe(2)
      const place = `${metadata.namespace?.replace('mc-', '')}/${wave}`
      members.set(place, (members.get(place) ?? 0) + 1)
    }
    // Each says which wave it came with, and they are as many as the rollout says.
    const stageOf: Record<string, string> = {
      'integration-main': 'integration',
      'production-canary': 'canary',
      'production-main': 'production',
    }
    for (const [place, count] of members) {
      const [namespace, wave] = place.split('/')
      const stage = rollout.status!.stages.find(({ name }) => name === stageOf[namespace!])
      expect(stage?.waves.find(({ number }) => number === Number(wave))?.size).toBe(count)
    }
  })

  test('touches nobody before it has two approvals by others', async () => {
    const hub = await hubWith({ seed: 2 })
    await hub.request('good')
    await hub.clock.advance(minute)
    expect((await hub.fix('good')).status?.phase).toBe('AwaitingApproval')
    await hub.approve('good', 'bob')
    await hub.clock.advance(120 * minute)
    expect((await hub.rollout('good')).status).toMatchObject({
      phase: 'AwaitingApproval',
      approvals: [{ user: 'bob' }],
    })
    expect(hub.recorder.requests().size).toBe(0)
    await expect(hub.approve('good', 'alice')).rejects.toThrow('nobody approves their own request')
    await hub.approve('good', 'carol')
    await hub.clock.advance(minute)
    expect(hub.recorder.requests().size).toBeGreaterThan(0)
  })

  test.each([11, 12, 13, 14, 15])(
    'reaches everybody once although the manager is killed again and again and answers get lost (seed %i)',
    async (seed) => {
      const hub = await hubWith({ seed, lostAnswers: 0.15 })
      const random = seededRandom(seed)
      await hub.deliver('good')
      let kills = 0
      await hub.until(async () => {
        if (random.next() < 0.25) {
          await hub.killManager()
          kills++
          hub.startManager()
          // Also in the midst of starting.
          if (random.next() < 0.3) await hub.killManager().then(() => hub.startManager())
        }
        return (await hub.rollout('good')).status?.phase === 'Completed'
      })
      expect(kills).toBeGreaterThan(5)
      expect(hub.recorder.violations(maxConcurrent)).toEqual([])
      expect([...hub.recorder.requests().values()]).toEqual(Array.from({ length: 24 }, () => 1))
      expect((await hub.rollout('good')).status?.counts).toEqual({ Applied: 24 })
      for (const { metadata } of await hub.fleet()) expect(metadata.generation).toBe(2)
    },
  )
})

describe('a bad fix', () => {
  const options: HubOptions = { seed: 3, fails: (name) => name.endsWith('1') || name.endsWith('2') }

  test('is halted with evidence and taken back; the others are never touched', async () => {
    const hub = await hubWith(options)
    await hub.deliver('bad')
    const rollout = await hub.untilPhase('bad', 'Reverted')
    expect(rollout.status?.verdict).toMatchObject({ outcome: 'Halt' })
    expect(rollout.status?.completionTime).toBeDefined()
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    const requests = hub.recorder.requests()
    expect(requests.size).toBeLessThan(24)
    expect(new Set(requests.values())).toEqual(new Set([2]))
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
    await hub.clock.advance(minute)
    expect((await hub.fix('bad')).status?.phase).toBe('Reverted')
    expect(rollout.status?.counts).toEqual({ Pending: 24 - requests.size, Reverted: requests.size })
  })

  test('is taken back to the end although the manager is killed meanwhile', async () => {
    const hub = await hubWith({ ...options, seed: 4, lostAnswers: 0.1 })
    const random = seededRandom(4)
    await hub.deliver('bad')
    await hub.until(async () => {
      if (random.next() < 0.3) {
        await hub.killManager()
        hub.startManager()
      }
      return (await hub.rollout('bad')).status?.phase === 'Reverted'
    })
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    expect(new Set(hub.recorder.requests().values())).toEqual(new Set([2]))
    for (const { spec } of await hub.fleet()) expect(spec.overrides ?? []).toEqual([])
  })
})

describe('people', () => {
  test('pause and resume: nothing new begins in between', async () => {
    const hub = await hubWith({ seed: 5 })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(hub.recorder.requests().size > 4))
    const pause = (value: object | null) =>
      hub
        .client('sre', 'locktender:release-operators')
        .patch(rollouts, { name: 'good' }, { spec: { pause: value } }, { type: 'merge' })
    await pause({ reason: 'look at it' })
    await hub.clock.advance(minute)
    const before = hub.recorder.requests().size
    await hub.clock.advance(300 * minute)
    expect(hub.recorder.requests().size).toBe(before)
    expect((await hub.rollout('good')).status).toMatchObject({
      phase: 'Paused',
      conditions: [{ type: 'Progressing', status: 'False', reason: 'Paused', message: 'look at it' }],
    })
    // A new manager knows it, too.
    await hub.killManager()
    hub.startManager()
    await hub.clock.advance(60 * minute)
    expect(hub.recorder.requests().size).toBe(before)
    await pause(null)
    await hub.untilPhase('good', 'Completed')
  })

  test('abort: what has it keeps it, the rest is left alone, and the counts become final', async () => {
    const hub = await hubWith({ seed: 6 })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(hub.recorder.requests().size > 4))
    await hub.admin.patch(rollouts, { name: 'good' }, { spec: { abort: { reason: 'wrong fix' } } }, { type: 'merge' })
    await hub.clock.advance(60 * minute)
    const touched = hub.recorder.requests().size
    const { status } = await hub.rollout('good')
    expect(status).toMatchObject({ phase: 'Aborted', counts: { Applied: touched, Pending: 24 - touched } })
    expect((await hub.fix('good')).status).toMatchObject({ phase: 'Aborted', message: 'wrong fix' })
  })

  test('delete the fix: its rollout ends and says why', async () => {
    const hub = await hubWith({ seed: 7 })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(hub.recorder.requests().size > 4))
    await hub.killManager()
    await hub.admin.delete(componentFixes, { name: 'good' })
    hub.startManager()
    await hub.clock.advance(60 * minute)
    const touched = hub.recorder.requests().size
    await hub.clock.advance(300 * minute)
    expect(hub.recorder.requests().size).toBe(touched)
    expect((await hub.rollout('good')).status).toMatchObject({
      phase: 'Aborted',
      conditions: [{ reason: 'Aborted', message: expect.stringContaining('was deleted') }],
    })
  })
})

describe('a fix that cannot be planned', () => {
  test('because nothing matches is refused with what to do, and nothing is written', async () => {
    const hub = await hubWith({ seed: 8 })
    const targets = [{ platforms: ['Azure' as const], versions: { from: '4.20.0', to: '4.20.9' }, image: fixedImage }]
    await hub.request('nobody', { targets })
    await hub.clock.advance(minute)
    expect((await hub.fix('nobody')).status).toMatchObject({
      phase: 'Refused',
      message: expect.stringContaining('None of the 24 control planes is Azure 4.20.0–4.20.9'),
    })
    expect((await hub.admin.list(rollouts)).items).toEqual([])
  })

  test('for want of its strategy waits for it', async () => {
    const hub = await hubWith({ seed: 9 })
    await hub.request('early', { strategy: 'later' })
    await hub.clock.advance(minute)
    expect((await hub.fix('early')).status).toMatchObject({
      phase: 'Pending',
      message: expect.stringContaining('RolloutStrategy "later" does not exist'),
    })
    await hub.admin.create(rolloutStrategies, {
      apiVersion: 'locktender.dev/v1alpha1',
      kind: 'RolloutStrategy',
      metadata: { name: 'later' },
      spec: defaultStrategy(),
    } as never)
    await hub.clock.advance(minute)
    expect((await hub.fix('early')).status?.phase).toBe('AwaitingApproval')
  })
})

describe('control planes that cannot take it', () => {
  test('are held or blocked with their reason and do not stop the others', async () => {
    const hub = await hubWith({ seed: 10 })
    const name = { name: 'production-main-3', namespace: 'mc-production-main' }
    const hold = { name: 'launch', reason: 'product launch', owner: 'acme' }
    await hub.admin.patch(controlPlanes, name, { spec: { holds: [hold] } }, { type: 'merge' })
    const other = { ...name, name: 'production-main-4' }
    const foreign = await overrideByHand(hub, other, 'x')
    await hub.deliver('good')
    const { status } = await hub.untilPhase('good', 'Completed')
    expect(status?.counts).toEqual({ Applied: 22, Held: 1, Blocked: 1 })
    expect(status?.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          controlPlane: 'mc-production-main/production-main-3',
          state: 'Held',
          reason: 'Hold',
        }),
        expect.objectContaining({
          controlPlane: 'mc-production-main/production-main-4',
          state: 'Blocked',
          reason: 'OtherFix',
        }),
      ]),
    )
    const left = await hub.fleet()
    expect(left.find(({ metadata }) => metadata.name === other.name)?.spec.overrides).toEqual([foreign])
  })
})

describe('fields of others', () => {
  test('are reported as a conflict, never forced, and the fix goes in once they are given up', async () => {
    const hub = await hubWith({ seed: 16 })
    const name = { name: 'production-main-4', namespace: 'mc-production-main' }
    const foreign = await overrideByHand(hub, name, 'old')
    await hub.request('good', { supersedes: ['old'] })
    await hub.clock.advance(minute)
    await hub.approve('good', 'bob', 'carol')
    const problem = async () => (await hub.rollout('good')).status?.problems[0]
    await hub.until(async () => (await problem())?.reason === 'FieldConflict')
    expect(await problem()).toMatchObject({
      controlPlane: 'mc-production-main/production-main-4',
      state: 'Blocked',
      reason: 'FieldConflict',
      message: expect.stringContaining('conflicts with "kubectl"'),
    })
    await hub.clock.advance(minute)
    const controlPlane = await hub.admin.get<ControlPlane>(controlPlanes, name.name, name.namespace)
    expect(controlPlane.spec.overrides).toEqual([foreign])
    await hub.admin.patch(
      controlPlanes,
      name,
      { spec: { overrides: null } },
      { type: 'merge', fieldManager: 'kubectl' },
    )
    const { status } = await hub.untilPhase('good', 'Completed')
    expect(status).toMatchObject({ counts: { Applied: 24 }, problems: [] })
  })
})

describe('several things at once', () => {
  test('two rollouts share the limits of a management cluster', async () => {
    const hub = await hubWith({ seed: 17 })
    for (let index = 100; index < 118; index++) {
      await hub.addControlPlane('mc-production-main', index, 'production', 'main', '4.19.3')
    }
    const older = [{ platforms: ['AWS' as const], versions: { from: '4.19.0', to: '4.19.9' }, image: fixedImage }]
    await hub.request('older', { targets: older })
    await hub.request('newer')
    await hub.clock.advance(minute)
    await hub.approve('older', 'bob', 'carol')
    await hub.approve('newer', 'bob', 'carol')
    await hub.untilPhase('older', 'Completed')
    await hub.untilPhase('newer', 'Completed')
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
    expect((await hub.rollout('older')).status?.counts).toEqual({ Applied: 18 })
    expect((await hub.rollout('newer')).status?.counts).toEqual({ Applied: 24 })
  })

  test('a control plane that joins during the rollout gets the fix, too', async () => {
    const hub = await hubWith({ seed: 18 })
    await hub.deliver('good')
    await hub.until(() => Promise.resolve(hub.recorder.requests().size > 5))
    await hub.addControlPlane('mc-production-main', 100, 'production', 'main')
    await hub.addControlPlane('mc-integration-main', 100, 'integration', 'main')
    const { status } = await hub.untilPhase('good', 'Completed')
    expect(status?.counts).toEqual({ Applied: 26 })
    expect(hub.recorder.violations(maxConcurrent)).toEqual([])
  })

  test('control planes of a silent agent wait until it is back', async () => {
    const hub = await hubWith({ seed: 19 })
    const lease = (renewTime: string): KubeObject & { spec: object } => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'agent', namespace: 'mc-production-canary' },
      spec: { renewTime },
    })
    await hub.admin.create(leases, lease('2026-01-05T08:00:00.000000Z'))
    await hub.deliver('good')
    await hub.until(async () => (await hub.rollout('good')).status?.stage === 'production')
    expect((await hub.rollout('good')).status?.counts.Unknown).toBe(2)
    await hub.admin.patch(
      leases,
      lease('').metadata,
      { spec: { renewTime: '2026-01-05T20:00:00.000000Z' } },
      { type: 'merge' },
    )
    await hub.clock.advance(4 * minute)
    expect((await hub.rollout('good')).status?.counts.Unknown).toBeUndefined()
  })

  test('the same seed gives the same run', async () => {
    const run = async () => {
      const hub = await hubWith({ seed: 20, lostAnswers: 0.1 })
      await hub.deliver('good')
      return JSON.stringify((await hub.untilPhase('good', 'Completed')).status)
    }
    expect(await run()).toBe(await run())
  })
})
