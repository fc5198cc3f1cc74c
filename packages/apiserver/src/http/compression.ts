import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { Reply } from './reply.ts'

/** Answers up to this size are sent as they are, as in kube-apiserver. */
const MIN_BYTES = 128 * 1024

const compress = promisify(gzip)

/** The reply with a smaller body, when it is large and the client can read that. */
export async function compressed(reply: Reply, acceptEncoding: string | string[] | undefined): Promise<Reply> {
  const { body, headers } = reply
  if (!(body instanceof Uint8Array) || body.length <= MIN_BYTES || !acceptsGzip(String(acceptEncoding ?? ''))) {
    return reply
  }
  const smaller = await compress(body, { level: constants.Z_BEST_SPEED })
  return { ...reply, headers: { ...headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' }, body: smaller }
}

function acceptsGzip(header: string): boolean {
  return header.split(',').some((clause) => {
    const [name = '', ...parameters] = clause.split(';').map((part) => part.trim().toLowerCase())
    return name === 'gzip' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
