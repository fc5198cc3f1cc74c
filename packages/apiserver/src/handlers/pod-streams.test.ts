import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestCluster, statusOf } from '../testing/test-cluster.ts'
import type { TestCluster } from '../testing/test-cluster.ts'

let cluster: TestCluster
beforeEach(async () => {
  cluster = await openTestCluster()
  const pod = (name: string, spec: object): Promise<unknown> =>
    cluster.send('POST', PODS, {
      body: { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } },
    })
  await pod('free', {})
  await pod('bound', { nodeName: 'n' })
  await pod('several', {
    containers: [
      { name: 'c', image: 'i' },
      { name: 'd', image: 'i' },
    ],
    initContainers: [{ name: 'first', image: 'i' }],
  })
})
afterEach(() => cluster.server.close())

const PODS = '/api/v1/namespaces/default/pods'

test('a pod that is on no node has an empty log', async () => {
  const answer = await cluster.send('GET', `${PODS}/free/log`)
  expect([answer.code, answer.text]).toEqual([204, ''])
})

test.each([
  ['GET', 'free/exec?command=ls', 400, 'pod free does not have a host assigned'],
  ['POST', 'free/portforward', 400, 'pod free does not have a host assigned'],
  ['GET', 'free/log?container=x', 400, 'container x is not valid for pod free'],
  [
    'GET',
    'several/log',
    400,
    'a container name must be specified for pod several, choose one of: [c d] or one of the init containers: [first]',
  ],
  ['GET', 'bound/attach', 404, 'pods "n" not found'],
  ['GET', 'none/log', 404, 'pods "none" not found'],
  ['POST', 'free/log', 405, 'the server does not allow this method on the requested resource'],
  [
    'GET',
    'free/log?limitBytes=0',
    422,
    'PodLogOptions "free" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
  ],
] as const)('%s %s', async (method, path, code, message) => {
  const answer = await cluster.send(method, `${PODS}/${path}`)
  expect([answer.code, statusOf(answer).message]).toEqual([code, message])
})

test('a node that is there runs nothing', async () => {
  await cluster.send('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } })
  const answer = await cluster.send('GET', `${PODS}/bound/log`)
  expect([answer.code, statusOf(answer).reason]).toEqual([500, 'InternalError'])
})
