import type { Http2SecureServer, ServerHttp2Session } from 'node:http2'
import { systemClock } from '@locktender/kube'

/** How long a client may take, in milliseconds of the machine's time, as connections are the machine's. */
export interface TimeLimits {
  /** To agree on encryption. */
  readonly handshakeMs: number
  /** To say what it wants: until all headers of a request, and the first on its connection, have come. */
  readonly headersMs: number
  /** For all of a request that is no watch: from its headers to the beginning of the answer. */
  readonly requestMs: number
  /** To ask for something again on the same connection. */
  readonly idleMs: number
}

/** As in kube-apiserver, where it has them. */
export const timeLimits: TimeLimits = {
  handshakeMs: 10_000,
  headersMs: 32_000,
  requestMs: 60_000,
  idleMs: 90_000,
}

/** All headers of a request together. */
export const maxHeaderBytes = 64 * 1024

/** Requests and watches one HTTP/2 connection may have open: Go clients put all of theirs on one. */
export const maxConcurrentStreams = 1000

/** How often connections are looked at that do not get anywhere. */
const CHECK_MS = 5_000

/** Sets the limits of HTTP/1.1 connections, which the server itself sees to. Call it before the server listens. */
export function limitHttp1(server: Http2SecureServer, { headersMs, requestMs, idleMs }: TimeLimits): void {
  // A server of both protocols reads these fields as one of HTTP/1.1 does, but its type does not have them.
  Object.assign(server, {
    headersTimeout: headersMs,
    requestTimeout: Math.max(headersMs, requestMs),
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, headersMs),
    maxHeaderSize: maxHeaderBytes,
  })
}

/** Ends an HTTP/2 connection on which nothing is asked, whatever else is sent on it. */
export function limitSession(session: ServerHttp2Session, { headersMs, idleMs }: TimeLimits): void {
  const clock = systemClock()
  let open = 0
  let idleSince = clock.now()
  let asked = false
  let cancel = clock.after(headersMs, check)

  function check(): void {
    if (open > 0) return
    if (!asked) {
      session.destroy()
      return
    }
    const left = idleSince + idleMs - clock.now()
    if (left <= 0) session.close()
    else cancel = clock.after(left, check)
  }

  session.on('stream', (stream) => {
    open++
    asked = true
    stream.once('close', () => {
      open--
      if (open > 0) return
      idleSince = clock.now()
      cancel()
      cancel = clock.after(idleMs, check)
    })
  })
  session.once('close', () => cancel())
}
