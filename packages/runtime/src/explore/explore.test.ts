import { configMaps, ConnectionError, isConflict, sleep } from '@locktender/kube'
import { describe, expect, it } from 'vitest'
import type { Controller } from '../controller.ts'
import type { Choice } from './choice.ts'
import { explore, Explorer, replay } from './explore.ts'
import { always, type Limits, type Scenario } from './scenario.ts'
import { cached, configMap, controller, copier, put, scenario, target, type Data } from './scenarios.test-support.ts'

const NONE: Limits = { staleness: 0, restarts: 0, lostAnswers: 0, conflicts: 0, failures: 0, reorderings: 0 }
const CHAIN = [() => copier('first', 'a', 'b'), () => copier('second', 'b', 'c')]
const CHANGE = { change: target('a'), to: { data: { x: '2' } } }

async function oraclesOf(scenario: Scenario, schedules = 200): Promise<string[]> {
  const { failures } = await explore(scenario, { schedules, failures: 10 })
  return [...new Set(failures.map(({ oracle }) => oracle))]
}

/** What the schedule with these choices did, in words. */
async function told(scenario: Scenario, ...choices: Partial<Choice>[]): Promise<string[]> {
  const full = choices.map((choice) => ({ nth: 1, at: '', take: '', kind: 'request' as const, ...choice }))
  const { trace, followed } = await replay(scenario, { scenario: 'test', choices: full })
  expect(followed).toHaveLength(choices.length)
  return trace.map(({ what, who, text }) => `${what} ${who}: ${text}`)
}

function writesIn(trace: readonly string[]): string[] {
  return trace.filter((line) => line.startsWith('write ') || line.startsWith('crash ') || line.startsWith('step '))
}

describe('explore', () => {
  it('finds nothing wrong with controllers that have nothing wrong', async () => {
    const { failures, schedules, states } = await explore(scenario(CHAIN, { steps: [CHANGE] }), { schedules: 300 })
    expect(failures).toEqual([])
    expect(schedules).toBe(300)
    expect(states).toBeGreaterThan(4)
  })

  it('comes to the same with the same seed', async () => {
    const lossy = scenario([() => leaky()], { steps: [CHANGE] })
    const [one, other] = [await explore(lossy, { seed: 7 }), await explore(lossy, { seed: 7 })]
    expect(one.failures).toHaveLength(1)
    const { cpuMs: _, cpuMsToFailure: __, ...numbers } = one.statistics
    expect({ ...other, statistics: numbers }).toEqual({ ...one, statistics: numbers })
  })

  it('replays a failure identically, a hundred times', async () => {
    const lossy = scenario([() => leaky()], { steps: [CHANGE] })
    const { failures } = await explore(lossy)
    const { plan, oracle, message } = failures[0]!
    expect(plan.choices.length).toBeGreaterThan(0)
    const traces = new Set<string>()
    const shared = await Explorer.open(lossy)
    for (let count = 0; count < 100; count++) {
      const explorer = count % 25 === 0 ? await Explorer.open(lossy) : shared
      const { trace, findings, followed } = await explorer.replay(plan)
      expect(findings).toContainEqual({ oracle, message })
      expect(followed).toEqual(plan.choices)
      traces.add(JSON.stringify(trace))
    }
    expect(traces.size).toBe(1)
  })

  it('ends when told to', async () => {
    const aborted = await explore(scenario(CHAIN), { signal: AbortSignal.abort() })
    expect(aborted.schedules).toBe(1)
    const timed = await explore(scenario(CHAIN), { cpuMs: 50 })
    expect(timed.schedules).toBeGreaterThan(1)
  })

  it('reaches more with guidance than it needs to see the failure', async () => {
    const { failures } = await explore(scenario([() => leaky()], { steps: [CHANGE] }), { mode: 'guided' })
    expect(failures[0]?.oracle).toBe('confluence')
  })

  it('says when a scenario is about a kind that nothing serves', async () => {
    const resource = { group: 'none.example.com', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true }
    const reads = [{ cluster: 'main', resource, keys: () => [] }]
    expect(await oraclesOf(scenario([() => controller('lost', [], async () => {}, { reads })]), 1)).toEqual([
      'exception',
    ])
  })
})

/** Remembers in memory that it has copied: a crash, or what it does not see, makes it forget or never know. */
function leaky(): Controller {
  let copied: string | undefined
  return controller('leaky', ['b'], async (world) => {
    const x = cached(world, 'a')?.data?.['x'] ?? ''
    if (copied === x) return
    copied = x
    await put(world, 'b', { x })
  })
}

