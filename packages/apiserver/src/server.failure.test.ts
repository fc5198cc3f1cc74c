import { seededRandom } from '@locktender/kube'
import { expect, test } from 'vitest'
import { MemoryDisk } from './store/memory-disk.ts'
import { admin, openTestCluster, statusOf, W, widget } from './testing/test-cluster.ts'

test('after a disk error nothing is acknowledged, watches end, and the server says why', async () => {
  // Where the next write is, is found by a life without faults.
  const rehearsal = new MemoryDisk(seededRandom(1)).session()
  const first = await openTestCluster({ dataDirectory: '/data', files: rehearsal })
  await first.clock.advance(0)
  const operations = rehearsal.operations
  await first.server.close()

  const disk = new MemoryDisk(seededRandom(1))
  // One write and then its sync, which fails.
  const files = disk.session({ at: operations + 2, how: 'error' })
  const cluster = await openTestCluster({ dataDirectory: '/data', files })
  await cluster.clock.advance(0)
  const watch = await cluster.transportOf(admin).request({ method: 'GET', path: `${W}?watch=true&resourceVersion=2` })
  const seen: string[] = []
  const ended = (async () => {
    for await (const chunk of watch.body) seen.push(Buffer.from(chunk).toString())
  })()

  const refused = await cluster.send('POST', W, { body: widget('a') })
  expect([refused.code, statusOf(refused).reason]).toEqual([500, 'InternalError'])
  expect(statusOf(refused).message).toContain('can no longer be written')
  expect((await cluster.server.failure).message).toContain('EIO')
  await ended
  expect(seen).toEqual([])
  expect((await cluster.send('POST', W, { body: widget('b') })).code).toBe(500)
  // What nobody may count on is not shown either.
  expect((await cluster.send('GET', `${W}/a`)).code).toBe(500)
  await cluster.server.close()

  disk.losePower()
  const again = await openTestCluster({ dataDirectory: '/data', files: disk.session(), seed: 2 })
  expect((await again.send('GET', `${W}/b`)).code).toBe(404)
  await again.server.close()
})
