import { expect, test } from 'vitest'
import { fuzzAndReopen } from './fuzz.test-support.ts'
import { CM, openTestCluster, statusOf, W } from './test-cluster.ts'

test('nonsense is refused and leaves no trace, and the store opens again', async () => {
  const { flaws, state, reopened } = await fuzzAndReopen(1, 1500)
  expect(flaws).toEqual([])
  expect(reopened).toBe(state)
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