describe('perturbations', () => {
  const two = scenario(CHAIN, { steps: [CHANGE] })

  it('does everything in its order by default', async () => {
    expect(writesIn(await told(two))).toEqual([
      'write first: configmaps default/b is created',
      'write second: configmaps default/c is created',
      'step outside: change ConfigMap default/a',
      'write outside: configmaps default/a is changed',
      'write first: configmaps default/b is changed',
      'write second: configmaps default/c is changed',
    ])
  })

  it('crashes before a write, which then comes from a new life', async () => {
    const trace = await told(two, { at: 'first b: patches configmaps default/b', take: 'crash before' })
    expect(writesIn(trace).slice(0, 2)).toEqual([
      'crash first: crashes',
      'write first: configmaps default/b is created',
    ])
    expect(trace.filter((line) => line === 'begin first: b').length).toBeGreaterThan(1)
  })

  it('crashes after a write, of which the old life hears nothing', async () => {
    const trace = await told(two, { at: 'first b: patches configmaps default/b', take: 'crash after' })
    expect(writesIn(trace).slice(0, 2)).toEqual([
      'write first: configmaps default/b is created',
      'crash first: crashes',
    ])
    expect(trace.indexOf('end first: b')).toBeGreaterThan(trace.indexOf('crash first: crashes'))
  })

  it('loses the answer of a write that has happened', async () => {
    const seen: unknown[] = []
    const writer = () =>
      controller('writer', ['b'], async (world) => {
        if (cached(world, 'b') !== undefined) return
        await put(world, 'b', {}).catch((error: unknown) => {
          seen.push(error)
          throw error
        })
      })
    const trace = await told(scenario([writer]), { at: 'writer b: patches configmaps default/b', take: 'answer lost' })
    expect(seen).toEqual([expect.any(ConnectionError)])
    expect(writesIn(trace)).toEqual(['write writer: configmaps default/b is created'])
  })

  it.each([
    ['conflict', 409],
    ['fails with 500', 500],
    ['fails with 429', 429],
  ])('makes a request fail: %s', async (take, code) => {
    const codes: unknown[] = []
    const writer = () =>
      controller('writer', ['b'], async (world) => {
        if (cached(world, 'b') !== undefined) return
        await put(world, 'b', {}).catch((error: unknown) => {
          codes.push((error as { code?: number }).code, isConflict(error))
          throw error
        })
      })
    const trace = await told(scenario([writer]), { at: 'writer b: patches configmaps default/b', take })
    expect(codes).toEqual([code, code === 409])
    expect(writesIn(trace)).toEqual(['write writer: configmaps default/b is created'])
  })

  it('lets a request come late, after what others do', async () => {
    const trace = await told(two, { at: 'first b: patches configmaps default/b', nth: 2, take: 'late' })
    expect(writesIn(trace).at(-1)).toBe('write second: configmaps default/c is changed')
    expect((await replay(two, { scenario: '', choices: [] })).findings).toEqual([])
  })

  it('keeps a change from a cache until nothing else is left to do', async () => {
    const trace = await told(two, {
      kind: 'cache',
      at: 'second: configmaps default/b is created',
      take: 'hears of it after the next step',
    })
    expect(writesIn(trace)).toEqual([
      'write first: configmaps default/b is created',
      'step outside: change ConfigMap default/a',
      'write outside: configmaps default/a is changed',
      'write first: configmaps default/b is changed',
      'write second: configmaps default/c is created',
    ])
    const skipping = await told(two, {
      kind: 'cache',
      at: 'second: configmaps default/b is created',
      take: 'hears only of the last state after the next step',
    })
    expect(writesIn(skipping).slice(-1)).toEqual(['write second: configmaps default/c is created'])
  })

  it('does a step early', async () => {
    const trace = await told(two, {
      kind: 'order',
      at: 'before: first b: patches configmaps default/b',
      take: 'step 1: change ConfigMap default/a',
    })
    expect(writesIn(trace).slice(0, 2)).toEqual([
      'step outside: change ConfigMap default/a',
      'write outside: configmaps default/a is changed',
    ])
  })

  it('never does a step early across one that settles', async () => {
    const barred = scenario(CHAIN, { steps: [{ settle: true }, CHANGE], limits: { ...NONE, reorderings: 3 } })
    const early = always('the copy is there before the change', (state) => {
      const main = state.cluster('main')
      const changed = main.get<Data>(configMaps, 'a', 'default')?.data?.['x'] === '2'
      return changed && main.get(configMaps, 'c', 'default') === undefined ? 'it is not' : undefined
    })
    expect(await oraclesOf({ ...barred, invariants: [early] })).toEqual([])
    expect(await oraclesOf({ ...barred, steps: [CHANGE], invariants: [early] })).toEqual(['invariant'])
  })

  it('lists an older state after a restart', async () => {
    const seen: (string | undefined)[] = []
    const watcher = () => controller('watcher', ['k'], async (world) => void seen.push(cached(world, 'a')?.data?.['x']))
    const changed = scenario([watcher], { steps: [CHANGE, { restart: 'watcher' }] })
    await told(changed, {
      kind: 'relist',
      at: 'watcher lists',
      take: 'configmaps as they were before the last change of configmaps, and hears of the rest when nothing else is left to do',
    })
    // The reference run, with its look at whether it is stable, comes before.
    expect(seen.slice(0, 4)).toEqual(['1', '2', '2', '2'])
    expect(seen.slice(4)).toEqual(['1', '2', '1', '2'])
  })
})

