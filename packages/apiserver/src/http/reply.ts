import { yaml } from '@locktender/kube'
import type { ApiError, Status } from '@locktender/kube'
import type { ByteStream } from '../present/byte-stream.ts'
import { encodeJson } from '../objects/object.ts'

/** What is sent back: a whole body, or a stream that ends some time. */
export interface Reply {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | ByteStream
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-cache, private' }

export function jsonReply(status: number, body: Uint8Array | ByteStream, headers?: Record<string, string>): Reply {
  return { status, headers: headers === undefined ? HEADERS : { ...HEADERS, ...headers }, body }
}

/** The same in YAML; streams stay as they are. */
export function yamlReply(reply: Reply): Reply {
  if (!(reply.body instanceof Uint8Array)) return reply
  const value: unknown = JSON.parse(Buffer.from(reply.body).toString('utf8'))
  const text = yaml().stringify(value, { version: '1.1', sortMapEntries: true, lineWidth: 0 })
  return { ...reply, headers: { ...reply.headers, 'content-type': 'application/yaml' }, body: Buffer.from(text) }
}

export function textReply(status: number, text: string): Reply {
  return { status, headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(text) }
}

/** 404 of a path below which nothing is served; only groups with built-in kinds have more to say. */
export function pageNotFound(): Reply {
  const { headers, ...reply } = textReply(404, '404 page not found\n')
  return { ...reply, headers: { ...headers, 'x-content-type-options': 'nosniff' } }
}

/** Codes of answers that tell a client to try again, after a second if they do not say when. */
const RETRY_LATER: readonly number[] = [429, 503]

export function errorReply(error: ApiError, headers: Record<string, string> = {}): Reply {
  const retry = error.status.details?.retryAfterSeconds ?? (RETRY_LATER.includes(error.code) ? 1 : undefined)
  return statusReply(error.status, retry === undefined ? headers : { ...headers, 'retry-after': String(retry) })
}

export function statusReply(status: Status, headers?: Record<string, string>): Reply {
  return jsonReply(status.code ?? 200, encodeJson(status), headers)
}
