import type { ServerResponse } from 'node:http'
import { systemClock } from '@locktender/kube'
import { Turns } from '../edge/turns.ts'
import type { ByteStream } from '../present/byte-stream.ts'
import type { Reply } from './reply.ts'

/** How long a client may take nothing of an answer before it counts as gone. */
const STALL_MS = 60_000
/** Part of an answer that is handed over at once; less than this may wait in memory for a client that takes nothing. */
const PIECE_BYTES = 1024 * 1024

/**
 * Of all watches of all servers in this process. One that is told often, beside many others, is told several things at
 * once: each write to a socket costs as much as many an event.
 */
const turns = new Turns()

/** Whether nobody can be answered any more. Responses over HTTP/2 do not say so themselves, but their streams do. */
function isGone(response: ServerResponse & { readonly stream?: { readonly destroyed: boolean } | undefined }): boolean {
  return response.destroyed || response.stream?.destroyed === true
}

/** Sends an answer no faster than the client takes it; resolves when it is sent or the client is gone. */
export async function send(reply: Reply, response: ServerResponse): Promise<void> {
  const { status, headers, body } = reply
  if (isGone(response) || response.writableEnded) {
    if (!(body instanceof Uint8Array)) await body.return()
    return
  }
  if (body instanceof Uint8Array) {
    response.writeHead(status, { ...headers, 'content-length': String(body.length) })
    await sendBody(body, response)
    return
  }
  response.writeHead(status, { ...headers })
  // Clients wait for the headers before they consider a watch begun.
  response.flushHeaders()
  await pump(body, response)
}

async function sendBody(body: Uint8Array, response: ServerResponse): Promise<void> {
  let sent = 0
  for (; body.length - sent > PIECE_BYTES && !isGone(response); sent += PIECE_BYTES) {
    if (!response.write(body.subarray(sent, sent + PIECE_BYTES))) await drained(response)
  }
  if (isGone(response)) return
  await new Promise<void>((resolve) => {
    response.once('close', resolve)
    response.end(body.subarray(sent), resolve)
  })
}

async function pump(stream: ByteStream, response: ServerResponse): Promise<void> {
  stream.onOverflow(() => response.destroy())
  stream.wakeBy(turns.ask)
  for await (const chunk of stream) {
    if (isGone(response)) break
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}

/** Resolves when the client takes more, or is gone: at the latest after it has taken nothing for a minute. */
function drained(response: ServerResponse): Promise<void> {
  // It will take no more, and has said so already.
  if (isGone(response)) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    const cancel = systemClock().after(STALL_MS, () => response.destroy())
    response.on('drain', done)
    response.on('close', done)
  })
}
