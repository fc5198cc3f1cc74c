// 100,000 objects of 2 KB: start from disk, memory for each, and pauses while they are changed.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { spawnSync } from 'node:child_process'
import { ApiServer } from '@locktender/apiserver'
import { Client, customResourceDefinitions, seededRandom, systemClock } from '@locktender/kube'
import { admin, cpuSeconds, report, reportDefinition, reports, reportsPath, rounded } from './apiserver/parts.ts'

const OBJECTS = 100_000
const UPDATES_PER_SECOND = 1000
const SECONDS = 20

async function open(directory: string): Promise<{ server: ApiServer; client: Client }> {
  const server = await ApiServer.open({
    clock: systemClock(),
    random: seededRandom(1),
    dataDirectory: directory,
    // So small that the updates make a snapshot necessary: it is written while they go on.
    historyEvents: 20_000,
    historyAgeMs: 0,
  })
  await server.cluster('hub')
  const transport = server.transport({ cluster: 'hub', user: admin })
  return { server, client: new Client({ transport, fieldManager: 'bench' }) }
}

/** Fills a data directory. */
async function fill(directory: string): Promise<void> {
  const { server, client } = await open(directory)
  await client.create(customResourceDefinitions, reportDefinition)
  for (let start = 0; start < OBJECTS; start += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => client.create(reports, report(`r${start + index}`, 0))))
  }
  // Some of it is old, so that there is something to leave behind.
  for (let start = 0; start < OBJECTS / 2; start += 500) {
    await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        client.patch(
          reports,
          { name: `r${start + index}`, namespace: 'default' },
          { spec: { revision: 1 } },
          { type: 'merge' },
        ),
      ),
    )
  }
  await server.close()
}

/** Starts on a full directory and updates it for a while; a process of its own, so that memory is only this. */
async function use(directory: string): Promise<object> {
  const empty = memory()
  const started = performance.now()
  const cpu = process.cpuUsage()
  const { server, client } = await open(directory)
  const first = await client.get<ReturnType<typeof report>>(reports, 'r0', 'default')
  const startSeconds = (performance.now() - started) / 1000
  const startCpuSeconds = cpuSeconds(cpu)
  const perObject = (memory() - empty) / OBJECTS
  const json = JSON.stringify(first).length

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  // On a busy machine others make this process wait; the time it keeps its own thread busy is its own doing.
  let busiest = 0
  let busy = threadMs()
  const timer = setInterval(() => {
    const now = threadMs()
    busiest = Math.max(busiest, now - busy)
    busy = now
  }, 5)
  const updating = process.cpuUsage()
  const begin = performance.now()
  const transport = server.transport({ cluster: 'hub', user: admin })
  let sent = 0
  const pending: Promise<unknown>[] = []
  while (sent < UPDATES_PER_SECOND * SECONDS) {
    const due = Math.min(
      UPDATES_PER_SECOND * SECONDS,
      Math.floor(((performance.now() - begin) / 1000) * UPDATES_PER_SECOND),
    )
    for (; sent < due; sent++) {
      const body = JSON.stringify({ spec: { revision: sent } })
      const path = `${reportsPath}/r${(sent * 7919) % OBJECTS}`
      const headers = { 'content-type': 'application/merge-patch+json', accept: 'application/json' }
      pending.push(transport.request({ method: 'PATCH', path, headers, body }))
    }
    await wait(5)
  }
  const answers = (await Promise.all(pending)) as { status: number }[]
  if (answers.some(({ status }) => status !== 200)) throw new Error('an update was refused')
  const elapsed = (performance.now() - begin) / 1000
  delay.disable()
  clearInterval(timer)
  const updateCpuSeconds = cpuSeconds(updating)
  const after = memory()
  await server.close()
  return {
    objectBytes: json,
    startSeconds: rounded(startSeconds),
    startCpuSeconds: rounded(startCpuSeconds),
    memoryPerObjectBytes: Math.round(perObject),
    memoryToJson: rounded(perObject / json),
    updatesPerSecond: Math.round(sent / elapsed),
    cpuMicrosecondsPerUpdate: Math.round((updateCpuSeconds / sent) * 1e6),
    snapshotWritten: readdirSync(join(directory, 'store')).some((name) => name.startsWith('snapshot-')),
    longestBusyMs: rounded(busiest, 1),
    longestPauseMs: rounded(delay.max / 1e6, 1),
    p99PauseMs: rounded(delay.percentile(99) / 1e6, 1),
    memoryAfterUpdatesMb: Math.round(after / 1e6),
  }
}

/** CPU time of the main thread in milliseconds. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Bytes this process needs, without garbage. */
function memory(): number {
  globalThis.gc!()
  globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [step, given] = process.argv.slice(2)
if (step === 'fill') await fill(given!)
else if (step === 'use') process.stdout.write(JSON.stringify(await use(given!)))
else {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    const run = (name: string): string => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['--expose-gc', import.meta.filename, name, directory],
        {
          encoding: 'utf8',
        },
      )
      if (status !== 0) throw new Error(stderr)
      return stdout
    }
    run('fill')
    process.stdout.write(run('use'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}
