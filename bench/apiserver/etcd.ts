import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const PUTS = 20_000
const VALUE_BYTES = 2048

/** Puts of 2 KB values by so many clients into an etcd on this machine; undefined when there is none. */
export async function etcdPutsPerSecond(clients: number): Promise<number | undefined> {
  if (spawnSync('etcd', ['--version']).error !== undefined) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'etcd-'))
  const [client, peer] = [await freeUrl(), await freeUrl()]
  const etcd = spawn(
    'etcd',
    ['--data-dir', directory, '--listen-client-urls', client, '--advertise-client-urls', client].concat(
      ['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ['--initial-cluster', `default=${peer}`, '--log-level', 'error'],
    ),
    { stdio: 'ignore' },
  )
  const exited = once(etcd, 'exit')
  try {
    // Puts must not reach whoever else would answer there.
    await Promise.race([reachable(client), exited.then(() => Promise.reject(new Error('etcd does not start')))])
    return await puts(client, clients)
  } finally {
    etcd.kill()
    await exited
    rmSync(directory, { recursive: true })
  }
}

/** A URL of this machine at which nobody listens. */
async function freeUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

async function reachable(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      if ((await fetch(`${url}/health`)).ok) return
    } catch {
      // Not yet.
    }
    await wait(100)
  }
  throw new Error('etcd does not start')
}

async function puts(url: string, clients: number): Promise<number> {
  const session = connect(url)
  const value = Buffer.alloc(VALUE_BYTES, 'x')
  const start = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let index = next++; index < PUTS; index = next++) {
        const message = Buffer.concat([field(1, Buffer.from(`/bench/${index % 10_000}`)), field(2, value)])
        const head = Buffer.alloc(5)
        head.writeUInt32BE(message.length, 1)
        await new Promise<void>((resolve, reject) => {
          const stream = session.request({
            ':method': 'POST',
            ':path': '/etcdserverpb.KV/Put',
            'content-type': 'application/grpc',
            te: 'trailers',
          })
          stream.once('error', reject)
          stream.once('trailers', ({ 'grpc-status': status }) => {
            if (status === '0') resolve()
            else reject(new Error(`etcd answered with status ${String(status)}`))
          })
          stream.resume()
          stream.end(Buffer.concat([head, message]))
        })
      }
    }),
  )
  session.close()
  return Math.round(PUTS / ((performance.now() - start) / 1000))
}

/** A protobuf field of bytes. */
function field(number: number, bytes: Buffer): Buffer {
  const head = [(number << 3) | 2]
  let length = bytes.length
  for (; length > 127; length >>= 7) head.push((length & 127) | 128)
  return Buffer.concat([Buffer.from([...head, length]), bytes])
}
