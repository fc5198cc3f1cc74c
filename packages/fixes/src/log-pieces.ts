import { errorText } from '@locktender/kube'
import { createHash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { RolloutLog } from '@locktender/fleet'
import { InputError } from '@locktender/releases'

/** Lines of a log as the data of a piece. */
export function packLines(text: string): string {
  return gzipSync(text).toString('base64')
}

/** Digest of the data of a piece, which the piece after it carries: none can be left out or exchanged unnoticed. */
export function dataDigest(data: string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`
}

/**
 * The lines of a whole log, piece by piece.
 *
 * @throws InputError with the piece that is missing, does not follow the one before it or cannot be read
 */
export function* unpackedLines(pieces: readonly RolloutLog[]): Generator<string> {
  let expected: string | undefined
  const inOrder = [...pieces].sort((left, right) => left.spec.sequence - right.spec.sequence)
  for (const [index, { metadata, spec }] of inOrder.entries()) {
    const number = index + 1
    if (spec.sequence !== number) {
      throw new InputError(
        `piece ${number} of the log of rollout ${spec.rollout} is missing, so nothing after it can be relied upon; see "kubectl get rolloutlogs"`,
      )
    }
    if (spec.previous !== expected) {
      throw new InputError(
        `RolloutLog ${metadata.name} does not follow the piece before it: it names ${spec.previous ?? 'none'}, and that one is ${expected ?? 'none'}. One of the two was exchanged, so the log proves nothing`,
      )
    }
    expected = dataDigest(spec.data)
    yield linesOf(metadata.name, spec.data)
  }
}

function linesOf(name: string, data: string): string {
  try {
    const text = gunzipSync(Buffer.from(data, 'base64')).toString('utf8')
    return text === '' || text.endsWith('\n') ? text : `${text}\n`
  } catch (error) {
    const why = errorText(error)
    throw new InputError(
      `the data of RolloutLog ${name} cannot be read (${why}); it was damaged, so the log proves nothing`,
    )
  }
}
