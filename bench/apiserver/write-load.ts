// Load generator: clients that create objects and then update them, each waiting for one answer before it goes on.
import type { Access } from './connection.ts'
import { Connection } from './connection.ts'
import { cpuSeconds, report, reportsPath } from './parts.ts'

export interface WriteLoad {
  readonly access: Access
  readonly clients: number
  readonly objects: number
}

export interface WriteResult {
  readonly createSeconds: number
  readonly updateSeconds: number
  readonly cpuSeconds: number
  /** Milliseconds, sorted. */
  readonly latencies: number[]
}

process.on('message', (load: WriteLoad) => {
  void run(load).then((result) => process.send!(result, () => process.disconnect()))
})

async function run({ access, clients, objects }: WriteLoad): Promise<WriteResult> {
  const connections = await Promise.all(Array.from({ length: clients }, () => Connection.open(access)))
  const path = `/clusters/hub${reportsPath}`
  const cpu = process.cpuUsage()
  const latencies: number[] = []
  const stored: string[] = []
  const each = async (write: (connection: Connection, index: number) => Promise<void>): Promise<number> => {
    const start = performance.now()
    let next = 0
    await Promise.all(
      connections.map(async (connection) => {
        for (let index = next++; index < objects; index = next++) {
          const sent = performance.now()
          await write(connection, index)
          latencies.push(performance.now() - sent)
        }
      }),
    )
    return (performance.now() - start) / 1000
  }
  const template = JSON.stringify(report('NAME', 0))
  const createSeconds = await each(async (connection, index) => {
    const { status, body } = await connection.request('POST', path, template.replace('NAME', `w${index}`))
    if (status !== 201) throw new Error(`${status}: ${body.toString()}`)
    stored[index] = body.toString()
  })
  const updateSeconds = await each(async (connection, index) => {
    const body = stored[index]!.replace('"revision":0', `"revision":${index + 1}`)
    const answer = await connection.request('PUT', `${path}/w${index}`, body)
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`)
  })
  for (const connection of connections) connection.close()
  latencies.sort((left, right) => left - right)
  return { createSeconds, updateSeconds, cpuSeconds: cpuSeconds(cpu), latencies }
}
