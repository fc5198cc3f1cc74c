import { seededRandom, VirtualClock } from '@locktender/kube'
import { expect, test } from 'vitest'
import { fuzz, stateOf } from './fuzz.test-support.ts'
import { MemoryDisk } from '../store/memory-disk.ts'
import { CM, openTestCluster, statusOf, W } from './test-cluster.ts'

test('nonsense is refused and leaves no trace, and the store opens again', async () => {
  const disk = new MemoryDisk(seededRandom(1))
  const clock = new VirtualClock()
  const options = { clock, dataDirectory: '/data', files: disk.session() }
  const cluster = await openTestCluster(options)
  expect(await fuzz(cluster, { seed: 1, inputs: 1500 })).toEqual([])
  const state = await stateOf(cluster)
  await cluster.server.close()
  const again = await openTestCluster({
    ...options,
    clock: new VirtualClock(clock.now()),
    files: disk.session(),
    seed: 2,
  })
  expect(await stateOf(again)).toBe(state)
  await again.server.close()
})

test.each([
  ['lists', `${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ['objects', `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
  [
    'fields',
    `{"kind":"Widget","apiVersion":"example.com/v1","metadata":{"name":"a"},"spec":{"blob":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}}`,
  ],
])('%s nested far too deep are refused', async (_what, body) => {
  const cluster = await openTestCluster()
  for (const [method, path, type] of [
    ['POST', W, 'application/json'],
    ['POST', W, 'application/yaml'],
    ['PATCH', `${W}/a?fieldManager=x`, 'application/apply-patch+yaml'],
  ] as const) {
    const answer = await cluster.send(method, path, { body, type })
    expect([type, answer.code]).toEqual([type, 400])
  }
  expect((await cluster.send('GET', W)).json()).toMatchObject({ items: [] })
  await cluster.server.close()
})

test.each([
  [
    'that multiplies itself',
    'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n',
    'document contains excessive aliasing',
  ],
  ['that contains itself', 'x: &x\n  y: *x\n', 'itself'],
])('YAML %s is refused', async (_what, body, why) => {
  const cluster = await openTestCluster()
  for (const [method, path, type] of [
    ['POST', CM, 'application/yaml'],
    ['PATCH', `${CM}/a?fieldManager=x`, 'application/apply-patch+yaml'],
  ] as const) {
    const answer = await cluster.send(method, path, { body, type })
    expect([answer.code, statusOf(answer).message]).toEqual([400, expect.stringContaining(why)])
  }
  await cluster.server.close()
})
