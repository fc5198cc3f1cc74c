import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConnectionError } from '@locktender/kube'
import { afterEach, describe, expect, test } from 'vitest'
import { Health } from '../health.ts'
import { outsideFetch } from './outside-fetch.ts'
import { prometheusMetrics } from './prometheus.ts'
import { serveMetrics, type MetricsServer } from './serve-metrics.ts'

let metricsServer: MetricsServer | undefined
let outside: Server | undefined

afterEach(async () => {
  await metricsServer?.close()
  outside?.closeAllConnections()
  outside?.close()
  metricsServer = undefined
  outside = undefined
})

describe('serveMetrics', () => {
  test('serves numbers as Prometheus reads them, health and readiness, and nothing else', async () => {
    const metrics = await prometheusMetrics()
    for (const controller of ['a', 'b']) {
      metrics.counter({ name: 'x_total', help: 'Xs', labels: ['controller'] }).increase({ controller }, 2)
    }
    metrics.gauge({ name: 'depth', help: 'Depth' }, (gauge) => gauge.set(7))
    metrics.histogram({ name: 'took_seconds', help: 'Took', buckets: [0.1, 1] }).observe(0.5)
    const health = new Health()
    metricsServer = await serveMetrics({ address: '127.0.0.1:0', metrics, health })
    const get = async (path: string, method = 'GET') => {
      const { status, body } = await outsideFetch({ url: `${metricsServer!.url}${path}`, method })
      return { status, body }
    }
    const { body } = await get('/metrics')
    for (const line of [
      'x_total{controller="a"} 2',
      'x_total{controller="b"} 2',
      'depth 7',
      'took_seconds_bucket{le="0.1"} 0',
      'took_seconds_bucket{le="1"} 1',
    ]) {
      expect(body.split('\n')).toContain(line)
    }
    expect(body).toContain('process_cpu_user_seconds_total')
    expect(await get('/healthz')).toEqual({ status: 200, body: 'ok\n' })
    expect(await get('/readyz')).toMatchObject({ status: 503 })
    health.watch(() => [], 150_000)
    expect(await get('/readyz?verbose')).toMatchObject({ status: 200 })
    expect((await get('/debug')).status).toBe(404)
    expect((await get('/metrics', 'POST')).status).toBe(405)
  })

  test.each(['9090', '127.0.0.1', 'localhost:99999', '::1:80'])('refuses the address %s', async (address) => {
    const metrics = await prometheusMetrics()
    await expect(serveMetrics({ address, metrics, health: new Health() })).rejects.toThrow('write HOST:PORT')
  })
})

describe('outsideFetch', () => {
  async function serve(handler: Parameters<typeof createServer>[1]): Promise<string> {
    outside = createServer(handler!)
    await new Promise<void>((resolve) => outside!.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(outside.address() as AddressInfo).port}`
  }

  test('gives any status as an answer and follows no redirect', async () => {
    const url = await serve((request, response) => {
      request.resume().on('end', () => {
        const headers = { location: '/elsewhere', 'x-asked': `${request.method} ${String(request.headers['x-a'])}` }
        response.writeHead(302, headers).end('moved')
      })
    })
    const answer = await outsideFetch({ url: `${url}/a`, method: 'POST', headers: { 'x-a': '1' }, body: 'b' })
    expect(answer).toMatchObject({ status: 302, body: 'moved', headers: { 'x-asked': 'POST 1' } })
  })

  test('says that no answer came', async () => {
    const url = await serve((request) => request.socket.destroy())
    await expect(outsideFetch({ url })).rejects.toBeInstanceOf(ConnectionError)
    await expect(outsideFetch({ url: 'ftp://x/' })).rejects.toBeInstanceOf(ConnectionError)
  })

  test('waits no longer than asked, and reads no endless answer', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/silent') return
      response.writeHead(200).write(Buffer.alloc(5 * 1024 * 1024))
    })
    await expect(outsideFetch({ url: `${url}/silent`, timeoutMs: 50 })).rejects.toThrow('no answer within 50 ms')
    await expect(outsideFetch({ url: `${url}/endless` })).rejects.toThrow('larger than')
  })
})
