import type { AdmissionPlugin } from '@locktender/apiserver'
import { configMaps, isForbidden } from '@locktender/kube'
import { describe, expect, it } from 'vitest'
import { explore } from './explore.ts'
import { cached, configMap, controller, put, scenario, target, type Data } from './scenarios.test-support.ts'
import type { Scenario } from './scenario.ts'

const ALICE = { name: 'alice', groups: ['people', 'system:masters'] }

/** Notes on each new object who made it. */
const stamping: AdmissionPlugin = {
  name: 'stamping',
  admit({ object, operation, user }) {
    if (operation !== 'CREATE' || object?.kind !== 'ConfigMap') return undefined
    return { ...object, data: { by: `${user.name} of ${user.groups.slice(0, 2).join(' and ')}` } } as Data
  },
}

function expecting(name: string, by: string): NonNullable<Scenario['steps']>[number] {
  return {
    expect: 'who made it',
    that(state) {
      const found = state.cluster('main').get<Data>(configMaps, name, 'default')?.data?.['by']
      return found === by ? undefined : `${name} is by ${found}`
    },
  }
}

describe('users', () => {
  it('are those of steps and processes, to admission and to roles', async () => {
    let refused = 0
    const trying = () =>
      controller('trying', ['b'], async (world) => {
        await put(world, 'b', { x: '1' }).catch((error: unknown) => {
          if (!isForbidden(error)) throw error
          refused++
        })
      })
    const { failures } = await explore(
      scenario([trying], {
        clusters: { main: { objects: [configMap('a')], admission: [stamping] } },
        users: { trying: { name: 'bob' } },
        steps: [{ create: configMap('c'), as: ALICE }, expecting('c', 'alice of people and system:masters')],
      }),
      { schedules: 20 },
    )
    expect(failures).toEqual([])
    expect(refused).toBeGreaterThan(20)
  })
})

describe('tales', () => {
  it('are no part of the end', async () => {
    const first = () =>
      controller('first', ['x'], async (world) => {
        if (cached(world, 'first') === undefined)
          await put(world, 'first', { seen: cached(world, 'a')?.data?.['x'] ?? '' })
      })
    const steps = [{ change: target('a'), to: { data: { x: '2' } } }]
    const unusual = scenario([first], { steps })
    expect((await explore(unusual, { schedules: 200 })).failures.map(({ oracle }) => oracle)).toEqual(['confluence'])
    const told = scenario([first], { steps, tales: [configMaps] })
    expect((await explore(told, { schedules: 200 })).failures).toEqual([])
  })
})
