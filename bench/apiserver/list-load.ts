// Lists a collection again and again over one connection, and counts bytes.
import type { Access } from './connection.ts'
import { Connection } from './connection.ts'
import { reportsPath } from './parts.ts'

export interface ListLoad {
  readonly access: Access
  readonly lists: number
}

export interface ListResult {
  readonly seconds: number
  readonly bytes: number
}

process.on('message', ({ access, lists }: ListLoad) => {
  void run(access, lists).then((result) => process.send!(result, () => process.disconnect()))
})

async function run(access: Access, lists: number): Promise<ListResult> {
  const connection = await Connection.open(access)
  let bytes = 0
  const start = performance.now()
  for (let count = 0; count < lists; count++) {
    const { status, body } = await connection.request('GET', `/clusters/hub${reportsPath}`)
    if (status !== 200) throw new Error(`${status}: ${body.toString()}`)
    bytes += body.length
  }
  connection.close()
  return { seconds: (performance.now() - start) / 1000, bytes }
}
