import { dataDigest, packLines } from '@locktender/fixes'
import { API_VERSION, type RolloutLog } from '@locktender/fleet'
import { expect, test } from 'vitest'
import { exitCodes } from '../exit-codes.ts'
import { HALF_WAY, rolloutOf } from '../testing/objects.ts'
import { listOf, runLkt } from '../testing/run-lkt.ts'

const api = '/apis/locktender.dev/v1alpha1'
const rollout = { ...rolloutOf(HALF_WAY), metadata: { name: 'run-1', uid: 'uid-1' } }

function piece(sequence: number, text: string, previous?: RolloutLog, rolloutUid = 'uid-1'): RolloutLog {
  return {
    apiVersion: API_VERSION,
    kind: 'RolloutLog',
    metadata: { name: `run-1-00000${sequence}` },
    spec: {
      rollout: 'run-1',
      rolloutUid,
      sequence,
      from: '2026-01-05T07:10:00Z',
      to: `2026-01-05T07:1${sequence}:00Z`,
      entries: 1,
      data: packLines(text),
      ...(previous === undefined ? {} : { previous: dataDigest(previous.spec.data) }),
    },
  }
}

const first = piece(1, '{"type":"begin"}\n')
const second = piece(2, '{"type":"resume"}\n', first)
const run = (pieces: readonly RolloutLog[], known = true) =>
  runLkt(['rollout', 'export', 'run-1'], {
    answers: {
      [`GET ${api}/rolloutlogs`]: listOf(...pieces),
      ...(known ? { [`GET ${api}/rollouts/run-1`]: { body: rollout } } : {}),
    },
  })

test('writes the lines in order, asking only for the log of this rollout', async () => {
  const { code, out, notes, requests } = await run([second, first])
  expect({ code, out }).toEqual({ code: 0, out: '{"type":"begin"}\n{"type":"resume"}\n' })
  expect(notes).toBe(
    '2 entries in 2 pieces, until 2026-01-05T07:12:00Z, the chain of digests is whole; the rollout goes on\n',
  )
  expect(requests[1]).toContain(`labelSelector=${encodeURIComponent('locktender.dev/rollout=run-1')}`)
})

test('leaves out an earlier rollout of the same name', async () => {
  const { out } = await run([piece(1, 'old\n', undefined, 'uid-0'), first])
  expect(out).toBe('{"type":"begin"}\n')
})

test('writes nothing of a log that is not whole', async () => {
  const { code, out, notes } = await run([second])
  expect({ code, out }).toEqual({ code: exitCodes.failed, out: '' })
  expect(notes).toContain('piece 1 of the log of rollout run-1 is missing')
})

test('knows from the rollout how many pieces there are at least', async () => {
  const status = { ...HALF_WAY, log: { pieces: 2 } }
  const { code, out, notes } = await runLkt(['rollout', 'export', 'run-1'], {
    answers: {
      [`GET ${api}/rolloutlogs`]: listOf(first),
      [`GET ${api}/rollouts/run-1`]: { body: { ...rollout, status } },
    },
  })
  expect({ code, out }).toEqual({ code: exitCodes.failed, out: '' })
  expect(notes).toContain('stored 2 pieces of its log and only 1 are there')
})

test('says what there is when there is no log', async () => {
  expect(await run([])).toMatchObject({ code: exitCodes.notFound, out: '' })
  expect((await run([])).notes).toContain('rollout run-1 has no log yet')
  expect((await run([], false)).notes).toContain('there is no rollout run-1, and no log of one')
  expect((await run([first], false)).out).toBe('{"type":"begin"}\n')
})
