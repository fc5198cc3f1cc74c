import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { forbidden } from './errors.ts'
import { errorFromAnswer, readBody, readLines } from './http-body.ts'

async function* chunks(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part)
}

/** The bytes of `text` in pieces cut at `cuts`. */
function split(text: string, cuts: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text)
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].toSorted(
    (a, b) => a - b,
  )
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

test('lines come out the same however the stream is cut, and a torn last line does not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: fc.constantFrom('a', '{', 'ü', '🚦', '\\n') })),
      fc.array(fc.nat()),
      async (lines, cuts) => {
        const text = lines.map((line) => `${line}\n`).join('')
        const read: string[] = []
        for await (const line of readLines(chunks(split(`${text}torn`, cuts)))) read.push(Buffer.from(line).toString())
        expect(read).toEqual(lines.filter((line) => line !== ''))
      },
    ),
  )
})

test('a body is read whole, with characters cut in the middle', async () => {
  const text = 'grün 🚦 '.repeat(10)
  expect(await readBody(chunks(split(text, [3, 7, 8, 9])))).toBe(text)
  expect(await readBody(chunks([]))).toBe('')
})

describe('errorFromAnswer', () => {
  const answer = (status: number, text: string, headers: Record<string, string> = {}) =>
    errorFromAnswer({ status, headers, body: chunks([Buffer.from(text)]) })

  test('takes the Status of the body', async () => {
    const sent = forbidden({ group: '', resource: 'pods' }, 'p', 'no')
    const error = await answer(403, JSON.stringify(sent.status))
    expect(error.status).toEqual(sent.status)
  })

  test.each([
    [404, '404 page not found\n', 'NotFound', 'the server could not find the requested resource (404 page not found)'],
    [502, '', '', 'the server responded with the status code 502'],
    [503, '<html>', 'ServiceUnavailable', 'the server is currently unable to handle the request (<html>)'],
    [410, '{"kind":"Other"}', 'Gone', 'the server no longer has what was asked for ({"kind":"Other"})'],
    [400, '{broken', 'BadRequest', 'the server rejected our request for an unknown reason ({broken)'],
  ])('makes one of a plain %d', async (code, text, reason, message) => {
    const error = await answer(code, text)
    expect([error.code, error.reason, error.message]).toEqual([code, reason, message])
  })

  test('Retry-After counts when the body does not say', async () => {
    expect((await answer(429, '', { 'retry-after': '7' })).retryAfterMs).toBe(7000)
    expect((await answer(429, '', { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' })).retryAfterMs).toBeUndefined()
  })
})
