import type { Clock } from './clock.ts'
import type { Credentials } from './https-transport.ts'

/** Service account tokens are rotated by the kubelet long before they expire; client-go reads them every minute too. */
const FRESH_MS = 60_000

export interface TokenFileOptions {
  readonly read: () => Promise<string>
  /** Used while the file has never been readable. */
  readonly fallback: string | undefined
  readonly clock: Clock
}

/** The token of a file, read again after a minute and when the server rejects it. */
export function readTokenFile(options: TokenFileOptions): (rejected?: Credentials) => Promise<Credentials> {
  const { read, fallback, clock } = options
  let token: string | undefined
  let readAt = Number.NEGATIVE_INFINITY
  return async (rejected) => {
    if (rejected !== undefined || clock.now() - readAt >= FRESH_MS) {
      try {
        token = (await read()).trim()
        readAt = clock.now()
      } catch (error) {
        // The last token may still be good; the file may be in the middle of being replaced.
        token ??= fallback
        if (token === undefined) throw error
      }
    }
    return token === undefined || token === '' ? {} : { token }
  }
}
