// Schedules of three controllers that hand work on (claim, config, status) under the explorer, on one core: how many a
// second of processor time, in each mode, and the memory they take. Beside it what a request costs the server when its
// answer is new and when it is known.
import { StepServer } from '@locktender/apiserver'
import type { ServerState } from '@locktender/apiserver'
import { Explorer } from '@locktender/runtime/explore'
import { rounded } from './apiserver/parts.ts'
import { chain } from './explore/chain.ts'

const SCHEDULES = Number(process.argv[2] ?? 10_000)
const REQUESTS = 500
const NOW = Date.UTC(2026, 0, 5, 8)

function cpuMicroseconds(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return user + system
}

async function requests(): Promise<{ readonly new: number; readonly known: number }> {
  const server = await StepServer.open(NOW)
  const path = '/api/v1/namespaces/default/configmaps'
  const headers = { 'content-type': 'application/json', 'user-agent': 'bench' }
  const all = Array.from({ length: REQUESTS }, (_, index) => {
    const metadata = { name: `map-${index % 50}`, labels: { round: String(index) } }
    const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata })
    return { method: 'POST', path, headers, body } as const
  })
  for (const request of all.slice(0, 50)) await server.step(server.initial, request, NOW)
  let start = process.cpuUsage()
  for (const request of all) await server.step(server.initial, request, NOW)
  const fresh = cpuMicroseconds(start) / REQUESTS
  start = process.cpuUsage()
  let last: ServerState | undefined
  for (let round = 0; round < 20; round++) {
    for (const request of all) last = server.known(server.initial, request, NOW)?.state
  }
  if (last === undefined) throw new Error('a request that was answered is not known')
  return { new: rounded(fresh, 1), known: rounded(cpuMicroseconds(start) / REQUESTS / 20, 2) }
}

const explorer = await Explorer.open(chain)
await explorer.explore({ schedules: SCHEDULES / 10 })
const modes: Record<string, object> = {}
for (const mode of ['random', 'guided', 'exhaustive'] as const) {
  const { schedules, states, coverage, statistics, failures } = await explorer.explore({
    mode,
    seed: 2,
    schedules: SCHEDULES,
  })
  if (failures.length > 0) throw new Error(`the chain fails: ${failures[0]!.message}`)
  modes[mode] = {
    schedules,
    schedulesPerSecond: Math.round((schedules / statistics.cpuMs) * 1000),
    actionsPerSchedule: rounded(statistics.actions / schedules, 1),
    states,
    coverage,
  }
}
const { heapUsed, rss } = process.memoryUsage()
process.stdout.write(
  JSON.stringify({
    ...modes,
    memoryMiB: { heap: Math.round(heapUsed / 2 ** 20), resident: Math.round(rss / 2 ** 20) },
    microsecondsPerRequest: await requests(),
  }),
)
