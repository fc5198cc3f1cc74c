import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { Client, configMaps, httpsTransport, seededRandom, systemClock } from '@locktender/kube'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ApiServer } from '../server.ts'
import type { ListeningAddress } from '../server.ts'
import { admin, CM } from '../testing/test-cluster.ts'
import type { TestObject } from '../testing/test-cluster.ts'

const clock = systemClock()
let server: ApiServer
let address: ListeningAddress

beforeEach(async () => {
  server = await ApiServer.open({ clock, random: seededRandom(1) })
  await server.cluster('hub')
  address = await server.listen()
})

afterEach(() => server.close())

/** Asks for a watch and then reads nothing. */
async function deafClient(): Promise<{ socket: TLSSocket; closed: Promise<void> }> {
  const { port } = new URL(address.url)
  const socket = connect({ port: Number(port), host: '127.0.0.1', ca: address.certificateAuthority })
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve))
  const path = `/clusters/hub${CM}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.issueToken(admin)}\r\n\r\n`)
  // Its headers come at once; whatever comes later stays in the socket.
  await new Promise<void>((resolve) => socket.once('data', () => resolve()))
  socket.pause()
  socket.on('error', () => {})
  return { socket, closed: new Promise((resolve) => socket.once('close', () => resolve())) }
}

test('a client that never reads is cut off, and nobody else notices', async () => {
  const { socket, closed } = await deafClient()
  const transport = httpsTransport({
    server: `${address.url}/clusters/hub`,
    certificateAuthority: address.certificateAuthority,
    token: server.issueToken(admin),
    clock,
  })
  const client = new Client({ transport })
  const abort = new AbortController()
  const seen: number[] = []
  const watch = client.watch(configMaps, { sendInitialEvents: true, signal: abort.signal })
  const total = 60
  const reading = (async () => {
    for await (const event of watch) {
      if (event.type !== 'BOOKMARK') seen.push(Number(event.object().metadata.name.slice(1)))
      if (seen.length === total) abort.abort()
    }
  })()
  const data = { text: 'x'.repeat(900_000) }
  for (let index = 0; index < total; index++) {
    const object: TestObject = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `c${index}`, namespace: 'default' },
      data,
    }
    await client.create(configMaps, object)
    await client.delete(configMaps, { name: `c${index}`, namespace: 'default' })
    if (seen.length >= total) break
  }
  await reading.catch(() => {})
  expect(seen.length).toBe(total)
  // The server has closed the connection: reading on finds the end of what had been sent, and not all of it.
  let received = 0
  socket.on('data', (chunk: Buffer) => (received += chunk.length))
  socket.resume()
  await closed
  expect(received).toBeLessThan(30 * 900_000)
  await transport.close()
})
