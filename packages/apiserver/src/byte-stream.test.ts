import { describe, expect, test, vi } from 'vitest'
import { ByteStream } from './byte-stream.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

async function drain(stream: ByteStream): Promise<string[]> {
  const pieces: string[] = []
  for await (const piece of stream) pieces.push(Buffer.from(piece).toString())
  return pieces
}

test('first pieces come first, waiting ones together', async () => {
  const stream = new ByteStream([bytes('a'), bytes('b')])
  stream.push(bytes('c'))
  stream.push(bytes('d'))
  stream.end()
  stream.push(bytes('late'))
  expect(await drain(stream)).toEqual(['ab', 'cd'])
})

test('a waiting reader gets each piece at once', async () => {
  const stream = new ByteStream()
  const next = stream.next()
  stream.push(bytes('a'))
  expect(await next).toEqual({ value: bytes('a'), done: false })
  const last = stream.next()
  stream.end()
  expect((await last).done).toBe(true)
})

test('a reader who leaves closes it, once', async () => {
  const stream = new ByteStream([bytes('a')])
  const closed = vi.fn<() => void>()
  stream.onClose(closed)
  for await (const piece of stream) {
    expect(piece).toEqual(bytes('a'))
    break
  }
  stream.end()
  expect(closed).toHaveBeenCalledTimes(1)
})

describe('a reader who is too slow', () => {
  test('is let go after 32 MiB, with what was there', async () => {
    const stream = new ByteStream()
    const closed = vi.fn<() => void>()
    stream.onClose(closed)
    const megabyte = new Uint8Array(1024 * 1024)
    for (let count = 0; count < 40; count++) stream.push(megabyte)
    expect(closed).toHaveBeenCalledTimes(1)
    let size = 0
    for await (const piece of stream) size += piece.length
    expect(size).toBe(33 * 1024 * 1024)
  })
})
