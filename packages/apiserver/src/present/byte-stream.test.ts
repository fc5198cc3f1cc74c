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

test('a batch comes as one, and streams with the same pieces share it', async () => {
  const pieces = [bytes('a'), bytes('b'), bytes('c')]
  const streams = [new ByteStream(), new ByteStream()]
  const waiting = streams.map((stream) => stream.next())
  for (const stream of streams) for (const piece of pieces) stream.push(piece)
  const [first, second] = await Promise.all(waiting)
  expect(first!.value).toEqual(bytes('abc'))
  expect(second!.value).toBe(first!.value)
  const other = new ByteStream()
  for (const piece of [pieces[0]!, pieces[2]!]) other.push(piece)
  expect((await other.next()).value).toEqual(bytes('ac'))
})

test('who wakes the reader decides how much comes together', async () => {
  const stream = new ByteStream()
  const wakes: (() => void)[] = []
  stream.wakeBy((wake) => wakes.push(wake))
  const next = stream.next()
  stream.push(bytes('a'))
  await Promise.resolve()
  stream.push(bytes('b'))
  expect(wakes).toHaveLength(1)
  wakes[0]!()
  expect((await next).value).toEqual(bytes('ab'))
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
  test('is let go after 16 MiB, and what waited for it is forgotten', async () => {
    const stream = new ByteStream([bytes('first')])
    const closed = vi.fn<() => void>()
    const overflowed = vi.fn<() => void>()
    stream.onClose(closed)
    stream.onOverflow(overflowed)
    expect((await stream.next()).value).toEqual(bytes('first'))
    stream.push(bytes('seen'))
    expect((await stream.next()).value).toEqual(bytes('seen'))
    const megabyte = new Uint8Array(1024 * 1024)
    for (let count = 0; count < 16; count++) stream.push(megabyte)
    expect(overflowed).not.toHaveBeenCalled()
    stream.push(megabyte)
    expect(overflowed).toHaveBeenCalledTimes(1)
    expect(closed).toHaveBeenCalledTimes(1)
    // No gap: nothing comes after what is missing.
    stream.push(bytes('late'))
    expect(await stream.next()).toEqual({ value: undefined, done: true })
  })
})