describe('oracles', () => {
  it('convergence: two that undo each other', async () => {
    const setter = (name: string, x: string) => () =>
      controller(name, ['b'], async (world) => {
        if (cached(world, 'b')?.data?.['x'] !== x) await put(world, 'b', { x })
      })
    const fight = scenario([setter('one', '1'), setter('two', '2')], { withoutOracles: ['one writer'] })
    expect(await oraclesOf(fight, 1)).toEqual(['convergence'])
    expect(await oraclesOf({ ...fight, withoutOracles: [] }, 1)).toEqual(['one writer'])
  })

  it('stability: one that writes each time', async () => {
    const counter = () =>
      controller(
        'counter',
        ['b'],
        async (world) => {
          const { client } = world.cluster('main')
          const before = await client.get<Data>(configMaps, 'a', 'default')
          const x = String(Number(before.data?.['x']) + 1)
          await client.patch(configMaps, before.metadata, { data: { x } }, { type: 'merge' })
        },
        { reads: [], atStart: ['b'] },
      )
    expect(await oraclesOf(scenario([counter], { limits: NONE }), 1)).toEqual(['stability'])
  })

  it('undeclared access, with what to add', async () => {
    const thief = () => controller('thief', ['b'], (world) => put(world, 'b', {}), { writes: [] })
    const { failures } = await explore(scenario([thief]), { schedules: 1 })
    expect(failures[0]).toMatchObject({ oracle: 'undeclared access', plan: { choices: [] } })
    expect(failures[0]?.message).toContain('configmaps')
    const teller = () =>
      controller('teller', ['b'], async (world) => {
        world.events.record('main', cached(world, 'a')!, { type: 'Normal', reason: 'Seen', message: 'it is there' })
      })
    expect(await oraclesOf(scenario([teller]), 1)).toEqual(['undeclared access'])
  })

  it('exceptions: a mistake in the program, or a change of what a cache shares', async () => {
    const broken = () => controller('broken', ['b'], async () => void (undefined as unknown as Data).data)
    expect(await oraclesOf(scenario([broken]), 1)).toEqual(['exception'])
    const careless = () => controller('careless', ['b'], async (world) => void (cached(world, 'a')!.data = {}))
    const { failures } = await explore(scenario([careless]), { schedules: 1 })
    expect(failures[0]?.message).toContain('must not be changed')
  })

  it('exceptions: what nobody waits for', async () => {
    const careless = () =>
      controller('careless', ['b'], async () => {
        void Promise.reject(new Error('unheard'))
      })
    const { failures } = await explore(scenario([careless]), { schedules: 1 })
    expect(failures[0]).toMatchObject({ oracle: 'exception', message: expect.stringContaining('unheard') as string })
  })

  it('endless errors', async () => {
    const failing = () => controller('failing', ['b'], () => Promise.reject(new Error('no')))
    expect(await oraclesOf(scenario([failing]), 1)).toEqual(['endless errors'])
  })

  it('stuck: a reconcile that waits for nothing', async () => {
    const waiting = () => controller('waiting', ['b'], () => new Promise(() => {}))
    expect(await oraclesOf(scenario([waiting]), 1)).toEqual(['stuck'])
    const sleeping = () => controller('sleeping', ['b'], (world) => sleep(world.clock, 60_000))
    expect(await oraclesOf(scenario([sleeping]), 1)).toEqual([])
  })

  it('update count: far more writes than usual', async () => {
    // Makes another one as long as it does not see the one it made.
    const busy = () => {
      let made = 0
      return controller('busy', ['k'], async (world) => {
        const { client, cache } = {
          client: world.cluster('main').client,
          cache: world.cluster('main').cache(configMaps),
        }
        if (made === 8 || [...cache.values()].some(({ metadata }) => metadata.name.startsWith('made-'))) return
        made++
        await client.create(configMaps, configMap('', {}, { generateName: 'made-' }))
        return { requeueAfterMs: 1000 }
      })
    }
    const limits = { ...NONE, staleness: 1, updateFactor: 3 }
    const more = { limits, steps: [CHANGE], withoutOracles: ['confluence' as const] }
    expect(await oraclesOf(scenario([busy], more))).toEqual(['update count'])
  })

  it('expectations and refused steps', async () => {
    const wrong = scenario(CHAIN, { steps: [{ expect: 'c is there', that: () => 'it is not' }] })
    expect(await oraclesOf(wrong, 1)).toEqual(['expectation'])
    expect(await oraclesOf(scenario(CHAIN, { steps: [{ delete: target('none') }] }), 1)).toEqual(['step'])
  })
})

