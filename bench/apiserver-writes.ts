// Durable creates and updates of 2 KB custom resources over HTTPS, with schema validation, by 64 clients that wait for
// each answer. The clients run in a process of their own. Beside it etcd's rate, where etcd is installed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiServer } from '@locktender/apiserver'
import { Client, customResourceDefinitions, seededRandom, systemClock } from '@locktender/kube'
import { etcdPutsPerSecond } from './apiserver/etcd.ts'
import { ask } from './apiserver/child.ts'
import { admin, cpuSeconds, reportDefinition, rounded } from './apiserver/parts.ts'
import type { WriteLoad, WriteResult } from './apiserver/write-load.ts'

const CLIENTS = 64
const OBJECTS = Number(process.argv[2] ?? 20_000)

const directory = mkdtempSync(join(tmpdir(), 'bench-'))
try {
  const server = await ApiServer.open({ clock: systemClock(), random: seededRandom(1), dataDirectory: directory })
  await server.cluster('hub')
  const transport = server.transport({ cluster: 'hub', user: admin })
  await new Client({ transport, fieldManager: 'bench' }).create(customResourceDefinitions, reportDefinition)
  const { url, certificateAuthority } = await server.listen()
  const access = { port: Number(new URL(url).port), certificateAuthority, token: server.issueToken(admin) }
  const cpu = process.cpuUsage()
  const load = await ask<WriteLoad, WriteResult>('write-load.ts', { access, clients: CLIENTS, objects: OBJECTS })
  const serverCpu = cpuSeconds(cpu)
  const writes = 2 * OBJECTS
  const perSecond = writes / (load.createSeconds + load.updateSeconds)
  const etcd = await etcdPutsPerSecond(CLIENTS)
  const at = (share: number): number => rounded(load.latencies[Math.floor(load.latencies.length * share)]!, 1)
  process.stdout.write(
    JSON.stringify({
      clients: CLIENTS,
      objects: OBJECTS,
      createsPerSecond: Math.round(OBJECTS / load.createSeconds),
      updatesPerSecond: Math.round(OBJECTS / load.updateSeconds),
      writesPerSecond: Math.round(perSecond),
      serverCpuMicrosecondsPerWrite: Math.round((serverCpu / writes) * 1e6),
      clientCpuMicrosecondsPerWrite: Math.round((load.cpuSeconds / writes) * 1e6),
      latencyMs: { median: at(0.5), p99: at(0.99), longest: at(0.9999) },
      etcdPutsPerSecond: etcd ?? 'skipped: etcd is not installed',
      ...(etcd === undefined ? {} : { ratioToEtcd: rounded(perSecond / etcd, 2) }),
    }),
  )
  await server.close()
} finally {
  rmSync(directory, { recursive: true })
}
