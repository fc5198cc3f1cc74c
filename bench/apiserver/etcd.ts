import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const PUTS = 20_000
const VALUE_BYTES = 2048
/** Ports of the etcd that is started; nobody else should be there. */
const CLIENT_URL = 'http://127.0.0.1:23790'
const PEER_URL = 'http://127.0.0.1:23800'

/** Puts of 2 KB values by so many clients into an etcd on this machine; undefined when there is none. */
export async function etcdPutsPerSecond(clients: number): Promise<number | undefined> {
  if (spawnSync('etcd', ['--version']).error !== undefined) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'etcd-'))
  const etcd = spawn(
    'etcd',
    ['--data-dir', directory, '--listen-client-urls', CLIENT_URL, '--advertise-client-urls', CLIENT_URL].concat(
      ['--listen-peer-urls', PEER_URL, '--initial-advertise-peer-urls', PEER_URL],
      ['--initial-cluster', `default=${PEER_URL}`, '--log-level', 'error'],
    ),
    { stdio: 'ignore' },
  )
  try {
    await reachable()
    return await puts(clients)
  } finally {
    const exited = new Promise((resolve) => etcd.once('exit', resolve))
    etcd.kill()
    await exited
    rmSync(directory, { recursive: true })
  }
}

async function reachable(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      if ((await fetch(`${CLIENT_URL}/health`)).ok) return
    } catch {
      // Not yet.
    }
    await wait(100)
  }
  throw new Error('etcd does not start')
}

async function puts(clients: number): Promise<number> {
  const session = connect(CLIENT_URL)
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