describe('the world', () => {
  it('passes time from timer to timer, and as steps say', async () => {
    const times: number[] = []
    const periodic = () =>
      controller('periodic', ['k'], async (world) => {
        times.push(world.clock.now())
        return { requeueAfterMs: 4000 }
      })
    const { findings } = await replay(scenario([periodic], { steps: [{ advance: 20_000 }] }), {
      scenario: '',
      choices: [],
    })
    expect(findings).toEqual([])
    expect(new Set(times.map((time) => time - times[0]!))).toEqual(
      new Set([0, 4000, 8000, 12_000, 16_000, 20_000, 24_000, 28_000, 32_000, 36_000]),
    )
  })

  it('denies, allows, cuts off and restores', async () => {
    const outcomes: string[] = []
    const asking = () =>
      controller('asking', ['k'], async (world) => {
        const { client } = world.cluster('main')
        await client.get(configMaps, 'a', 'default').then(
          () => outcomes.push('ok'),
          (error: Error) =>
            outcomes.push(error.name === 'ApiError' ? String((error as { code?: number }).code) : error.name),
        )
      })
    const touch = (x: string) => ({ change: target('a'), to: { data: { x } } })
    const steps = [
      { deny: 'asking', resource: configMaps, verbs: ['get' as const] },
      touch('2'),
      { allow: 'asking', resource: configMaps },
      { outage: 'main' },
      touch('3'),
      { restore: 'main' },
      touch('4'),
    ]
    await replay(scenario([asking], { steps }), { scenario: '', choices: [] })
    expect(outcomes.slice(0, 4)).toEqual(['ok', '403', 'ConnectionError', 'ok'])
  })

  it('answers for the outside', async () => {
    const answers: string[] = []
    const calls = ['https://id.example.com/']
    const asking = () =>
      controller(
        'asking',
        ['k'],
        async (world) => {
          const answer = await world.fetch({ url: 'https://id.example.com/health' }).catch((error: Error) => error)
          answers.push(answer instanceof Error ? answer.name : `${answer.status} ${answer.body}`)
        },
        { calls },
      )
    const steps = [{ answer: 'https://id.example.com/', with: { status: 200, body: 'ok' } } as const, CHANGE]
    await replay(scenario([asking], { steps }), { scenario: '', choices: [] })
    expect(answers.slice(0, 2)).toEqual(['ConnectionError', '200 ok'])
  })

  it('collects garbage as a server does', async () => {
    const steps = [{ create: configMap('owner') }, { delete: target('owner') }]
    const owning = () =>
      controller('owning', ['k'], async (world) => {
        const owner = cached(world, 'owner')
        if (owner === undefined || cached(world, 'owned') !== undefined) return
        const { name, uid = '' } = owner.metadata
        const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid }]
        await world.cluster('main').client.create(configMaps, configMap('owned', {}, { ownerReferences }))
      })
    expect(writesIn(await told(scenario([owning], { steps }))).at(-1)).toBe(
      'write garbage collector: configmaps default/owned is deleted',
    )
  })

  it('leaves alone what is beyond suspicion', async () => {
    const lossy = scenario([() => leaky()], { steps: [CHANGE], limits: { reorderings: 0 } })
    expect(await oraclesOf({ ...lossy, steady: ['leaky'] })).toEqual([])
  })
})
