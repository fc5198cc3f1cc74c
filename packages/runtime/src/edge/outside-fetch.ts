import type { ClientRequest } from 'node:http'
import { ConnectionError, errorText } from '@locktender/kube'
import type { OutsideAnswer, OutsideRequest } from '../outside.ts'

/** What is larger is cut off: nobody reads megabytes of discovery. */
const LARGEST_BODY = 4 * 1024 * 1024

/** Asks over http or https, directly, without following redirects. */
export function outsideFetch(request: OutsideRequest): Promise<OutsideAnswer> {
  const { url, method = 'GET', headers, body, certificateAuthority, timeoutMs = 30_000 } = request
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      reject(new ConnectionError(`${method} ${url}: ${why}`, { cause }))
      sent?.destroy()
    }
    const options = { method, ...(headers && { headers: { ...headers } }), signal: AbortSignal.timeout(timeoutMs) }
    let sent: ClientRequest | undefined
    try {
      sent = url.startsWith('https:')
        ? http('https').request(url, {
            ...options,
            ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
          })
        : http('http').request(url, options)
    } catch (error) {
      fail(errorText(error), error)
      return
    }
    sent.on('error', (error) => {
      fail(error.name === 'AbortError' ? `no answer within ${timeoutMs} ms` : errorText(error), error)
    })
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > LARGEST_BODY) fail(`the answer is larger than ${LARGEST_BODY} bytes`)
      })
      response.on('error', (error) => fail(errorText(error), error))
      response.on('end', () => {
        const flat = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(flat) as Record<string, string>,
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    sent.end(body)
  })
}

/** Not imported: that would load everything the module can do, fetch and WebSocket among it, with every start. */
function http(scheme: 'http' | 'https') {
  return scheme === 'http' ? process.getBuiltinModule('node:http') : process.getBuiltinModule('node:https')
}
