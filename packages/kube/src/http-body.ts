import { ApiError } from './errors.ts'
import type { Status } from './errors.ts'
import type { TransportResponse } from './transport.ts'

const NEWLINE = 0x0a

/** The whole body as text. */
export async function readBody(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  const only = chunks[0]
  if (only === undefined) return ''
  const bytes = chunks.length === 1 ? Buffer.from(only.buffer, only.byteOffset, only.byteLength) : Buffer.concat(chunks)
  return bytes.toString('utf8')
}

/** The non-empty lines of a stream, without their newline. A line cut off by the end of the stream is dropped. */
export async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = []
  for await (const chunk of body) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start)
      if (end === -1) break
      const piece = chunk.subarray(start, end)
      start = end + 1
      if (pending.length > 0) {
        pending.push(piece)
        const line = Buffer.concat(pending)
        pending = []
        if (line.length > 0) yield line
      } else if (piece.length > 0) {
        yield piece
      }
    }
    if (start < chunk.length) pending.push(start === 0 ? chunk : chunk.subarray(start))
  }
}

/** The error of an answer that is not a success; answers without a Status body (proxies, plain text) get one. */
export async function errorFromAnswer(response: TransportResponse): Promise<ApiError> {
  const text = await readBody(response.body)
  const status = parseStatus(text) ?? plainStatus(response.status, text)
  const retryAfter = Number(response.headers['retry-after'])
  if (retryAfter > 0 && status.details?.retryAfterSeconds === undefined) {
    status.details = { ...status.details, retryAfterSeconds: retryAfter }
  }
  return new ApiError({ ...status, code: status.code ?? response.status })
}

function parseStatus(text: string): Status | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const candidate = JSON.parse(text) as Partial<Status>
    return candidate.kind === 'Status' ? (candidate as Status) : undefined
  } catch {
    return undefined
  }
}

/** Reasons by HTTP status, as k8s.io/apimachinery NewGenericServerResponse gives them. */
const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', 'the server refused this request'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Gone', 'the server no longer has what was asked for'],
  413: ['RequestEntityTooLarge', 'the request is too large'],
  415: ['UnsupportedMediaType', 'the server was unable to read the media type of the request'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'an error on the server has prevented the request from succeeding'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the server was unable to return a response in the time allotted'],
}

function plainStatus(code: number, text: string): Status {
  const [reason, message] = REASONS[code] ?? ['', `the server responded with the status code ${code}`]
  const excerpt = text.trim().slice(0, 256)
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: excerpt === '' ? message : `${message} (${excerpt})`,
    ...(reason === '' ? {} : { reason }),
    code,
  }
}
