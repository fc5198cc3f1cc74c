import { Client, configMaps, seededRandom, VirtualClock } from '@locktender/kube'
import { describe, expect, test } from 'vitest'
import { ApiServer } from './server.ts'
import { admin, openTestCluster, W, widget } from './testing/test-cluster.ts'

/** Everything two logical clusters hold after the same work, as their clients see it. */
async function work(): Promise<string> {
  const cluster = await openTestCluster()
  await cluster.server.cluster('other')
  for (const generateName of ['a-', 'b-', 'c-']) {
    await cluster.send('POST', W, { body: { ...widget(''), metadata: { generateName } } })
    await cluster.clock.advance(90_000)
  }
  return (await cluster.send('GET', '/apis/example.com/v1/widgets')).text
}

test('the same seed and clock give the same objects, to the byte', async () => {
  const first = await work()
  expect(first).toContain('"uid"')
  expect(await work()).toBe(first)
})

describe('logical clusters', () => {
  test('do not see each other', async () => {
    const server = await ApiServer.open({ clock: new VirtualClock(), random: seededRandom(1) })
    const clients = new Map<string, Client>()
    // The name of one begins with the name of the other.
    for (const cluster of ['mc', 'mc-1']) {
      await server.cluster(cluster)
      clients.set(cluster, new Client({ transport: server.transport({ cluster, user: admin }) }))
    }
    const metadata = { name: 'c', namespace: 'default' }
    await clients.get('mc')!.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
    expect((await clients.get('mc')!.list(configMaps)).items).toHaveLength(1)
    expect((await clients.get('mc-1')!.list(configMaps)).items).toHaveLength(0)
    expect(server.clusters()).toEqual(['mc', 'mc-1'])
    await server.close()
  })

  test('must exist and have a name that fits in a path', async () => {
    const server = await ApiServer.open({ clock: new VirtualClock(), random: seededRandom(1) })
    expect(() => server.transport({ cluster: 'none', user: admin })).toThrow('there is no logical cluster "none"')
    await expect(server.cluster('a/b')).rejects.toThrow('no name for a logical cluster')
    await server.close()
  })

  test('are made once, however often they are asked for', async () => {
    const { server, client } = await openTestCluster()
    const before = await client.list(configMaps)
    await server.cluster('hub')
    expect((await client.list(configMaps)).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
  })
})

test('a closed server refuses writes', async () => {
  const cluster = await openTestCluster()
  await cluster.server.close()
  expect((await cluster.send('POST', W, { body: widget('a') })).code).toBe(500)
})
