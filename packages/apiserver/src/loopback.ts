import { ConnectionError } from '@locktender/kube'
import type { Transport, TransportRequest, TransportResponse } from '@locktender/kube'
import type { LogicalCluster } from './cluster.ts'
import { handleRequest } from './http/handle-request.ts'
import { isBinary } from './present/media-types.ts'
import { authenticated } from './user.ts'
import type { UserInfo } from './user.ts'

const NO_HEADERS = {}

/** A transport that enters the handler chain directly, as `user`; no sockets, no encryption, no authentication. */
export function loopbackTransport(cluster: LogicalCluster, user: UserInfo): Transport {
  const identity = authenticated(user)
  const prefix = `${cluster.basePath}/`
  let closed = false
  return {
    async request({ method, path, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
      if (closed) throw new ConnectionError('the transport is closed')
      if (signal?.aborted === true) throw new ConnectionError('the request was aborted', { cause: signal.reason })
      const reply = await handleRequest(cluster, {
        method,
        // Links in documents carry the base path, which a transport is otherwise free of.
        path: path.startsWith(prefix) ? path.slice(prefix.length - 1) : path,
        headers: headers ?? NO_HEADERS,
        body: bodyOf(body, headers?.['content-type']),
        user: identity,
        signal,
      })
      return {
        status: reply.status,
        headers: reply.headers,
        body: reply.body instanceof Uint8Array ? once(reply.body) : reply.body,
      }
    },
    close() {
      closed = true
      return Promise.resolve()
    },
  }
}

function bodyOf(body: Uint8Array | string | undefined, contentType: string | undefined): string | Uint8Array {
  if (body === undefined) return ''
  return typeof body === 'string' || isBinary(contentType) ? body : Buffer.from(body).toString('utf8')
}

function once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      let done = false
      return {
        next: () => {
          if (done) return Promise.resolve({ value: undefined, done: true })
          done = true
          return Promise.resolve({ value: bytes, done: false })
        },
      }
    },
  }
}
