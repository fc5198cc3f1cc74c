import { MAX_LOG_DATA } from '@locktender/fleet'
import { seededRandom } from '@locktender/kube'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { LogBuffer } from './log-buffer.ts'
import type { LogPiece } from './log-buffer.ts'

const textOf = ({ data }: LogPiece) => gunzipSync(Buffer.from(data, 'base64')).toString()

/** Text that cannot be packed well. */
function noise(length: number): string {
  const random = seededRandom(1)
  return Array.from({ length }, () => String.fromCharCode(33 + Math.floor(random.next() * 90))).join('')
}

describe('lines of a log', () => {
  test('are a piece with the times of the first and the last', () => {
    const buffer = new LogBuffer()
    expect([buffer.isEmpty, buffer.take()]).toEqual([true, []])
    buffer.add('{"type":"begin"}', 1000)
    buffer.add('{"type":"resume"}', 2000)
    expect(buffer.isEmpty).toBe(false)
    const pieces = buffer.take()
    expect(pieces.map(({ from, to, entries }) => [from, to, entries])).toEqual([[1000, 2000, 2]])
    expect(textOf(pieces[0]!)).toBe('{"type":"begin"}\n{"type":"resume"}\n')
    expect([buffer.isEmpty, buffer.take()]).toEqual([true, []])
  })

  test('are several when there are many, and none is lost or cut', () => {
    const buffer = new LogBuffer()
    const lines = Array.from({ length: 30_000 }, (_, index) =>
      JSON.stringify({ type: 'see', id: `mc/cp-${index}`, phase: 'Applying' }),
    )
    const fullAt = lines.findIndex((line, index) => {
      buffer.add(line, index)
      return buffer.isFull
    })
    const length = lines.slice(0, fullAt + 1).join('\n').length
    expect(length).toBeGreaterThan(1_048_000)
    expect(length).toBeLessThan(1_049_000)
    for (const [index, line] of lines.slice(fullAt + 1).entries()) buffer.add(line, fullAt + 1 + index)
    const pieces = buffer.take()
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.map(textOf).join('')).toBe(`${lines.join('\n')}\n`)
    expect(pieces.reduce((sum, { entries }) => sum + entries, 0)).toBe(lines.length)
    expect(pieces[1]?.from).toBe(pieces[0]!.to + 1)
  })

  test('that do not pack well are smaller pieces, as small as they must be', () => {
    const buffer = new LogBuffer()
    const text = noise(400_000)
    buffer.add(text, 1)
    buffer.add(text.split('').reverse().join(''), 2)
    const pieces = buffer.take()
    expect(pieces.map(({ from, to, entries }) => [from, to, entries])).toEqual([
      [1, 1, 1],
      [2, 2, 1],
    ])
    expect(Math.max(...pieces.map(({ data }) => data.length))).toBeLessThan(MAX_LOG_DATA)
    buffer.add(noise(1_000_000), 3)
    expect(() => buffer.take()).toThrow(RangeError)
  })
})
