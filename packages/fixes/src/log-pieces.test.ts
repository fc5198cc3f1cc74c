import { API_VERSION, type RolloutLog } from '@locktender/fleet'
import { describe, expect, test } from 'vitest'
import { dataDigest, packLines, unpackedLines } from './log-pieces.ts'

const texts = ['{"type":"begin"}\n', '{"type":"decide"}\n{"type":"resume"}\n', '{"type":"pause"}']

/** The pieces of a log with these texts. */
function piecesOf(...lines: readonly string[]): RolloutLog[] {
  const pieces: RolloutLog[] = []
  for (const text of lines) {
    const before = pieces.at(-1)
    const sequence = pieces.length + 1
    pieces.push({
      apiVersion: API_VERSION,
      kind: 'RolloutLog',
      metadata: { name: `run-1-${String(sequence).padStart(6, '0')}` },
      spec: {
        rollout: 'run-1',
        rolloutUid: 'uid-1',
        sequence,
        from: '2026-01-05T08:00:00Z',
        to: '2026-01-05T08:10:00Z',
        entries: text.trim().split('\n').length,
        data: packLines(text),
        ...(before === undefined ? {} : { previous: dataDigest(before.spec.data) }),
      },
    })
  }
  return pieces
}

const joined = (pieces: readonly RolloutLog[]) => [...unpackedLines(pieces)].join('')

describe('the pieces of a log', () => {
  test('make the whole log again, in whatever order they are listed', () => {
    const pieces = piecesOf(...texts)
    expect(joined(pieces.toReversed())).toBe(`${texts.join('')}\n`)
    expect(joined([])).toBe('')
  })

  const [first, second, third] = piecesOf(...texts) as [RolloutLog, RolloutLog, RolloutLog]
  const changed = { ...second, spec: { ...second.spec, data: packLines('{"type":"abort"}\n') } }
  const damaged = { ...third, spec: { ...third.spec, data: 'AAAA' } }
  test.each([
    ['the first is missing', [second, third], /piece 1 of the log of rollout run-1 is missing/],
    ['one is missing', [first, third], /piece 2 of the log of rollout run-1 is missing/],
    ['one is there twice', [first, second, second], /piece 3 .* is missing/],
    ['one was exchanged', [first, changed, third], /RolloutLog run-1-000003 does not follow/],
    [
      'the first names one before it',
      [{ ...first, spec: { ...first.spec, previous: dataDigest('x') } }],
      /000001 does not follow/,
    ],
    ['one was damaged', [first, second, damaged], /the data of RolloutLog run-1-000003 cannot be read/],
  ])('are refused when %s', (_, pieces, message) => {
    expect(() => joined(pieces)).toThrow(message)
  })

  test('pack well', () => {
    const text = texts[1]!.repeat(1000)
    expect(packLines(text).length).toBeLessThan(text.length / 50)
  })
})
