// Changes of 2 KB objects told to 1,000 watchers over HTTPS, each with a connection of its own in another process.
import { once } from 'node:events'
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiServer } from '@locktender/apiserver'
import { Client, customResourceDefinitions, seededRandom, systemClock } from '@locktender/kube'
import { admin, cpuSeconds, report, reportDefinition, reports, rounded } from './apiserver/parts.ts'
import type { WatchLoad, WatchReply } from './apiserver/watch-load.ts'

const WATCHERS = Number(process.argv[2] ?? 1000)
const EVENTS = 1000
/** Changes under way at the same time. */
const WRITERS = 64

const directory = mkdtempSync(join(tmpdir(), 'bench-'))
const server = await ApiServer.open({ clock: systemClock(), random: seededRandom(1), dataDirectory: directory })
await server.cluster('hub')
const client = new Client({ transport: server.transport({ cluster: 'hub', user: admin }), fieldManager: 'bench' })
await client.create(customResourceDefinitions, reportDefinition)
const { url, certificateAuthority } = await server.listen()
const access = { port: Number(new URL(url).port), certificateAuthority, token: server.issueToken(admin) }
const child = fork(join(import.meta.dirname, 'apiserver', 'watch-load.ts'), { execArgv: [] })
child.send({ access, watchers: WATCHERS, events: EVENTS } satisfies WatchLoad)
await once(child, 'message')

const result = once(child, 'message') as Promise<[WatchReply]>
const cpu = process.cpuUsage()
const start = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: WRITERS }, async () => {
    for (let index = next++; index < EVENTS; index = next++) {
      await client.create(reports, report(`w${index}`, index))
    }
  }),
)
const [reply] = await result
if (reply === 'watching') throw new Error('the watchers did not finish')
const seconds = (performance.now() - start) / 1000
const serverCpu = cpuSeconds(cpu)
const deliveries = WATCHERS * EVENTS
process.stdout.write(
  JSON.stringify({
    watchers: WATCHERS,
    deliveries,
    deliveriesPerSecond: Math.round(deliveries / seconds),
    deliveriesPerServerCpuSecond: Math.round(deliveries / serverCpu),
    megabytesPerSecond: rounded(reply.bytes / seconds / 1e6, 1),
    serverCpuSeconds: rounded(serverCpu),
    clientCpuSeconds: rounded(reply.cpuSeconds),
  }),
)
await server.close()
rmSync(directory, { recursive: true })
