import { Client, configMaps, namespaces, seededRandom, serviceAccounts, VirtualClock } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiServer } from '../server.ts'
import { systemUser } from '../user.ts'
import { TestCluster } from './test-cluster.ts'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await TestCluster.start()
})

afterEach(() => cluster.stop())

test('every namespace has its default service account, again when it was deleted', async () => {
  expect(await cluster.find(serviceAccounts, 'default', 'kube-system')).toBeDefined()
  await cluster.create(namespaces, 'team')
  await cluster.settle()
  const first = await cluster.find(serviceAccounts, 'default', 'team')
  expect(first).toBeDefined()
  await cluster.client.delete(serviceAccounts, { name: 'default', namespace: 'team' })
  await cluster.settle()
  const second = await cluster.find(serviceAccounts, 'default', 'team')
  expect(second?.metadata.uid).not.toBe(first?.metadata.uid)
  await cluster.client.delete(namespaces, { name: 'team' })
  await cluster.settle()
  expect(await cluster.find(namespaces, 'team')).toBeUndefined()
})

test('a server that does not listen has no authority to tell about', async () => {
  await cluster.settle()
  expect(await cluster.find(configMaps, 'kube-root-ca.crt')).toBeUndefined()
})

test('a listening server tells every namespace its authority, and keeps it right', async () => {
  const clock = new VirtualClock()
  const server = await ApiServer.open({ clock, random: seededRandom(1) })
  try {
    await server.cluster('test')
    const { certificateAuthority } = await server.listen()
    const client = new Client({ transport: server.transport({ cluster: 'test', user: systemUser }) })
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }
    await client.create(namespaces, namespace)
    const found = async (where: string): Promise<unknown> => {
      await clock.advance(0)
      return (await client.get<{ data?: object } & typeof namespace>(configMaps, 'kube-root-ca.crt', where)).data
    }
    const expected = { 'ca.crt': certificateAuthority }
    expect(await found('default')).toEqual(expected)
    expect(await found('team')).toEqual(expected)
    const target = { name: 'kube-root-ca.crt', namespace: 'team' }
    await client.patch(configMaps, target, { data: { 'ca.crt': 'another' } }, { type: 'merge' })
    expect(await found('team')).toEqual(expected)
    await client.delete(configMaps, target)
    expect(await found('team')).toEqual(expected)
  } finally {
    await server.close()
  }
})
