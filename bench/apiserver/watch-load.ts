// Watchers, each on a connection of its own, that count what they are told.
import type { Access } from './connection.ts'
import { Connection } from './connection.ts'
import { cpuSeconds, reportsPath } from './parts.ts'

export interface WatchLoad {
  readonly access: Access
  readonly watchers: number
  /** Events each watcher must be told. */
  readonly events: number
}

export type WatchReply = 'watching' | { readonly bytes: number; readonly cpuSeconds: number }

const NEWLINE = 0x0a

process.on('message', (load: WatchLoad) => void run(load))

async function run({ access, watchers, events }: WatchLoad): Promise<void> {
  const connections: Connection[] = []
  // One at a time would take long, all at once overflow the queue of the socket.
  for (let start = 0; start < watchers; start += 50) {
    const count = Math.min(50, watchers - start)
    connections.push(...(await Promise.all(Array.from({ length: count }, () => Connection.open(access)))))
  }
  let bytes = 0
  let waiting = watchers
  const { promise: heads, resolve: headsSeen } = Promise.withResolvers<void>()
  const { promise: all, resolve: allSeen } = Promise.withResolvers<void>()
  let left = watchers
  for (const connection of connections) {
    let begun = false
    let lines = 0
    connection.stream(`/clusters/hub${reportsPath}?watch=true`, (chunk) => {
      if (!begun) {
        begun = true
        if (--waiting === 0) headsSeen()
      }
      bytes += chunk.length
      // Events end with a line feed of their own; those of the framing around them follow a carriage return.
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) {
        if (at > 0 && chunk[at - 1] === 0x7d) lines++
      }
      if (lines >= events) {
        lines = -Infinity
        if (--left === 0) allSeen()
      }
    })
  }
  await heads
  process.send!('watching' satisfies WatchReply)
  const cpu = process.cpuUsage()
  await all
  process.send!({ bytes, cpuSeconds: cpuSeconds(cpu) } satisfies WatchReply, () => process.disconnect())
  for (const connection of connections) connection.close()
}
