import type { AddressInfo } from 'node:net'
import { Health } from '../health.ts'
import type { LiveSurroundings } from '../live.ts'
import { prometheusMetrics, type PrometheusMetrics } from './prometheus.ts'

export interface MetricsServerOptions {
  /** `HOST:PORT`; port 0 is any that is free. `[::1]:9090` for IPv6. */
  readonly address: string
  readonly metrics: PrometheusMetrics
  readonly health: Health
}

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (caches are filled and watches are heard of; says
 * what is not). There is no authentication: the address decides who can read.
 *
 * @throws TypeError when the address is not HOST:PORT
 */
export async function serveMetrics({ address, metrics, health }: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = parseAddress(address)
  // Not imported: that would load everything the module can do, fetch and WebSocket among it, with every start.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer((request, response) => {
    const reply = (status: number, body: string, type = 'text/plain; charset=utf-8') => {
      response.writeHead(status, { 'content-type': type }).end(body)
    }
    const path = (request.url ?? '').split('?', 1)[0]
    if (request.method !== 'GET') {
      reply(405, 'Only GET is served here.\n')
    } else if (path === '/metrics') {
      metrics.read().then(
        (text) => reply(200, text, metrics.contentType),
        (error: unknown) => reply(500, `${String(error)}\n`),
      )
    } else if (path === '/healthz') {
      reply(200, 'ok\n')
    } else if (path === '/readyz') {
      const report = health.report()
      reply(report.ready ? 200 : 503, `${JSON.stringify(report, undefined, 2)}\n`, 'application/json')
    } else {
      reply(404, 'Served here: /metrics, /healthz, /readyz.\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What a process shows of itself, and where. */
export interface Monitoring {
  /** For the controllers: where they leave their numbers and their health. */
  readonly surroundings: LiveSurroundings
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves what the controllers of this process leave in `surroundings`.
 * @throws TypeError when the address is not HOST:PORT
 */
export async function startMonitoring(address: string): Promise<Monitoring> {
  const [metrics, health] = [await prometheusMetrics(), new Health()]
  const server = await serveMetrics({ address, metrics, health })
  return { surroundings: { metrics, health }, url: server.url, close: () => server.close() }
}

function parseAddress(address: string): { host: string; port: number } {
  const [, inBrackets, plain, digits] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address) ?? []
  const host = inBrackets ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535) {
    throw new TypeError(`${address} is no address to serve metrics at; write HOST:PORT, such as 127.0.0.1:9090`)
  }
  return { host, port }
}
