import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { TestAuthority } from './certificates.ts'

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly authority: TestAuthority
  /** Cuts all connections without a word. */
  cut(): void
}

/** A real HTTPS server on a free loopback port that asks for client certificates without insisting on one. */
export async function startHttpsServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  names: readonly string[] = ['127.0.0.1', 'localhost'],
): Promise<TestServer> {
  const authority = await TestAuthority.create()
  const { certificate, key } = await authority.server(...names)
  const options = { cert: certificate, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false }
  const server = createServer(options, handler)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authority,
    cut,
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

/** Common name of the client certificate of a request, if it has one that our authority issued. */
export function clientName(request: IncomingMessage): string | undefined {
  const socket = request.socket as TLSSocket
  return socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined
}
