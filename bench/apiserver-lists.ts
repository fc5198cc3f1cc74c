// Lists of 10,000 objects of 2 KB: made in this process, and sent over HTTPS to another one.
import { ApiServer } from '@locktender/apiserver'
import { Client, customResourceDefinitions, seededRandom, systemClock } from '@locktender/kube'
import { ask } from './apiserver/child.ts'
import type { ListLoad, ListResult } from './apiserver/list-load.ts'
import { admin, cpuSeconds, report, reportDefinition, reports, reportsPath, rounded } from './apiserver/parts.ts'

const OBJECTS = 10_000
const LISTS = 30

const server = await ApiServer.open({ clock: systemClock(), random: seededRandom(1) })
await server.cluster('hub')
const transport = server.transport({ cluster: 'hub', user: admin })
const client = new Client({ transport, fieldManager: 'bench' })
await client.create(customResourceDefinitions, reportDefinition)
for (let index = 0; index < OBJECTS; index++) await client.create(reports, report(`l${index}`, index))

/** Bytes of lists made in this process, and the CPU seconds that took. */
async function make(query: string): Promise<{ bytes: number; seconds: number }> {
  const cpu = process.cpuUsage()
  let bytes = 0
  for (let count = 0; count < LISTS; count++) {
    const headers = { accept: 'application/json' }
    const { body } = await transport.request({ method: 'GET', path: `${reportsPath}${query}`, headers })
    for await (const chunk of body) bytes += chunk.length
  }
  return { bytes, seconds: cpuSeconds(cpu) }
}

const whole = await make('')
const selected = await make('?labelSelector=tier%3Deven')
const { url, certificateAuthority } = await server.listen()
const access = { port: Number(new URL(url).port), certificateAuthority, token: server.issueToken(admin) }
const cpu = process.cpuUsage()
const sent = await ask<ListLoad, ListResult>('list-load.ts', { access, lists: LISTS })
const serverCpu = cpuSeconds(cpu)
const rate = (bytes: number, seconds: number): number => rounded(bytes / seconds / 1e6, 1)
process.stdout.write(
  JSON.stringify({
    objects: OBJECTS,
    megabytes: rounded(sent.bytes / LISTS / 1e6, 1),
    madeMegabytesPerCpuSecond: rate(whole.bytes, whole.seconds),
    selectedByLabelMsOfCpu: rounded((selected.seconds / LISTS) * 1000, 1),
    sentMegabytesPerSecond: rate(sent.bytes, sent.seconds),
    sentMegabytesPerServerCpuSecond: rate(sent.bytes, serverCpu),
  }),
)
await server.close()
